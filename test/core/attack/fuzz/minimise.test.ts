import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { minimise } from '../../../../core/attack/fuzz/minimise.js'
import { concatOctets } from '../../../../core/base/octets.js'

describe('minimising an input', () => {
  it('leaves the octets that matter, in their order, and zeros for those that only have to be there', () => {
    const input = Uint8Array.from({ length: 1000 }, (_, index) =>
      index === 17 ? 201 : index === 801 ? 202 : index % 200,
    )
    // A 201, a 202 somewhere after it, and two octets between them.
    const fails = (octets: Uint8Array): boolean => {
      const at = octets.indexOf(201)
      return at >= 0 && octets.indexOf(202, at + 3) >= 0
    }
    expect([...minimise(input, fails).octets]).toEqual([201, 0, 0, 202])
  })

  it('gives an input that still fails, and of which no octet can go', () => {
    const needed = fc.uint8Array({ minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(needed, fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ maxLength: 200 }), (middle, a, b) => {
        const fails = (octets: Uint8Array): boolean => {
          let found = 0
          for (const octet of octets) if (octet === middle[found]) found++
          return found >= middle.length
        }
        const { octets } = minimise(concatOctets([a, middle, b]), fails)
        expect(octets).toEqual(middle)
      }),
      { numRuns: 100 },
    )
  })

  it('needs few tests where little matters', () => {
    const { octets, tests } = minimise(new Uint8Array(8192).fill(7), (input) => input.length > 0)
    expect(octets.length).toBe(1)
    expect(tests).toBeLessThan(40)
  })
})
