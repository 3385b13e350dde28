/** Sets of sequence numbers: what a receiver holds beyond a hole, and what a sender was told that is held there. */
import { seqDiff, seqLeq, seqLt } from './sequence.js'

/** Octets from `left` up to, but without, `right`. */
export interface SequenceRange {
  left: number
  right: number
  /** Greater in the range that was touched later (RFC 2018 §4: the latest is reported first). */
  touched: number
}

/** More holes than this are not remembered: tiny segments with holes between must not cost more than their octets. */
const RANGES_MAX = 1024

/** Ranges in order, that neither overlap nor touch one another. */
export class SequenceRanges {
  private readonly ranges: SequenceRange[] = []
  private octetCount = 0
  private touches = 0

  get length(): number {
    return this.ranges.length
  }

  /** In all ranges together. */
  get octets(): number {
    return this.octetCount
  }

  at(index: number): Readonly<SequenceRange> {
    return this.ranges[index] as SequenceRange
  }

  /** The end of the last range. Asked for only when there is one. */
  get highest(): number {
    return (this.ranges[this.ranges.length - 1] as SequenceRange).right
  }

  /** Returns how many of the octets are new, or -1 when there is no room for one more range. */
  add(left: number, right: number): number {
    const { ranges } = this
    let first = ranges.length
    while (first > 0 && seqLeq(left, (ranges[first - 1] as SequenceRange).right)) first--
    let end = first
    let known = 0
    let start = left
    let stop = right
    for (let range = ranges[end]; range !== undefined && seqLeq(range.left, right); range = ranges[++end]) {
      known += seqDiff(range.right, range.left)
      if (seqLt(range.left, start)) start = range.left
      if (seqLt(stop, range.right)) stop = range.right
    }
    const merged = ranges[first]
    if (end === first || merged === undefined) {
      if (ranges.length >= RANGES_MAX) return -1
      ranges.splice(first, 0, { left, right, touched: ++this.touches })
    } else {
      merged.left = start
      merged.right = stop
      merged.touched = ++this.touches
      if (end > first + 1) ranges.splice(first + 1, end - first - 1)
    }
    const added = seqDiff(stop, start) - known
    this.octetCount += added
    return added
  }

  /** Forget everything before `sequence`. */
  removeBefore(sequence: number): void {
    const { ranges } = this
    let whole = 0
    for (const range of ranges) {
      if (!seqLeq(range.right, sequence)) {
        if (seqLt(range.left, sequence)) {
          this.octetCount -= seqDiff(sequence, range.left)
          range.left = sequence
        }
        break
      }
      this.octetCount -= seqDiff(range.right, range.left)
      whole++
    }
    if (whole > 0) ranges.splice(0, whole)
  }

  clear(): void {
    this.ranges.length = 0
    this.octetCount = 0
  }

  /** How many octets of all ranges lie before `sequence`. */
  octetsBefore(sequence: number): number {
    let octets = 0
    for (const { left, right } of this.ranges) {
      if (seqLeq(sequence, left)) break
      octets += seqDiff(seqLt(sequence, right) ? sequence : right, left)
    }
    return octets
  }

  /** The first sequence number at or after `sequence` that is in no range. */
  skip(sequence: number): number {
    for (const { left, right } of this.ranges) {
      if (seqLt(sequence, left)) break
      if (seqLt(sequence, right)) return right
    }
    return sequence
  }

  /** How many octets from `sequence` on are in no range, `octetsMax` at most. */
  gapAt(sequence: number, octetsMax: number): number {
    for (const { left, right } of this.ranges)
      if (seqLt(sequence, right)) return Math.min(octetsMax, Math.max(0, seqDiff(left, sequence)))
    return octetsMax
  }

  /** The range that was touched last among those touched before `touched`, or null. */
  latestBefore(touched: number): Readonly<SequenceRange> | null {
    let latest: SequenceRange | null = null
    for (const range of this.ranges)
      if (range.touched < touched && (latest === null || range.touched > latest.touched)) latest = range
    return latest
  }

  /** The range that `sequence` is in, or null. */
  rangeOf(sequence: number): Readonly<SequenceRange> | null {
    for (const range of this.ranges) {
      if (seqLt(sequence, range.left)) return null
      if (seqLt(sequence, range.right)) return range
    }
    return null
  }
}
