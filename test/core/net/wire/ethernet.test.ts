import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AssertionError, WireError } from '../../../../core/base/errors.js'
import { hexOf, octetsOfHex } from '../../../../core/base/octets.js'
import { decodeEthernet, encodeEthernet } from '../../../../core/net/wire/ethernet.js'

const tag = fc.record({ id: fc.nat(4095), priority: fc.nat(7), isDropEligible: fc.boolean() })
const frame = fc
  .record({
    destination: fc.nat(0xffffffffffff),
    source: fc.nat(0xffffffffffff),
    tags: fc.array(tag, { maxLength: 4 }),
    etherType: fc.integer({ min: 0x0600, max: 0xffff }).filter((type) => type !== 0x8100),
    payload: fc.uint8Array({ maxLength: 60 }),
  })
  .map(({ tags: [vlan = null, ...innerVlans], ...rest }) => ({
    ...rest,
    vlan,
    ...(innerVlans.length > 0 && { innerVlans }),
  }))

describe('Ethernet with stacked tags', () => {
  it('decode of encode is identity', () => {
    fc.assert(fc.property(frame, (value) => void expect(decodeEthernet(encodeEthernet(value))).toEqual(value)))
  })

  it('writes the outer tag first', () => {
    const octets = encodeEthernet({
      ...{ destination: 1, source: 2, etherType: 0x0800, payload: Uint8Array.of(9) },
      vlan: { id: 1, priority: 5, isDropEligible: false },
      innerVlans: [{ id: 20, priority: 0, isDropEligible: true }],
    })
    expect(hexOf(octets)).toBe('000000000001000000000002' + '8100a001' + '81001014' + '0800' + '09')
  })

  it('refuses a frame that ends among its tags, with the place', () => {
    const octets = octetsOfHex('000000000001000000000002' + '81000001' + '8100')
    expect(() => decodeEthernet(octets)).toThrow(/ethernet: at octet 18: ends inside its VLAN tag/)
    fc.assert(
      fc.property(frame, fc.nat(30), (value, length) => {
        const whole = encodeEthernet(value)
        try {
          decodeEthernet(whole.subarray(0, length))
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
    )
  })

  it('writes no inner tag without an outer one', () => {
    const inner = { id: 20, priority: 0, isDropEligible: false }
    const value = { destination: 1, source: 2, vlan: null, innerVlans: [inner], etherType: 0x0800 }
    expect(() => encodeEthernet({ ...value, payload: new Uint8Array(0) })).toThrow(AssertionError)
  })
})
