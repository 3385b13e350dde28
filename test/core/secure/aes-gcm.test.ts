import { gcm } from '@noble/ciphers/aes.js'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hexOf, octetsOfHex } from '../../../core/base/octets.js'
import { openGcm, sealGcm } from '../../../core/secure/aes-gcm.js'

/** Test cases 13 to 16 of "The Galois/Counter Mode of Operation" (McGrew, Viega), which NIST's validation vectors took up. */
const zeroKey = '00'.repeat(32)
const key = 'feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308'
const nonce = 'cafebabefacedbaddecaf888'
const plain =
  'd9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255'
const sealed =
  '522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad'
const vectors = [
  [zeroKey, '00'.repeat(12), '', '', '530f8afbc74536b9a963b4f1c4cb738b'],
  [zeroKey, '00'.repeat(12), '', '00'.repeat(16), 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919'],
  [key, nonce, '', plain, `${sealed}b094dac5d93471bdec1a502270e3cc6c`],
  [
    key,
    nonce,
    'feedfacedeadbeeffeedfacedeadbeefabaddad2',
    plain.slice(0, 120),
    `${sealed.slice(0, 120)}76fc6ece0f4e1768cddf8853bb2d551b`,
  ],
] as const

describe('AES-GCM', () => {
  it.each(vectors)('seals and opens the published vectors: %s %s', (...hex) => {
    const [vectorKey, vectorNonce, associated, message, expected] = hex.map(octetsOfHex) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ]
    expect(hexOf(sealGcm(vectorKey, vectorNonce, associated, message))).toBe(hex[4])
    expect(openGcm(vectorKey, vectorNonce, associated, expected)).toEqual(message)
  })

  it("agrees with noble's own, and refuses every changed octet", () => {
    const octets = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    fc.assert(
      fc.property(
        octets(32),
        octets(12),
        fc.uint8Array({ maxLength: 40 }),
        fc.uint8Array({ maxLength: 100 }),
        fc.nat(),
        (someKey, someNonce, associated, message, where) => {
          const made = sealGcm(someKey, someNonce, associated, message)
          expect(made).toEqual(gcm(someKey, someNonce, associated).encrypt(message))
          expect(openGcm(someKey, someNonce, associated, made)).toEqual(message)
          // At any alignment.
          const shifted = new Uint8Array(made.length + 1)
          shifted.set(made, 1)
          expect(openGcm(someKey, someNonce, associated, shifted.subarray(1))).toEqual(message)
          const changed = made.slice()
          changed[where % made.length] = (changed[where % made.length] ?? 0) ^ (1 << (where & 7))
          expect(openGcm(someKey, someNonce, associated, changed)).toBeNull()
        },
      ),
      { numRuns: 60 },
    )
    expect(openGcm(new Uint8Array(32), new Uint8Array(12), new Uint8Array(0), new Uint8Array(15))).toBeNull()
  })
})
