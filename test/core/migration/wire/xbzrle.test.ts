import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { hexOf, octetsOfHex } from '../../../../core/base/octets.js'
import { applyXbzrle, encodeXbzrle } from '../../../../core/migration/wire/xbzrle.js'

const page = fc.uint8Array({ minLength: 4096, maxLength: 4096 })
/** Places and values of stores into a page, as a guest makes them. */
const stores = fc.array(fc.tuple(fc.nat(4095), fc.nat(255)), { maxLength: 60 })

describe('XBZRLE', () => {
  it('reads records that a real QEMU sent', () => {
    const octets = new Uint8Array(4096)
    applyXbzrle(octets, octetsOfHex('00 02 94 2f 06 01 2f'))
    expect(hexOf(octets.subarray(0, 12))).toBe('942f000000000000' + '2f000000')
    applyXbzrle(octets, octetsOfHex(`c401 10 ${'ab'.repeat(16)}`))
    expect(octets.indexOf(0xab)).toBe(196)
    expect(octets.lastIndexOf(0xab)).toBe(211)
  })

  it('turns the old page into the new one', () => {
    fc.assert(
      fc.property(page, stores, (from, changes) => {
        const to = from.slice()
        for (const [at, value] of changes) to[at] = value
        const encoded = new Uint8Array(4096)
        const length = encodeXbzrle(from, to, encoded)
        expect(length).toBeGreaterThanOrEqual(0)
        expect(length).toBeLessThanOrEqual(5 * changes.length)
        applyXbzrle(from, encoded.subarray(0, length))
        expect(from).toEqual(to)
      }),
      { numRuns: 40 },
    )
  })

  it('gives up on a page that changed too much', () => {
    const from = new Uint8Array(4096)
    const to = Uint8Array.from(from, (_, index) => index % 2)
    expect(encodeXbzrle(from, to, new Uint8Array(4096))).toBe(-1)
    expect(encodeXbzrle(from, from, new Uint8Array(4096))).toBe(0)
  })

  it('gives a page or a WireError for any octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (encoded) => {
        try {
          applyXbzrle(new Uint8Array(4096), encoded)
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
    )
  })

  it.each([
    ['00 00', 'an empty run of new octets'],
    ['00 01 aa 00 01 bb', 'an empty run of kept octets'],
    ['ff 1f 02 aa bb', 'runs reach 4097'],
    ['80 80 01', 'a run length of more than 14 bits'],
    ['05 03 aa', '3 new octets, fewer are left'],
    ['05', 'a run length is missing'],
  ])('refuses %s', (hex, reason) => {
    expect(() => applyXbzrle(new Uint8Array(4096), octetsOfHex(hex))).toThrow(reason)
  })
})
