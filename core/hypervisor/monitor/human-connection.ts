/**
 * One connection to a human monitor's port: a prompt, lines, what they print. Octets that a telnet client negotiates with are
 * not asked for; editing is the client's own.
 */
import type { ByteStream, StreamOwner } from '../../base/byte-stream.js'
import { latin1Octets, latin1Text } from '../../base/octets.js'
import { QEMU_VERSION } from '../wire/qmp.js'
import type { Monitor } from './monitor.js'
import { SendQueue } from './send-queue.js'

const READ_OCTETS = 4096
/** monitor/hmp.c's line buffer. */
const LINE_CHARACTERS_MAX = 4095
const PROMPT = '(qemu) '

export class HumanConnection implements StreamOwner {
  private readonly output: SendQueue
  private line = ''
  private afterReturn = false

  constructor(
    private readonly monitor: Monitor,
    private readonly stream: ByteStream,
    private readonly owner: { connectionClosed(connection: object): void },
  ) {
    this.output = new SendQueue(stream)
    stream.owner = this
  }

  streamOpened(): void {
    const { major, minor, micro } = QEMU_VERSION
    this.print(`QEMU ${major}.${minor}.${micro} monitor - type 'help' for more information\r\n${PROMPT}`)
  }

  streamReadable(): void {
    while (this.stream.readableOctets() > 0 && !this.output.isFull)
      for (const character of latin1Text(this.stream.read(READ_OCTETS))) this.take(character)
    this.output.flush()
  }

  streamWritable(): void {
    this.output.flush()
    this.streamReadable()
  }

  streamEnded(): void {
    this.streamReadable()
    this.stream.end()
    this.owner.connectionClosed(this)
  }

  streamFailed(): void {
    this.owner.connectionClosed(this)
  }

  private take(character: string): void {
    const isRestOfEnd = character === '\n' && this.afterReturn
    this.afterReturn = character === '\r'
    if (isRestOfEnd) return
    if (character === '\n' || character === '\r') {
      const { line } = this
      this.line = ''
      this.print(`${this.monitor.humanCommand(line)}${PROMPT}`)
    } else if (character >= ' ' && this.line.length < LINE_CHARACTERS_MAX) this.line += character
  }

  private print(text: string): void {
    this.output.push(latin1Octets(text))
    this.output.flush()
  }
}
