import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exponential, wholePower } from '../../../core/base/exact-powers.js'

describe('exact powers', () => {
  it('are what Math.pow makes of whole exponents, but for the last bits', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.5, max: 2, noNaN: true }), fc.integer({ min: 0, max: 1000 }), (base, exponent) => {
        const expected = base ** exponent
        expect(Math.abs(wholePower(base, exponent) - expected)).toBeLessThanOrEqual(1e-11 * expected)
      }),
    )
    expect(wholePower(0, 0)).toBe(1)
    expect(wholePower(0.5, 5000)).toBe(0)
  })

  it('are what Math.exp makes of any exponent, but for the last bits', () => {
    fc.assert(
      fc.property(fc.double({ min: -700, max: 700, noNaN: true }), (x) => {
        const expected = Math.exp(x)
        expect(Math.abs(exponential(x) - expected)).toBeLessThanOrEqual(1e-12 * expected)
      }),
    )
    expect(exponential(0)).toBe(1)
  })
})
