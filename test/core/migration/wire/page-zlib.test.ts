import { deflateRawSync, deflateSync, inflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { deflatePage, inflatePage } from '../../../../core/migration/wire/page-zlib.js'

function withWrongChecksum(): Uint8Array {
  const octets = new Uint8Array(deflateSync(new Uint8Array(4096)))
  octets[octets.length - 1]! ^= 1
  return octets
}

const page = fc.uint8Array({ minLength: 4096, maxLength: 4096 })

describe('a compressed page', () => {
  it('is a zlib stream that zlib itself reads', () => {
    fc.assert(
      fc.property(page, (octets) => {
        expect(new Uint8Array(inflateSync(deflatePage(octets)))).toEqual(octets)
      }),
      { numRuns: 20 },
    )
  })

  it('is read from zlib itself, at any level', () => {
    fc.assert(
      fc.property(page, fc.integer({ min: 0, max: 9 }), (octets, level) => {
        expect(inflatePage(new Uint8Array(deflateSync(octets, { level })))).toEqual(octets)
      }),
      { numRuns: 20 },
    )
  })

  it.each([
    ['too short a page', deflateSync(new Uint8Array(4095))],
    ['too long a page', deflateSync(new Uint8Array(4097))],
    ['a thousand pages', deflateSync(new Uint8Array(4096 * 1000))],
    ['no zlib header', deflateRawSync(new Uint8Array(4096))],
    ['a wrong checksum', withWrongChecksum()],
    ['nothing', new Uint8Array(0)],
  ])('is refused when it is %s', (_name, octets) => {
    expect(() => inflatePage(new Uint8Array(octets))).toThrow(WireError)
  })

  it('gives a page or a WireError for any octets', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        try {
          inflatePage(Uint8Array.from([0x78, 0x01, ...octets]))
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
    )
  })
})
