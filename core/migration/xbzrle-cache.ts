/**
 * What was last sent of each page, for XBZRLE to send the difference to (QEMU migration/page_cache.c): one slot for all pages
 * whose number is the same modulo the number of slots, and a page that was asked for lately is not pushed out of it.
 */
import { PAGE_OCTETS } from '../base/units.js'

/** QEMU's CACHED_PAGE_LIFETIME: readings of the dirty log that a page outlives in its slot. */
const LIFETIME_ROUNDS = 2

interface CachedPage {
  page: number
  /** The reading of the dirty log at which it was put here or last found here. */
  age: number
  readonly octets: Uint8Array
}

export class XbzrleCache {
  readonly slotCount: number
  /** By slot; memory is taken as it is needed. */
  private readonly slots = new Map<number, CachedPage>()

  /** `octets` are rounded down to a power of two of pages, and one page at least. */
  constructor(octets: number) {
    let slotCount = 1
    while (2 * slotCount * PAGE_OCTETS <= octets) slotCount *= 2
    this.slotCount = slotCount
  }

  get octets(): number {
    return this.slotCount * PAGE_OCTETS
  }

  /** What was last sent of a page, to be changed when it is sent again; null when it is not here. `age` is that of now. */
  find(page: number, age: number): Uint8Array | null {
    const cached = this.slots.get(page % this.slotCount)
    if (cached?.page !== page) return null
    cached.age = age
    return cached.octets
  }

  /** Keep a copy of a page. False when its slot belongs to another that is too young to go. */
  insert(page: number, octets: Uint8Array, age: number): boolean {
    const slot = page % this.slotCount
    const cached = this.slots.get(slot)
    if (cached === undefined) {
      this.slots.set(slot, { page, age, octets: octets.slice() })
      return true
    }
    if (cached.page !== page && cached.age + LIFETIME_ROUNDS > age) return false
    cached.page = page
    cached.age = age
    cached.octets.set(octets)
    return true
  }
}
