import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import {
  alertName,
  encodeCertificate,
  encodeCertificateRequest,
  encodeCertificateVerify,
  encodeClientHello,
  encodeEncryptedExtensions,
  encodeKeyShare,
  encodeKeyShares,
  encodeOfferedPsk,
  encodePskModes,
  encodeServerHello,
  encodeServerName,
  encodeU16List,
  extensionTypes,
  hasPskDheMode,
  isRetryRequest,
  parseCertificate,
  parseCertificateRequest,
  parseCertificateVerify,
  parseClientHello,
  parseEncryptedExtensions,
  parseKeyShare,
  parseKeyShares,
  parseOfferedPsks,
  parseServerHello,
  parseServerName,
  parseU16List,
  RETRY_RANDOM,
  X25519_GROUP,
} from '../../../../core/secure/wire/tls-handshake.js'
import { decodeClientHello, decodeServerHello } from '../../../../core/secure/wire/tls-records.js'

const octets32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const extensions = fc
  .uniqueArray(fc.tuple(fc.nat(65_535), fc.uint8Array({ maxLength: 40 })), { selector: ([type]) => type })
  .map((entries) => new Map(entries))
const body = (message: Uint8Array): Uint8Array => message.subarray(4)

describe('TLS handshake messages', () => {
  it('come back as they were written: hellos', () => {
    const sessionId = fc.uint8Array({ maxLength: 32 })
    const suites = fc.array(fc.nat(65_535), { minLength: 1, maxLength: 8 })
    const clientHello = fc.record({ random: octets32, sessionId, cipherSuites: suites, extensions })
    fc.assert(
      fc.property(clientHello, (hello) => {
        expect(parseClientHello(body(encodeClientHello(hello)))).toEqual(hello)
      }),
    )
    const serverHello = fc.record({ random: octets32, sessionId, cipherSuite: fc.nat(65_535), extensions })
    fc.assert(
      fc.property(serverHello, (hello) => {
        expect(parseServerHello(body(encodeServerHello(hello)))).toEqual(hello)
        expect(isRetryRequest(hello)).toBe(false)
      }),
    )
  })

  it('come back as they were written: certificates', () => {
    const chain = fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 4 })
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 20 }), chain, (context, certificates) => {
        expect(parseCertificate(body(encodeCertificate(context, certificates)))).toEqual({
          context,
          chain: certificates,
        })
      }),
    )
    const signature = Uint8Array.of(1, 2, 3)
    expect(parseCertificateVerify(body(encodeCertificateVerify(signature)))).toEqual({ scheme: 0x0807, signature })
    const request = parseCertificateRequest(body(encodeCertificateRequest()))
    expect([...request.extensions]).toEqual([[extensionTypes.signature_algorithms, encodeU16List([0x0807])]])
    expect(parseEncryptedExtensions(body(encodeEncryptedExtensions())).size).toBe(0)
  })

  it('come back as they were written: extensions', () => {
    const publicKey = new Uint8Array(32).fill(7)
    expect(parseU16List(encodeU16List([1, 2, 65_535]), 'list')).toEqual([1, 2, 65_535])
    expect(parseU16List(encodeU16List([772], 1), 'list', 1)).toEqual([772])
    expect(parseServerName(encodeServerName('host-b'))).toBe('host-b')
    expect(parseKeyShare(encodeKeyShare(publicKey))).toEqual({ group: X25519_GROUP, publicKey })
    expect([...parseKeyShares(encodeKeyShares(publicKey))]).toEqual([[X25519_GROUP, publicKey]])
    expect([hasPskDheMode(encodePskModes()), hasPskDheMode(Uint8Array.of(1, 0))]).toEqual([true, false])
    const [identity, binder] = [Uint8Array.of(1, 2), new Uint8Array(32)]
    expect(parseOfferedPsks(encodeOfferedPsk(identity, binder))).toEqual({
      ...{ identities: [identity], binders: [binder], bindersOctets: 35 },
    })
  })

  it('are read by the onlooker as well', () => {
    const hello = {
      random: new Uint8Array(32),
      sessionId: new Uint8Array(32),
      cipherSuites: [0x1302],
      extensions: new Map([
        [extensionTypes.server_name, encodeServerName('host-b')],
        [extensionTypes.supported_versions, encodeU16List([0x0304], 1)],
      ]) as ReadonlyMap<number, Uint8Array>,
    }
    expect(decodeClientHello(encodeClientHello(hello))).toMatchObject({ versions: ['TLS 1.3'], serverName: 'host-b' })
    const chosen = new Map<number, Uint8Array>([[extensionTypes.supported_versions, Uint8Array.of(3, 4)]])
    const retry = { random: RETRY_RANDOM, sessionId: new Uint8Array(0), cipherSuite: 0x1302, extensions: chosen }
    expect(isRetryRequest(retry)).toBe(true)
    expect(decodeServerHello(encodeServerHello(retry))).toEqual({
      ...{ version: 'TLS 1.3', cipherSuite: 'TLS_AES_256_GCM_SHA384', isRetryRequest: true },
    })
  })

  it('that are random octets or cut give a value or a reason', () => {
    const parsers = [
      ...[parseClientHello, parseServerHello, parseEncryptedExtensions, parseCertificateRequest, parseCertificate],
      ...[parseCertificateVerify, parseServerName, parseKeyShare, parseKeyShares, hasPskDheMode, parseOfferedPsks],
      (octets: Uint8Array) => parseU16List(octets, 'list'),
    ]
    const hello = body(
      encodeClientHello({
        ...{ random: new Uint8Array(32), sessionId: new Uint8Array(4), cipherSuites: [1, 2] },
        extensions: new Map([[1, new Uint8Array(9)]]),
      }),
    )
    const hostile = fc.oneof(
      fc.uint8Array({ maxLength: 120 }),
      fc.nat(hello.length - 1).map((length) => hello.slice(0, length)),
      fc.tuple(fc.nat(hello.length - 1), fc.nat(255)).map(([at, value]) => hello.with(at, value)),
    )
    fc.assert(
      fc.property(hostile, fc.constantFrom(...parsers), (octets, parse) => {
        try {
          parse(octets)
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
          expect((error as WireError).protocol).toBe('tls')
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('refuse an extension that stands twice, and compression', () => {
    const hello = encodeClientHello({
      ...{ random: new Uint8Array(32), sessionId: new Uint8Array(0), cipherSuites: [1] },
      extensions: new Map([
        [1, new Uint8Array(0)],
        [2, new Uint8Array(0)],
      ]),
    })
    hello[hello.length - 3] = 1
    expect(() => parseClientHello(body(hello))).toThrow('extension 1 stands twice')
    hello[4 + 2 + 32 + 1 + 4 + 1] = 1
    expect(() => parseClientHello(body(hello))).toThrow('compression is asked for')
  })

  it('name alerts', () => {
    expect([alertName(0), alertName(42), alertName(255)]).toEqual(['close_notify', 'bad_certificate', 'alert 255'])
  })
})
