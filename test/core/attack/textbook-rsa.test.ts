import { gcm } from '@noble/ciphers/aes.js'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { exactCubeRoot, openTextbookSession } from '../../../core/attack/textbook-rsa.js'
import { concatOctets, latin1Octets, latin1Text } from '../../../core/base/octets.js'
import { RSA_MODULUS_OCTETS } from '../../../core/secure/wire/records.js'
import { HELLO_OCTETS } from '../../../core/secure/wire/records.js'
import { protocolPair, takeEffects, takeMessages } from '../../support/channel-protocols.js'

/** A connection on which the client says `text`: what crosses each way, message by message. */
function captured(name: 'rsa-aes' | 'rsa-aes-textbook' | 'aes-256-gcm', text: string) {
  const [client, server] = protocolPair(name)
  const [toServer, toClient]: [Uint8Array[], Uint8Array[]] = [[], []]
  client.start()
  server.start()
  for (let round = 0; round < 3; round++) {
    for (const octets of takeMessages(client)) {
      toServer.push(octets)
      server.receive(octets)
    }
    for (const octets of takeMessages(server)) {
      toClient.push(octets)
      client.receive(octets)
    }
  }
  client.send(latin1Octets(text))
  toServer.push(...takeMessages(client))
  return { server, toServer, toClient }
}

describe('textbook RSA', () => {
  it('gives the session key as a cube root, so that records are read and written by whoever saw the connection begin', () => {
    const { server, toServer, toClient } = captured('rsa-aes-textbook', 'the password is hunter2')
    const session = openTextbookSession(concatOctets(toServer), concatOctets(toClient))
    expect(session).not.toBeNull()
    const { key, iv } = session!.toServer
    // ClientHello, ClientKeyExchange, Finished (number 0), data (number 1).
    const record = toServer[3] as Uint8Array
    const nonce = iv.with(11, iv[11]! ^ 1)
    const header = record.subarray(0, 4)
    expect(latin1Text(gcm(key, nonce, header).decrypt(record.subarray(4)))).toBe('the password is hunter2')

    const forged = gcm(key, nonce, header).encrypt(latin1Octets('the password is 12345!!'))
    server.receive(concatOctets([header, forged]))
    expect(takeEffects(server).payload.map(latin1Text)).toEqual(['the password is 12345!!'])
  })

  it('is not broken so when OAEP pads the key, with the same exponent and modulus', () => {
    const { toServer, toClient } = captured('rsa-aes', 'the password is hunter2')
    expect(openTextbookSession(concatOctets(toServer), concatOctets(toClient))).toBeNull()
  })

  it('says what was not captured', () => {
    const { toServer, toClient } = captured('rsa-aes-textbook', 'x')
    const client = concatOctets(toServer)
    const cut = client.subarray(0, HELLO_OCTETS + RSA_MODULUS_OCTETS - 1)
    expect(() => openTextbookSession(cut, concatOctets(toClient))).toThrow(/ClientKeyExchange was not captured/)
    expect(() => openTextbookSession(client.subarray(1), concatOctets(toClient))).toThrow(/does not begin/)
    const other = captured('aes-256-gcm', 'x')
    expect(() => openTextbookSession(concatOctets(other.toServer), concatOctets(other.toClient))).toThrow(/no key/)
  })

  it('needs a cube root that is exact', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 2n, max: 2n ** 256n }), (root) => {
        expect(exactCubeRoot(root ** 3n)).toBe(root)
        expect(exactCubeRoot(root ** 3n + 1n)).toBeNull()
        expect(exactCubeRoot(root ** 3n - 1n)).toBeNull()
      }),
    )
    expect([exactCubeRoot(0n), exactCubeRoot(1n)]).toEqual([0n, 1n])
  })
})
