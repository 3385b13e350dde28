/**
 * A stream inside a channel that hides how much is sent, and when: everything goes in cells of one length, some of which carry
 * nothing. Both ends must have it. Not a standard: made for this lab, after the padding of RFC 8446 section 5.4 and the
 * constant-rate links of the literature on traffic analysis.
 *
 *     cell: payload length (4, big-endian, 0 for filler) ‖ payload ‖ zeros, 16384 octets together
 *
 * It belongs inside the seal: outside, a listener would read the lengths. A cell that is not full leaves when nothing was added
 * to it for a moment. What is not hidden: that a guest falls silent, and where it is announced.
 */
import type { ByteStream, StreamOwner, StreamState } from '../../base/byte-stream.js'
import { assert, failureOf, WireError, type Failure } from '../../base/errors.js'
import { OctetQueue } from '../../base/octet-queue.js'
import { readU32be, writeU32be } from '../../base/octets.js'
import { microseconds, type Nanos } from '../../base/units.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../../kernel/kernel.js'

export const CELL_OCTETS = 16_384
const HEADER_OCTETS = 4
const PAYLOAD_OCTETS_MAX = CELL_OCTETS - HEADER_OCTETS
const WAITING_OCTETS_MAX = 8 * PAYLOAD_OCTETS_MAX
const UNREAD_OCTETS_MAX = 262_144
const FLUSH_NS: Nanos = microseconds(100)

export interface ShapedStreamOptions {
  readonly lower: ByteStream
  /** Who sends, in the trace. */
  readonly hostName: string
  /** Cells of filler for one of payload. */
  readonly fillerShare: number
  /** From one cell to the next while the stream is open; null: as soon as they are full. */
  readonly intervalNs: Nanos | null
}

type ShapingEvent = { readonly kind: 'shape-tick' } | { readonly kind: 'shape-flush' } | { readonly kind: 'shape-told' }

export class ShapedStream implements ByteStream, StreamOwner, Process {
  owner: StreamOwner | null = null
  failure: Failure | null = null

  private readonly waiting = new OctetQueue()
  private readonly arrived = new OctetQueue()
  private readonly unread = new OctetQueue()
  private arrivedOffset = 0
  /** Cells of filler that are owed for the payload that was sent. */
  private fillerDue = 0
  private nextTick: QueuedEvent | null = null
  private nextFlush: QueuedEvent | null = null
  private readonly counts = { payloadOctets: 0, cells: 0, fillerCells: 0 }
  private readonly ended = { asked: false, sent: false, byPeer: false, told: false }
  private writerWaits = false
  private hasFailed = false

  constructor(
    private readonly kernel: Kernel,
    private readonly options: ShapedStreamOptions,
  ) {
    options.lower.owner = this
    if (options.lower.state === 'open') this.startTicking()
  }

  get state(): StreamState {
    return this.hasFailed ? 'failed' : this.options.lower.state
  }

  writableOctets(): number {
    if (this.state !== 'open' || this.ended.asked) return 0
    const room = Math.max(0, WAITING_OCTETS_MAX - this.waiting.length)
    if (room < WAITING_OCTETS_MAX / 2) this.writerWaits = true
    return room
  }

  write(octets: Uint8Array): void {
    assert(octets.length <= this.writableOctets(), 'shaping: wrote more than writableOctets')
    this.waiting.push(octets.slice())
    this.pump()
  }

  readableOctets(): number {
    return this.unread.length
  }

  read(octetsMax: number): Uint8Array {
    const octets = this.unread.take(octetsMax)
    // More may be waiting below; the owner is told of it afterwards.
    if (octets.length > 0 && this.options.lower.readableOctets() > 0) this.tellLater()
    return octets
  }

  end(): void {
    if (this.ended.asked) return
    this.ended.asked = true
    this.pump()
  }

  abort(): void {
    this.stop()
    this.options.lower.abort()
  }

  streamOpened(): void {
    this.startTicking()
    this.owner?.streamOpened(this)
  }

  streamReadable(): void {
    this.take()
  }

  streamWritable(): void {
    this.pump()
    this.tellWriter()
  }

  streamEnded(): void {
    this.ended.byPeer = true
    this.take()
  }

  streamFailed(_stream: ByteStream, cause: Failure): void {
    this.fail(cause)
  }

  handleEvent(event: KernelEvent): void {
    const { kind } = event as ShapingEvent
    if (this.hasFailed) return
    if (kind === 'shape-told') return this.take()
    if (kind === 'shape-flush') {
      this.nextFlush = null
      this.sendCell()
      this.pump()
    } else {
      this.nextTick = null
      this.sendCell()
      this.finishIfDone()
      this.startTicking()
    }
    this.tellWriter()
  }

  private startTicking(): void {
    const { intervalNs } = this.options
    if (intervalNs === null || this.ended.sent) return
    this.nextTick ??= this.kernel.schedule(intervalNs, this, { kind: 'shape-tick' })
  }

  /** Without a beat: whole cells leave at once, a part of one after a moment. */
  private pump(): void {
    if (this.options.intervalNs !== null || this.state !== 'open') return
    while (this.canSend() && (this.fillerDue >= 1 || this.waiting.length >= PAYLOAD_OCTETS_MAX || this.isLastCell()))
      this.sendCell()
    this.finishIfDone()
    if (this.waiting.length > 0 && this.canSend())
      this.nextFlush ??= this.kernel.schedule(FLUSH_NS, this, { kind: 'shape-flush' })
  }

  private isLastCell(): boolean {
    return this.ended.asked && this.waiting.length > 0
  }

  private canSend(): boolean {
    return this.state === 'open' && !this.ended.sent && this.options.lower.writableOctets() >= CELL_OCTETS
  }

  /** The next cell, if the channel takes it: filler that is due, payload, or with a beat filler for want of payload. */
  private sendCell(): void {
    const { lower, intervalNs, fillerShare } = this.options
    const isFiller = this.fillerDue >= 1 || this.waiting.length === 0
    if (!this.canSend() || (isFiller && this.fillerDue < 1 && intervalNs === null)) return
    const cell = new Uint8Array(CELL_OCTETS)
    this.counts.cells++
    if (isFiller) {
      this.fillerDue = Math.max(0, this.fillerDue - 1)
      this.counts.fillerCells++
    } else {
      const payload = this.waiting.take(PAYLOAD_OCTETS_MAX)
      writeU32be(cell, 0, payload.length)
      cell.set(payload, HEADER_OCTETS)
      this.counts.payloadOctets += payload.length
      this.fillerDue += fillerShare
    }
    lower.write(cell)
  }

  private finishIfDone(): void {
    const { ended, waiting, kernel, counts } = this
    if (!ended.asked || ended.sent || waiting.length > 0 || this.state !== 'open') return
    ended.sent = true
    this.stop()
    kernel.trace.add('shaping', { host: this.options.hostName, ...counts, cellOctets: CELL_OCTETS })
    this.options.lower.end()
  }

  /** Open the cells that came, as far as the reader has room, and tell him. */
  private take(): void {
    const { lower } = this.options
    const before = this.unread.length
    while (this.unread.length < UNREAD_OCTETS_MAX && lower.readableOctets() > 0 && !this.hasFailed) {
      this.arrived.push(lower.read(UNREAD_OCTETS_MAX).slice())
      try {
        while (this.arrived.length >= CELL_OCTETS) this.openCell(this.arrived.take(CELL_OCTETS))
      } catch (error) {
        return this.refuse(failureOf(error))
      }
    }
    if (this.unread.length > before) this.owner?.streamReadable(this)
    if (!this.ended.byPeer || this.ended.told || lower.readableOctets() > 0 || this.hasFailed) return
    this.ended.told = true
    if (this.arrived.length === 0) this.owner?.streamEnded(this)
    else this.refuse(failureOf(new WireError('shaping', this.arrivedOffset, 'the stream ends within a cell')))
  }

  private openCell(cell: Uint8Array): void {
    const length = readU32be(cell, 0)
    if (length > PAYLOAD_OCTETS_MAX) throw new WireError('shaping', this.arrivedOffset, `a cell of ${length} octets`)
    this.arrivedOffset += CELL_OCTETS
    this.unread.push(cell.slice(HEADER_OCTETS, HEADER_OCTETS + length))
  }

  private tellLater(): void {
    this.kernel.schedule(0, this, { kind: 'shape-told' })
  }

  private tellWriter(): void {
    if (!this.writerWaits || this.state !== 'open' || this.waiting.length > WAITING_OCTETS_MAX / 2) return
    this.writerWaits = false
    this.owner?.streamWritable(this)
  }

  private refuse(cause: Failure): void {
    this.options.lower.abort()
    this.fail(cause)
  }

  private fail(cause: Failure): void {
    if (this.hasFailed) return
    this.hasFailed = true
    this.failure = cause
    this.stop()
    this.owner?.streamFailed(this, cause)
  }

  private stop(): void {
    this.kernel.cancel(this.nextTick)
    this.kernel.cancel(this.nextFlush)
    this.nextTick = null
    this.nextFlush = null
  }
}
