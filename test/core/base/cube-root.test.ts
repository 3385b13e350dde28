import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { cubeRoot } from '../../../core/base/cube-root.js'

describe('cubeRoot', () => {
  it('is exact for cubes of small whole numbers, and 0 for what has no root here', () => {
    for (let root = 1; root < 1000; root++) expect(cubeRoot(root ** 3)).toBeCloseTo(root, 10)
    expect([0, -8, NaN].map(cubeRoot)).toEqual([0, 0, 0])
  })

  it('agrees with the slow inexact one to a few units in the last place', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-200, max: 1e200, noNaN: true }), (value) => {
        expect(Math.abs(cubeRoot(value) / Math.cbrt(value) - 1)).toBeLessThan(1e-14)
      }),
    )
  })
})
