/** What arrived: octets in order that wait for the reader, and segments beyond a hole that wait for it to be filled. */
import { seqAdd, seqDiff, seqLt } from './sequence.js'

interface Segment {
  readonly sequence: number
  readonly octets: Uint8Array
}

/** Held segments beyond a hole: more are dropped and will be sent again. A window of tiny segments must not cost more than itself. */
const SEGMENTS_BEYOND_HOLE_MAX = 8192

export class ReceiveBuffer {
  private parts: Uint8Array[] = []
  private headIndex = 0
  /** Octets of the head part that were read. */
  private headSkip = 0
  private readable = 0
  /** In order of sequence, not overlapping. */
  private beyond: Segment[] = []

  /** Octets in order that wait for the reader. */
  get readableOctets(): number {
    return this.readable
  }

  get hasHole(): boolean {
    return this.beyond.length > 0
  }

  /** The octets that come next. They are kept by reference. */
  append(octets: Uint8Array): void {
    this.parts.push(octets)
    this.readable += octets.length
  }

  /** Octets that come later. What is already held of them is kept as it was. */
  insert(sequence: number, octets: Uint8Array): void {
    const { beyond } = this
    if (beyond.length >= SEGMENTS_BEYOND_HOLE_MAX) return
    let index = beyond.length
    while (index > 0 && seqLt(sequence, (beyond[index - 1] as Segment).sequence)) index--
    const previous = beyond[index - 1]
    let start = sequence
    if (previous !== undefined) {
      const previousEnd = seqAdd(previous.sequence, previous.octets.length)
      if (seqLt(start, previousEnd)) start = previousEnd
    }
    const end = seqAdd(sequence, octets.length)
    const added: Segment[] = []
    let next = beyond[index]
    const replaced = index
    // Fill the spaces between the segments that follow.
    while (seqLt(start, end)) {
      const stop = next !== undefined && seqLt(next.sequence, end) ? next.sequence : end
      if (seqLt(start, stop))
        added.push({
          sequence: start,
          octets: octets.subarray(seqDiff(start, sequence), seqDiff(stop, sequence)),
        })
      if (stop === end || next === undefined) break
      start = seqAdd(next.sequence, next.octets.length)
      added.push(next)
      next = beyond[++index]
    }
    beyond.splice(replaced, index - replaced, ...added)
  }

  /** Move what now follows `rcvNxt` into order. Returns the new RCV.NXT. */
  advance(rcvNxt: number): number {
    let next = rcvNxt
    let taken = 0
    for (const { sequence, octets } of this.beyond) {
      const skip = seqDiff(next, sequence)
      if (skip < 0) break
      taken++
      if (skip >= octets.length) continue
      this.append(octets.subarray(skip))
      next = seqAdd(sequence, octets.length)
    }
    if (taken > 0) this.beyond.splice(0, taken)
    return next
  }

  /** At most `octetsMax` octets in a new array. */
  read(octetsMax: number): Uint8Array {
    const length = Math.min(octetsMax, this.readable)
    const octets = new Uint8Array(length)
    for (let copied = 0; copied < length;) {
      const head = this.parts[this.headIndex] as Uint8Array
      const part = Math.min(length - copied, head.length - this.headSkip)
      octets.set(head.subarray(this.headSkip, this.headSkip + part), copied)
      copied += part
      this.headSkip += part
      if (this.headSkip === head.length) {
        this.headIndex++
        this.headSkip = 0
      }
    }
    this.readable -= length
    if (this.headIndex === this.parts.length || this.headIndex >= 1024) {
      this.parts = this.parts.slice(this.headIndex)
      this.headIndex = 0
    }
    return octets
  }
}
