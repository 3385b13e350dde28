import { describe, expect, it } from 'vitest'
import { copyGraph } from '../../../core/base/snapshot.js'
import { microseconds, seconds } from '../../../core/base/units.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { joinPorts } from '../../../core/net/frame-port.js'
import { HostStack } from '../../../core/net/host-stack.js'
import { Link } from '../../../core/net/link.js'
import { Ping } from '../../../core/net/ping.js'
import { RipRouter } from '../../../core/net/rip/rip-router.js'
import { Switch } from '../../../core/net/switch/switch.js'
import { Tap } from '../../../core/net/tap.js'
import { parseIp, parseIpv4, parseMac, parsePrefix } from '../../../core/net/wire/addresses.js'
import { Network } from '../../../core/session/network-builder.js'
import { parseNetworkPlan } from '../../../core/session/network-plan.js'
import { NetworkRun } from '../../../core/session/network-run.js'
import { expectSameOctets } from '../../support/network-fixture.js'

const routed = {
  title: 'Routed',
  hosts: {
    alice: { address: '10.1.0.2/24', gateway: '10.1.0.1', tcp: { congestionControl: 'newreno', sack: false } },
    bob: { interfaces: { eth0: { vlans: { 20: { address: '10.2.0.2/24' } } } }, gateway: '10.2.0.1', listens: 80 },
  },
  routers: {
    r1: {
      interfaces: { eth0: { address: '10.1.0.1/24', mtu: 1400 }, eth1: { address: '10.12.0.1/30' } },
      rip: { passive: 'eth0' },
    },
    r2: {
      interfaces: { eth0: { address: '10.2.0.1/24' }, eth1: { address: '10.12.0.2/30' } },
      rip: { passive: 'eth0' },
    },
  },
  switches: { s1: { ports: { bob: { mode: 'nonegotiate', allowed: 20 }, r2: { vlan: 20 } } } },
  links: [
    { from: 'alice', to: 'r1' },
    { name: 'middle', from: 'r1/eth1', to: 'r2/eth1', bandwidth: '10Mbit', delay: '1ms', loss: '1%', queue: '64KiB' },
    { from: 'r2', to: 's1' },
    { from: 'bob', to: 's1' },
  ],
  taps: [{ name: 'middle', link: 'middle', place: 'sent' }],
}

/** The same by hand. */
function wired(kernel: Kernel): { alice: HostStack; tap: Tap } {
  const stack = (name: string, mac: number, options = {}): HostStack =>
    new HostStack(kernel, { name, mac: parseMac(`02:00:00:00:00:0${mac}`), address: 0, ...options })
  const addresses = (text: string) => ({ addresses: [parsePrefix(text)] })
  const alice = stack('alice', 1, {
    ...addresses('10.1.0.2/24'),
    gateway: parseIpv4('10.1.0.1'),
    tcp: { congestionControl: 'newreno', hasSack: false },
  })
  const bob = stack('bob', 2)
  bob.addVlan(bob.interface('eth0'), 20, addresses('10.2.0.2/24'))
  bob.addRoute({ ...parsePrefix('0.0.0.0/0'), nextHop: parseIp('10.2.0.1') })
  const r1 = stack('r1', 3, { ...addresses('10.1.0.1/24'), mtu: 1400, forwards: true })
  r1.addInterface({ mac: parseMac('02:00:00:00:00:04'), ...addresses('10.12.0.1/30') })
  const r2 = stack('r2', 5, { ...addresses('10.2.0.1/24'), forwards: true })
  r2.addInterface({ mac: parseMac('02:00:00:00:00:06'), ...addresses('10.12.0.2/30') })
  const s1 = new Switch(kernel, 's1')
  const cable = { rateBps: 1e9, delayNs: microseconds(10) }
  const left = new Link(kernel, 'alice', cable)
  joinPorts(left.a, alice)
  joinPorts(left.b, r1.interface('eth0'))
  alice.uplink = left.a
  const slow = { rateBps: 1e7, delayNs: microseconds(1000), loss: 0.01, queueOctetsMax: 65536 }
  const middle = new Link(kernel, 'middle', slow)
  joinPorts(middle.a, r1.interface('eth1'))
  joinPorts(middle.b, r2.interface('eth1'))
  const right = new Link(kernel, 'r2', cable)
  joinPorts(right.a, r2.interface('eth0'))
  joinPorts(right.b, s1.addPort({ accessVlan: 20 }))
  const last = new Link(kernel, 'bob', cable)
  joinPorts(last.a, bob)
  joinPorts(last.b, s1.addPort({ mode: 'nonegotiate', allowedVlans: '20' }))
  bob.uplink = last.a
  const tap = new Tap(kernel, 'middle')
  middle.watch(tap, { place: 'sent' })
  for (const router of [r1, r2]) new RipRouter(kernel, router, { passive: ['eth0'] })
  return { alice, tap }
}

const capture = (network: Network): Uint8Array => network.taps[0]?.toPcapng() ?? new Uint8Array(0)

const silent = { pingResult: () => undefined, pingFinished: () => undefined }

describe('Network', () => {
  it('is what one would wire by hand', () => {
    const [kernel, twin] = [new Kernel('same'), new Kernel('same')]
    const network = new Network(kernel, parseNetworkPlan(routed))
    const byHand = wired(twin)
    const destination = parseIp('10.2.0.2')
    new Ping(kernel, network.host('alice'), silent, { destination, count: 20, payloadOctets: 3000 })
    new Ping(twin, byHand.alice, silent, { destination, count: 20, payloadOctets: 3000 })
    kernel.runUntil(seconds(60))
    twin.runUntil(seconds(60))
    expect(kernel.trace.count('route-changed')).toBeGreaterThanOrEqual(2)
    expect(kernel.trace.hash()).toBe(twin.trace.hash())
    expect(network.taps[0]?.lastPacket).toBeGreaterThan(80)
    expectSameOctets(capture(network), byHand.tap.toPcapng())
  })

  it('is another with another seed, and the same with the same', () => {
    const plan = parseNetworkPlan({
      ...routed,
      script: [{ do: 'transfer', from: 'alice', to: 'bob', size: '512KiB', port: 80, at: '3s' }],
    })
    const [one, again, other] = ['1', '1', '2'].map((seed) => {
      const run = new NetworkRun(plan, seed)
      run.run()
      return run.result()
    })
    expect(one?.passed).toBe(true)
    expect(again).toEqual(one)
    expect(other?.traceHash).not.toBe(one?.traceHash)
  })

  it('can be kept in the middle of everything, and goes on the same', () => {
    const item = { from: 'alice', to: 'bob', at: '3s', meanwhile: true }
    const plan = parseNetworkPlan({
      ...routed,
      script: [
        { do: 'transfer', size: '512KiB', port: 80, ...item },
        { do: 'ping', interval: '100ms', listener: 'r2', ...item },
        { do: 'traceroute', ...item },
        { do: 'flood-syn', port: 80, count: 100, rate: '100/s', ...item },
        { do: 'forge-rip', from: 'r1', interface: 'eth1', prefixes: '10.7.0.0/16' },
        { do: 'announce', from: 'alice', meanwhile: true },
        { do: 'send', from: 'alice', to: 'bob', meanwhile: true },
        { do: 'wait', time: '1s' },
      ],
    })
    const run = new NetworkRun(plan, 'keep')
    expect(run.run(seconds(3) + 150_000_000)).toBe(false)
    const kept = copyGraph(run)
    run.run()
    const hash = run.result().traceHash
    expect(kept.result().traceHash).not.toBe(hash)
    kept.run()
    expect(kept.result()).toEqual(run.result())
    expectSameOctets(capture(kept.network), capture(run.network))
  })

  it('puts mirrors, bindings, static neighbours and the rest where the plan says', () => {
    const plan = parseNetworkPlan({
      title: 'All at once',
      hosts: {
        alice: {
          address: '10.0.0.1/24',
          arp: [{ address: '10.0.0.2', mac: '02:00:00:00:00:02' }],
          gratuitousArp: 'all',
        },
        bob: { address: '10.0.0.2/24', routes: [{ to: '10.7.0.0/16', via: '10.0.0.1', metric: 5 }] },
        sniffer: {},
      },
      switches: {
        s1: {
          mirrors: { ports: 'alice', direction: 'rx', to: 'sniffer' },
          arpInspection: {
            vlans: 1,
            bindings: [{ host: 'alice' }, { address: '10.0.0.9', mac: '02:00:00:00:00:99', port: 'bob' }],
          },
          addressesMax: 16,
          ports: { bob: { security: { maximum: 3, violation: 'restrict' } } },
        },
      },
      links: ['alice', 'bob', 'sniffer'].map((from) => ({ from, to: 's1' })),
      taps: [
        { name: 'copies', switch: 's1', port: 'sniffer', direction: 'backward' },
        { name: 'forth', link: 'alice', direction: 'forward' },
        { name: 'in', switch: 's1', port: 'bob', direction: 'forward' },
        { name: 'host', host: 'alice' },
      ],
      script: [
        { do: 'ping', from: 'alice', to: 'bob', count: 1, expect: 'fails' },
        { do: 'show', host: 'bob', tables: 'Routes', contains: '10.7.0.0/16 10.0.0.1 eth0 5 static' },
        { do: 'show', host: 'alice', tables: 'Neighbours', contains: '10.0.0.2 02:00:00:00:00:02 permanent' },
      ],
    })
    const run = new NetworkRun(plan)
    run.run()
    expect(run.result().entries.flatMap(({ problems }) => problems)).toEqual([])
    // Bob is in no binding: his question who Alice is does not get through.
    expect(run.result().taps.map(({ packets }) => packets)).toEqual([1, 1, 1, 1])
    const [port] = run.network.switch('s1').portTable().slice(1)
    expect(port).toMatchObject({
      settings: { security: { maximum: 3, violation: 'restrict' } },
      dropped: { 'arp-inspection': 1 },
    })
    expect(run.network.host('alice').interface('eth0').arp.gratuitous).toBe('all')
  })
})
