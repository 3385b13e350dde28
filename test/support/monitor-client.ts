import type { ByteStream, StreamOwner } from '../../core/base/byte-stream.js'
import { latin1Octets, latin1Text } from '../../core/base/octets.js'
import { milliseconds } from '../../core/base/units.js'
import { parseIpv4 } from '../../core/net/wire/addresses.js'
import { QMP_PORT } from '../../core/hypervisor/wire/qmp.js'
import { places } from '../../core/session/rack.js'
import type { Session } from '../../core/session/session.js'

export type QmpMessage = Readonly<Record<string, unknown>>

/** Types at a monitor of a session's host, from the client's machine and over the network. */
export class MonitorClient implements StreamOwner {
  text = ''
  hasEnded = false
  hasFailed = false
  private readonly stream: ByteStream
  private takenCharacters = 0

  constructor(
    private readonly session: Session,
    { host = 'hostA', port = QMP_PORT }: { readonly host?: 'hostA' | 'hostB'; readonly port?: number } = {},
  ) {
    this.stream = session.world.rack.client.connect(parseIpv4(places[host].address), port)
    this.stream.owner = this
    session.runFor(milliseconds(5))
  }

  /** Sends it, and gives what came back since the last call. */
  send(text: string): string {
    this.stream.write(latin1Octets(text))
    this.session.runFor(milliseconds(2))
    return this.take()
  }

  take(): string {
    const taken = this.text.slice(this.takenCharacters)
    this.takenCharacters = this.text.length
    return taken
  }

  /** The messages of `send`, each a line. */
  ask(command: QmpMessage | string): QmpMessage[] {
    const messages = messagesOf(this.send(typeof command === 'string' ? command : `${JSON.stringify(command)}\n`))
    // On a busy cable the answer waits behind what is under way.
    for (let tries = 0; tries < 100 && !messages.some((one) => 'return' in one || 'error' in one); tries++)
      messages.push(...messagesOf(this.send('')))
    return messages
  }

  /** What the command returned, or its error; events before it are passed over. */
  execute(command: string, given?: QmpMessage): unknown {
    const message = given === undefined ? { execute: command } : { execute: command, arguments: given }
    const answer = this.ask(message).find((one) => 'return' in one || 'error' in one)
    return answer?.['return'] ?? answer?.['error']
  }

  /** A client that has negotiated. */
  static negotiated(session: Session, host: 'hostA' | 'hostB' = 'hostA'): MonitorClient {
    const client = new MonitorClient(session, { host })
    client.ask({ execute: 'qmp_capabilities' })
    return client
  }

  close(): void {
    this.stream.end()
  }

  streamOpened(): void {}
  streamReadable(): void {
    while (this.stream.readableOctets() > 0) this.text += latin1Text(this.stream.read(65536))
  }
  streamWritable(): void {}
  streamEnded(): void {
    this.streamReadable()
    this.hasEnded = true
  }
  streamFailed(): void {
    this.hasFailed = true
  }
}

export function messagesOf(text: string): QmpMessage[] {
  return text
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as QmpMessage)
}
