import { describe, expect, it } from 'vitest'
import { hexOf, octetsOfHex } from '../../../../core/base/octets.js'
import {
  agreeOnSecret,
  chooseAlgorithms,
  ed25519PublicKey,
  ephemeralPublicOf,
  guessWasRight,
  offerKexInit,
  signEd25519,
  verifyEd25519,
} from '../../../../core/secure/ssh/key-exchange.js'
import { sshCiphers } from '../../../../core/secure/ssh/packet-cipher.js'
import { decodeKexInit, encodeKexInit } from '../../../../core/secure/wire/ssh-messages.js'

const init = (role: 'client' | 'server') => decodeKexInit(offerKexInit(role, new Uint8Array(16)))

describe('the key exchange', () => {
  it('agrees on secrets as RFC 7748 section 6.1 says', () => {
    const bob = octetsOfHex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')
    const alicePublic = octetsOfHex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
    expect(hexOf(ephemeralPublicOf(bob))).toBe('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
    expect(hexOf(agreeOnSecret(bob, alicePublic))).toBe(
      '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
    )
    expect(() => agreeOnSecret(bob, new Uint8Array(32))).toThrow('small order')
    expect(() => agreeOnSecret(bob, new Uint8Array(31))).toThrow('31 octets')
  })

  it('signs as RFC 8032 section 7.1, test 1', () => {
    const seed = octetsOfHex('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60')
    const publicKey = octetsOfHex('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a')
    const signature = signEd25519(seed, new Uint8Array(0))
    expect(hexOf(ed25519PublicKey(seed))).toBe(hexOf(publicKey))
    expect(hexOf(signature)).toBe(
      'e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe' +
        '24655141438e7a100b',
    )
    expect(verifyEd25519(publicKey, new Uint8Array(0), signature)).toBe(true)
    expect(verifyEd25519(publicKey, Uint8Array.of(1), signature)).toBe(false)
    expect(verifyEd25519(new Uint8Array(32).fill(0xff), new Uint8Array(0), signature)).toBe(false)
    expect(verifyEd25519(publicKey, new Uint8Array(0), new Uint8Array(63))).toBe(false)
  })

  it('says which algorithm is missing', () => {
    chooseAlgorithms(init('client'), init('server'))
    expect(() =>
      chooseAlgorithms(init('client'), { ...init('server'), encryptionServerToClient: ['aes128-cbc'] }),
    ).toThrow('no common cipher to the client: chacha20-poly1305@openssh.com,aes256-gcm@openssh.com against aes128-cbc')
    // The markers of strict exchange are no algorithms.
    expect(() =>
      chooseAlgorithms(init('client'), { ...init('server'), kexAlgorithms: ['kex-strict-c-v00@openssh.com'] }),
    ).toThrow('no common key exchange')
  })

  it("takes the client's first cipher that the server has, each direction for itself", () => {
    const [chacha, gcm] = sshCiphers
    const both = { toServer: chacha, toClient: chacha }
    expect(chooseAlgorithms(init('client'), init('server'))).toEqual(both)
    expect(chooseAlgorithms(init('client'), { ...init('server'), encryptionClientToServer: [gcm, chacha] })).toEqual(
      both,
    )
    expect(chooseAlgorithms(init('client'), { ...init('server'), encryptionClientToServer: [gcm] })).toEqual({
      toServer: gcm,
      toClient: chacha,
    })
  })

  it('knows when a guessed packet is to be dropped', () => {
    expect(guessWasRight(init('client'), init('server'))).toBe(true)
    expect(guessWasRight(init('client'), { ...init('server'), kexAlgorithms: ['ecdh-sha2-nistp256'] })).toBe(false)
  })

  it('offers what it decodes', () => {
    const offer = offerKexInit(
      'server',
      Uint8Array.from({ length: 16 }, (_, index) => index),
    )
    expect(hexOf(encodeKexInit(decodeKexInit(offer)))).toBe(hexOf(offer))
    expect(decodeKexInit(offer).kexAlgorithms).toContain('kex-strict-s-v00@openssh.com')
  })
})
