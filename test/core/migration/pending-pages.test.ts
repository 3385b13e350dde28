import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PAGE_OCTETS } from '../../../core/base/units.js'
import { PendingPages } from '../../../core/migration/pending-pages.js'
import { ToyMemory } from '../../support/toy-vm.js'

function taken(pending: PendingPages): string[] {
  const pages: string[] = []
  while (pending.next()) pages.push(`${pending.block}:${pending.page}`)
  return pages
}

describe('PendingPages', () => {
  it('takes every page of every block once, in order', () => {
    const sizes = [1, 31, 32, 33, 64, 100]
    const pending = new PendingPages(sizes.map((pages, index) => ({ name: `b${index}`, memory: new ToyMemory(pages) })))
    pending.markAll()
    expect(pending.count).toBe(261)
    expect(taken(pending)).toEqual(
      sizes.flatMap((pages, index) => Array.from({ length: pages }, (_, page) => `${index}:${page}`)),
    )
    expect(pending.count).toBe(0)
  })

  it('adds what was written, each page only once, and walks on in a circle', () => {
    const writes = fc.array(fc.nat(69), { maxLength: 50 })
    fc.assert(
      fc.property(writes, writes, fc.nat(20), (first, second, some) => {
        const memory = new ToyMemory(70)
        const pending = new PendingPages([{ name: 'ram', memory }])
        memory.startDirtyLog()
        const expected = new Set(first)
        for (const page of first) memory.store(page * PAGE_OCTETS, 1)
        expect(pending.sync()).toBe(expected.size)
        for (let count = 0; count < some && pending.next(); count++) expected.delete(pending.page)
        for (const page of second) {
          memory.store(page * PAGE_OCTETS, 2)
          expected.add(page)
        }
        pending.sync()
        expect(pending.count).toBe(expected.size)
        const { page: last, laps } = pending
        const fromHere = (page: number): number => (page > last ? page : page + 70)
        const inCircle = [...expected].sort((a, b) => fromHere(a) - fromHere(b))
        expect(taken(pending)).toEqual(inCircle.map((page) => `0:${page}`))
        expect(pending.laps - laps).toBe(inCircle.some((page) => page <= last) ? 1 : 0)
      }),
    )
  })
})
