import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { octetsOfHex } from '../../../../core/base/octets.js'
import { decodeSnap, encodeSnap } from '../../../../core/net/wire/llc-snap.js'

const snap = fc.record({
  destination: fc.nat(0xffffffffffff),
  source: fc.nat(0xffffffffffff),
  organisation: fc.nat(0xffffff),
  protocol: fc.nat(0xffff),
  payload: fc.uint8Array({ maxLength: 100 }),
})

describe('LLC and SNAP', () => {
  it('decode of encode is identity, and no frame is too short for the wire', () => {
    fc.assert(
      fc.property(snap, (value) => {
        const octets = encodeSnap(value)
        expect(octets.length).toBeGreaterThanOrEqual(60)
        expect(decodeSnap(octets)).toEqual(value)
      }),
    )
  })

  it('gives a value or WireError for whatever comes', () => {
    const attempt = (octets: Uint8Array): void => {
      try {
        decodeSnap(octets)
      } catch (error) {
        expect(error).toBeInstanceOf(WireError)
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), attempt))
    fc.assert(
      fc.property(snap, fc.nat(21), fc.nat(255), fc.nat(120), (value, at, octet, length) => {
        const octets = encodeSnap(value)
        octets[at] = octet
        attempt(octets.subarray(0, length))
      }),
    )
  })

  it('says what is wrong', () => {
    const header = '0100000000000200000000010000'.slice(0, 24)
    expect(() => decodeSnap(octetsOfHex(header + '0800' + 'aaaa03000000' + '2004'))).toThrow(/2048 is an EtherType/)
    expect(() => decodeSnap(octetsOfHex(header + '0100' + 'aaaa03000000' + '2004'))).toThrow(/length field is 256/)
    expect(() => decodeSnap(octetsOfHex(header + '0008' + '424203000000' + '2004'))).toThrow(/at octet 14: not SNAP/)
    expect(() => encodeSnap({ ...fc.sample(snap, 1)[0]!, payload: new Uint8Array(1493) })).toThrow(WireError)
  })
})
