import { describe, expect, it } from 'vitest'
import { costTables } from '../../../core/secure/cost-tables.js'
import {
  costsOf,
  noWork,
  priceOf,
  libraryCosts,
  type CipherCosts,
  type CipherWork,
} from '../../../core/secure/costs.js'
import { openProtocolPair, takeEffects } from '../../support/channel-protocols.js'

/** Prices that cannot be mistaken for one another: each is a decimal place of the sum. */
const costs: CipherCosts = {
  nsPerOctet: 1,
  nsPerRecord: 10,
  x25519SharedNs: 100,
  x25519BaseNs: 1_000,
  ed25519SignNs: 10_000,
  ed25519VerifyNs: 100_000,
  rsaPublicNs: 1_000_000,
  rsaPrivateNs: 10_000_000,
  nsPerHashedOctet: 100_000_000,
  nsPerLoopbackOctet: 1_000_000_000,
}
const work: CipherWork = {
  octets: 1,
  records: 2,
  x25519Shared: 3,
  x25519Base: 4,
  ed25519Signed: 5,
  ed25519Verified: 6,
  rsaPublic: 7,
  rsaPrivate: 8,
  hashedOctets: 9,
  loopbackOctets: 1,
}

describe('priceOf', () => {
  it('prices each kind of work by its own figure', () => {
    expect(priceOf(work, costs)).toBe(1_987_654_321)
    expect(priceOf(noWork(), costs)).toBe(0)
  })

  it('gives whole nanoseconds', () => {
    expect(priceOf({ ...noWork(), loopbackOctets: 1000 }, libraryCosts('chacha20-poly1305'))).toBe(420)
    expect(priceOf({ ...noWork(), octets: 3 }, libraryCosts('chacha20-poly1305'))).toBe(34)
  })
})

describe('an SSH tunnel', () => {
  it('counts what is copied over the loopback connections of both its ends, and nothing else of the handshake', () => {
    const [client, server] = openProtocolPair('ssh')
    for (const end of [client, server]) expect(takeEffects(end).work.loopbackOctets).toBe(0)
    client.send(new Uint8Array(1000))
    const { messages, work: sending } = takeEffects(client)
    expect(sending.loopbackOctets).toBe(1000)
    for (const { octets } of messages) server.receive(octets)
    expect(takeEffects(server).work.loopbackOctets).toBe(1000)
  })
})

describe('the tables', () => {
  it.each(Object.entries(costTables))('%s: every figure has its source', (_, { ciphers, operations, streamed }) => {
    const figures = [ciphers, operations, streamed].flatMap((part) => Object.values<{ source: string }>(part))
    for (const { source } of figures) expect(source.length).toBeGreaterThan(10)
    for (const { nsPerOctet } of [...Object.values(ciphers), ...Object.values(streamed)])
      expect(nsPerOctet).toBeGreaterThan(0)
    for (const { ns } of Object.values(operations)) expect(ns).toBeGreaterThan(0)
  })

  it('make AES more than ten times as dear without its instructions, and NaCl the same', () => {
    const { aes, 'no-aes': without } = costTables
    for (const name of ['aes-128-gcm', 'aes-256-gcm', 'aes-256-ctr'] as const)
      expect(without.ciphers[name].nsPerOctet).toBeGreaterThan(10 * aes.ciphers[name].nsPerOctet)
    expect(costsOf(without, 'xsalsa20-poly1305')).toMatchObject({
      nsPerOctet: costsOf(aes, 'xsalsa20-poly1305').nsPerOctet,
      x25519SharedNs: aes.operations['nacl-scalarmult'].ns,
    })
    expect(costsOf(aes, 'aes-128-gcm').x25519SharedNs).toBe(aes.operations['x25519-shared'].ns)
  })
})
