import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { concatOctets, octetsOfHex } from '../../../../core/base/octets.js'
import { recycleFrame, takeFrame } from '../../../../core/net/frame-pool.js'
import { frameMemory } from '../../../../core/net/wire/frame-memory.js'
import { internetChecksum, onesComplementSum, transportChecksum } from '../../../../core/net/wire/checksum.js'
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
    expect(frameMemory.sum).not.toBeNull()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(40), (octets, shift) => {
        const frame = takeFrame(400).fill(0xa5)
        frame.set(octets, shift)
        expect(frame.buffer).toBe(frameMemory.buffer)
        expect(internetChecksum(frame, shift, shift + octets.length)).toBe(slowChecksum(octets))
        recycleFrame(frame)
      }),
      { numRuns: 1000 },
    )
    const memory = new Uint8Array(frameMemory.buffer)
    const before = memory.slice(0, 65536)
    memory.fill(0xff, 0, 65536)
    expect(internetChecksum(memory, 0, 65536)).toBe(slowChecksum(memory.subarray(0, 65536)))
    memory.set(before)
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
})
