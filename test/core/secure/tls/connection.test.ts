import { describe, expect, it } from 'vitest'
import { AuthenticationError, WireError } from '../../../../core/base/errors.js'
import { latin1Octets } from '../../../../core/base/octets.js'
import { Kernel } from '../../../../core/kernel/kernel.js'
import { noWork } from '../../../../core/secure/costs.js'
import { TlsClient, type TlsClientCredentials } from '../../../../core/secure/tls/client.js'
import type { TlsConnection, TlsOptions } from '../../../../core/secure/tls/connection.js'
import { cipherSuiteNames } from '../../../../core/secure/tls/key-schedule.js'
import { sealRecord, trafficKeys } from '../../../../core/secure/tls/record-protection.js'
import { TlsServer, type TlsServerCredentials } from '../../../../core/secure/tls/server.js'
import { contentTypes, encodeHandshake } from '../../../../core/secure/wire/tls-handshake.js'
import { LabAuthority } from '../../../../core/session/lab-authority.js'
import { converse, takeEffects, takeMessages } from '../../../support/channel-protocols.js'
import { clientCredentials, runToEnd, securedPair, serverCredentials } from '../../../support/secured-pair.js'

const byCertificate = { client: clientCredentials.tlsClient!, server: serverCredentials.tlsServer! }
const psk = { identity: latin1Octets('a'), key: new Uint8Array(32).fill(9) }
const byPsk = { client: { serverName: 'b', psk }, server: { psks: [psk] } }
const strangers = new LabAuthority(new Kernel('strangers'))

interface Ends {
  readonly client?: TlsClientCredentials
  readonly server?: TlsServerCredentials
  readonly options?: Omit<TlsOptions, 'random'>
}

function pairOf({ client = byCertificate.client, server = byCertificate.server, options = {} }: Ends) {
  const kernel = new Kernel('connection')
  const pair = [
    new TlsClient(client, { ...options, random: kernel.random('client') }),
    new TlsServer(server, { ...options, random: kernel.random('server') }),
  ] as const
  for (const end of pair) end.start()
  return pair
}

function openPairOf(ends: Ends = {}) {
  const pair = pairOf(ends)
  converse(pair)
  return pair
}

/** The names of alerts sent, and the error that ended the handshake. */
function failureOf(ends: Ends): { readonly error: unknown; readonly alerts: string[] } {
  const pair = pairOf(ends)
  try {
    converse(pair)
    return { error: null, alerts: [] }
  } catch (error) {
    const names = pair.flatMap((end) => takeEffects(end).messages.map(({ name }) => name ?? ''))
    return { error, alerts: names.filter((name) => name.startsWith('Alert')) }
  }
}

const said = (error: unknown): string => {
  expect(error instanceof AuthenticationError || error instanceof WireError).toBe(true)
  return (error as Error).message
}

/** Gives `octets` to `to` and returns why they were refused. */
function refusal(to: TlsConnection, octets: Uint8Array): string {
  try {
    to.receive(octets)
  } catch (error) {
    return said(error)
  }
  return 'taken'
}

describe('a handshake', () => {
  it.each(cipherSuiteNames)('ends in the suite both have: %s', (suite) => {
    const [client, server] = openPairOf({ options: { cipherSuites: [suite] } })
    expect([client.cipherSuite, server.cipherSuite]).toEqual([suite, suite])
    expect(client.peerCertificate?.subjectText).toBe('CN=b')
    expect(server.peerCertificate?.subjectText).toBe('CN=a')
    expect(server.serverName).toBe('b')
  })

  it('costs two key agreements an end, and the signatures of both certificates', () => {
    const pair = pairOf({})
    const counted = pair.map(() => ({ ...noWork() }))
    for (let turn = 0; turn < 4; turn++) {
      const [from, to] = [pair[turn % 2]!, pair[(turn + 1) % 2]!]
      const { work, messages } = takeEffects(from)
      const sums = counted[turn % 2]!
      for (const name of Object.keys(work) as (keyof typeof work)[]) sums[name] += work[name]
      for (const { octets } of messages) to.receive(octets)
    }
    for (const { hashedOctets, octets, ...operations } of counted) {
      expect(hashedOctets).toBeGreaterThan(4000)
      expect(octets).toBeGreaterThan(1000)
      expect(operations).toEqual({
        ...{ x25519Base: 1, x25519Shared: 1, ed25519Signed: 1, ed25519Verified: 2 },
        ...{ records: 8, loopbackOctets: 0, rsaPublic: 0, rsaPrivate: 0 },
      })
    }
  })

  it('by a pre-shared key needs no certificate', () => {
    const [client, server] = openPairOf(byPsk)
    expect([client.usesPsk, server.usesPsk, client.peerCertificate]).toEqual([true, true, null])
    client.send(Uint8Array.of(1, 2, 3))
    for (const octets of takeMessages(client)) server.receive(octets)
    expect(takeEffects(server).payload).toEqual([Uint8Array.of(1, 2, 3)])
  })

  it('goes on by certificate when the server knows no pre-shared key', () => {
    const [client] = openPairOf({ client: { ...byCertificate.client, psk } })
    expect([client.usesPsk, client.peerCertificate?.subjectText]).toEqual([false, 'CN=b'])
  })

  it('fits a pre-shared key to a suite of its hash', () => {
    const client = { ...byCertificate.client, psk }
    const [end] = openPairOf({ client, server: { ...byCertificate.server, psks: [psk] } })
    expect([end.usesPsk, end.cipherSuite]).toEqual([true, 'TLS_CHACHA20_POLY1305_SHA256'])
  })

  it.each<[string, Ends, string, string]>([
    [
      'a wrong pre-shared key',
      { ...byPsk, server: { psks: [{ ...psk, key: new Uint8Array(32) }] } },
      'the client does not hold the pre-shared key it names',
      'decrypt_error',
    ],
    [
      'an unknown pre-shared key',
      { ...byPsk, server: { psks: [{ ...psk, identity: latin1Octets('c') }] } },
      'no pre-shared key that is known here',
      'unknown_psk_identity',
    ],
    [
      'another name',
      { client: { ...byCertificate.client, serverName: 'c' } },
      'is for b, not for c',
      'bad_certificate',
    ],
    [
      'a client of another name',
      { server: { ...byCertificate.server, clientName: 'c' } },
      'is for a, not for c',
      'bad_certificate',
    ],
    [
      'a server of another authority',
      { server: { ...byCertificate.server, identity: strangers.identityOf('b') } },
      'the signature on the certificate of CN=b is wrong',
      'decrypt_error',
    ],
    [
      'a client of another authority',
      { client: { ...byCertificate.client, identity: strangers.identityOf('a') } },
      'the signature on the certificate of CN=a is wrong',
      'decrypt_error',
    ],
    [
      'a server with the certificate of another and not its key',
      { server: { ...byCertificate.server, identity: { ...byCertificate.server.identity!, secretKey: psk.key } } },
      'the server did not prove to hold the key of its certificate',
      'decrypt_error',
    ],
    [
      'a client without a certificate',
      { client: { serverName: 'b', trust: byCertificate.client.trust! } },
      'the client has no certificate',
      'certificate_required',
    ],
    [
      'a server that does not take the pre-shared key',
      { client: byPsk.client, server: byCertificate.server },
      // Its signature algorithms are named all the same, so the server goes on by certificate.
      'the server did not take the pre-shared key',
      'handshake_failure',
    ],
  ])('is refused with %s', (_what, ends, reason, alert) => {
    const { error, alerts } = failureOf(ends)
    expect(said(error)).toContain(reason)
    expect(alerts).toEqual([`Alert ${alert}`])
  })

  it('with any certificate is taken by a client that does not look, as its bad variant', () => {
    const impostor = { ...byCertificate.server, identity: strangers.identityOf('c'), clientTrust: 'any' as const }
    const [client] = openPairOf({ client: { ...byCertificate.client, trust: 'any' }, server: impostor })
    expect(client.peerCertificate?.subjectText).toBe('CN=c')
    expect(failureOf({ server: impostor }).alerts).toEqual(['Alert bad_certificate'])
  })

  it('tells both what the one refused', () => {
    const pair = securedPair('tls', {
      clientCredentials: { tlsClient: { ...byCertificate.client, serverName: 'c' } },
    })
    runToEnd(pair.kernel)
    expect(pair.client.failure?.message).toBe('tls: the certificate is for b, not for c')
    expect(pair.server.failure).toMatchObject({
      kind: 'authentication',
      message: 'tls: the client sent the alert bad_certificate',
    })
  })

  it('writes its secrets as a key log', () => {
    const [client, server] = openPairOf()
    expect(client.keyLog).toEqual(server.keyLog)
    expect(client.keyLog.map((line) => line.replace(/ [0-9a-f]{64} [0-9a-f]{96}$/, ''))).toEqual([
      'CLIENT_HANDSHAKE_TRAFFIC_SECRET',
      'SERVER_HANDSHAKE_TRAFFIC_SECRET',
      'CLIENT_TRAFFIC_SECRET_0',
      'SERVER_TRAFFIC_SECRET_0',
    ])
  })
})

describe('an open connection', () => {
  const clientKeys = ({ keyLog, cipherSuite }: TlsConnection) =>
    trafficKeys(cipherSuite!, new Uint8Array(Buffer.from(keyLog[2]!.split(' ')[2]!, 'hex')))

  it('changes keys at either wish, as often as asked', () => {
    const [client, server] = openPairOf({ options: { keyUpdateRecords: 3 } })
    const delivered: number[] = []
    for (let round = 0; round < 12; round++) {
      client.send(Uint8Array.of(round))
      if (round % 4 === 0) server.updateKeys(true)
      for (const octets of takeMessages(client)) server.receive(octets)
      server.send(Uint8Array.of(100 + round))
      for (const octets of takeMessages(server)) client.receive(octets)
      delivered.push(...client.effects.payload.map(([first]) => first ?? 0))
    }
    expect(client.keyUpdates.sent).toBeGreaterThan(4)
    expect(client.keyUpdates).toEqual({ sent: server.keyUpdates.received, received: server.keyUpdates.sent })
    expect(delivered).toEqual(Array.from({ length: 12 }, (_, at) => 100 + at))
  })

  it('answers a peer that asks for new keys on and on just once', () => {
    const [client, server] = openPairOf()
    for (let time = 0; time < 50; time++) client.updateKeys(true)
    for (const octets of takeMessages(client)) server.receive(octets)
    expect(takeEffects(server).messages).toEqual([])
    server.send(Uint8Array.of(7))
    const names = takeEffects(server).messages.map(({ name }) => name)
    expect([server.keyUpdates, names]).toEqual([{ received: 50, sent: 1 }, ['KeyUpdate', null]])
  })

  it('ends each direction by itself, and ignores what comes after the end', () => {
    const [client, server] = openPairOf()
    client.end()
    const [close] = takeMessages(client) as [Uint8Array]
    server.receive(close)
    expect(takeEffects(server).peerEnded).toBe(true)
    server.receive(new Uint8Array(300).fill(1))
    server.receiveEnd()
    expect([client.sendableOctets(), server.sendableOctets()]).toEqual([0, 16_384])
    server.send(Uint8Array.of(5))
    for (const octets of takeMessages(server)) client.receive(octets)
    expect(takeEffects(client).payload).toEqual([Uint8Array.of(5)])
    expect(() => client.receiveEnd()).toThrow('the stream was cut: no close_notify alert came')
  })

  it('ignores tickets, and takes off the padding of the peer', () => {
    const [client, server] = openPairOf()
    const keys = trafficKeys(server.cipherSuite!, new Uint8Array(Buffer.from(server.keyLog[3]!.split(' ')[2]!, 'hex')))
    client.receive(sealRecord(keys, contentTypes.handshake, encodeHandshake('NewSessionTicket', new Uint8Array(40))))
    client.receive(sealRecord(keys, 0, Uint8Array.of(1, 2, contentTypes.application_data, 0, 0, 0)))
    expect(takeEffects(client).payload).toEqual([Uint8Array.of(1, 2)])
  })

  it.each<[string, number, Uint8Array, string]>([
    ['nothing but padding', 0, new Uint8Array(5), 'content of type 0'],
    ['an unknown type', 24, Uint8Array.of(1), 'content of type 24'],
    ['a ticket of a client', 22, encodeHandshake('NewSessionTicket', Uint8Array.of(1)), 'NewSessionTicket after the'],
    ['a second ClientHello', 22, encodeHandshake('ClientHello', new Uint8Array(60)), 'ClientHello after the handshake'],
    ['a KeyUpdate of no kind', 22, encodeHandshake('KeyUpdate', Uint8Array.of(2)), 'a KeyUpdate of no kind'],
    ['a message of no type', 22, Uint8Array.of(99, 0, 0, 0), 'handshake message of type 99'],
    ['a message without end', 22, Uint8Array.of(20, 2, 0, 0), 'handshake message of 131072 octets'],
    ['an empty handshake record', 22, new Uint8Array(0), 'content of type 22 (0 octets)'],
    ['half an alert', 21, Uint8Array.of(2), 'an alert of 1 octets'],
    ['an alert', 21, Uint8Array.of(2, 80), 'the client sent the alert internal_error'],
    [
      'octets behind a KeyUpdate',
      22,
      Uint8Array.from([...encodeHandshake('KeyUpdate', Uint8Array.of(0)), 24]),
      'handshake octets after a change of keys',
    ],
  ])('refuses %s', (_what, contentType, content, reason) => {
    const [client, server] = openPairOf()
    expect(refusal(server, sealRecord(clientKeys(client), contentType, content))).toContain(reason)
  })

  it('refuses records in clear', () => {
    const [, server] = openPairOf()
    expect(refusal(server, Uint8Array.of(21, 3, 3, 0, 2, 1, 0))).toContain('in clear does not belong here')
    expect(refusal(server, Uint8Array.of(20, 3, 3, 0, 1, 1))).toContain('in clear does not belong here')
  })

  it('refuses a record beyond its size before it is there', () => {
    const [client, server] = openPairOf()
    expect(refusal(server, Uint8Array.of(23, 3, 3, 0x41, 0x01))).toContain('record of 16641 octets')
    const tooLong = sealRecord(clientKeys(client), contentTypes.application_data, new Uint8Array(16_385))
    expect(refusal(openPairOf()[1], tooLong)).toContain('content beyond 2^14 octets')
  })
})
