/**
 * A reliable, ordered connection over virtual time with nothing below it: bandwidth, delay and bounded buffers, but no
 * frames and no headers. It stands in for a network where only the pace matters: predictions, page-statistics guests,
 * tests.
 */
import type { ByteStream, StreamOwner, StreamState } from '../base/byte-stream.js'
import { assert } from '../base/errors.js'
import { OctetQueue } from '../base/octet-queue.js'
import type { Nanos } from '../base/units.js'
import type { Kernel, KernelEvent, Process } from './kernel.js'

export interface PacedStreamOptions {
  /** Bits a second each way. Default 1 Gbit/s. */
  readonly rateBps?: number
  /** From one end to the other. Default 100 microseconds. */
  readonly delayNs?: Nanos
  /** Send buffer and receive buffer, each. Default 128 KiB. */
  readonly bufferOctets?: number
  /** Octets that cross in one piece. Default 1448. */
  readonly segmentOctets?: number
}

type PacedEvent =
  | { readonly kind: 'paced-opened' | 'paced-segment-left' | 'paced-end' | 'paced-reset' | 'paced-window' }
  | { readonly kind: 'paced-segment'; readonly octets: Uint8Array }

/** One end. */
export class PacedStream implements ByteStream, Process {
  owner: StreamOwner | null = null
  state: StreamState = 'opening'
  octetsSent = 0
  /** The other end: whoever makes two ends joins them. */
  peer: PacedStream | null = null
  private readonly unsent = new OctetQueue()
  private readonly unread = new OctetQueue()
  private sending = false
  /** Octets put on the way to the peer so far, and octets that came in from it. */
  private departed = 0
  private received = 0
  private writerWaits = false
  private readerTold = false
  private ending: 'no' | 'asked' | 'sent' = 'no'

  constructor(
    private readonly kernel: Kernel,
    private readonly options: Required<PacedStreamOptions>,
  ) {}

  writableOctets(): number {
    if (this.state !== 'open' || this.ending !== 'no') return 0
    const room = this.options.bufferOctets - this.unsent.length
    if (room < this.options.bufferOctets / 2) this.writerWaits = true
    return room
  }

  write(octets: Uint8Array): void {
    assert(octets.length <= this.writableOctets(), 'wrote more than writableOctets')
    this.unsent.push(octets.slice())
    this.send()
  }

  readableOctets(): number {
    return this.unread.length
  }

  read(octetsMax: number): Uint8Array {
    const octets = this.unread.take(octetsMax)
    this.readerTold = false
    if (octets.length > 0) this.schedulePeer(this.options.delayNs, { kind: 'paced-window' })
    return octets
  }

  end(): void {
    if (this.ending !== 'no' || this.state !== 'open') return
    this.ending = 'asked'
    this.send()
  }

  abort(): void {
    if (this.state === 'failed') return
    this.state = 'failed'
    this.schedulePeer(this.options.delayNs, { kind: 'paced-reset' })
  }

  handleEvent(event: KernelEvent): void {
    const pacedEvent = event as PacedEvent
    if (this.state === 'failed') return
    switch (pacedEvent.kind) {
      case 'paced-opened':
        this.state = 'open'
        this.owner?.streamOpened(this)
        return
      case 'paced-segment-left':
        this.sending = false
        this.send()
        if (this.writerWaits && this.unsent.length <= this.options.bufferOctets / 2) {
          this.writerWaits = false
          this.owner?.streamWritable(this)
        }
        return
      case 'paced-window':
        this.send()
        return
      case 'paced-segment':
        this.received += pacedEvent.octets.length
        this.unread.push(pacedEvent.octets)
        if (this.readerTold || this.owner === null) return
        this.readerTold = true
        this.owner.streamReadable(this)
        return
      case 'paced-end':
        this.owner?.streamEnded(this)
        return
      case 'paced-reset':
        this.state = 'failed'
        this.owner?.streamFailed(this, { kind: 'connection', protocol: 'paced', message: 'paced: connection reset' })
        return
    }
  }

  /** What arrives instead of `octets`, which begin at `offset` of the stream; several pieces, or none. */
  protected carry(octets: Uint8Array, _offset: number): readonly Uint8Array[] {
    return [octets]
  }

  private schedulePeer(delayNs: Nanos, event: PacedEvent): void {
    this.kernel.schedule(delayNs, this.peer as PacedStream, event)
  }

  private send(): void {
    if (this.sending || this.state !== 'open') return
    const peer = this.peer as PacedStream
    // The peer's receive window: what it has not read and what is on the way must fit its buffer.
    const room = this.options.bufferOctets - peer.unread.length - (this.departed - peer.received)
    const length = Math.min(this.options.segmentOctets, this.unsent.length, room)
    if (length > 0) {
      const octets = this.unsent.take(length)
      this.sending = true
      const serialisationNs = Math.ceil((length * 8e9) / this.options.rateBps)
      this.kernel.schedule(serialisationNs, this, { kind: 'paced-segment-left' })
      const pieces = this.carry(octets, this.octetsSent)
      this.octetsSent += length
      for (const piece of pieces) {
        this.departed += piece.length
        this.schedulePeer(serialisationNs + this.options.delayNs, { kind: 'paced-segment', octets: piece })
      }
    } else if (this.unsent.length === 0 && this.ending === 'asked') {
      this.ending = 'sent'
      this.schedulePeer(this.options.delayNs, { kind: 'paced-end' })
    }
  }
}

/** Join two ends; both are open one delay after now. */
export function joinPaced(kernel: Kernel, near: PacedStream, far: PacedStream, options: PacedStreamOptions): void {
  const { delayNs } = withPacedDefaults(options)
  near.peer = far
  far.peer = near
  kernel.schedule(delayNs, near, { kind: 'paced-opened' })
  kernel.schedule(delayNs, far, { kind: 'paced-opened' })
}

export function withPacedDefaults(options: PacedStreamOptions): Required<PacedStreamOptions> {
  return { rateBps: 1e9, delayNs: 100_000, bufferOctets: 131_072, segmentOctets: 1448, ...options }
}

/** Two joined ends. */
export function pacedStreams(kernel: Kernel, options: PacedStreamOptions = {}): [PacedStream, PacedStream] {
  const full = withPacedDefaults(options)
  const near = new PacedStream(kernel, full)
  const far = new PacedStream(kernel, full)
  joinPaced(kernel, near, far, full)
  return [near, far]
}
