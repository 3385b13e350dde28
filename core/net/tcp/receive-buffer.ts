/**
 * What arrived: octets in order that wait for the reader, and octets beyond a hole that wait for it to be filled. All of
 * them are copied once, each to the place where it will be read, so no frame is held, and the reader is lent them as
 * they lie.
 */
import { assert } from '../../base/errors.js'
import { seqAdd, seqDiff, seqLt } from './sequence.js'
import { SequenceRanges } from './sequence-ranges.js'

const BUFFER_OCTETS_MIN = 4096

export class ReceiveBuffer {
  /** Grows with what it has to hold. */
  private buffer = new Uint8Array(0)
  /** Where the next octet to read is, and where the last octet held ends. */
  private start = 0
  private end = 0
  private readable = 0
  /** What is held beyond a hole. */
  readonly beyond = new SequenceRanges()

  /** `octetsMax`: at most so many octets are ever held, holes counted. */
  constructor(private readonly octetsMax: number) {}

  /** Octets in order that wait for the reader. */
  get readableOctets(): number {
    return this.readable
  }

  get hasHole(): boolean {
    return this.beyond.length > 0
  }

  /**
   * Copy `frame[start, end)`, which begins at `sequence`, RCV.NXT being `rcvNxt`: not before it, and within the window.
   * Returns the new RCV.NXT.
   */
  insert(rcvNxt: number, sequence: number, frame: Uint8Array, start: number, end: number): number {
    const length = end - start
    if (sequence !== rcvNxt) {
      // What is held twice is taken from the later copy: the octets are the same unless somebody forges.
      if (this.beyond.add(sequence, seqAdd(sequence, length)) >= 0)
        this.place(seqDiff(sequence, rcvNxt), frame, start, end)
      return rcvNxt
    }
    this.place(0, frame, start, end)
    let next = seqAdd(rcvNxt, length)
    if (this.beyond.length > 0) {
      const first = this.beyond.at(0)
      if (!seqLt(next, first.left)) {
        next = this.beyond.skip(next)
        this.beyond.removeBefore(next)
      }
    }
    this.readable += seqDiff(next, rcvNxt)
    return next
  }

  /** At most `octetsMax` octets, lent until the next call of `insert`. */
  read(octetsMax: number): Uint8Array {
    const { start } = this
    const length = Math.min(octetsMax, this.readable)
    this.start = start + length
    this.readable -= length
    // Begin again at the front, where memory is warm.
    if (this.start === this.end) this.start = this.end = 0
    return this.buffer.subarray(start, start + length)
  }

  /** Put octets `offset` after the last that is in order. */
  private place(offset: number, frame: Uint8Array, start: number, end: number): void {
    const length = end - start
    if (this.start + this.readable + offset + length > this.buffer.length)
      this.makeRoom(this.readable + offset + length)
    const at = this.start + this.readable + offset
    // A view costs 20 ns and makes the copy a single move; a loop over 32-bit words takes eight times as long.
    this.buffer.set(frame.subarray(start, end), at)
    if (at + length > this.end) this.end = at + length
  }

  /** Move what is held to the front, of a larger buffer unless half of this one is enough for `needed` octets. */
  private makeRoom(needed: number): void {
    assert(needed <= this.octetsMax, 'more received than the window allows')
    const { buffer, start, end } = this
    if (2 * needed <= buffer.length) buffer.copyWithin(0, start, end)
    else {
      let length = Math.max(BUFFER_OCTETS_MIN, buffer.length)
      while (length < 2 * needed) length *= 2
      this.buffer = new Uint8Array(length)
      this.buffer.set(buffer.subarray(start, end))
    }
    this.start = 0
    this.end = end - start
  }
}
