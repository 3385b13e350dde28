import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { concatOctets, hexOf, latin1Octets } from '../../../../core/base/octets.js'
import {
  decodeEcdhReply,
  decodeEd25519Blob,
  decodeKexInit,
  describeSshOpening,
  encodeEcdhReply,
  encodeEd25519Blob,
  encodeKexInit,
  readerOf,
  sshMessage,
  sshMessageName,
  SshWriter,
} from '../../../../core/secure/wire/ssh-messages.js'
import { openProtocolPair, protocolPair, takeMessages } from '../../../support/channel-protocols.js'

const names = fc.array(fc.stringMatching(/^[a-z0-9@.-]{1,20}$/), { maxLength: 5 })

describe('SSH messages', () => {
  it('of the key exchange come back from their octets', () => {
    const init = fc.record({
      cookie: fc.uint8Array({ minLength: 16, maxLength: 16 }),
      kexAlgorithms: names,
      serverHostKeyAlgorithms: names,
      encryptionClientToServer: names,
      encryptionServerToClient: names,
      macClientToServer: names,
      macServerToClient: names,
      compressionClientToServer: names,
      compressionServerToClient: names,
      languagesClientToServer: names,
      languagesServerToClient: names,
      firstKexPacketFollows: fc.boolean(),
    })
    fc.assert(fc.property(init, (value) => void expect(decodeKexInit(encodeKexInit(value))).toEqual(value)))
    const octets = fc.uint8Array({ maxLength: 100 })
    const reply = fc.record({ hostKeyBlob: octets, ephemeralPublic: octets, signatureBlob: octets })
    fc.assert(fc.property(reply, (value) => void expect(decodeEcdhReply(encodeEcdhReply(value))).toEqual(value)))
  })

  it('write integers in the shortest form (examples of RFC 4251 section 5)', () => {
    const mpint = (...octets: number[]) => hexOf(new SshWriter().mpint(Uint8Array.from(octets)).take())
    expect(mpint(0)).toBe('00000000')
    expect(mpint(0x09, 0xa3, 0x78, 0xf9, 0xb2, 0xe3, 0x32, 0xa7)).toBe('0000000809a378f9b2e332a7')
    expect(mpint(0x80)).toBe('000000020080')
    expect(mpint(0, 0, 0x7f)).toBe('000000017f')
  })

  it('know their names, and refuse another message in their place', () => {
    expect(sshMessageName(20)).toBe('SSH_MSG_KEXINIT')
    expect(sshMessageName(255)).toBeUndefined()
    const close = sshMessage('SSH_MSG_CHANNEL_CLOSE').u32(0).take()
    expect(() => readerOf('SSH_MSG_CHANNEL_EOF', close)).toThrow(
      'ssh: at octet 0: message SSH_MSG_CHANNEL_CLOSE where SSH_MSG_CHANNEL_EOF belongs',
    )
  })

  it('hold ed25519 keys of 32 octets and signatures of 64', () => {
    const key = new Uint8Array(32).fill(3)
    expect(decodeEd25519Blob(encodeEd25519Blob(key), 32)).toEqual(key)
    expect(() => decodeEd25519Blob(encodeEd25519Blob(key), 64)).toThrow(WireError)
    expect(() => decodeEd25519Blob(new SshWriter().string('ssh-rsa').string(key).take(), 32)).toThrow(
      'key type ssh-rsa',
    )
  })

  it('of random octets give a value or a reason', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => {
        for (const decode of [decodeKexInit, decodeEcdhReply, (blob: Uint8Array) => decodeEd25519Blob(blob, 32)])
          for (const number of [20, 31])
            try {
              decode(Uint8Array.from([number, ...octets]))
            } catch (error) {
              expect(error).toBeInstanceOf(WireError)
            }
      }),
    )
  })
})

describe('the opening of an SSH connection', () => {
  const [client, server] = protocolPair('ssh')
  client.start()
  server.start()
  const fromClient = takeMessages(client)
  const fromServer = takeMessages(server)
  for (const octets of fromServer) client.receive(octets)
  fromClient.push(...takeMessages(client))
  for (const octets of fromClient) server.receive(octets)
  fromServer.push(...takeMessages(server))
  for (const octets of fromServer.slice(2)) client.receive(octets)
  fromClient.push(...takeMessages(client))

  it('shows version, algorithms, messages and the host key', () => {
    const opening = describeSshOpening(concatOctets([...fromServer, new Uint8Array(1000)]))
    expect(opening).toMatchObject({
      version: 'SSH-2.0-Midstream_0.1',
      kexInit: { encryptionClientToServer: ['chacha20-poly1305@openssh.com', 'aes256-gcm@openssh.com'] },
      sealedOffset: concatOctets(fromServer).length,
    })
    expect(opening?.messages.map(({ name }) => name)).toEqual([
      'SSH_MSG_KEXINIT',
      'SSH_MSG_KEX_ECDH_REPLY',
      'SSH_MSG_NEWKEYS',
    ])
    expect(decodeEd25519Blob(opening?.hostKeyBlob as Uint8Array, 32)).toHaveLength(32)
    const toServer = describeSshOpening(concatOctets(fromClient))
    expect(toServer?.messages.map(({ name }) => name)).toEqual([
      'SSH_MSG_KEXINIT',
      'SSH_MSG_KEX_ECDH_INIT',
      'SSH_MSG_NEWKEYS',
    ])
    expect(toServer?.hostKeyBlob).toBeNull()
  })

  it('is told from anything else, and told as far as it goes', () => {
    expect(describeSshOpening(latin1Octets('HTTP/1.1 200 OK'))).toBeNull()
    expect(describeSshOpening(new Uint8Array(0))).toBeNull()
    expect(describeSshOpening(latin1Octets('SSH-2.0-Ope'))).toMatchObject({ version: 'SSH-2.0-Ope', messages: [] })
    const [other] = openProtocolPair('nacl')
    other.send(new Uint8Array(500))
    expect(describeSshOpening(takeMessages(other)[0]!)).toBeNull()
  })

  it('never fails, whatever follows the version', () => {
    const opening = concatOctets(fromServer)
    fc.assert(
      fc.property(fc.nat(opening.length - 1), fc.nat(255), fc.uint8Array({ maxLength: 100 }), (at, value, octets) => {
        const changed = opening.slice()
        changed[at] = value
        describeSshOpening(changed)
        expect(describeSshOpening(concatOctets([latin1Octets('SSH-2.0-x\r\n'), octets]))?.version).toBe('SSH-2.0-x')
      }),
    )
  })
})
