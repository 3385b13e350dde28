import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { libraryCosts } from '../../../core/secure/costs.js'
import { ed25519PublicKey } from '../../../core/secure/ssh/key-exchange.js'
import { defaultScenario } from '../../../core/session/scenario.js'
import type { Session } from '../../../core/session/session.js'
import { EspTamper, ipsecOf } from '../../support/ipsec.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'

/** Everything that reaches the destination goes through it. */
function tamperWith(session: Session, spoils: (number: number) => boolean): EspTamper {
  return new EspTamper(session.world.rack.link('host-b').a, spoils)
}

const refusedAt = (session: Session, host: string) =>
  session.trace.rows('packet-refused').filter((row) => row.host === host)

function expectSourceLives(session: Session): void {
  expect(session.world.allVms().map(({ state, hostName }) => [state, hostName])).toEqual([['running', 'host-a']])
}

describe('a migration under ESP', () => {
  it('names its key exchange, books its cipher on both hosts, and takes no packet twice', () => {
    const session = bootedSession({ migration: { channel: 'esp', multifdChannels: 2 } })
    migrateToEnd(session)
    expect(session.world.lastRun()).toMatchObject({ status: 'completed' })
    expect(session.trace.rows('channel-message').map(({ sender, name }) => `${sender} ${name}`)).toEqual([
      'host-a IKE_SA_INIT request',
      'host-b IKE_SA_INIT response',
      'host-a IKE_AUTH request',
      'host-b IKE_AUTH response',
    ])
    expect(session.trace.rows('packet-refused')).toEqual([])
    const { hosts, rack } = session.world
    const [sender, receiver] = [ipsecOf(rack.hostA.stack).policies, ipsecOf(rack.hostB.stack).policies]
    expect(receiver.packetsOpened).toBe(sender.packetsSealed)
    expect(sender.packetsOpened).toBe(receiver.packetsSealed)
    for (const { cores } of hosts) expect(cores.booked().get('esp')).toBeGreaterThan(milliseconds(10))
  })

  it('is slower where the cores are wanted by others', () => {
    const totalMs = (vcpus: number) => {
      const session = bootedSession({ bandwidthBps: 1e10, migration: { channel: 'esp' } })
      for (const { cores } of session.world.hosts) for (let vcpu = 0; vcpu < vcpus; vcpu++) cores.vcpuStarted()
      migrateToEnd(session)
      return session.world.lastRun()?.totalTimeMs ?? 0
    }
    expect(totalMs(20)).toBeGreaterThan(2 * totalMs(0))
  })

  it('costs a host what its agreement with that peer says, whoever else it protects itself against', () => {
    const booked = (isOtherNamed: boolean) => {
      const session = bootedSession({ migration: { channel: 'esp' } })
      session.do({ kind: 'migrate' })
      session.runFor(milliseconds(5))
      const costs = libraryCosts('aes-256-gcm')
      const other = { name: 'host-c', address: 0xfd00n << 112n, publicKey: new Uint8Array(32), mode: 'tunnel' } as const
      if (isOtherNamed)
        ipsecOf(session.world.rack.hostA.stack).protect({ ...other, costs: { ...costs, nsPerOctet: 1000 } })
      session.runWhile(({ isMigrating }) => isMigrating, seconds(60))
      return session.world.hosts[0]?.cores.booked().get('esp')
    }
    expect(booked(true)).toBe(booked(false))
  })

  it('drops changed packets, counts them, and gets through all the same', () => {
    const session = bootedSession({ migration: { channel: 'esp-tunnel' } })
    const tamper = tamperWith(session, (number) => number % 100 === 50)
    migrateToEnd(session)
    expect(session.world.lastRun()).toMatchObject({ status: 'completed' })
    expect(tamper.spoilt).toBeGreaterThan(3)
    const { refused } = ipsecOf(session.world.rack.hostB.stack).policies
    expect([...refused]).toEqual([['the ICV was refused', tamper.spoilt]])
    // A row at every power of two.
    const counts = refusedAt(session, 'host-b').map(({ count }) => count)
    expect(counts.slice(0, 3)).toEqual([1, 2, 4])
  })

  it('ends by the time-out of TCP when every packet is changed, and the source goes on', () => {
    // A quarter of an hour is long to watch.
    const tcp = { ...defaultScenario.tcp, userTimeoutNs: seconds(3) }
    const session = bootedSession({ tcp, migration: { channel: 'esp' } })
    tamperWith(session, (number) => number > 20)
    session.do({ kind: 'migrate' })
    session.runWhile(({ isMigrating }) => isMigrating, seconds(60))
    expect(session.world.lastRun()).toMatchObject({ status: 'failed' })
    expect(session.world.lastRun()?.cause).toContain('timed out')
    expectSourceLives(session)
  })

  it('refuses a source whose key is another than it was given, with the reason, and the source goes on', () => {
    const session = bootedSession({ migration: { channel: 'esp' } })
    session.do({ kind: 'migrate' })
    const { rack } = session.world
    ipsecOf(rack.hostB.stack).protect({
      name: 'host-a',
      address: ipsecOf(rack.hostA.stack).address,
      publicKey: ed25519PublicKey(new Uint8Array(32).fill(9)),
      mode: 'transport',
      costs: libraryCosts('aes-256-gcm'),
    })
    session.runWhile(({ isMigrating }) => isMigrating, seconds(10))
    expect(session.world.lastRun()).toMatchObject({
      status: 'failed',
      cause: 'ike: the peer refused: AUTHENTICATION_FAILED',
    })
    expect(refusedAt(session, 'host-b').map(({ protocol, reason }) => [protocol, reason])).toEqual([
      ['ike', "ike: the signature is not that of host-a's key"],
    ])
    expectSourceLives(session)
  })

  it('takes nothing in clear from its peer, and nothing under keys that it does not have', () => {
    const session = bootedSession({ migration: { channel: 'esp' } })
    migrateToEnd(session)
    const { rack } = session.world
    const [from, to] = [ipsecOf(rack.hostA.stack).address, ipsecOf(rack.hostB.stack).address]
    const stray = new Uint8Array(40 + 36)
    stray.set([0x60, 0, 0, 0, 0, 36, 50, 64])
    for (const [offset, address] of [
      [8, from],
      [24, to],
    ] as const)
      for (let octet = 0; octet < 16; octet++)
        stray[offset + octet] = Number((address >> BigInt(120 - 8 * octet)) & 255n)
    stray.set([0xde, 0xad, 0xbe, 0xef, 0, 0, 0, 9], 40)
    // Mallory's own host can send what it likes.
    rack.hostA.stack.sendRawIp(stray)
    const clear = stray.slice()
    clear[6] = 17
    rack.hostA.stack.sendRawIp(clear)
    session.runFor(milliseconds(10))
    expect([...ipsecOf(rack.hostB.stack).policies.refused]).toEqual([
      ['there is no association with that SPI', 1],
      ['in clear where the policy protects', 1],
    ])
  })

  it('fails, and says why, when no answer to the key exchange can be taken', () => {
    const session = bootedSession({ migration: { channel: 'esp' } })
    session.do({ kind: 'migrate' })
    session.do({ kind: 'cut-link', link: 'host-b' })
    session.runWhile(({ isMigrating }) => isMigrating, seconds(60))
    expect(session.world.lastRun()).toMatchObject({
      status: 'failed',
      cause: 'ike: no answer from host-b that could be taken',
    })
    session.do({ kind: 'restore-link', link: 'host-b' })
    session.runFor(seconds(5))
    migrateToEnd(session)
    expect(session.world.lastRun()).toMatchObject({ status: 'completed' })
  })

  it('goes on from a copy made in the middle as if nothing had been', () => {
    const session = bootedSession({ migration: { channel: 'esp' } })
    session.do({ kind: 'migrate' })
    for (const spanNs of [milliseconds(2), milliseconds(4), milliseconds(20)]) {
      session.runFor(spanNs)
      const copy = session.fork()
      copy.runFor(seconds(1))
      const other = session.fork()
      other.runFor(seconds(1))
      expect(copy.trace.hash()).toBe(other.trace.hash())
      expect(copy.world.lastRun()?.status).toBe('completed')
    }
    session.runFor(seconds(1))
    expect(session.world.lastRun()?.status).toBe('completed')
  })
})
