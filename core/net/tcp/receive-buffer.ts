/**
 * What arrived: octets in order that wait for the reader, and octets beyond a hole that wait for it to be filled. All of
 * them are copied into one ring, each at the place where it will be read, so no frame is held.
 */
import { assert } from '../../base/errors.js'
import { newOctets } from '../../base/octet-slab.js'
import { seqAdd, seqDiff, seqLt } from './sequence.js'
import { SequenceRanges } from './sequence-ranges.js'

const RING_OCTETS_MIN = 4096

export class ReceiveBuffer {
  /** Grows when it must. Its length is a power of two, so that places wrap by a mask. */
  private ring = new Uint8Array(0)
  /** Where in the ring the next octet to read is. */
  private head = 0
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

  /** At most `octetsMax` octets in a new array. */
  read(octetsMax: number): Uint8Array {
    const { ring, head } = this
    const length = Math.min(octetsMax, this.readable)
    const octets = newOctets(length)
    const first = Math.min(length, ring.length - head)
    octets.set(ring.subarray(head, head + first))
    if (first < length) octets.set(ring.subarray(0, length - first), first)
    this.readable -= length
    // An empty ring begins again at its start: what is in use then stays in the processor's cache.
    this.head = this.readable === 0 && !this.hasHole ? 0 : (head + length) & (ring.length - 1)
    return octets
  }

  /** Put octets `offset` after the last that is in order. */
  private place(offset: number, frame: Uint8Array, start: number, end: number): void {
    const length = end - start
    const needed = this.readable + offset + length
    if (needed > this.ring.length) this.grow(needed)
    const { ring } = this
    const at = (this.head + this.readable + offset) & (ring.length - 1)
    // A view costs 20 ns and makes the copy a single move; a loop over 32-bit words takes eight times as long.
    if (at + length <= ring.length) ring.set(frame.subarray(start, end), at)
    else {
      const split = start + ring.length - at
      ring.set(frame.subarray(start, split), at)
      ring.set(frame.subarray(split, end), 0)
    }
  }

  private grow(needed: number): void {
    assert(needed <= this.octetsMax, 'more received than the window allows')
    let length = Math.max(RING_OCTETS_MIN, this.ring.length)
    while (length < needed) length *= 2
    const grown = new Uint8Array(length)
    grown.set(this.ring.subarray(this.head))
    grown.set(this.ring.subarray(0, this.head), this.ring.length - this.head)
    this.ring = grown
    this.head = 0
  }
}
