import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { div, divu, mulh, mulhsu, mulhu, rem, remu } from '../../../core/cpu/arithmetic.js'

const int32 = fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, -(2 ** 31), 2 ** 31 - 1, 0xffff, 0x10000))
const signed = (value: bigint): number => Number(BigInt.asIntN(32, value))
const unsigned = (value: number): bigint => BigInt.asUintN(32, BigInt(value))

describe('arithmetic of the M extension', () => {
  test('upper halves of products agree with bigint', () => {
    fc.assert(
      fc.property(int32, int32, (a, b) => {
        expect(mulh(a, b)).toBe(signed((BigInt(a) * BigInt(b)) >> 32n))
        expect(mulhsu(a, b)).toBe(signed((BigInt(a) * unsigned(b)) >> 32n))
        expect(mulhu(a, b)).toBe(signed((unsigned(a) * unsigned(b)) >> 32n))
      }),
      { numRuns: 500 },
    )
  })

  test('quotient and remainder: dividend = divisor * quotient + remainder, division by zero included', () => {
    fc.assert(
      fc.property(int32, int32, (a, b) => {
        expect((Math.imul(b, div(a, b)) + rem(a, b)) | 0).toBe(a)
        expect((Math.imul(b, divu(a, b)) + remu(a, b)) | 0).toBe(a)
      }),
    )
  })

  // Unprivileged specification, table "Semantics for division by zero and division overflow".
  test.each([
    [7, 0, -1, -1, 7, 7],
    [-7, 0, -1, -1, -7, -7],
    [-(2 ** 31), -1, -(2 ** 31), 0, 0, -(2 ** 31)],
    [-7, 2, -3, 0x7ffffffc, -1, 1],
    [7, -2, -3, 0, 1, 7],
  ])('%i by %i', (a, b, quotient, quotientUnsigned, remainder, remainderUnsigned) => {
    expect(div(a, b) | 0).toBe(quotient)
    expect(divu(a, b) | 0).toBe(quotientUnsigned)
    expect(rem(a, b) | 0).toBe(remainder)
    expect(remu(a, b) | 0).toBe(remainderUnsigned)
  })
})
