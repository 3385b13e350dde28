import nacl from 'tweetnacl'
import { describe, expect, it } from 'vitest'
import { AssertionError } from '../../../core/base/errors.js'
import { hexOf, octetsOfHex } from '../../../core/base/octets.js'
import { RandomStream } from '../../../core/kernel/random.js'
import { NACL_RECORD_OCTETS_MAX, naclPublicKey, NaclProtocol } from '../../../core/secure/nacl-channel.js'
import { openProtocolPair, protocolPair, takeEffects, takeMessages } from '../../support/channel-protocols.js'
import { clientSecret, runToEnd, securedPair, serverSecret, strangerSecret } from '../../support/secured-pair.js'

describe('the NaCl channel', () => {
  it('agrees on keys as RFC 7748 section 6.1 says', () => {
    const bob = octetsOfHex('5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb')
    const alicePublic = octetsOfHex('8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a')
    expect(hexOf(naclPublicKey(bob))).toBe('de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f')
    expect(hexOf(nacl.scalarMult(bob, alicePublic))).toBe(
      '4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742',
    )
  })

  it('has messages of the documented lengths', () => {
    const [client, server] = protocolPair('nacl')
    client.start()
    server.start()
    const [clientHello] = takeMessages(client)
    expect(clientHello?.length).toBe(8 + 32 + 16)
    server.receive(clientHello!)
    const [serverHello] = takeMessages(server)
    expect(serverHello?.length).toBe(32 + 16)
    client.receive(serverHello!)
    expect(takeMessages(client)[0]?.length).toBe(36)
    client.send(new Uint8Array(NACL_RECORD_OCTETS_MAX))
    expect(takeMessages(client)[0]?.length).toBe(36 + NACL_RECORD_OCTETS_MAX)
  })

  it('never lets tweetnacl make up octets', () => {
    expect(() => nacl.randomBytes(1)).toThrow(AssertionError)
  })

  it('takes a record only when its last octet is there', () => {
    const [client, server] = openProtocolPair('nacl')
    client.send(Uint8Array.of(1, 2, 3))
    const [record] = takeMessages(client)
    for (const octet of record!.subarray(0, -1)) server.receive(Uint8Array.of(octet))
    expect(takeEffects(server).payload).toEqual([])
    server.receive(record!.subarray(-1))
    expect(takeEffects(server).payload).toEqual([Uint8Array.of(1, 2, 3)])
  })

  it.each([
    ['a client that is not the pinned one', strangerSecret, serverSecret, 'the client did not prove'],
    ['a server that is not the pinned one', clientSecret, strangerSecret, 'the client did not prove'],
  ])('refuses %s', (_who, clientKey, serverKey, reason) => {
    const pair = securedPair('nacl', {
      toServer: new Uint8Array(100),
      clientCredentials: { nacl: { secretKey: clientKey, peerPublicKey: naclPublicKey(serverSecret) } },
      serverCredentials: { nacl: { secretKey: serverKey, peerPublicKey: naclPublicKey(clientSecret) } },
    })
    runToEnd(pair.kernel)
    expect(pair.server.failure).toMatchObject({ kind: 'authentication', protocol: 'nacl' })
    expect(pair.server.failure?.message).toContain(reason)
    expect([pair.client.opened, pair.server.opened, pair.server.received.length]).toEqual([false, false, 0])
  })

  it('refuses a server that knows both public keys and no secret', () => {
    const [client] = protocolPair('nacl')
    client.start()
    takeMessages(client)
    const ephemeralPublic = naclPublicKey(strangerSecret)
    expect(() => client.receive(Uint8Array.from([...ephemeralPublic, ...new Uint8Array(16)]))).toThrow(
      'the server did not prove the pinned identity',
    )
  })

  it('refuses an ephemeral key of small order', () => {
    const [client] = protocolPair('nacl')
    client.start()
    expect(() => client.receive(new Uint8Array(48))).toThrow('small order')
  })

  it('does not open yesterday with the ClientHello of today: a replayed hello leads to other keys', () => {
    const [client, server] = protocolPair('nacl')
    client.start()
    server.start()
    const [hello] = takeMessages(client)
    server.receive(hello!)
    client.receive(takeMessages(server)[0]!)
    const finished = takeMessages(client)[0]!
    const again = new NaclProtocol(
      'server',
      { secretKey: serverSecret, peerPublicKey: naclPublicKey(clientSecret) },
      new RandomStream('another day'),
    )
    again.start()
    again.receive(hello!)
    expect(() => again.receive(finished)).toThrow("the header's tag was refused")
    expect(takeEffects(again).opened).toBe(false)
  })
})
