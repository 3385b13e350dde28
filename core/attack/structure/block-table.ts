/**
 * Numbers for cipher blocks, equal ones the same: a hash table in typed arrays, for there are millions. A block is told by its
 * first 8 octets, which a cipher makes as good as random. Blocks that were chosen to collide get numbers of their own after
 * `PROBES_MAX` steps: their repeats are missed, and time stays bounded.
 */

const PROBES_MAX = 64

export class BlockTable {
  /** The number of the block in a place, plus 1; 0: nobody's. */
  private places = new Uint32Array(8192)
  private highs = new Uint32Array(4096)
  private lows = new Uint32Array(4096)
  private counts = new Uint32Array(4096)
  private used = 0

  /** The number of a block, which was seen once more. */
  number(high: number, low: number): number {
    if (2 * this.used >= this.places.length) this.rehash()
    const place = this.placeOf(high, low)
    const known = place < 0 ? 0 : (this.places[place] as number)
    const number = known > 0 ? known - 1 : this.add(high, low)
    if (known === 0 && place >= 0) this.places[place] = number + 1
    this.counts[number] = (this.counts[number] as number) + 1
    return number
  }

  /** How often it was seen. */
  count(number: number): number {
    return this.counts[number] ?? 0
  }

  get mostFrequent(): number {
    let best = 0
    for (let number = 1; number < this.used; number++) if (this.count(number) > this.count(best)) best = number
    return best
  }

  /** Where it is, or has room; -1 where everything near is taken. */
  private placeOf(high: number, low: number): number {
    const mask = this.places.length - 1
    let place = (Math.imul(high ^ (low >>> 7), 0x9e37_79b1) >>> 8) & mask
    for (let probe = 0; probe < PROBES_MAX; probe++) {
      const known = this.places[place] as number
      if (known === 0 || (this.highs[known - 1] === high && this.lows[known - 1] === low)) return place
      place = (place + 1) & mask
    }
    return -1
  }

  private add(high: number, low: number): number {
    const number = this.used++
    if (number === this.counts.length) {
      this.highs = doubled(this.highs)
      this.lows = doubled(this.lows)
      this.counts = doubled(this.counts)
    }
    this.highs[number] = high
    this.lows[number] = low
    return number
  }

  private rehash(): void {
    this.places = new Uint32Array(2 * this.places.length)
    for (let number = 0; number < this.used; number++) {
      const place = this.placeOf(this.highs[number] as number, this.lows[number] as number)
      if (place >= 0 && this.places[place] === 0) this.places[place] = number + 1
    }
  }
}

function doubled(values: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const more = new Uint32Array(2 * values.length)
  more.set(values)
  return more
}
