import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PAGE_OCTETS } from '../../../core/base/units.js'
import { XbzrleCache } from '../../../core/migration/xbzrle-cache.js'

/** The same rules (QEMU migration/page_cache.c) in the plainest way: a list of items, looked through from end to end. */
class SlowCache {
  items: { slot: number; page: number; age: number; value: number }[] = []
  constructor(private readonly slotCount: number) {}

  find(page: number, age: number): number | null {
    const item = this.items.find((each) => each.page === page)
    if (item === undefined) return null
    item.age = age
    return item.value
  }

  insert(page: number, value: number, age: number): boolean {
    const slot = page % this.slotCount
    const item = this.items.find((each) => each.slot === slot)
    if (item !== undefined && item.page !== page && item.age + 2 > age) return false
    this.items = this.items.filter((each) => each.slot !== slot)
    this.items.push({ slot, page, age, value })
    return true
  }
}

const pageOf = (value: number): Uint8Array => new Uint8Array(PAGE_OCTETS).fill(value)

describe('XbzrleCache', () => {
  it('rounds its size down to a power of two of pages', () => {
    expect(new XbzrleCache(64 * 1024 ** 2).slotCount).toBe(16_384)
    expect(new XbzrleCache(3 * PAGE_OCTETS).slotCount).toBe(2)
    expect(new XbzrleCache(1).octets).toBe(PAGE_OCTETS)
  })

  it('does what the slow cache does', () => {
    const steps = fc.array(
      fc.record({ page: fc.nat(20), value: fc.integer({ min: 1, max: 255 }), ages: fc.nat(1), inserts: fc.boolean() }),
      { maxLength: 80 },
    )
    fc.assert(
      fc.property(steps, (all) => {
        const cache = new XbzrleCache(4 * PAGE_OCTETS)
        const slow = new SlowCache(4)
        let age = 1
        for (const { page, value, ages, inserts } of all) {
          age += ages
          if (inserts) expect(cache.insert(page, pageOf(value), age)).toBe(slow.insert(page, value, age))
          expect(cache.find(page, age)?.[7] ?? null).toBe(slow.find(page, age))
        }
      }),
    )
  })

  it('keeps a copy: what becomes of the page is nothing to it', () => {
    const cache = new XbzrleCache(PAGE_OCTETS)
    const page = pageOf(1)
    cache.insert(3, page, 1)
    page.fill(2)
    expect(cache.find(3, 1)?.[0]).toBe(1)
  })
})
