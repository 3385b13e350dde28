import type { ByteStream, StreamOwner, StreamState } from '../../core/base/byte-stream.js'
import { assert } from '../../core/base/errors.js'
import type { Nanos } from '../../core/base/units.js'
import type { Kernel, KernelEvent, Process } from '../../core/kernel/kernel.js'
import { OctetQueue } from '../../core/base/octet-queue.js'

export interface StreamPairOptions {
  /** Bits a second each way. Default 1 Gbit/s. */
  readonly rateBps?: number
  /** From one end to the other. Default 100 microseconds. */
  readonly delayNs?: Nanos
  /** Send buffer and receive buffer, each. Default 128 KiB. */
  readonly bufferOctets?: number
  /** Octets that cross in one piece. Default 1448. */
  readonly segmentOctets?: number
}

/** Sees, and may change, every segment that crosses towards one end. */
export interface Wiretap {
  /** What arrives instead of `octets`, which begin at `offset` of the stream; several pieces, or none. */
  cross(octets: Uint8Array, offset: number): Uint8Array[]
}

type PairEvent =
  | { readonly kind: 'pair-opened' | 'pair-segment-left' | 'pair-end' | 'pair-reset' | 'pair-window' }
  | { readonly kind: 'pair-segment'; readonly octets: Uint8Array }

/** One end of a reliable, ordered connection over virtual time: bandwidth, delay, bounded buffers, no headers. */
export class PairedStream implements ByteStream, Process {
  owner: StreamOwner | null = null
  state: StreamState = 'opening'
  /** On what this end sends. */
  wiretap: Wiretap | null = null
  octetsSent = 0
  peer: PairedStream | null = null
  private readonly unsent = new OctetQueue()
  private readonly unread = new OctetQueue()
  private sending = false
  /** Octets put on the way to the peer so far, and octets that came in from it. */
  private departed = 0
  private received = 0
  private writerWaits = false
  private ending: 'no' | 'asked' | 'sent' = 'no'

  constructor(
    private readonly kernel: Kernel,
    private readonly options: Required<StreamPairOptions>,
  ) {}

  writableOctets(): number {
    if (this.state !== 'open' || this.ending !== 'no') return 0
    const room = this.options.bufferOctets - this.unsent.length
    if (room < this.options.bufferOctets / 2) this.writerWaits = true
    return room
  }

  write(octets: Uint8Array): void {
    assert(octets.length <= this.writableOctets(), 'wrote more than writableOctets')
    this.unsent.push(octets)
    this.send()
  }

  readableOctets(): number {
    return this.unread.length
  }

  read(octetsMax: number): Uint8Array {
    // A copy: the reader owns what it gets, and pieces here may be views of what the writer gave.
    const octets = this.unread.take(octetsMax).slice()
    if (octets.length > 0) this.schedulePeer(this.options.delayNs, { kind: 'pair-window' })
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
    this.schedulePeer(this.options.delayNs, { kind: 'pair-reset' })
  }

  handleEvent(event: KernelEvent): void {
    const pairEvent = event as PairEvent
    if (this.state === 'failed') return
    switch (pairEvent.kind) {
      case 'pair-opened':
        this.state = 'open'
        this.owner?.streamOpened(this)
        return
      case 'pair-segment-left':
        this.sending = false
        this.send()
        if (this.writerWaits && this.unsent.length <= this.options.bufferOctets / 2) {
          this.writerWaits = false
          this.owner?.streamWritable(this)
        }
        return
      case 'pair-window':
        this.send()
        return
      case 'pair-segment':
        this.received += pairEvent.octets.length
        this.unread.push(pairEvent.octets)
        this.owner?.streamReadable(this)
        return
      case 'pair-end':
        this.owner?.streamEnded(this)
        return
      case 'pair-reset':
        this.state = 'failed'
        this.owner?.streamFailed(this, { kind: 'connection', protocol: 'pair', message: 'pair: connection reset' })
        return
    }
  }

  private schedulePeer(delayNs: Nanos, event: PairEvent): void {
    this.kernel.schedule(delayNs, this.peer as PairedStream, event)
  }

  private send(): void {
    if (this.sending || this.state !== 'open') return
    const peer = this.peer as PairedStream
    // The peer's receive window: what it has not read and what is on the way must fit its buffer.
    const room = this.options.bufferOctets - peer.unread.length - (this.departed - peer.received)
    const length = Math.min(this.options.segmentOctets, this.unsent.length, room)
    if (length > 0) {
      const octets = this.unsent.take(length)
      this.sending = true
      const serialisationNs = Math.ceil((length * 8e9) / this.options.rateBps)
      this.kernel.schedule(serialisationNs, this, { kind: 'pair-segment-left' })
      const pieces = this.wiretap?.cross(octets, this.octetsSent) ?? [octets]
      this.octetsSent += length
      for (const piece of pieces) {
        this.departed += piece.length
        this.schedulePeer(serialisationNs + this.options.delayNs, { kind: 'pair-segment', octets: piece })
      }
    } else if (this.unsent.length === 0 && this.ending === 'asked') {
      this.ending = 'sent'
      this.schedulePeer(this.options.delayNs, { kind: 'pair-end' })
    }
  }
}

/** Two joined ends; both are open one delay after now. */
export function streamPair(kernel: Kernel, options: StreamPairOptions = {}): [PairedStream, PairedStream] {
  const full = { rateBps: 1e9, delayNs: 100_000, bufferOctets: 131_072, segmentOctets: 1448, ...options }
  const near = new PairedStream(kernel, full)
  const far = new PairedStream(kernel, full)
  near.peer = far
  far.peer = near
  kernel.schedule(full.delayNs, near, { kind: 'pair-opened' })
  kernel.schedule(full.delayNs, far, { kind: 'pair-opened' })
  return [near, far]
}
