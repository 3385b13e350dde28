/**
 * The units (records, messages, headers) that one direction of a stream consists of. Units of the same kind and length
 * that follow one another are one entry, so that a hundred thousand page records cost a few dozen entries.
 */

/** Entries of one direction; a stream with more is not followed further. */
const ENTRIES_MAX = 1_000_000

/** One unit. `type` and `detail` mean what the protocol says. */
export interface StreamUnit {
  readonly type: number
  readonly detail: number
  /** In the stream. */
  readonly offset: number
  /** Infinity for a unit that lasts as long as the stream. */
  readonly length: number
}

export class UnitList {
  private offsets = new Float64Array(16)
  private lengths = new Float64Array(16)
  private counts = new Uint32Array(16)
  private types = new Uint8Array(16)
  private details = new Uint32Array(16)
  private count = 0

  get entryCount(): number {
    return this.count
  }

  get isFull(): boolean {
    return this.count >= ENTRIES_MAX
  }

  /** The next unit; it begins where the last one ended, or later. */
  add(type: number, detail: number, offset: number, length: number): void {
    const last = this.count - 1
    const isSame =
      last >= 0 &&
      this.types[last] === type &&
      this.details[last] === detail &&
      this.lengths[last] === length &&
      this.offsets[last]! + this.counts[last]! * length === offset
    if (isSame) {
      this.counts[last]!++
      return
    }
    if (this.count === this.offsets.length) this.grow()
    this.offsets[this.count] = offset
    this.lengths[this.count] = length
    this.counts[this.count] = 1
    this.types[this.count] = type
    this.details[this.count] = detail
    this.count++
  }

  /** In place of the last entry and its length that nobody knew, units that are known now follow. */
  removeLast(): void {
    if (this.count > 0) this.count--
  }

  /** Units whose last octet lies in `[from, to)`, and an endless one that has octets there; at most `max`. */
  endingIn(from: number, to: number, max: number): StreamUnit[] {
    const found: StreamUnit[] = []
    for (let entry = this.entryEndingAfter(from); entry < this.count && found.length < max; entry++) {
      const offset = this.offsets[entry]!
      const length = this.lengths[entry]!
      if (offset >= to) break
      if (length === Infinity) {
        found.push(this.unit(entry, 0))
        break
      }
      const first = Math.max(0, Math.floor((from - offset) / length))
      for (let index = first; index < this.counts[entry]! && found.length < max; index++) {
        const end = offset + (index + 1) * length
        if (end > to) return found
        if (end > from) found.push(this.unit(entry, index))
      }
    }
    return found
  }

  /** Calls with each entry that has units ending in `[from, to)`: how many, and the first of them. */
  countEndingIn(from: number, to: number, take: (first: StreamUnit, count: number) => void): void {
    for (let entry = this.entryEndingAfter(from); entry < this.count; entry++) {
      const offset = this.offsets[entry]!
      const length = this.lengths[entry]!
      if (offset >= to) return
      if (length === Infinity) return take(this.unit(entry, 0), 1)
      const first = Math.max(0, Math.floor((from - offset) / length))
      const past = Math.min(this.counts[entry]!, Math.floor((to - offset) / length))
      if (past > first) take(this.unit(entry, first), past - first)
    }
  }

  /** The unit that holds the octet at `position`, or null. */
  unitAt(position: number): StreamUnit | null {
    const entry = this.entryEndingAfter(position)
    if (entry >= this.count || this.offsets[entry]! > position) return null
    const length = this.lengths[entry]!
    return this.unit(entry, length === Infinity ? 0 : Math.floor((position - this.offsets[entry]!) / length))
  }

  /** The last unit, or null. */
  last(): StreamUnit | null {
    return this.count === 0 ? null : this.unit(this.count - 1, this.counts[this.count - 1]! - 1)
  }

  private unit(entry: number, index: number): StreamUnit {
    const length = this.lengths[entry]!
    const offset = this.offsets[entry]! + (index === 0 ? 0 : index * length)
    return { type: this.types[entry]!, detail: this.details[entry]!, offset, length }
  }

  /** The first entry that has octets behind `position`, or at it. */
  private entryEndingAfter(position: number): number {
    let low = 0
    let high = this.count
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.offsets[middle]! + this.counts[middle]! * this.lengths[middle]! > position) high = middle
      else low = middle + 1
    }
    return low
  }

  private grow(): void {
    const capacity = 2 * this.offsets.length
    this.offsets = grown(this.offsets, new Float64Array(capacity))
    this.lengths = grown(this.lengths, new Float64Array(capacity))
    this.counts = grown(this.counts, new Uint32Array(capacity))
    this.types = grown(this.types, new Uint8Array(capacity))
    this.details = grown(this.details, new Uint32Array(capacity))
  }
}

function grown<T extends Float64Array | Uint32Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}
