/**
 * A host's port for migrations, behind which the vulnerable receiver reads: a process for each connection, as xend has it. What happens
 * to the process happens in emulated memory (core/hypervisor/vulnerable-receiver); whoever takes it over has the host's management at
 * the connection.
 */
import type { ByteStream, StreamOwner } from '../base/byte-stream.js'
import type { Failure } from '../base/errors.js'
import { concatOctets, latin1Octets, latin1Text } from '../base/octets.js'
import {
  SHELL_LINE_OCTETS_MAX,
  SHELL_PROMPT,
  shellAnswer,
  type HostGuests,
} from '../hypervisor/vulnerable-receiver/management-shell.js'
import type { ReceiverOptions } from '../hypervisor/vulnerable-receiver/emulated-process.js'
import { Receiver, type ReceiverRun } from '../hypervisor/vulnerable-receiver/receiver.js'
import { RELOCATION_READY, RELOCATION_REQUEST } from '../hypervisor/wire/restore-stream.js'
import type { Kernel } from '../kernel/kernel.js'
import type { TcpListener } from '../net/tcp/tcp-layer.js'

const READ_OCTETS = 16_384
/** A longer stream is not taken: it is read from its beginning each time that some of it comes. */
const STREAM_OCTETS_MAX = 65_536

export interface RelocationHost extends HostGuests {
  readonly name: string
  /** A process starts now. */
  receiverOptions(): ReceiverOptions
  /** The connection as the receiver gets it: as it came, or opened by a channel that asks who is there. */
  secured(stream: ByteStream): ByteStream
}

export class RelocationPort implements TcpListener {
  private connections = 0

  constructor(
    private readonly kernel: Kernel,
    private readonly host: RelocationHost,
  ) {}

  connectionAccepted(stream: ByteStream): void {
    this.connections++
    const connection = new RelocationConnection(this.kernel, this.host, this.connections)
    connection.take(this.host.secured(stream))
  }
}

class RelocationConnection implements StreamOwner {
  private phase: 'request' | 'stream' | 'shell' | 'over' = 'request'
  private received: Uint8Array = new Uint8Array(0)
  private unsent: Uint8Array = new Uint8Array(0)
  private endsWhenSent = false
  private readonly receiver: Receiver

  constructor(
    private readonly kernel: Kernel,
    private readonly host: RelocationHost,
    private readonly connection: number,
  ) {
    this.receiver = new Receiver(host.receiverOptions())
  }

  take(stream: ByteStream): void {
    stream.owner = this
    if (stream.readableOctets() > 0) this.streamReadable(stream)
  }

  streamReadable(stream: ByteStream): void {
    while (this.phase !== 'over' && stream.readableOctets() > 0) {
      const room = STREAM_OCTETS_MAX - this.received.length
      this.received = concatOctets([this.received, stream.read(READ_OCTETS).subarray(0, room)])
    }
    this.goOn(stream, false)
  }

  streamEnded(stream: ByteStream): void {
    this.goOn(stream, true)
    if (this.phase === 'over') return
    this.phase = 'over'
    stream.end()
  }

  streamFailed(_stream: ByteStream, cause: Failure): void {
    if (this.phase === 'request') this.tell('refused', 'channel', cause.message)
    this.phase = 'over'
  }

  streamOpened(): void {}

  streamWritable(stream: ByteStream): void {
    this.flush(stream)
  }

  private goOn(stream: ByteStream, isEnded: boolean): void {
    if (this.phase === 'request') this.answerRequest(stream)
    if (this.phase === 'stream' && (this.received.length > 0 || isEnded)) this.runReceiver(stream, isEnded)
    if (this.phase === 'shell') this.answerLines(stream)
  }

  private answerRequest(stream: ByteStream): void {
    if (this.received.length < RELOCATION_REQUEST.length) return
    if (latin1Text(this.received.subarray(0, RELOCATION_REQUEST.length)) !== RELOCATION_REQUEST) {
      this.tell('refused', 'relocate', 'not a request')
      return this.close(stream)
    }
    this.drop(RELOCATION_REQUEST.length)
    this.phase = 'stream'
    this.send(stream, latin1Octets(RELOCATION_READY))
  }

  private runReceiver(stream: ByteStream, isEnded: boolean): void {
    const isAll = isEnded || this.received.length === STREAM_OCTETS_MAX
    const run = this.receiver.run(this.received, isAll)
    if (run.status === 'waiting') return
    if (run.corrupted !== null) this.tell('corrupted', run.corrupted.routine, run.corrupted.detail)
    this.tell(run.status, run.routine, run.detail)
    if (run.status === 'taken-over') {
      this.drop(run.octetsRead)
      this.phase = 'shell'
      return this.send(stream, latin1Octets(SHELL_PROMPT))
    }
    // The operating system closes what a process that is gone had open.
    if (run.status === 'crashed') {
      this.phase = 'over'
      return stream.abort()
    }
    this.sendKeys(stream, run)
    this.close(stream)
  }

  /** The guest is a program that echoes what is typed, on a console that whoever sent it sees. */
  private sendKeys(stream: ByteStream, { guest }: ReceiverRun): void {
    if (guest === null || guest.keysTaken.length === 0) return
    this.tell('keys', 'ps2_read_data', `${guest.keysTaken.length} octets of the keyboard’s queue go to ${guest.name}`)
    this.send(stream, guest.keysTaken)
  }

  private answerLines(stream: ByteStream): void {
    for (let end = this.received.indexOf(0x0a); end >= 0; end = this.received.indexOf(0x0a)) {
      const line = latin1Text(this.received.subarray(0, Math.min(end, SHELL_LINE_OCTETS_MAX)))
      this.drop(end + 1)
      this.tell('shell', 'management_shell', line)
      this.send(stream, shellAnswer(line, this.host))
    }
    if (this.received.length > SHELL_LINE_OCTETS_MAX) this.drop(this.received.length)
  }

  private drop(octets: number): void {
    this.received = this.received.slice(octets)
  }

  private send(stream: ByteStream, octets: Uint8Array): void {
    this.unsent = concatOctets([this.unsent, octets])
    this.flush(stream)
  }

  private flush(stream: ByteStream): void {
    const octets = this.unsent.subarray(0, stream.writableOctets())
    if (octets.length > 0) stream.write(octets)
    this.unsent = this.unsent.slice(octets.length)
    if (this.endsWhenSent && this.unsent.length === 0) stream.end()
  }

  private close(stream: ByteStream): void {
    this.phase = 'over'
    this.endsWhenSent = true
    this.flush(stream)
  }

  private tell(event: string, routine: string, detail: string): void {
    const { host, connection } = this
    this.kernel.trace.add('receiver-run', { host: host.name, connection, event, routine, detail })
  }
}
