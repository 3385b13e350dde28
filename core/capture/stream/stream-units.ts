/** What a segment's payload completes: units of the protocol inside its stream, dissected where they end. */
import type { CaptureIndex } from '../capture-index.js'
import { guarded, type Dissection, type PayloadUnits } from '../dissection.js'
import { dissectData } from '../dissect/data.js'
import { field, protocol } from '../field.js'
import type { CountedUnit } from './stream-protocol.js'
import type { StreamDirection } from './tcp-stream.js'
import type { StreamUnit } from './unit-list.js'
import { UNIT } from './unit-walker.js'

/** Units dissected of one packet; a full-size frame holds at most 161 records of zero pages. */
const UNITS_MAX = 1000
/** Octets put together for one unit. */
const COLLECTED_MAX = 32 * 1024 * 1024
const PACKETS_SHOWN_MAX = 64
/** Octets of a unit that its description may look at. */
const HEAD_OCTETS = 512

export const segmentFields = {
  segments: field('tcp.segments', 'Put together from segments', 'none'),
  segment: field('tcp.segment', 'Segment in packet', 'uint32'),
  reassembledLength: field('tcp.reassembled.length', 'Length', 'uint32'),
  reassembledIn: field('tcp.reassembled_in', 'Part of a unit that ends in packet', 'uint32'),
  streamOffset: field('tcp.segment.stream_offset', 'At octet of the stream', 'uint64'),
  damage: field('_ws.malformed.stream', 'The stream could not be read on', 'text'),
  sealed: protocol('sealed', 'Sealed octets'),
}

export class SegmentUnits implements PayloadUnits {
  private readonly position: number
  private readonly freshOctets: number
  private readonly payloadLength: number

  constructor(
    private readonly index: CaptureIndex,
    packet: number,
    private readonly direction: StreamDirection,
  ) {
    const row = index.columns.row(packet)
    this.position = index.columns.streamPosition[row]!
    this.freshOctets = index.columns.freshOctets[row]!
    this.payloadLength = index.columns.payloadLength[row]!
  }

  private get freshPosition(): number {
    return this.position + this.payloadLength - this.freshOctets
  }
  private get endPosition(): number {
    return this.position + this.payloadLength
  }

  /** The units that end in the payload, summed up; empty when none does. */
  counted(): CountedUnit[] {
    const { walker } = this.direction
    const counted: CountedUnit[] = []
    if (walker === null || this.freshOctets === 0) return counted
    walker.units.countEndingIn(this.freshPosition, this.endPosition, (first, count) => {
      if (counted.length >= UNITS_MAX) return
      const length = Math.min(HEAD_OCTETS, first.length, walker.position - first.offset)
      const head = this.direction.collect(this.index, first.offset, Math.max(0, length))
      const packetOctets = this.endPosition - Math.max(first.offset, this.freshPosition)
      counted.push({ first, count, head: head ?? new Uint8Array(0), packetOctets })
    })
    return counted
  }

  dissectUnits(dissection: Dissection, start: number, end: number): void {
    const { protocol: spoken, walker } = this.direction
    const { sink } = dissection
    // Octets that came before are shown where they came first.
    if (this.freshOctets === 0) return
    if (spoken === null || walker === null) return dissectData(dissection, start, end)
    const freshStart = end - this.freshOctets
    const units = walker.units.endingIn(this.freshPosition, this.endPosition, UNITS_MAX)
    const isWanted = units.some((unit) => sink.wants((this.direction.protocolOf(unit) ?? spoken).layer))
    if (!isWanted && !sink.wants(spoken.layer) && !sink.wants(segmentFields.segments)) return
    for (const unit of units) {
      if (sink.isDone) return
      if (unit.length === Infinity)
        this.dissectEndless(dissection, unit, Math.max(freshStart, this.frameOffset(unit, start)), end)
      else if (unit.offset >= this.position) {
        const at = this.frameOffset(unit, start)
        guarded(dissection, at + unit.length, () =>
          (this.direction.protocolOf(unit) ?? spoken).dissectUnit(dissection, walker, unit, at, at + unit.length),
        )
      } else this.dissectCollected(dissection, unit)
    }
    const last = units.at(-1)
    const covered = last === undefined ? this.freshPosition : last.offset + last.length
    if (covered < this.endPosition) this.putRest(dissection, covered, start, end)
  }

  private frameOffset(unit: StreamUnit, payloadStart: number): number {
    return payloadStart + (unit.offset - this.position)
  }

  /** A unit that began in an earlier segment. */
  private dissectCollected(dissection: Dissection, unit: StreamUnit): void {
    const { walker } = this.direction
    const spoken = this.direction.protocolOf(unit)
    const { sink } = dissection
    if (spoken === null || walker === null || unit.length > COLLECTED_MAX) return
    const octets = this.direction.collect(this.index, unit.offset, unit.length)
    const packets = this.direction.packetsOf(unit.offset, unit.length, PACKETS_SHOWN_MAX)
    const text = sink.wantsText
      ? `${unit.length} octets put together from ${packets.length} segments, stream octets ${unit.offset} to ${unit.offset + unit.length - 1}`
      : ''
    sink.open(segmentFields.segments, 0, 0, null, text)
    for (const packet of packets) sink.field(segmentFields.segment, 0, 0, packet)
    sink.field(segmentFields.reassembledLength, 0, 0, unit.length)
    sink.field(segmentFields.streamOffset, 0, 0, unit.offset)
    if (octets === null) sink.field(segmentFields.damage, 0, 0, 'some of its octets are not at hand any more')
    sink.close()
    if (octets === null) return
    sink.beginSource(octets, `Put together (${unit.length} octets)`)
    const inner = dissection.within(octets)
    guarded(inner, octets.length, () => spoken.dissectUnit(inner, walker, unit, 0, octets.length))
    sink.endSource()
  }

  /** A unit without end: sealed octets, or damage. */
  private dissectEndless(dissection: Dissection, unit: StreamUnit, start: number, end: number): void {
    const { protocol: spoken, walker } = this.direction
    const { sink } = dissection
    if (spoken === null || walker === null || start >= end) return
    if (unit.type === UNIT.damaged) {
      const reason = walker.damage?.message ?? 'damaged'
      sink.field(segmentFields.damage, start, end - start, reason, `The stream could not be read on: ${reason}`)
      dissectData(dissection, start, end)
    } else if (unit.type === UNIT.unknown) dissectData(dissection, start, end)
    else guarded(dissection, end, () => spoken.dissectUnit(dissection, walker, unit, start, end))
  }

  /** The beginning of a unit that ends later. */
  private putRest(dissection: Dissection, covered: number, start: number, end: number): void {
    const { walker } = this.direction
    const { sink } = dissection
    const from = Math.max(start, start + (covered - this.position))
    const unit = walker?.units.unitAt(covered) ?? null
    const [last] = unit === null ? [] : this.direction.packetsOf(unit.offset + unit.length - 1, 1, 1)
    if (unit !== null && last !== undefined && walker !== null && unit.offset + unit.length <= this.direction.position)
      sink.field(segmentFields.reassembledIn, from, end - from, last)
    else dissectData(dissection, from, end)
  }
}
