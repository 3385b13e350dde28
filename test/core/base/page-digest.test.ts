import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pageDigest, ZERO_PAGE_DIGEST } from '../../../core/base/page-digest.js'
import { PAGE_OCTETS } from '../../../core/base/units.js'

describe('digest of a page', () => {
  it('is that of zeros for zeros alone', () => {
    expect(pageDigest(new Uint8Array(PAGE_OCTETS))).toBe(ZERO_PAGE_DIGEST)
    for (const at of [0, 1, 2047, 4095]) {
      const page = new Uint8Array(PAGE_OCTETS)
      page[at] = 1
      expect(pageDigest(page)).not.toBe(ZERO_PAGE_DIGEST)
    }
  })

  it('does not ask where the octets lie, and is a whole number that a trace can hold', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 64 }), fc.integer({ min: 0, max: 7 }), (octets, shift) => {
        const page = new Uint8Array(PAGE_OCTETS)
        page.set(octets, 100)
        const moved = new Uint8Array(PAGE_OCTETS + 8)
        moved.set(page, shift)
        const digest = pageDigest(page)
        expect(pageDigest(moved.subarray(shift, shift + PAGE_OCTETS))).toBe(digest)
        expect(Number.isSafeInteger(digest)).toBe(true)
      }),
    )
  })

  it('tells pages apart that differ in one octet', () => {
    const digests = new Set<number>()
    for (let at = 0; at < PAGE_OCTETS; at++) {
      const page = new Uint8Array(PAGE_OCTETS).fill(7)
      page[at] = 8
      digests.add(pageDigest(page))
    }
    expect(digests.size).toBe(PAGE_OCTETS)
  })
})
