/**
 * Cuts one direction of a stream into units, in whatever pieces it arrives. Only what tells a unit's length is looked at,
 * so bodies are skipped, not read; nothing but an unfinished header is kept.
 */
import { WireError } from '../../base/errors.js'
import { UnitList } from './unit-list.js'

/** Headers longer than this are damage. */
const HEADER_OCTETS_MAX = 512 * 1024

/** Types that every protocol has, beyond its own. */
export const UNIT = {
  /** Octets that could not be read on; `damage` says why. */
  damaged: 255,
  /** Octets of no protocol that is known. */
  unknown: 254,
  /** Sealed octets whose boundaries cannot be seen. */
  sealed: 253,
  /** Of the protocol that opened the stream, before this one. */
  preamble: 252,
} as const

export abstract class UnitWalker {
  readonly units = new UnitList()
  /** What the list calls the protocol, once its version is known. */
  columnName: string | null = null
  /** Why the stream could not be read on, or null. */
  damage: WireError | null = null
  /** In the stream, of the next octet to come. */
  position = 0
  /** Set by `measure` when it returns 0: octets that must be there to go on. */
  protected needed = 1
  private skip = 0
  private carry = new Uint8Array(64)
  private carried = 0
  private type = 0
  private detail = 0

  /**
   * The length of the unit that begins at `octets[start]`, after a call of `is`, when that can be told from what lies
   * before `end`; 0 when `needed` octets are not there. Infinity for a unit without end. Throws `WireError` (its offset
   * counts from `start`) for what the protocol does not have.
   */
  protected abstract measure(octets: Uint8Array, start: number, end: number): number

  /** Say what the unit being measured is. */
  protected is(type: number, detail = 0): void {
    this.type = type
    this.detail = detail
  }

  /** The next octets of the direction: `octets[start, end)`. True when a unit ended in them, or an endless one passes. */
  push(octets: Uint8Array, start: number, end: number): boolean {
    let at = start
    let hasEnded = false
    while (at < end) {
      if (this.skip > 0) {
        const length = Math.min(this.skip, end - at)
        this.skip -= length
        at += length
        this.position += length
        hasEnded ||= this.skip === 0 || this.skip === Infinity
        continue
      }
      if (this.carried > 0) at = this.pushCarried(octets, at, end)
      else {
        const length = this.tryMeasure(octets, at, end)
        if (length > 0) this.begin(length)
        else {
          this.keep(octets, at, end)
          at = end
        }
      }
      hasEnded ||= this.endedInCarry
      this.endedInCarry = false
    }
    return hasEnded
  }

  /** `length` octets are missing here. */
  gap(length: number): void {
    const isInside = this.skip > length
    this.position += length
    if (isInside) this.skip -= length
    else this.fail(new WireError('capture', this.position, `${length} octets before this one were not captured`))
  }

  /** The direction is over; `collect` gives octets of it. */
  end(_collect: (offset: number, length: number) => Uint8Array | null): void {}

  protected fail(error: WireError): void {
    this.damage ??= error
    this.carried = 0
    this.units.add(UNIT.damaged, 0, this.position, Infinity)
    this.skip = Infinity
  }

  private endedInCarry = false

  /** Finish a header that was cut. Returns how far `octets` was used. */
  private pushCarried(octets: Uint8Array, start: number, end: number): number {
    const more = Math.min(Math.max(1, this.needed - this.carried), end - start)
    this.keep(octets, start, start + more)
    const length = this.tryMeasure(this.carry, 0, this.carried)
    if (length > 0) {
      // Those octets were counted as they were kept: the unit began before them.
      const begun = this.carried
      this.carried = 0
      this.position -= begun
      this.begin(length)
      if (length < begun) {
        // A header that asked for more than its unit has: only protocols of lines do.
        const rest = this.carry.slice(length, begun)
        this.position += length
        this.skip = 0
        this.endedInCarry = true
        this.endedInCarry = this.push(rest, 0, rest.length) || true
      } else {
        this.position += begun
        this.skip -= begun
        if (this.skip === 0 || this.skip === Infinity) this.endedInCarry = true
      }
    }
    return start + more
  }

  private tryMeasure(octets: Uint8Array, start: number, end: number): number {
    if (this.units.isFull) this.is(UNIT.unknown)
    if (this.units.isFull) return Infinity
    try {
      this.needed = end - start + 1
      const length = this.measure(octets, start, end)
      if (length === 0 && this.needed > HEADER_OCTETS_MAX)
        throw new WireError('capture', 0, `a header of ${this.needed} octets`)
      return length
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      const begun = this.carried > 0 ? this.position - this.carried : this.position
      this.damage ??= new WireError(error.protocol, begun + error.offset, error.reason)
      this.is(UNIT.damaged)
      return Infinity
    }
  }

  private begin(length: number): void {
    this.units.add(this.type, this.detail, this.position, length)
    this.skip = length
  }

  private keep(octets: Uint8Array, start: number, end: number): void {
    const carried = this.carried + end - start
    if (carried > this.carry.length) {
      const grown = new Uint8Array(Math.max(carried, 2 * this.carry.length))
      grown.set(this.carry.subarray(0, this.carried))
      this.carry = grown
    }
    this.carry.set(octets.subarray(start, end), this.carried)
    this.carried = carried
    this.position += end - start
  }
}
