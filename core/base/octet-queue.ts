/** Octets waiting in order: pushed in pieces of any size, taken in pieces of any other. Copies only across pieces. */
export class OctetQueue {
  private pieces: Uint8Array[] = []
  /** Index of the first piece that still holds something, and how much of that piece was taken. */
  private first = 0
  private firstTaken = 0
  private total = 0

  get length(): number {
    return this.total
  }

  /** The queue keeps `octets` without copying: what was lent is copied before. */
  push(octets: Uint8Array): void {
    if (octets.length === 0) return
    this.pieces.push(octets)
    this.total += octets.length
  }

  /** The next `length` octets, at most what is there, left in the queue. The caller must not change them. */
  peek(length: number): Uint8Array {
    const wanted = Math.min(length, this.total)
    const head = this.pieces[this.first]
    if (head === undefined) return new Uint8Array(0)
    if (head.length - this.firstTaken >= wanted) return head.subarray(this.firstTaken, this.firstTaken + wanted)
    const whole = new Uint8Array(wanted)
    let filled = 0
    for (let index = this.first, skip = this.firstTaken; filled < wanted; index++, skip = 0) {
      const piece = this.pieces[index] as Uint8Array
      const part = piece.subarray(skip, skip + wanted - filled)
      whole.set(part, filled)
      filled += part.length
    }
    return whole
  }

  /** The next `length` octets, at most what is there, out of the queue. */
  take(length: number): Uint8Array {
    const taken = this.peek(length)
    this.drop(taken.length)
    return taken
  }

  clear(): void {
    this.drop(this.total)
  }

  private drop(length: number): void {
    this.total -= length
    let left = length
    while (left > 0) {
      const held = (this.pieces[this.first] as Uint8Array).length - this.firstTaken
      if (left < held) {
        this.firstTaken += left
        break
      }
      left -= held
      this.first++
      this.firstTaken = 0
    }
    // Forget used pieces now and then, so that a long stream costs constant time a piece.
    if (this.first === this.pieces.length) {
      this.pieces = []
      this.first = 0
    } else if (this.first >= 64) {
      this.pieces = this.pieces.slice(this.first)
      this.first = 0
    }
  }
}
