/** Segments of one direction that were seen and not acknowledged yet, oldest first, in a ring of typed arrays. */

/** Beyond this many, new ones are not kept: the other direction was not captured, most likely. */
const SEGMENTS_MAX = 8192

export class UnackedSegments {
  private starts = new Uint32Array(16)
  private ends = new Uint32Array(16)
  private head = 0
  private count = 0

  add(start: number, end: number): void {
    if (this.count === SEGMENTS_MAX) return
    if (this.count === this.starts.length) this.grow()
    const at = (this.head + this.count++) & (this.starts.length - 1)
    this.starts[at] = start
    this.ends[at] = end
  }

  /** Those up to `acknowledgment` from the oldest on; one that came out of order may stay behind another. */
  dropAcked(acknowledgment: number): void {
    while (this.count > 0 && ((this.ends[this.head]! - acknowledgment) | 0) <= 0) {
      this.head = (this.head + 1) & (this.starts.length - 1)
      this.count--
    }
  }

  /** Whether one that is not acknowledged holds all octets of `[start, end)`. */
  covers(start: number, end: number, acknowledged: number): boolean {
    const mask = this.starts.length - 1
    for (let index = 0; index < this.count; index++) {
      const at = (this.head + index) & mask
      if (((this.ends[at]! - acknowledged) | 0) <= 0) continue
      if (((start - this.starts[at]!) | 0) >= 0 && ((end - this.ends[at]!) | 0) <= 0) return true
    }
    return false
  }

  private grow(): void {
    const { length } = this.starts
    const starts = new Uint32Array(2 * length)
    const ends = new Uint32Array(2 * length)
    for (let index = 0; index < this.count; index++) {
      const at = (this.head + index) & (length - 1)
      starts[index] = this.starts[at]!
      ends[index] = this.ends[at]!
    }
    this.starts = starts
    this.ends = ends
    this.head = 0
  }
}
