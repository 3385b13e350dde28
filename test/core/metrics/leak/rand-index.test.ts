import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { adjustedRandIndex } from '../../../../core/metrics/leak/rand-index.js'

describe('agreement of two partitions', () => {
  it('is as published: 0.24242 for the pair of the usual example', () => {
    expect(adjustedRandIndex([0, 0, 0, 1, 1, 1], [0, 0, 1, 1, 2, 2])).toBeCloseTo(0.242_42, 5)
  })

  it('is 1 for the same classes under other names, and does not say more for a partition that says nothing', () => {
    expect(adjustedRandIndex([1, 1, 2, 3], [7, 7, 9, 8])).toBe(1)
    expect(adjustedRandIndex([1, 1, 2, 2], [0, 0, 0, 0])).toBe(0)
    expect(adjustedRandIndex([1, 1, 2, 2], [1, 2, 3, 4])).toBe(0)
  })

  it('is null where nothing can be told', () => {
    expect(adjustedRandIndex([1, 2, 3], [4, 5, 6])).toBeNull()
    expect(adjustedRandIndex([1, 1, 1], [4, 4, 4])).toBeNull()
    expect(adjustedRandIndex([], [])).toBeNull()
  })

  it('does not ask which is the truth, nor what classes are called, and never exceeds 1', () => {
    const classes = fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })), { minLength: 2 })
    fc.assert(
      fc.property(classes, (pairs) => {
        const a = pairs.map(([first]) => first)
        const b = pairs.map(([, second]) => second)
        const index = adjustedRandIndex(a, b)
        const renamed = adjustedRandIndex(
          b.map((each) => 40 - each),
          a,
        )
        if (index === null) expect(renamed).toBeNull()
        else {
          expect(renamed).toBeCloseTo(index, 10)
          expect(index).toBeLessThanOrEqual(1 + 1e-9)
        }
      }),
    )
  })
})
