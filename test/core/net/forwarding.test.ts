import { describe, expect, it } from 'vitest'
import { hexOf } from '../../../core/base/octets.js'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { joinPorts } from '../../../core/net/frame-port.js'
import type { PacketInspector } from '../../../core/net/forwarding.js'
import { Ping, type PingListener, type PingResult } from '../../../core/net/ping.js'
import type { PacketError } from '../../../core/net/packet-error.js'
import type { ReceivedDatagram, UdpListener } from '../../../core/net/udp.js'
import { ipText, parseIp, parseIpv4, parsePrefix, readMac } from '../../../core/net/wire/addresses.js'
import { ARP_OPERATION } from '../../../core/net/wire/arp.js'
import { encodeIpv4, Ipv4Header } from '../../../core/net/wire/ipv4.js'
import { encodeUdp } from '../../../core/net/wire/udp.js'
import {
  expectSameOctets,
  patternOctets,
  TestListener,
  TestOwner,
  keptDatagram,
  type KeptDatagram,
} from '../../support/network-fixture.js'
import { chain, RoutedNetwork, route } from '../../support/routed-network.js'

class Results implements PingListener {
  readonly results: PingResult[] = []
  isFinished = false
  pingResult(result: PingResult): void {
    this.results.push(result)
  }
  pingFinished(): void {
    this.isFinished = true
  }
}

class Socket implements UdpListener {
  readonly received: KeptDatagram[] = []
  readonly errors: PacketError[] = []
  datagramReceived(datagram: ReceivedDatagram): void {
    this.received.push(keptDatagram(datagram))
  }
  datagramFailed(error: PacketError): void {
    this.errors.push(error)
  }
}

function ping(net: RoutedNetwork, from: string, to: string, options: object = {}): PingResult[] {
  const listener = new Results()
  new Ping(net.kernel, net.host(from), listener, {
    destination: parseIp(to),
    count: 1,
    timeoutNs: seconds(9),
    ...options,
  })
  net.runFor(seconds(10))
  expect(listener.isFinished).toBe(true)
  return listener.results
}

const families = [
  ['IPv4', '10.0.3.2', '10.0.1.1'],
  ['IPv6', 'fd03::2', 'fd01::1'],
] as const

describe('Forwarding', () => {
  it.each(families)('carries packets over two routers and lowers the time to live by two: %s', (_, server) => {
    const net = chain()
    expect(ping(net, 'client', server)).toMatchObject([
      { outcome: 'answered', reply: { source: parseIp(server), ttl: 62 } },
    ])
    expect(net.host('one').ip.forwarding.packetsForwarded).toBe(2)
    expect(net.host('server').framesMalformed + net.host('client').framesMalformed).toBe(0)
  })

  it.each(families)('says when the time to live is used up: %s', (_, server, router) => {
    const net = chain()
    expect(ping(net, 'client', server, { ttl: 1 })).toMatchObject([
      { outcome: 'failed', kind: 'time-exceeded', from: parseIp(router) },
    ])
  })

  it('says that a network, a host or a port cannot be reached', () => {
    const net = chain()
    expect(ping(net, 'client', '192.0.2.1')).toMatchObject([{ kind: 'net-unreachable', from: parseIp('10.0.1.1') }])
    expect(ping(net, 'client', 'fd99::1')).toMatchObject([{ kind: 'net-unreachable', from: parseIp('fd01::1') }])
    expect(ping(net, 'client', '10.0.3.77')).toMatchObject([{ kind: 'host-unreachable', from: parseIp('10.0.2.2') }])
    expect(ping(net, 'client', 'fd03::77')).toMatchObject([{ kind: 'host-unreachable', from: parseIp('fd02::2') }])
    expect(ping(net, 'client', '10.0.1.77')).toMatchObject([{ kind: 'host-unreachable', from: parseIp('10.0.1.2') }])
    for (const server of ['10.0.3.2', 'fd03::2']) {
      const socket = new Socket()
      net.host('client').udp.open(socket).sendTo(parseIp(server), 9, patternOctets(20))
      net.runFor(seconds(1))
      expect(socket.errors).toMatchObject([{ kind: 'port-unreachable', from: parseIp(server) }])
    }
  })

  it('tells TCP: a refused connection fails, an unreachable network is the reason for a time-out', () => {
    const net = chain()
    const owner = new TestOwner()
    net.host('client').connect(parseIp('192.0.2.1'), 80).owner = owner
    net.runFor(seconds(400))
    expect(owner.failure?.message).toMatch(/timed out, net unreachable/)
    net.host('one').ip.forwarding.inspector = { inspect: () => 'prohibit' }
    const refused = new TestOwner()
    net.host('client').connect(parseIp('10.0.3.2'), 80).owner = refused
    net.runFor(seconds(1))
    expect(refused.failure?.message).toMatch(/connection refused: prohibited/)
  })

  it('limits the errors that it sends', () => {
    const net = chain()
    const socket = new Socket()
    const { udp } = net.host('client')
    udp.listen(5000, socket)
    for (let count = 0; count < 500; count++)
      udp.send({ sourcePort: 5000, destination: parseIp('192.0.2.1'), destinationPort: 9, payload: patternOctets(9) })
    net.runFor(seconds(1))
    expect(socket.errors.length).toBeGreaterThanOrEqual(50)
    expect(socket.errors.length).toBeLessThan(64 + 10)
  })

  it.each(families)('finds the path MTU: a transfer gets through a narrow link: %s', (_, server) => {
    const net = chain({ middleMtu: 1300 })
    const owner = new TestOwner()
    net.host('server').listen(80, new TestListener(owner))
    net.host('client').connect(parseIp(server), 80).owner = new TestOwner(patternOctets(1_000_000))
    net.runFor(seconds(5))
    expectSameOctets(owner.receivedWhole(), patternOctets(1_000_000))
    expect(net.host('client').ip.mtuTo(parseIp(server))).toBe(1300)
    expect(
      net
        .host('client')
        .ip.destinations.learned()
        .map(({ address }) => ipText(address)),
    ).toEqual([server])
    net.runFor(seconds(601))
    expect(net.host('client').ip.mtuTo(parseIp(server))).toBe(1500)
  })

  it('believes no path MTU for segments that were never sent', () => {
    const net = chain()
    const client = net.host('client')
    net.host('server').listen(80, new TestListener(new TestOwner()))
    const connection = client.tcp.connect(parseIp('10.0.3.2'), 80)
    connection.owner = new TestOwner()
    net.runFor(seconds(1))
    const ports = encodeUdp(
      { sourcePort: 50000, destinationPort: 80, payload: new Uint8Array(8) },
      { source: 0, destination: 0 },
    )
    const header = { ...new Ipv4Header(), source: client.address, destination: parseIpv4('10.0.3.2'), protocol: 6 }
    client.ip.receiveError({
      kind: 'packet-too-big',
      from: parseIp('10.0.1.1'),
      ...header,
      mtu: 600,
      message: ports,
    })
    expect(client.ip.mtuTo(parseIp('10.0.3.2'))).toBe(1500)
  })

  it('cuts packets that may be cut, and the destination puts them together', () => {
    const net = chain({ middleMtu: 800 })
    expect(ping(net, 'client', '10.0.3.2', { payloadOctets: 1472 })).toMatchObject([{ outcome: 'answered' }])
    expect(ping(net, 'client', '10.0.3.2', { payloadOctets: 60_000 })).toMatchObject([{ outcome: 'answered' }])
    expect(ping(net, 'client', '10.0.3.2', { payloadOctets: 1472, dontFragment: true })).toMatchObject([
      { outcome: 'failed', kind: 'packet-too-big' },
    ])
  })

  it('sends a host to the better router, and the host believes it', () => {
    const net = new RoutedNetwork()
    const host = net.addHost('host', { addresses: [['10.0.0.2/24']], gateway: parseIp('10.0.0.1') })
    net.addHost('wrong', { addresses: [['10.0.0.1/24']], forwards: true })
    net.addHost('right', { addresses: [['10.0.0.3/24'], ['10.9.0.1/24']], forwards: true })
    route(net.host('wrong'), '10.9.0.0/24', '10.0.0.3')
    net.joinAll('lan', ['host', 'wrong', 'right'])
    expect(ping(net, 'host', '10.9.0.1')).toMatchObject([{ outcome: 'answered' }])
    expect(net.host('wrong').ip.forwarding.packetsForwarded).toBe(1)
    expect(ping(net, 'host', '10.9.0.1')).toMatchObject([{ outcome: 'answered' }])
    expect(net.host('wrong').ip.forwarding.packetsForwarded).toBe(1)
    expect(host.ip.destinations.learned()).toMatchObject([{ redirect: parseIp('10.0.0.3') }])
  })

  it('lets a man in the middle in, who is not seen but by the hop', () => {
    const net = new RoutedNetwork()
    const addresses = ['10.0.0.1/24', '10.0.0.2/24', '10.0.0.66/24'].map((text) => [[text]])
    const [one, two, thief] = ['one', 'two', 'thief'].map((name, index) =>
      net.addHost(name, { addresses: addresses[index]! }),
    )
    net.joinAll('lan', ['one', 'two', 'thief'])
    expect(ping(net, 'one', '10.0.0.2')).toMatchObject([{ outcome: 'answered', reply: { ttl: 64 } }])
    // Both believe that the other's address is the thief's MAC address.
    for (const [victim, other] of [
      [one!, two!],
      [two!, one!],
    ] as const)
      thief!.arp.send(victim.mac, {
        operation: ARP_OPERATION.reply,
        senderMac: thief!.mac,
        senderAddress: other.address,
        targetMac: victim.mac,
        targetAddress: victim.address,
      })
    let inspected = 0
    const inspector: PacketInspector = {
      inspect(frame, from) {
        expect(readMac(frame, 0)).toBe(from.mac)
        inspected++
        return 'pass'
      },
    }
    thief!.forwards = true
    Object.assign(thief!.ip.forwarding, { inspector, lowersTtl: false, sendsRedirects: false })
    expect(ping(net, 'one', '10.0.0.2')).toMatchObject([{ outcome: 'answered', reply: { ttl: 64 } }])
    expect(inspected).toBe(2)
    thief!.ip.forwarding.inspector = { inspect: () => 'drop' }
    expect(ping(net, 'one', '10.0.0.2')[0]).toMatchObject({ outcome: 'lost' })
    expect(net.kernel.trace.rows('arp-changed').map(({ host, address }) => [host, address])).toContainEqual([
      'one',
      '10.0.0.2',
    ])
  })

  it('survives an inspector that spoils what it sees', () => {
    const net = chain({ middleMtu: 600 })
    const forwarding = net.host('one').ip.forwarding
    for (const at of [14, 16, 20, 26, 58])
      for (const octet of [0, 0x4f, 0xff]) {
        forwarding.inspector = { inspect: (frame) => ((frame[at] = octet), 'pass') }
        ping(net, 'client', '10.0.3.2', { payloadOctets: 1000 })
        ping(net, 'client', 'fd03::2', { payloadOctets: 1000 })
      }
    forwarding.inspector = null
    expect(ping(net, 'client', '10.0.3.2')).toMatchObject([{ outcome: 'answered' }])
  })

  it('does not let a static entry be changed', () => {
    const net = new RoutedNetwork()
    const [one, two] = [
      net.addHost('one', { addresses: [['10.0.0.1/24']] }),
      net.addHost('two', { addresses: [['10.0.0.2/24']] }),
    ]
    net.joinAll('lan', ['one', 'two'])
    one.arp.setPermanent(two.address, two.mac)
    two.arp.send(one.mac, {
      operation: ARP_OPERATION.reply,
      senderMac: 0x0200_0000_0066,
      senderAddress: two.address,
      targetMac: one.mac,
      targetAddress: one.address,
    })
    net.runFor(milliseconds(1))
    expect(one.arp.table()).toMatchObject([{ mac: '52:54:00:00:00:02', state: 'permanent' }])
  })

  it('sends packets with any source, and hears the frames of others', () => {
    const net = new RoutedNetwork()
    for (const [index, name] of ['one', 'two', 'three'].entries())
      net.addHost(name, { addresses: [[`10.0.0.${index + 1}/24`]] })
    net.joinAll('lan', ['one', 'two', 'three'])
    const [one, two, three] = [net.host('one'), net.host('two'), net.host('three')]
    const socket = new Socket()
    two.udp.listen(9, socket)
    const source = three.address
    const pair = { source, destination: two.address }
    const payload = encodeUdp({ sourcePort: 1, destinationPort: 9, payload: patternOctets(8) }, pair)
    one.sendRawIp(encodeIpv4({ ...new Ipv4Header(), ...pair, protocol: 17, payload }))
    net.runFor(seconds(1))
    expect(socket.received).toMatchObject([{ source, destinationPort: 9 }])

    let heard = 0
    const eth0 = three.interface('eth0')
    eth0.listener = { frameHeard: () => void heard++ }
    const forAnother = Uint8Array.from({ length: 60 }, () => 2)
    eth0.receiveFrame(forAnother.slice())
    expect(heard).toBe(0)
    eth0.isPromiscuous = true
    eth0.receiveFrame(forAnother.slice())
    expect(heard).toBe(1)
  })

  it('tags and untags the frames of a VLAN', () => {
    const net = new RoutedNetwork()
    const [one, two] = [net.addHost('one', { addresses: [[]] }), net.addHost('two', { addresses: [[]] })]
    joinPorts(one, two)
    const tags = new Set<string>()
    two.interface('eth0').listener = { frameHeard: (frame) => void tags.add(hexOf(frame.subarray(12, 16))) }
    one.addVlan(one.interface('eth0'), 20, { addresses: [parsePrefix('10.0.20.1/24'), parsePrefix('fd20::1/64')] })
    two.addVlan(two.interface('eth0'), 20, { addresses: [parsePrefix('10.0.20.2/24'), parsePrefix('fd20::2/64')] })
    two.addVlan(two.interface('eth0'), 30, { addresses: [parsePrefix('10.0.30.2/24')] })
    for (const address of ['10.0.20.2', 'fd20::2'])
      expect(ping(net, 'one', address, { payloadOctets: 5000 })).toMatchObject([{ outcome: 'answered' }])
    expect([...tags]).toEqual(['81000014'])
    expect(two.interfaceRows().map(({ name, vlan }) => [name, vlan])).toEqual([
      ['eth0', null],
      ['eth0.20', 20],
      ['eth0.30', 30],
    ])
  })
})
