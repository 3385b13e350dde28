import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../core/base/units.js'
import type { UdpListener } from '../../../core/net/udp.js'
import { linkLocalOf, ipText, parseIpv6, parsePrefix } from '../../../core/net/wire/addresses.js'
import {
  expectSameOctets,
  patternOctets,
  TestListener,
  TestOwner,
  keptDatagram,
  type KeptDatagram,
} from '../../support/network-fixture.js'
import { RoutedNetwork } from '../../support/routed-network.js'

function pair(): RoutedNetwork {
  const net = new RoutedNetwork()
  net.addHost('one', { addresses: [['fd00::1/64']] })
  net.addHost('two', { addresses: [['fd00::2/64']] })
  net.addHost('three', { addresses: [['fd00::3/64']] })
  net.joinAll('lan', ['one', 'two', 'three'])
  return net
}

const echo = (net: RoutedNetwork, from: string, to: string): number => {
  let replies = 0
  const { icmp } = net.host(from)
  const identifier = icmp.openEcho({ echoReplied: () => void replies++ })
  icmp.sendEcho(parseIpv6(to), identifier, 1, patternOctets(8))
  net.runFor(seconds(4))
  icmp.closeEcho(identifier)
  return replies
}

const rowOf = (net: RoutedNetwork, host: string, address: string) =>
  net
    .host(host)
    .neighbourRows()
    .find((row) => row.address === address)

describe('NeighbourDiscovery', () => {
  it('makes the link-local address from the MAC address', () => {
    expect(ipText(linkLocalOf(0x5254_0012_3456))).toBe('fe80::5054:ff:fe12:3456')
    expect(
      pair()
        .host('one')
        .interfaceRows()[0]
        ?.addresses.map(({ text }) => text),
    ).toEqual(['fe80::5054:ff:fe00:1/64', 'fd00::1/64'])
  })

  it('goes through its states: reachable, stale by the clock, delay, probe, reachable', () => {
    const net = pair()
    expect(echo(net, 'one', 'fd00::2')).toBe(1)
    expect(rowOf(net, 'one', 'fd00::2')).toMatchObject({ mac: '52:54:00:00:00:02', state: 'reachable' })
    net.runFor(seconds(100))
    expect(net.kernel.nextEventNs()).toBeUndefined()
    expect(rowOf(net, 'one', 'fd00::2')?.state).toBe('stale')
    expect(echo(net, 'one', 'fd00::2')).toBe(1)
    expect(rowOf(net, 'one', 'fd00::2')?.state).toBe('delay')
    net.runFor(seconds(2))
    expect(rowOf(net, 'one', 'fd00::2')?.state).toBe('reachable')
  })

  it('finds out that a neighbour is gone', () => {
    const net = pair()
    echo(net, 'one', 'fd00::2')
    net.host('two').interface('eth0').setUp(false)
    net.runFor(seconds(100))
    expect(echo(net, 'one', 'fd00::2')).toBe(0)
    net.runFor(seconds(6))
    expect(rowOf(net, 'one', 'fd00::2')).toMatchObject({ mac: '', state: 'failed' })
  })

  it('believes a forged advertisement with the override flag', () => {
    const net = pair()
    echo(net, 'one', 'fd00::2')
    net.host('three').interface('eth0').neighbours?.announce(parseIpv6('fd00::2'))
    net.runFor(milliseconds(100))
    expect(rowOf(net, 'one', 'fd00::2')).toMatchObject({ mac: '52:54:00:00:00:03', state: 'stale' })
    expect(net.kernel.trace.rows('arp-changed')).toMatchObject([{ host: 'one', address: 'fd00::2' }])
  })

  it('notices that an address is taken', () => {
    const net = new RoutedNetwork()
    const settings = { addresses: [['fd00::1/64']], detectsDuplicates: true }
    net.addHost('one', settings)
    net.addHost('far', { addresses: [[]] })
    net.joinAll('lan', ['one', 'far'])
    net.runFor(seconds(2))
    expect(
      net
        .host('one')
        .interfaceRows()[0]
        ?.addresses.map(({ state }) => state),
    ).toEqual(['preferred', 'preferred'])
    const late = net.addHost('late', { addresses: [[]], detectsDuplicates: true })
    late.output = { receiveFrame: (frame) => net.host('one').receiveFrame(frame) }
    net.host('one').output = late
    late.interface('eth0').addAddress(parsePrefix('fd00::1/64'))
    net.runFor(seconds(2))
    expect(late.interfaceRows()[0]?.addresses.find(({ text }) => text === 'fd00::1/64')?.state).toBe('duplicate')
    expect(late.ip.hasAddress(parseIpv6('fd00::1'))).toBe(false)
  })

  it('takes an address and a default route from a router, true or not', () => {
    const net = new RoutedNetwork()
    const router = net.addHost('router', { addresses: [['fd00::1/64'], ['fd09::1/64']], forwards: true })
    const host = net.addHost('host', { addresses: [[]], hasIpv6: true })
    net.joinAll('lan', ['router', 'host'])
    const discovery = router.interface('eth0').neighbours!
    const prefix = { prefix: parseIpv6('fd00::'), prefixLength: 64, isOnLink: true, isAutonomous: true }
    const prefixes = [{ ...prefix, validSeconds: 86_400, preferredSeconds: 14_400 }]
    discovery.advertisement = { hopLimit: 64, lifetimeSeconds: 1800, mtu: null, prefixes }
    host.interface('eth0').neighbours!.solicitRouters()
    net.runFor(seconds(1))
    expect(host.interfaceRows()[0]?.addresses.map(({ text }) => text)).toContain('fd00::5054:ff:fe00:3/64')
    expect(host.routeRows()).toContainEqual({
      prefix: '::/0',
      nextHop: 'fe80::5054:ff:fe00:1',
      interface: 'eth0',
      metric: 1,
      origin: 'advertisement',
      isBest: true,
    })
    expect(echo(net, 'host', 'fd09::1')).toBe(1)
    net.runFor(seconds(1801))
    expect(echo(net, 'host', 'fd09::1')).toBe(0)
  })
})

describe('TCP and UDP over IPv6', () => {
  it('carries 4 MiB', () => {
    const net = pair()
    const owner = new TestOwner()
    net.host('two').listen(80, new TestListener(owner))
    net.host('one').connect(parseIpv6('fd00::2'), 80).owner = new TestOwner(patternOctets(4 * 1024 * 1024))
    net.runFor(seconds(2))
    expectSameOctets(owner.receivedWhole(), patternOctets(4 * 1024 * 1024))
  })

  it('carries the longest datagram, in fragments', () => {
    const net = pair()
    const received: KeptDatagram[] = []
    const listener: UdpListener = {
      datagramReceived: (datagram) => void received.push(keptDatagram(datagram)),
    }
    net.host('two').udp.listen(9, listener)
    net.host('one').udp.open(listener).sendTo(parseIpv6('fd00::2'), 9, patternOctets(65507))
    net.runFor(seconds(1))
    expect(received).toHaveLength(1)
    expectSameOctets(received[0]!.payload, patternOctets(65507))
  })

  it('reaches a link-local address, and the host itself', () => {
    const net = pair()
    expect(echo(net, 'one', 'fe80::5054:ff:fe00:2')).toBe(1)
    expect(echo(net, 'one', '::1')).toBe(1)
    expect(echo(net, 'one', 'fd00::1')).toBe(1)
    expect(echo(net, 'one', 'ff02::1')).toBe(2)
  })
})
