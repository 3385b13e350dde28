/** What was written and is not acknowledged yet: a ring of octets that grows with what it has to hold. */
import { assert } from '../../base/errors.js'

const RING_OCTETS_MIN = 4096

export class SendBuffer {
  /** Its length is a power of two. */
  private ring = new Uint8Array(0)
  /** Where the first octet held is. */
  private start = 0
  private octetCount = 0

  /** Octets held. */
  get length(): number {
    return this.octetCount
  }

  /** Copies `octets`. */
  append(octets: Uint8Array): void {
    if (this.octetCount + octets.length > this.ring.length) this.grow(this.octetCount + octets.length)
    const { ring } = this
    const at = (this.start + this.octetCount) & (ring.length - 1)
    const first = ring.length - at
    if (octets.length <= first) ring.set(octets, at)
    else {
      ring.set(octets.subarray(0, first), at)
      ring.set(octets.subarray(first), 0)
    }
    this.octetCount += octets.length
  }

  /** Copy `length` octets, `offset` after the first one held, to `target` at `at`. */
  copyTo(target: Uint8Array, at: number, offset: number, length: number): void {
    assert(offset >= 0 && offset + length <= this.octetCount, 'segment outside the send buffer')
    const { ring } = this
    const from = (this.start + offset) & (ring.length - 1)
    const first = ring.length - from
    if (length <= first) target.set(ring.subarray(from, from + length), at)
    else {
      target.set(ring.subarray(from), at)
      target.set(ring.subarray(0, length - first), at + first)
    }
  }

  /** Forget the first `octets`: they were acknowledged. */
  release(octets: number): void {
    assert(octets <= this.octetCount, 'more acknowledged than sent')
    this.octetCount -= octets
    this.start = this.octetCount === 0 ? 0 : (this.start + octets) & (this.ring.length - 1)
  }

  private grow(needed: number): void {
    let length = Math.max(RING_OCTETS_MIN, this.ring.length)
    while (length < needed) length *= 2
    const grown = new Uint8Array(length)
    this.copyTo(grown, 0, 0, this.octetCount)
    this.ring = grown
    this.start = 0
  }
}
