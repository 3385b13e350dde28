import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatOctets, octetsOfHex } from '../../../../core/base/octets.js'
import { recycleFrame, takeFrame } from '../../../../core/net/frame-pool.js'
import { isCutFrame, sumFrameMemory } from '../../../../core/net/wire/frame-memory.js'
import { writeIpv6 } from '../../../../core/net/wire/addresses.js'
import {
  adjustChecksum,
  internetChecksum,
  onesComplementSum,
  transportChecksum,
} from '../../../../core/net/wire/checksum.js'
import { slowChecksum } from '../../../support/slow-checksum.js'

describe('Internet checksum', () => {
  it('gives the sum of RFC 1071 §3', () => {
    expect(onesComplementSum(octetsOfHex('0001f203f4f5f6f7'), 0, 8)).toBe(0xddf2)
  })

  it('agrees with the slow twin for every alignment and length', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(7), (octets, shift) => {
        const shifted = concatOctets([new Uint8Array(shift).fill(0xa5), octets, new Uint8Array(5).fill(0x5a)])
        expect(internetChecksum(shifted, shift, shift + octets.length)).toBe(slowChecksum(octets))
      }),
      { numRuns: 1000 },
    )
  })

  it('agrees with the slow twin in the memory of frames, where it is made by SIMD instructions', () => {
    expect(sumFrameMemory).not.toBeNull()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 1400 }), fc.nat(40), (octets, shift) => {
        const frame = takeFrame(1500).fill(0xa5)
        frame.set(octets, shift)
        expect(isCutFrame(frame)).toBe(true)
        expect(internetChecksum(frame, shift, shift + octets.length)).toBe(slowChecksum(octets))
        recycleFrame(frame)
      }),
      { numRuns: 1000 },
    )
    const longest = takeFrame(2048).fill(0xff)
    expect(internetChecksum(longest)).toBe(slowChecksum(longest))
    recycleFrame(longest)
  })

  it('agrees with the slow twin where 32-bit sums would overflow', () => {
    const octets = new Uint8Array(300_001).fill(0xff)
    expect(internetChecksum(octets)).toBe(slowChecksum(octets))
  })

  it('covers the pseudo-header', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 99 }), fc.nat(0xffffffff), fc.nat(0xffffffff), (octets, from, to) => {
        const pseudo = new Uint8Array(12)
        const view = new DataView(pseudo.buffer)
        view.setUint32(0, from)
        view.setUint32(4, to)
        pseudo[9] = 6
        view.setUint16(10, octets.length)
        const expected = slowChecksum(concatOctets([pseudo, octets]))
        expect(transportChecksum(octets, 0, octets.length, 6, from, to)).toBe(expected)
      }),
    )
  })

  it('covers the pseudo-header of IPv6', () => {
    const address = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 99 }), address, address, (octets, from, to) => {
        const pseudo = new Uint8Array(40)
        writeIpv6(pseudo, 0, from)
        writeIpv6(pseudo, 16, to)
        pseudo[35] = octets.length
        pseudo[39] = 17
        const expected = slowChecksum(concatOctets([pseudo, octets]))
        expect(transportChecksum(octets, 0, octets.length, 17, from, to)).toBe(expected)
      }),
    )
  })

  it('follows a change of one word without the rest (RFC 1624, with its example)', () => {
    expect(adjustChecksum(0xdd2f, 0x5555, 0x3285)).toBe(0x0000)
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), fc.nat(0xffff), (octets, word) => {
        octets[0] = 0x45 // not all zero
        const before = internetChecksum(octets)
        const was = (octets[8]! << 8) | octets[9]!
        octets[8] = word >>> 8
        octets[9] = word & 255
        expect(adjustChecksum(before, was, word)).toBe(internetChecksum(octets))
      }),
    )
  })
})
