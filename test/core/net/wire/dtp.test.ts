import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError, WireError } from '../../../../core/base/errors.js'
import { hexOf, octetsOfHex } from '../../../../core/base/octets.js'
import { decodeDtpFrame, encodeDtpFrame, isDtpFrame, type DtpMessage } from '../../../../core/net/wire/dtp.js'

const latin1 = fc.string({
  unit: fc.integer({ min: 1, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 32,
})
const message: fc.Arbitrary<DtpMessage> = fc.record({
  domain: latin1,
  isTrunk: fc.boolean(),
  administrativeStatus: fc.constantFrom('on', 'off', 'desirable', 'auto'),
  operatingType: fc.constantFrom('native', 'isl', 'dot1q'),
  administrativeType: fc.constantFrom('negotiated', 'native', 'isl', 'dot1q'),
  sender: fc.nat(0xffffffffffff),
})

describe('DTP', () => {
  it('decode of encode is identity, and the frame is known as DTP', () => {
    fc.assert(
      fc.property(message, (value) => {
        const frame = encodeDtpFrame(value)
        expect(isDtpFrame(frame)).toBe(true)
        expect(decodeDtpFrame(frame)).toEqual(value)
      }),
    )
  })

  it('writes what attackers and switches write: desirable, 802.1Q', () => {
    const frame = encodeDtpFrame({
      ...{ domain: '', isTrunk: false, administrativeStatus: 'desirable' },
      ...{ operatingType: 'dot1q', administrativeType: 'dot1q', sender: 0x0253_5700_0001 },
    })
    expect(hexOf(frame)).toBe(
      '01000ccccccc025357000001' +
        '0022' +
        'aaaa0300000c2004' +
        '01' +
        '0001000500' +
        '0002000503' +
        '00030005a5' +
        '0004000a025357000001' +
        '00'.repeat(12),
    )
  })

  it('damaged octets give a value or WireError', () => {
    fc.assert(
      fc.property(message, fc.integer({ min: 12, max: 59 }), fc.nat(255), fc.nat(80), (value, at, octet, length) => {
        const frame = encodeDtpFrame(value)
        frame[at] = octet
        try {
          decodeDtpFrame(frame.subarray(0, length))
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
    )
  })

  it('says what is wrong', () => {
    const frame = (records: string) => {
      const payload = `01${records}`
      const length = (8 + payload.length / 2).toString(16).padStart(4, '0')
      return octetsOfHex(`01000ccccccc025357000001${length}aaaa0300000c2004${payload}`)
    }
    expect(() => decodeDtpFrame(frame('00020003'))).toThrow(/dtp: at octet 3: record of 3 octets/)
    expect(() => decodeDtpFrame(frame('000200060303'))).toThrow(/dtp: at octet 3: record 2 of 6 octets/)
    expect(() => decodeDtpFrame(frame('0002000503'))).toThrow(/a record is missing/)
    expect(() => decodeDtpFrame(frame('0002000507' + '00030005a5' + '0004000a025357000001'))).toThrow(
      /administrative status 7/,
    )
    const value = fc.sample(message, 1)[0]!
    expect(() => encodeDtpFrame({ ...value, domain: 'x'.repeat(33) })).toThrow(InputError)
  })

  it('knows other frames to the same address by their protocol', () => {
    const cdp = octetsOfHex('01000ccccccc025357000001' + '0022' + 'aaaa0300000c2000' + '00'.repeat(38))
    expect(isDtpFrame(cdp)).toBe(false)
    expect(() => decodeDtpFrame(cdp)).toThrow(/another protocol/)
  })
})
