import * as fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { concatOctets, hexOf, octetsOfHex, readU32be } from '../../../../core/base/octets.js'
import {
  espOctets,
  espPayloadMax,
  openEsp,
  OpeningAssociation,
  sealEsp,
  SealingAssociation,
} from '../../../../core/secure/esp/esp-packet.js'
import { sealedMemory } from '../../../../core/secure/sealed-memory.js'

const keys = { spi: 0x1234_5678, key: new Uint8Array(32).fill(7), salt: Uint8Array.of(1, 2, 3, 4) }
const payloads = fc.record({ nextHeader: fc.integer({ min: 0, max: 255 }), octets: fc.uint8Array({ maxLength: 200 }) })

/** The cipher opens everything here. */
const { octetsMax } = sealedMemory
beforeAll(() => {
  sealedMemory.octetsMax = 0
})
afterAll(() => {
  sealedMemory.octetsMax = octetsMax
})

describe('ESP packets', () => {
  it('open as the published one with a 256-bit key does (draft-mcgrew-gcm-test-01, section 4)', () => {
    const published = {
      spi: 0x4a2c_bfe3,
      key: octetsOfHex('abbccddef00112233445566778899aab'.repeat(2)),
      salt: octetsOfHex('11223344'),
    }
    const packet = octetsOfHex(
      '4a2cbfe3000000020102030405060708ff425c9b724599df7a3bcd510194e00d6a78107f1b0b1cbf06efae9d65a5d763' +
        '748a637985771d347f0545659f14e99def842d8eb335f4eecfdbf831824b4c4915956c96',
    )
    const { nextHeader, octets } = openEsp(new OpeningAssociation(published), packet)
    expect(nextHeader).toBe(1)
    expect(hexOf(octets)).toBe(
      '4500003069a6400080062690c0a801029389155e0a9e008b2dc57ee0000000007002400020bf0000020405b401010402',
    )
  })

  it('open to what was sealed, numbered from 1, as long as was said', () => {
    fc.assert(
      fc.property(fc.array(payloads, { minLength: 1, maxLength: 5 }), (sent) => {
        const sealing = new SealingAssociation(keys)
        const opening = new OpeningAssociation(keys)
        sent.forEach((payload, index) => {
          const packet = sealEsp(sealing, payload)
          expect([readU32be(packet, 0), readU32be(packet, 4)]).toEqual([keys.spi, index + 1])
          expect(packet.length).toBe(espOctets(payload.octets.length))
          expect(packet.length % 4).toBe(0)
          expect(openEsp(opening, packet)).toEqual(payload)
        })
      }),
    )
  })

  it('fit what they were cut for, and no octet more would', () => {
    for (let room = 60; room < 90; room++) {
      const most = espPayloadMax(room)
      expect(espOctets(most)).toBeLessThanOrEqual(room)
      expect(espOctets(most + 1)).toBeGreaterThan(room)
    }
  })

  it('are refused when an octet was changed, and then still taken as they were', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), fc.nat(7), (payload, where, bit) => {
        const packet = sealEsp(new SealingAssociation(keys), payload)
        const opening = new OpeningAssociation(keys)
        // The SPI says which keys: another association's are tried by another test.
        const at = 4 + (where % (packet.length - 4))
        const changed = packet.slice()
        changed[at] = (changed[at] ?? 0) ^ (1 << bit)
        const refusal = readU32be(changed, 4) === 0 ? 'sequence number 0' : 'the ICV was refused'
        expect(() => openEsp(opening, changed)).toThrow(refusal)
        expect(openEsp(opening, packet)).toEqual(payload)
      }),
    )
  })

  it('are refused when they were cut, replayed, come too late, or are under other keys', () => {
    fc.assert(
      fc.property(payloads, fc.nat(), (payload, cut) => {
        const sealing = new SealingAssociation(keys)
        const opening = new OpeningAssociation(keys)
        const first = sealEsp(sealing, payload)
        const second = sealEsp(sealing, payload)
        expect(() => openEsp(opening, first.subarray(0, cut % first.length))).toThrow(/shorter than|multiple of 4|ICV/)
        openEsp(opening, second)
        expect(() => openEsp(opening, second)).toThrow('replayed')
        sealing.sequence = 70
        openEsp(opening, sealEsp(sealing, payload))
        expect(() => openEsp(opening, first)).toThrow('left of the anti-replay window')
        for (const other of [
          { ...keys, key: new Uint8Array(32) },
          { ...keys, salt: new Uint8Array(4) },
        ])
          expect(() => openEsp(new OpeningAssociation(other), first)).toThrow('the ICV was refused')
      }),
      { numRuns: 30 },
    )
  })

  it('of random octets are refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (octets) => {
        const packet = concatOctets([Uint8Array.of(0x12, 0x34, 0x56, 0x78), octets])
        expect(() => openEsp(new OpeningAssociation(keys), packet)).toThrow(/^esp: /)
      }),
    )
  })

  it('come to an end with the 32 bits of their number', () => {
    const sealing = new SealingAssociation(keys)
    sealing.sequence = 0xffff_fffe
    expect(sealing.isUsedUp).toBe(false)
    expect(readU32be(sealEsp(sealing, { nextHeader: 6, octets: new Uint8Array(0) }), 4)).toBe(0xffff_ffff)
    expect(sealing.isUsedUp).toBe(true)
  })
})
