import { poly1305 } from '@noble/ciphers/_poly1305.js'
import { chacha20orig } from '@noble/ciphers/chacha.js'
import { createCipheriv } from 'node:crypto'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AuthenticationError } from '../../../../core/base/errors.js'
import { hexOf, latin1Octets, octetsOfHex } from '../../../../core/base/octets.js'
import { RandomStream } from '../../../../core/kernel/random.js'
import { openPacket, openPacketLength, sealPacket } from '../../../../core/secure/ssh/packet-cipher.js'
import { clearPacketOctets, clearPacketPayload } from '../../../../core/secure/wire/ssh-messages.js'

const mainKey = new Uint8Array(32).fill(5)
const chachaKeys = {
  cipher: 'chacha20-poly1305@openssh.com',
  mainKey,
  headerKey: new Uint8Array(32).fill(6),
} as const
/** Fresh ones: the nonce counts. */
const gcmKeys = (nonce = 'fffffffe00000000ffffffff') =>
  ({ cipher: 'aes256-gcm@openssh.com', mainKey, nonce: octetsOfHex(nonce) }) as const
const random = new RandomStream('packets')
const noOctets = new Uint8Array(0)

describe('the primitives', () => {
  it('give the key stream of RFC 8439 section 2.4.2', () => {
    const key = Uint8Array.from({ length: 32 }, (_, index) => index)
    // The RFC's nonce of 12 octets begins with 4 zero octets: the upper half of the counter here.
    const text =
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it."
    const sealed = chacha20orig(key, octetsOfHex('0000004a00000000'), latin1Octets(text), undefined, 1)
    expect(hexOf(sealed)).toBe(
      '6e2e359a2568f98041ba0728dd0d6981e97e7aec1d4360c20a27afccfd9fae0bf91b65c5524733ab8f593dabcd62b357' +
        '1639d624e65152ab8f530c359f0861d807ca0dbf500d6a6156a38e088a22b65e52bc514d16ccf806818ce91ab77937365af90bbf74' +
        'a35be6b40b8eedf2785e42874d',
    )
  })

  it('give the tag of RFC 8439 section 2.5.2', () => {
    const key = octetsOfHex('85d6be7857556d337f4452fe42d506a80103808afb0db2fd4abff6af4149f51b')
    expect(hexOf(poly1305(latin1Octets('Cryptographic Forum Research Group'), key))).toBe(
      'a8061dc1305136c6c22b8baf0c0127a9',
    )
  })
})

describe('SSH packets', () => {
  const payloads = fc.tuple(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.uint8Array({ maxLength: 300 }))

  it('come back from what was sealed, clear or not', () => {
    fc.assert(
      fc.property(payloads, fc.nat(0xffff_ffff), ([head, body], sequence) => {
        const whole = Uint8Array.from([...head, ...body])
        const clear = sealPacket(null, sequence, head, body, random)
        expect(clearPacketOctets(clear)).toBe(clear.length)
        expect(clearPacketPayload(clear)).toEqual(whole)
        for (const keysOf of [() => chachaKeys, gcmKeys]) {
          const [sender, receiver] = [keysOf(), keysOf()]
          const sealed = sealPacket(sender, sequence, head, body, random)
          expect(openPacketLength(receiver, sequence, sealed.subarray(0, 4))).toBe(sealed.length - 20)
          expect(openPacket(receiver, sequence, sealed.slice())).toEqual(whole)
          // Again, by the cipher itself, then as another packet than it is.
          expect(openPacket(keysOf(), sequence, sealed.slice())).toEqual(whole)
          expect(() => openPacket(receiver, sequence + 1, sealed.slice())).toThrow(AuthenticationError)
          const changed = sealed.slice()
          changed[changed.length - 1] = (changed.at(-1) as number) ^ 1
          expect(() => openPacket(keysOf(), sequence, changed)).toThrow(AuthenticationError)
        }
      }),
    )
  })

  it('are sealed with the two key streams of PROTOCOL.chacha20poly1305', () => {
    const payload = latin1Octets('a payload')
    const sealed = sealPacket(chachaKeys, 0x0102, payload, noOctets, new RandomStream('same'))
    const padding = new RandomStream('same').octets(6)
    const plain = Uint8Array.from([6, ...payload, ...padding])
    // OpenSSL's chacha20 takes the block counter (8 octets, little-endian) and the nonce as one vector.
    const stream = (key: Uint8Array, block: number, octets: Uint8Array): string =>
      createCipheriv('chacha20', key, Uint8Array.from([block, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]))
        .update(octets)
        .toString('hex')
    expect(hexOf(sealed.subarray(0, 4))).toBe(stream(chachaKeys.headerKey, 0, Uint8Array.of(0, 0, 0, 16)))
    expect(hexOf(sealed.subarray(4, -16))).toBe(stream(chachaKeys.mainKey, 1, plain))
    const tagKey = octetsOfHex(stream(chachaKeys.mainKey, 0, new Uint8Array(32)))
    expect(hexOf(sealed.subarray(-16))).toBe(hexOf(poly1305(sealed.subarray(0, -16), tagKey)))
  })

  it('are sealed with AES-256-GCM as RFC 5647 says, the nonce counting up past its word', () => {
    const keys = gcmKeys('01020304ffffffffffffffff')
    const payload = latin1Octets('a payload')
    for (const nonce of ['01020304ffffffffffffffff', '010203040000000000000000']) {
      const sealed = sealPacket(keys, 7, payload, noOctets, new RandomStream('same'))
      const padding = new RandomStream('same').octets(6)
      const cipher = createCipheriv('aes-256-gcm', mainKey, octetsOfHex(nonce))
      cipher.setAAD(Uint8Array.of(0, 0, 0, 16))
      const expected = cipher.update(Uint8Array.from([6, ...payload, ...padding])).toString('hex') + cipher.final('hex')
      expect(hexOf(sealed)).toBe(`00000010${expected}${cipher.getAuthTag().toString('hex')}`)
    }
  })
})
