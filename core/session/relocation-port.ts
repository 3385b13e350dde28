/**
 * A host's port for migrations, behind which the vulnerable receiver reads: a process for each connection, as xend has it. What happens
 * to the process happens in emulated memory (core/hypervisor/vulnerable-receiver); whoever takes it over has the host's management at
 * the connection.
 */
import type { ByteStream, StreamOwner } from '../base/byte-stream.js'
import { InputError, type Failure } from '../base/errors.js'
import { concatOctets, latin1Octets, latin1Text } from '../base/octets.js'
import {
  SHELL_LINE_OCTETS_MAX,
  SHELL_PROMPT,
  shellAnswer,
  type HostGuests,
} from '../hypervisor/vulnerable-receiver/management-shell.js'
import type { ReceiverOptions } from '../hypervisor/vulnerable-receiver/emulated-process.js'
import { Receiver, type ReceiverRun } from '../hypervisor/vulnerable-receiver/receiver.js'
import type { Nanos } from '../base/units.js'
import type { MemoryReservation } from '../hypervisor/host.js'
import { decodeOpening, RELOCATION_READY, RELOCATION_REQUEST } from '../hypervisor/wire/restore-stream.js'
import type { Kernel, KernelEvent, Process } from '../kernel/kernel.js'
import { TcpConnection } from '../net/tcp/tcp-connection.js'
import type { TcpListener } from '../net/tcp/tcp-layer.js'
import { ipText } from '../net/wire/addresses.js'

const READ_OCTETS = 16_384
/** A longer stream is not taken: it is read from its beginning each time that some of it comes. */
const STREAM_OCTETS_MAX = 65_536

/** What a connection may take; null: whatever it likes. */
export interface ReceiverLimits {
  /** Without a single octet. */
  readonly idleNs: Nanos | null
  /** From its beginning to its end. */
  readonly deadlineNs: Nanos | null
  /** At once, of one address. */
  readonly peerSlots: number | null
}

export interface RelocationHost extends HostGuests {
  readonly name: string
  readonly limits: ReceiverLimits
  /** Memory for the guest that a stream announces, before it has come. Throws `InputError` when it is not there. */
  reserve(opening: { readonly name: Uint8Array; readonly pages: number }): MemoryReservation
  release(reservation: MemoryReservation): void
  /** A process starts now. */
  receiverOptions(): ReceiverOptions
  /** The connection as the receiver gets it: as it came, or opened by a channel that asks who is there. */
  secured(stream: ByteStream): ByteStream
}

const LOOK: KernelEvent = Object.freeze({ kind: 'look at the limits' })

export class RelocationPort implements TcpListener {
  private connections = 0
  private readonly open: RelocationConnection[] = []

  constructor(
    private readonly kernel: Kernel,
    private readonly host: RelocationHost,
  ) {}

  connectionAccepted(stream: ByteStream): void {
    this.connections++
    const peer = stream instanceof TcpConnection ? ipText(stream.remoteAddress) : 'nobody'
    const parts = { host: this.host, connection: this.connections, peer }
    const connection = new RelocationConnection(this.kernel, parts)
    const others = this.open.filter((other) => !other.isOver)
    this.open.splice(0, Infinity, ...others, connection)
    const ofPeer = others.filter((other) => other.parts.peer === peer).length
    const { peerSlots } = this.host.limits
    if (peerSlots === null || ofPeer < peerSlots) connection.take(this.host.secured(stream))
    else connection.refuse(stream, `${peer} has ${ofPeer} migrations under way already`)
  }
}

class RelocationConnection implements StreamOwner, Process {
  private phase: 'request' | 'stream' | 'shell' | 'over' = 'request'
  private received: Uint8Array = new Uint8Array(0)
  private unsent: Uint8Array = new Uint8Array(0)
  private endsWhenSent = false
  private readonly receiver: Receiver
  private reservation: MemoryReservation | null = null
  private stream: ByteStream | null = null
  private readonly beganNs: Nanos
  private heardNs: Nanos

  constructor(
    private readonly kernel: Kernel,
    readonly parts: { readonly host: RelocationHost; readonly connection: number; readonly peer: string },
  ) {
    this.receiver = new Receiver(parts.host.receiverOptions())
    this.beganNs = this.heardNs = kernel.nowNs
  }

  get isOver(): boolean {
    return this.phase === 'over'
  }

  take(stream: ByteStream): void {
    this.stream = stream
    stream.owner = this
    this.lookAgain()
    if (stream.readableOctets() > 0) this.streamReadable(stream)
  }

  /** What it asked for is not looked at. */
  refuse(stream: ByteStream, why: string): void {
    this.tell('refused', 'admission', why)
    this.leave()
    stream.abort()
  }

  /** The time may have come at which a limit is reached. */
  handleEvent(): void {
    if (this.phase === 'over' || this.stream === null) return
    const late = this.lateness()
    if (late === null) return this.lookAgain()
    this.refuse(this.stream, late)
  }

  private lateness(): string | null {
    const { kernel, heardNs, beganNs } = this
    const { idleNs, deadlineNs } = this.parts.host.limits
    if (idleNs !== null && kernel.nowNs >= heardNs + idleNs) return `nothing came for ${idleNs / 1e9} s`
    if (deadlineNs !== null && kernel.nowNs >= beganNs + deadlineNs) return `not all there after ${deadlineNs / 1e9} s`
    return null
  }

  private lookAgain(): void {
    const { idleNs, deadlineNs } = this.parts.host.limits
    const nextNs = Math.min(this.heardNs + (idleNs ?? Infinity), this.beganNs + (deadlineNs ?? Infinity))
    if (nextNs < Infinity) this.kernel.scheduleAt(nextNs, this, LOOK)
  }

  streamReadable(stream: ByteStream): void {
    this.heardNs = this.kernel.nowNs
    while (this.phase !== 'over' && stream.readableOctets() > 0) {
      const room = STREAM_OCTETS_MAX - this.received.length
      this.received = concatOctets([this.received, stream.read(READ_OCTETS).subarray(0, room)])
    }
    this.goOn(stream, false)
  }

  streamEnded(stream: ByteStream): void {
    this.goOn(stream, true)
    if (this.phase === 'over') return
    this.leave()
    stream.end()
  }

  streamFailed(_stream: ByteStream, cause: Failure): void {
    if (this.phase === 'request') this.tell('refused', 'channel', cause.message)
    this.leave()
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

  /** As soon as it is known how big the guest is. */
  private reserve(stream: ByteStream): void {
    const opening = this.reservation === null ? decodeOpening(this.received) : null
    if (opening === null) return
    try {
      this.reservation = this.parts.host.reserve(opening)
      this.tell('reserved', 'admission', `${this.reservation.octets} octets for ${latin1Text(opening.name)}`)
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      this.refuse(stream, error.message)
    }
  }

  private runReceiver(stream: ByteStream, isEnded: boolean): void {
    this.reserve(stream)
    if (this.phase === 'over') return
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
      this.leave()
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
      this.send(stream, shellAnswer(line, this.parts.host))
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
    this.leave()
    this.endsWhenSent = true
    this.flush(stream)
  }

  /** Nothing more is taken, and what was kept for it is free again. */
  private leave(): void {
    this.phase = 'over'
    if (this.reservation !== null) this.parts.host.release(this.reservation)
    this.reservation = null
  }

  private tell(event: string, routine: string, detail: string): void {
    const { host, connection } = this.parts
    this.kernel.trace.add('receiver-run', { host: host.name, connection, event, routine, detail })
  }
}
