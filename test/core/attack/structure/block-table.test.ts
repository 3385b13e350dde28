import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BlockTable } from '../../../../core/attack/structure/block-table.js'

describe('numbers for blocks', () => {
  it('are the same for the same block, and say how often it came', () => {
    const word = fc.integer({ min: 0, max: 3 }).map((value) => (value * 0x5555_5555) >>> 0)
    fc.assert(
      fc.property(fc.array(fc.tuple(word, word), { maxLength: 200 }), (blocks) => {
        const table = new BlockTable()
        const known = new Map<string, { number: number; count: number }>()
        for (const [high, low] of blocks) {
          const number = table.number(high, low)
          const before = known.get(`${high} ${low}`) ?? { number, count: 0 }
          expect(number).toBe(before.number)
          known.set(`${high} ${low}`, { number, count: before.count + 1 })
        }
        for (const { number, count } of known.values()) expect(table.count(number)).toBe(count)
        const most = Math.max(0, ...[...known.values()].map(({ count }) => count))
        expect(table.count(table.mostFrequent)).toBe(most)
      }),
    )
  })

  it('stay as they are while the table grows', () => {
    const table = new BlockTable()
    const numbers = Array.from({ length: 50_000 }, (_, index) =>
      table.number(Math.imul(index, 0x9e37_79b1) >>> 0, index),
    )
    expect(new Set(numbers).size).toBe(50_000)
    for (const index of [0, 4095, 4096, 49_999])
      expect(table.number(Math.imul(index, 0x9e37_79b1) >>> 0, index)).toBe(numbers[index])
  })

  it('are found in bounded time for blocks that were chosen to collide, whose repeats may be missed', () => {
    const table = new BlockTable()
    for (let low = 0; low < 128; low++) for (let again = 0; again < 100; again++) table.number(5, low)
    const total = Array.from({ length: 20_000 }, (_, number) => table.count(number)).reduce((sum, count) => sum + count)
    expect(total).toBe(12_800)
  })
})
