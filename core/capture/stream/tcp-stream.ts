/** One TCP connection in a capture: its two directions, put in order, and what they carry. */
import { ConnectionAnalysis, FlowAnalysis } from '../tcp-analysis.js'
import type { StreamProtocol } from './stream-protocol.js'
import { recogniseStream, RECOGNISED_OCTETS_MAX } from './recognise.js'
import type { StreamUnit } from './unit-list.js'
import { UNIT, type UnitWalker } from './unit-walker.js'

/** Segments of one direction that wait behind a hole before the hole is given up. */
const WAITING_MAX = 4096
/** The same when the receiver has acknowledged the hole: the capture has lost it. */
const PATIENCE = 32

/** Gives the payload of a packet that was indexed: `octets[start, start + length)`. */
export interface PayloadSource {
  payloadFrame(packet: number): Uint8Array | undefined
  payloadStart(packet: number): number
  /** Octets at the end of a packet's payload were given to their stream; `endsUnit` when a unit ended there. */
  delivered(packet: number, position: number, freshOctets: number, endsUnit: boolean): void
}

interface WaitingSegment {
  readonly packet: number
  readonly sequence: number
  readonly length: number
}

export class StreamDirection {
  readonly flow = new FlowAnalysis()
  packets = 0
  octets = 0
  /** Octets given in order so far, lost ones included. */
  position = 0
  /** Octets that were not captured. */
  missing = 0
  protocol: StreamProtocol | null = null
  walker: UnitWalker | null = null
  /** What opened the stream before `protocol` began, or null. */
  private preamble: StreamProtocol | null = null
  /** The direction was closed by FIN or reset, as far as its octets came. */
  isEnded = false
  finSequence: number | null = null

  private nextSequence = -1
  private waiting: WaitingSegment[] = []
  private opening: Uint8Array = new Uint8Array(0)
  private isUnknown = false
  /** Where each run of octets begins in the stream, and the packet that brought it. */
  private runPositions = new Float64Array(16)
  private runPackets = new Uint32Array(16)
  runCount = 0

  /** Of the same connection; set when the connection is made. */
  other!: StreamDirection

  /** The payload, SYN or FIN of a segment. `sequence` is that of the first octet of the payload. */
  add(source: PayloadSource, packet: number, sequence: number, length: number): void {
    if (this.nextSequence < 0) this.nextSequence = sequence
    if (length === 0 || this.isEnded) return
    if (sequence === this.nextSequence) this.deliver(source, { packet, sequence, length })
    else if (((sequence + length - this.nextSequence) | 0) > 0) this.wait({ packet, sequence, length })
    if (this.waiting.length > 0) this.deliverWaiting(source)
  }

  /** A SYN: its octets begin there. */
  begin(sequence: number): void {
    if (this.nextSequence < 0) this.nextSequence = sequence
  }

  /** The other side acknowledged octets up to `acknowledgment`. */
  acknowledged(source: PayloadSource, acknowledgment: number): void {
    const [first] = this.waiting
    if (first === undefined || this.waiting.length < PATIENCE) return
    if (((acknowledgment - first.sequence) | 0) >= 0) this.skipHole(source, first)
  }

  /** No more will come. Gives what waits. */
  finish(source: PayloadSource): void {
    for (let [first] = this.waiting; first !== undefined; [first] = this.waiting) this.skipHole(source, first)
    this.isEnded = true
    this.walker?.end((offset, length) => this.collect(source, offset, length))
  }

  /** Whether all octets before the FIN were given. */
  get isWhole(): boolean {
    return this.finSequence !== null && this.finSequence === this.nextSequence
  }

  /** Where in the stream the octet with that sequence number stands, near what was given last. */
  positionOf(sequence: number): number {
    return this.nextSequence < 0 ? 0 : this.position + ((sequence - this.nextSequence) | 0)
  }

  /** A copy of octets of the stream, or null when some are not at hand. */
  collect(source: PayloadSource, offset: number, length: number): Uint8Array | null {
    const collected = new Uint8Array(length)
    let filled = 0
    for (let run = this.runAt(offset); filled < length && run < this.runCount; run++) {
      const packet = this.runPackets[run]!
      const frame = source.payloadFrame(packet)
      const runStart = this.runPositions[run]!
      const from = offset + filled - runStart
      const runLength = this.runLength(run)
      if (frame === undefined || from < 0 || from >= runLength) return null
      const payloadEnd = source.payloadStart(packet)
      const take = Math.min(runLength - from, length - filled)
      const start = payloadEnd + this.skipOf(run) + from
      if (start + take > frame.length) return null
      collected.set(frame.subarray(start, start + take), filled)
      filled += take
    }
    return filled === length ? collected : null
  }

  /** The packets that brought `[offset, offset + length)`, in order of the stream; at most `max`. */
  packetsOf(offset: number, length: number, max: number): number[] {
    const packets: number[] = []
    for (let run = this.runAt(offset); run < this.runCount && packets.length < max; run++) {
      if (this.runPositions[run]! >= offset + length) break
      packets.push(this.runPackets[run]!)
    }
    return packets
  }

  /** Each run, from the one that holds `offset` on: its place in the stream, its packet and its length. */
  eachRun(offset: number, take: (position: number, packet: number, length: number, skip: number) => boolean): void {
    for (let run = this.runAt(offset); run < this.runCount; run++)
      if (!take(this.runPositions[run]!, this.runPackets[run]!, this.runLength(run), this.skipOf(run))) return
  }

  private runSkips = new Uint16Array(16)
  private runLengths = new Uint32Array(16)

  private runLength(run: number): number {
    return this.runLengths[run]!
  }
  private skipOf(run: number): number {
    return this.runSkips[run]!
  }

  /** The last run that begins at or before `offset`. */
  private runAt(offset: number): number {
    let low = 0
    let high = this.runCount
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.runPositions[middle]! <= offset) low = middle + 1
      else high = middle
    }
    return Math.max(0, low - 1)
  }

  private wait(segment: WaitingSegment): void {
    let index = this.waiting.length
    while (index > 0 && ((segment.sequence - this.waiting[index - 1]!.sequence) | 0) < 0) index--
    this.waiting.splice(index, 0, segment)
  }

  private deliverWaiting(source: PayloadSource): void {
    for (;;) {
      const [first] = this.waiting
      if (first === undefined) return
      if (((first.sequence - this.nextSequence) | 0) <= 0) {
        this.waiting.shift()
        if (((first.sequence + first.length - this.nextSequence) | 0) > 0) this.deliver(source, first)
      } else if (this.waiting.length > WAITING_MAX) this.skipHole(source, first)
      else return
    }
  }

  private skipHole(source: PayloadSource, first: WaitingSegment): void {
    const lost = (first.sequence - this.nextSequence) | 0
    if (lost > 0) {
      this.position += lost
      this.missing += lost
      this.nextSequence = first.sequence
      this.walker?.gap(lost)
      if (this.walker === null) this.isUnknown = true
    }
    this.deliverWaiting(source)
  }

  private deliver(source: PayloadSource, { packet, sequence, length }: WaitingSegment): void {
    const skip = (this.nextSequence - sequence) | 0
    const fresh = length - skip
    this.addRun(packet, skip, fresh)
    const frame = source.payloadFrame(packet)
    const start = source.payloadStart(packet) + skip
    const endsUnit =
      frame === undefined ? this.lose(fresh) : this.read(frame, start, Math.min(frame.length, start + fresh))
    source.delivered(packet, this.position - skip, fresh, endsUnit)
    this.position += fresh
    this.nextSequence = (sequence + length) >>> 0
  }

  private lose(length: number): boolean {
    this.walker?.gap(length)
    if (this.walker === null) this.isUnknown = true
    return false
  }

  private read(frame: Uint8Array, start: number, end: number): boolean {
    if (this.walker === null) return this.recognise(frame, start, end)
    const left = (this.protocol?.preambleOctets ?? Infinity) - this.walker.position
    if (left >= end - start) return this.walker.push(frame, start, end)
    const hasEnded = left > 0 && this.walker.push(frame, start, start + left)
    return this.recognise(frame, start + left, end) || hasEnded
  }

  /** What begins here, or behind a protocol that only opened the stream. */
  private recognise(frame: Uint8Array, start: number, end: number): boolean {
    if (this.isUnknown) return false
    const length = Math.min(end - start, RECOGNISED_OCTETS_MAX - this.opening.length)
    const opening = new Uint8Array(this.opening.length + length)
    opening.set(this.opening)
    opening.set(frame.subarray(start, start + length), this.opening.length)
    const protocol = recogniseStream(opening, this.other.protocol)
    if (protocol === 'unknown') this.isUnknown = true
    if (protocol === 'unknown' || protocol === null) {
      this.opening = opening
      return false
    }
    this.become(protocol)
    const earlier = this.opening
    this.opening = new Uint8Array(0)
    this.walker?.push(earlier, 0, earlier.length)
    return this.read(frame, start, end)
  }

  private become(protocol: StreamProtocol): void {
    const walker = protocol.makeWalker()
    if (this.walker !== null) {
      this.preamble = this.protocol
      walker.units.add(UNIT.preamble, 0, 0, this.walker.position)
      walker.position = this.walker.position
    }
    this.protocol = protocol
    this.walker = walker
  }

  /** What the octet at `position` belongs to. */
  protocolAt(position: number): StreamProtocol | null {
    return position < (this.preamble?.preambleOctets ?? 0) ? this.preamble : this.protocol
  }

  /** Whose a unit is. */
  protocolOf({ type }: StreamUnit): StreamProtocol | null {
    return type === UNIT.preamble ? (this.preamble ?? this.protocol) : this.protocol
  }

  private addRun(packet: number, skip: number, length: number): void {
    if (this.runCount === this.runPositions.length) {
      const capacity = 2 * this.runCount
      this.runPositions = grown(this.runPositions, new Float64Array(capacity))
      this.runPackets = grown(this.runPackets, new Uint32Array(capacity))
      this.runSkips = grown(this.runSkips, new Uint16Array(capacity))
      this.runLengths = grown(this.runLengths, new Uint32Array(capacity))
    }
    this.runPositions[this.runCount] = this.position
    this.runPackets[this.runCount] = packet
    this.runSkips[this.runCount] = skip
    this.runLengths[this.runCount++] = length
  }
}

function grown<T extends Float64Array | Uint32Array | Uint16Array>(from: T, to: T): T {
  to.set(from)
  return to
}

export interface StreamEnd {
  readonly network: number
  /** As in the columns. */
  readonly address: number
  readonly port: number
}

export class TcpStream {
  readonly analysis = new ConnectionAnalysis()
  /** From who sent the SYN, or from the higher port when none was captured. */
  readonly toServer = new StreamDirection()
  readonly toClient = new StreamDirection()
  isReset = false

  constructor(
    readonly number: number,
    readonly client: StreamEnd,
    readonly server: StreamEnd,
    readonly firstPacket: number,
  ) {
    this.toServer.other = this.toClient
    this.toClient.other = this.toServer
  }

  /** The direction of segments from that address and port. */
  from(address: number, port: number): StreamDirection {
    return this.client.address === address && this.client.port === port ? this.toServer : this.toClient
  }

  opposite(direction: StreamDirection): StreamDirection {
    return direction === this.toServer ? this.toClient : this.toServer
  }
}
