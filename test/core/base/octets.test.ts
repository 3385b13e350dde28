import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import {
  concatOctets,
  equalOctets,
  hexOf,
  latin1Octets,
  latin1Text,
  octetsOfHex,
  OctetReader,
  OctetWriter,
  readU32le,
  utf8Octets,
  writeU32le,
} from '../../../core/base/octets.js'

describe('octets', () => {
  it('reads back what it wrote', () => {
    fc.assert(
      fc.property(
        fc.record({
          a: fc.integer({ min: 0, max: 0xff }),
          b: fc.integer({ min: 0, max: 0xffff }),
          c: fc.integer({ min: 0, max: 0xffff_ffff }),
          d: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
          rest: fc.uint8Array({ maxLength: 600 }),
        }),
        ({ a, b, c, d, rest }) => {
          const octets = new OctetWriter(4).u8(a).u16(b).u32(c).u64(d).octets(rest).take()
          const reader = new OctetReader(octets, 'test')
          expect([reader.u8(), reader.u16(), reader.u32(), reader.u64()]).toEqual([a, b, c, d])
          expect(equalOctets(reader.view(rest.length), rest)).toBe(true)
          expect(reader.remaining).toBe(0)
        },
      ),
    )
  })

  it('grows at any octet', () => {
    const writer = new OctetWriter(4)
    for (let value = 0; value < 100; value++) writer.u8(value)
    expect(writer.take()).toEqual(Uint8Array.from({ length: 100 }, (_, index) => index))
  })

  it('says where octets are missing', () => {
    const reader = new OctetReader(new Uint8Array(3), 'test')
    reader.u16()
    expect(() => reader.u32('length')).toThrow(new WireError('test', 2, 'length needs 4 octets, 1 are left'))
  })

  it('little-endian words', () => {
    const octets = new Uint8Array(4)
    writeU32le(octets, 0, 0xdead_beef)
    expect(hexOf(octets)).toBe('efbeadde')
    expect(readU32le(octets, 0)).toBe(0xdead_beef)
  })

  it('hexadecimal both ways, and refuses what is not', () => {
    fc.assert(fc.property(fc.uint8Array(), (octets) => equalOctets(octetsOfHex(hexOf(octets)), octets)))
    expect(() => octetsOfHex('abc')).toThrow(WireError)
    expect(() => octetsOfHex('zz')).toThrow(WireError)
  })

  it('latin-1 both ways', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 9000 }), (octets) =>
        equalOctets(latin1Octets(latin1Text(octets)), octets),
      ),
    )
  })

  it('UTF-8 as the platform encodes it', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) =>
        equalOctets(utf8Octets(text), new TextEncoder().encode(text)),
      ),
    )
  })

  it('concatenates', () => {
    expect([...concatOctets([new Uint8Array([1]), new Uint8Array(0), new Uint8Array([2, 3])])]).toEqual([1, 2, 3])
  })
})
