/** The ciphers of the record layer against published vectors, and against OpenSSL as Node has it. */
import { createCipheriv } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hexOf, latin1Octets, octetsOfHex } from '../../../../core/base/octets.js'
import { padToBlocks, recordCiphers, unpadBlocks } from '../../../../core/secure/records/record-ciphers.js'
import { recordCipherNames, type RecordCipherName } from '../../../../core/secure/wire/records.js'

interface Vector {
  readonly cipher: RecordCipherName
  readonly source: string
  readonly key: string
  readonly iv: string
  readonly associated?: string
  readonly plain: string
  readonly sealed: string
}

const AES_256 = '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4'
const PLAIN = '6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51'
const NOW_IS_THE_TIME = hexOf(latin1Octets('Now is the time for all '))

const vectors: readonly Vector[] = [
  {
    ...{ cipher: 'aes-128-ecb', source: 'SP 800-38A F.1.1', iv: '', plain: PLAIN },
    key: '2b7e151628aed2a6abf7158809cf4f3c',
    sealed: '3ad77bb40d7a3660a89ecaf32466ef97f5d3d58503b9699de785895a96fdbaaf',
  },
  {
    ...{ cipher: 'aes-256-cbc', source: 'SP 800-38A F.2.5', key: AES_256, plain: PLAIN },
    iv: '000102030405060708090a0b0c0d0e0f',
    sealed: 'f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d',
  },
  {
    ...{ cipher: 'aes-256-ctr', source: 'SP 800-38A F.5.5', key: AES_256, plain: PLAIN },
    iv: 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff',
    sealed: '601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5',
  },
  {
    ...{ cipher: 'chacha20-poly1305', source: 'RFC 8439 section 2.8.2' },
    key: '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f',
    iv: '070000004041424344454647',
    associated: '50515253c0c1c2c3c4c5c6c7',
    plain: hexOf(
      latin1Octets(
        "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
      ),
    ),
    sealed:
      'd31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691',
  },
  {
    ...{ cipher: 'des-cbc', source: 'FIPS 81 table C1', plain: NOW_IS_THE_TIME },
    ...{ key: '0123456789abcdef', iv: '1234567890abcdef' },
    sealed: 'e5c7cdde872bf27c43e934008c389c0f683788499a7c05f6',
  },
]

describe('published vectors', () => {
  it.each(vectors)('$cipher: $source', ({ cipher, key, iv, associated = '', plain, sealed }) => {
    const { seal, open } = recordCiphers[cipher]
    const input = { key: octetsOfHex(key), iv: octetsOfHex(iv), associated: octetsOfHex(associated) }
    expect(hexOf(seal(input, octetsOfHex(plain)))).toBe(sealed)
    expect(hexOf(open(input, octetsOfHex(sealed))!)).toBe(plain)
  })
})

/** OpenSSL's names. Its DES is that of three equal keys: DES alone is not in its default provider. */
const opensslNames: Readonly<Record<RecordCipherName, string>> = {
  'aes-128-ecb': 'aes-128-ecb',
  'aes-256-cbc': 'aes-256-cbc',
  'aes-256-ctr': 'aes-256-ctr',
  'aes-256-gcm': 'aes-256-gcm',
  'chacha20-poly1305': 'chacha20-poly1305',
  'des-cbc': 'des-ede3-cbc',
  '3des-cbc': 'des-ede3-cbc',
}

function sealWithOpenssl(name: RecordCipherName, key: Uint8Array, iv: Uint8Array, plain: Uint8Array): string {
  const hasTag = recordCiphers[name].tagOctets > 0
  const whole = name === 'des-cbc' ? Buffer.concat([key, key, key]) : key
  const cipher = createCipheriv(opensslNames[name] as 'aes-256-gcm', whole, iv.length === 0 ? null! : iv, {
    ...(hasTag && { authTagLength: 16 }),
  })
  if (!hasTag) cipher.setAutoPadding(false)
  const sealed = Buffer.concat([cipher.update(plain), cipher.final()])
  return (hasTag ? Buffer.concat([sealed, cipher.getAuthTag()]) : sealed).toString('hex')
}

describe.each(recordCipherNames)('%s', (name) => {
  const { keyOctets, ivOctets, blockOctets, tagOctets, seal, open } = recordCiphers[name]
  const exactly = (octets: number) => fc.uint8Array({ minLength: octets, maxLength: octets })

  it('seals as OpenSSL does, and opens what it sealed', () => {
    fc.assert(
      fc.property(exactly(keyOctets), exactly(ivOctets), fc.uint8Array({ maxLength: 300 }), (key, iv, payload) => {
        const plain = padToBlocks(payload, blockOctets)
        const input = { key, iv, associated: new Uint8Array(0) }
        const sealed = seal(input, plain)
        expect(hexOf(sealed)).toBe(sealWithOpenssl(name, key, iv, plain))
        expect(unpadBlocks(open(input, sealed)!, blockOctets)).toEqual(payload)
      }),
      { numRuns: 40 },
    )
  })

  it.runIf(tagOctets > 0)('refuses any change, of what is only authenticated too', () => {
    const input = { key: new Uint8Array(keyOctets), iv: new Uint8Array(ivOctets), associated: Uint8Array.of(1, 2, 3) }
    const sealed = seal(input, new Uint8Array(40))
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = sealed.slice()
        changed[at]! ^= mask
        expect(open(input, changed)).toBeNull()
      }),
      { numRuns: 30 },
    )
    expect(open({ ...input, associated: Uint8Array.of(1, 2, 4) }, sealed)).toBeNull()
  })
})

describe('padding', () => {
  it('is refused where it is none', () => {
    for (const tail of [[0], [17], [1, 2], [3, 2, 3]])
      expect(unpadBlocks(Uint8Array.of(...new Uint8Array(16 - tail.length), ...tail), 16)).toBeNull()
    expect(unpadBlocks(new Uint8Array(0), 16)).toBeNull()
  })
})
