import { describe, expect, it } from 'vitest'
import { parseNetworkPlan } from '../../../core/session/network-plan.js'
import { NetworkRun, type NetworkResult } from '../../../core/session/network-run.js'

/** Alice and a server at one switch, a router to another network, and Mallory. */
function play(...script: readonly Record<string, unknown>[]): NetworkResult {
  const run = new NetworkRun(
    parseNetworkPlan({
      title: 'Script',
      hosts: {
        alice: { address: ['10.0.0.1/24', 'fd00::1/64'], gateway: ['10.0.0.254', 'fd00::254'] },
        server: { address: ['10.0.0.80/24', 'fd00::80/64'], listens: 80, tcp: { synBacklog: 8 } },
        mallory: { address: '10.0.0.66/24' },
        far: { address: '10.9.0.1/24', gateway: '10.9.0.254' },
      },
      routers: {
        r1: {
          interfaces: { eth0: { address: ['10.0.0.254/24', 'fd00::254/64'] }, eth1: { address: '10.9.0.254/24' } },
          rip: { key: 'a key of routers' },
        },
      },
      switches: { s1: { addressesMax: 64 } },
      links: [
        ...['alice', 'server', 'mallory', 'r1'].map((from) => ({ from, to: 's1' })),
        { from: 'far', to: 'r1/eth1' },
      ],
      script,
    }),
  )
  run.run()
  return run.result()
}
const one = (item: Record<string, unknown>) => play(item).entries[0]
const ping = { do: 'ping', from: 'alice', to: 'server', count: 2 }
const transfer = { do: 'transfer', from: 'alice', to: 'server', size: '100KiB' }

describe('the script of a network', () => {
  it('goes from one thing to the next, at instants, or meanwhile', () => {
    const { entries, passed } = play(
      { ...ping, meanwhile: true },
      { do: 'wait', time: '500ms' },
      { do: 'cut', link: 'mallory', at: '3s' },
      { do: 'wait', time: '1s', at: '2s', note: 'Two seconds are over already.' },
    )
    expect(entries.map(({ startNs, endNs }) => [startNs, endNs].map((ns) => Math.floor(ns / 1e8)))).toEqual([
      [0, 10],
      [0, 5],
      [30, 30],
      [30, 40],
    ])
    expect(entries[3]?.note).toBe('Two seconds are over already.')
    expect(passed).toBe(true)
  })

  it('tells how questions were answered, over both families', () => {
    expect(one({ ...ping, octets: 100 })).toMatchObject({
      outcome: 'answered',
      details: {
        address: '10.0.0.80',
        sent: 2,
        answered: 2,
        answers: [{ sequence: 1, from: '10.0.0.80', ttl: 64 }, {}],
      },
    })
    expect(one({ ...ping, family: 'ipv6' })).toMatchObject({ details: { address: 'fd00::80', answered: 2 } })
    expect(one({ ...ping, to: '192.0.2.1' })).toMatchObject({
      outcome: 'unreachable',
      problems: ['expected: answered'],
      details: { answers: [{ from: '10.0.0.254', cause: 'net-unreachable' }, {}] },
    })
    expect(one({ ...ping, to: 'far', ttl: 1, expect: 'unreachable' })).toMatchObject({
      problems: [],
      details: { answers: [{ cause: 'time-exceeded' }, {}] },
    })
    expect(one({ ...ping, to: 'far', family: 'ipv6', expect: 'fails' })).toMatchObject({
      outcome: 'error',
      problems: [],
      details: { text: 'far and alice have no ipv6 addresses to talk with' },
    })
    expect(one({ ...ping, listener: 'mallory', hears: 'something' })?.problems).toEqual([
      'expected that mallory hears something',
    ])
  })

  it('lets a host talk to itself', () => {
    const itself = { from: 'alice', to: 'alice' }
    const { entries } = play(
      { ...ping, ...itself },
      { do: 'traceroute', ...itself, through: ['alice'] },
      { ...transfer, ...itself },
      { do: 'send', ...itself },
    )
    expect(entries.flatMap(({ problems }) => problems)).toEqual([])
  })

  it('names who is on the way', () => {
    const item = { do: 'traceroute', from: 'alice', to: 'far', probes: 1 }
    expect(one({ ...item, through: ['r1', 'far'] })).toMatchObject({
      problems: [],
      details: { through: ['r1', 'far'], probes: [{ from: '10.0.0.254', name: 'r1' }, { cause: 'port-unreachable' }] },
    })
    expect(one({ ...item, through: ['far'] })?.problems).toEqual(['expected the way far'])
    expect(one({ ...item, to: '192.0.2.1', expect: 'blocked' })?.problems).toEqual([])
    expect(one({ ...item, from: 'mallory', to: '10.0.0.77', hopsMax: 2 })?.outcome).toBe('lost')
  })

  it('measures transfers, and says how they failed', () => {
    const whole = one({ ...transfer, family: 'ipv6' })
    expect(whole).toMatchObject({
      outcome: 'complete',
      details: {
        octets: 102_400,
        port: 5001,
        address: 'fd00::80',
        segmentsRetransmitted: 0,
        mss: 1428,
        ssthresh: null,
      },
    })
    const { details } = whole ?? {}
    if (details?.kind !== 'transfer') throw new Error('no transfer')
    expect(details.throughputBps).toBe(Math.round((102_400 * 8e9) / details.elapsedNs))
    expect(one({ ...transfer, throughputMin: '1Gbit' })?.problems).toEqual(['expected at least 1000 Mbit/s'])
    expect(one({ ...transfer, throughputMax: '1Mbit' })?.problems).toEqual(['expected at most 1 Mbit/s'])
    const { entries } = play(
      transfer,
      { ...transfer, port: 80 },
      { do: 'cut', link: 'server' },
      { ...transfer, patience: '10s' },
    )
    expect(entries.map(({ outcome }) => outcome)).toEqual(['complete', 'complete', 'done', 'unfinished'])
    expect(one({ ...transfer, to: '10.0.0.77', patience: '10min', expect: 'failed' })).toMatchObject({
      problems: [],
      details: { throughputBps: 0, cause: expect.stringContaining('host') as unknown },
    })
  })

  it('tells what became of a datagram, and of a false sender', () => {
    const send = { do: 'send', from: 'alice', to: 'far' }
    expect(one(send)).toMatchObject({ outcome: 'received', details: { receivedFrom: '10.0.0.1' } })
    expect(one({ ...send, source: '10.0.0.80' })).toMatchObject({ details: { receivedFrom: '10.0.0.80' } })
    expect(one({ ...send, source: 'fd00::80' })?.outcome).toBe('error')
    expect(one({ ...send, to: '192.0.2.1' })).toMatchObject({
      outcome: 'refused',
      details: { cause: 'net-unreachable' },
    })
    expect(one({ ...send, to: 'r1', port: 520 })).toMatchObject({
      outcome: 'error',
      details: { text: 'UDP port 520 is already taken' },
    })
    expect(one({ ...send, from: 'mallory', to: 'server', tags: [7] })?.outcome).toBe('lost')
  })

  it('changes the network, and refuses what cannot be', () => {
    const { entries } = play(
      { do: 'cut', link: 'server' },
      { do: 'cut', link: 'server', expect: 'refused' },
      { ...ping, expect: 'fails' },
      { do: 'restore', link: 'server' },
      { do: 'restore', link: 'server' },
      { do: 'configure', link: 'server', conditions: { delay: '5ms' }, direction: 'backward' },
      ping,
      {
        do: 'configure',
        switch: 's1',
        port: 'alice',
        options: { mode: 'dynamic-auto', security: {} },
        expect: 'refused',
      },
      { do: 'configure', switch: 's1', port: 'alice', options: { shut: true } },
      { ...ping, expect: 'fails' },
      { do: 'show', switch: 's1', tables: 'Ports', contains: 'alice shut', lacks: 'server shut' },
      { do: 'show', link: 'server', contains: 'no such row', lacks: 'lost' },
      { do: 'show', host: 'alice', tables: 'Secrets', expect: 'fails' },
    )
    expect(entries.map(({ outcome, problems }) => [outcome, ...problems])).toEqual([
      ['done'],
      ['refused'],
      ['lost'],
      ['done'],
      ['refused', 'expected: done'],
      ['done'],
      ['answered'],
      ['refused'],
      ['done'],
      ['lost'],
      ['shown'],
      ['shown', 'expected a row with: no such row', 'expected no row with: lost'],
      ['error'],
    ])
    // 5 ms, three times 10 µs, and four times 122 octets at 1 Gbit/s.
    expect(entries[6]?.details).toMatchObject({ answers: [{}, { rttNs: 5_033_904 }] })
  })

  it('makes false claims, and sees who believes them', () => {
    const { entries } = play(
      ping,
      { do: 'announce', from: 'mallory', address: 'server' },
      { do: 'announce', from: 'mallory', address: '10.0.0.123', expect: 'ignored' },
      { do: 'forge-rip', from: 'mallory', prefixes: '10.9.0.0/25', expect: 'refused' },
      { do: 'dtp', from: 'mallory', expect: 'refused' },
      { do: 'dtp', from: 'far', expect: 'fails' },
      { do: 'configure', switch: 's1', port: 'mallory', options: { mode: 'dynamic-desirable' } },
      { do: 'dtp', from: 'mallory' },
    )
    expect(entries.flatMap(({ problems }) => problems)).toEqual([])
    expect(entries.map(({ details }) => (details.kind === 'text' ? details.text : ''))).toEqual([
      '',
      'mallory says that it has 10.0.0.80: believed by alice',
      'mallory says that it has 10.0.0.123: nobody believes it',
      'mallory announces 10.9.0.0/25: no router believes it',
      'mallory asks for a trunk: its port at s1 is an access port as before',
      'far is not plugged into a switch',
      'port mallory of s1 is configured',
      'mallory asks for a trunk: its port at s1 is a trunk now',
    ])
  })

  it('floods', () => {
    const flood = { do: 'flood-mac', from: 'mallory', expect: 'learned', count: 50 }
    const security = { maximum: 1, violation: 'protect' }
    const { entries } = play(
      flood,
      { ...flood, expect: 'full' },
      { do: 'configure', switch: 's1', port: 'mallory', options: { security } },
      { ...flood, expect: 'stopped' },
      { do: 'flood-syn', from: 'far', to: 'server', port: 80, count: 5, expect: 'absorbed' },
      { do: 'flood-syn', from: 'far', to: 'server', port: 80, count: 50, spoof: '192.0.2.0/24' },
    )
    expect(entries.flatMap(({ problems }) => problems)).toEqual([])
    expect(entries.map(({ details }) => (details.kind === 'text' ? details.text.split(': ').at(-1) : ''))).toEqual([
      // Alice, the server and the router have asked for routers or announced networks.
      's1 has 53 addresses in its table',
      's1 has 64 addresses in its table, and no room for another',
      'port mallory of s1 is configured',
      's1 dropped 49 of them',
      'there was room for all',
      'the backlog is full, 47 found no room',
    ])
  })
})
