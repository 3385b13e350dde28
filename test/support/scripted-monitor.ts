/** A monitor that answers as a test wants: with a value, with a refusal, or not at all. */
import type { ByteStream, StreamOwner } from '../../core/base/byte-stream.js'
import { latin1Octets, latin1Text } from '../../core/base/octets.js'
import { encodeError, encodeGreeting, encodeReturn, QmpError } from '../../core/hypervisor/wire/qmp.js'
import type { JsonOutput } from '../../core/hypervisor/wire/json-value.js'
import type { TcpListener } from '../../core/net/tcp/tcp-layer.js'

export type MonitorAnswer = Readonly<Record<string, JsonOutput>> | QmpError | 'nothing' | 'close'

export class ScriptedMonitor implements TcpListener, StreamOwner {
  /** What it was asked, but for the negotiation. */
  readonly asked: string[] = []
  private stream: ByteStream | null = null
  private text = ''

  /** Taken in turn, and the last of a command's answers again and again. `{}` where there are none. */
  constructor(private readonly answers: Readonly<Record<string, readonly MonitorAnswer[]>> = {}) {}

  connectionAccepted(stream: ByteStream): void {
    this.stream = stream
    stream.owner = this
  }
  streamOpened(stream: ByteStream): void {
    stream.write(encodeGreeting('Test'))
  }
  streamReadable(stream: ByteStream): void {
    const lines = (this.text + latin1Text(stream.read(stream.readableOctets()))).split('\r\n')
    this.text = lines.pop() ?? ''
    for (const line of lines) this.heard(stream, JSON.parse(line) as { execute: string; arguments?: object })
  }
  streamWritable(): void {}
  streamEnded(stream: ByteStream): void {
    stream.end()
  }
  streamFailed(): void {}

  say(text: string): void {
    this.stream?.write(latin1Octets(text))
  }

  private heard(stream: ByteStream, { execute, arguments: given }: { execute: string; arguments?: object }): void {
    const isNegotiation = execute === 'qmp_capabilities'
    const before = this.asked.filter((one) => one.split(' ')[0] === execute).length
    if (!isNegotiation) this.asked.push(given === undefined ? execute : `${execute} ${JSON.stringify(given)}`)
    const script = this.answers[execute] ?? [{}]
    const answer = script[Math.min(before, script.length - 1)]
    if (answer === 'close') stream.end()
    else if (answer instanceof QmpError) stream.write(encodeError(answer, undefined))
    else if (answer !== 'nothing') stream.write(encodeReturn(answer, undefined))
  }
}
