import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { joinPorts } from '../../../core/net/frame-port.js'
import { HostStack } from '../../../core/net/host-stack.js'
import type { EchoListener, EchoReply } from '../../../core/net/icmp.js'
import type { ReceivedDatagram, UdpListener } from '../../../core/net/udp.js'
import { IPV4_LOOPBACK, MAC_BROADCAST, parseIpv4 } from '../../../core/net/wire/addresses.js'
import { ARP_OPERATION, decodeArp, encodeArp } from '../../../core/net/wire/arp.js'
import { encodeEthernet, ETHERTYPE } from '../../../core/net/wire/ethernet.js'
import {
  expectSameOctets,
  patternOctets,
  NetworkFixture,
  TestListener,
  TestOwner,
  keptDatagram,
  type KeptDatagram,
} from '../../support/network-fixture.js'

class Replies implements EchoListener {
  readonly replies: EchoReply[] = []
  echoReplied(reply: EchoReply): void {
    this.replies.push(reply)
  }
}

class Datagrams implements UdpListener {
  readonly received: KeptDatagram[] = []
  datagramReceived(datagram: ReceivedDatagram): void {
    this.received.push(keptDatagram(datagram))
  }
}

const frames = (net: NetworkFixture) =>
  Array.from({ length: net.tap.lastPacket }, (_, index) => net.tap.frame(index + 1)!)

describe('HostStack', () => {
  it('resolves an address once, and answers echo requests', () => {
    const net = new NetworkFixture()
    const replies = new Replies()
    const identifier = net.host(0).icmp.openEcho(replies)
    for (let sequence = 1; sequence <= 3; sequence++)
      net.host(0).icmp.sendEcho(net.host(1).address, identifier, sequence, patternOctets(56))
    net.kernel.runUntil(seconds(1))
    expect(replies.replies.map(({ sequence }) => sequence)).toEqual([1, 2, 3])
    expect(replies.replies[0]?.payload).toEqual(patternOctets(56))
    // Two cables each way, once for ARP and once for the echo.
    expect(replies.replies[0]?.receivedNs).toBe(4 * (84 + 122) * 8 + 800_000)
    expect(frames(net).map((frame) => [frame[12], frame[13]].join())).toEqual([
      ...['8,6', '8,6'],
      ...Array<string>(6).fill('8,0'),
    ])
    expect(net.host(1).arp.macOf(net.host(0).address)).toBe(net.host(0).mac)
  })

  it('asks three times for an address that nobody has, and gives up', () => {
    const net = new NetworkFixture()
    net.host(0).icmp.sendEcho(parseIpv4('10.0.0.99'), 1, 1, new Uint8Array(0))
    net.kernel.runUntil(seconds(20))
    expect(frames(net).map((frame) => decodeArp(frame.subarray(14)).targetAddress)).toEqual(
      Array(3).fill(parseIpv4('10.0.0.99')),
    )
    expect(net.tap.timeNs(3)! - net.tap.timeNs(1)!).toBe(seconds(2))
  })

  it('believes announcements about addresses that it knows, and only those', () => {
    const net = new NetworkFixture({ hostCount: 3 })
    const [one, two, three] = [net.host(0), net.host(1), net.host(2)]
    one.icmp.sendEcho(two.address, 1, 1, new Uint8Array(0))
    net.kernel.runUntil(seconds(1))
    expect(one.arp.macOf(two.address)).toBe(two.mac)
    const { request: operation } = ARP_OPERATION
    const announce = {
      operation,
      senderMac: 0x525400000099,
      senderAddress: two.address,
      targetMac: 0,
      targetAddress: two.address,
    }
    const payload = encodeArp(announce)
    three.transmit(
      encodeEthernet({ destination: MAC_BROADCAST, source: three.mac, vlan: null, etherType: ETHERTYPE.arp, payload }),
    )
    three.arp.announce()
    net.kernel.runUntil(seconds(2))
    expect(one.arp.macOf(two.address)).toBe(0x525400000099)
    expect(one.arp.macOf(three.address)).toBeNull()
    expect(one.arp.table()).toMatchObject([{ address: '10.0.0.2', mac: '52:54:00:00:00:99', state: 'stale' }])
    expect(net.kernel.trace.rows('arp-changed')).toMatchObject([
      { host: 'host1', address: '10.0.0.2', oldMac: '52:54:00:00:00:02', newMac: '52:54:00:00:00:99' },
    ])
    // Its next use starts a doubt: nobody answers to the forged address, so the true owner is asked for again.
    one.icmp.sendEcho(two.address, 1, 1, new Uint8Array(0))
    net.kernel.runUntil(seconds(12))
    one.icmp.sendEcho(two.address, 1, 1, new Uint8Array(0))
    net.kernel.runUntil(seconds(13))
    expect(one.arp.macOf(two.address)).toBe(two.mac)
  })

  it('sends and receives datagrams, to one and to all', () => {
    const net = new NetworkFixture({ hostCount: 3 })
    const received = [1, 2].map((index) => {
      const datagrams = new Datagrams()
      net.host(index).udp.listen(9, datagrams)
      return datagrams.received
    })
    const send = (destination: string, payload: Uint8Array) =>
      net.host(0).udp.send({ sourcePort: 7, destination: parseIpv4(destination), destinationPort: 9, payload })
    send('10.0.0.2', patternOctets(1472))
    send('10.0.0.255', patternOctets(5))
    send('255.255.255.255', patternOctets(6))
    send('192.168.0.1', patternOctets(7))
    net.kernel.runUntil(seconds(1))
    expect(received.map((list) => list.map(({ payload }) => payload.length).sort())).toEqual([
      [1472, 5, 6],
      [5, 6],
    ])
    expect(received[0]?.[0]).toMatchObject({ source: net.host(0).address, sourcePort: 7 })
    expect(net.host(0).ip.packetsUnroutable).toBe(1)
  })

  it('drops damaged frames and counts them', () => {
    const net = new NetworkFixture()
    net.host(0).icmp.sendEcho(net.host(1).address, 1, 1, new Uint8Array(8))
    net.kernel.runUntil(seconds(1))
    const echo = frames(net)
      .find((frame) => frame[13] === 0)!
      .slice()
    echo[40]! ^= 1
    net.host(1).receiveFrame(echo)
    expect(net.host(1).framesMalformed).toBe(1)
    for (let length = 0; length < echo.length; length++) net.host(1).receiveFrame(echo.subarray(0, length))
    expect(net.host(1).framesMalformed).toBeGreaterThan(20)
  })

  it('talks to itself without a frame leaving', () => {
    const net = new NetworkFixture()
    const host = net.host(0)
    for (const address of [IPV4_LOOPBACK, host.address]) {
      const server = new TestOwner()
      const client = new TestOwner(patternOctets(1_000_000))
      host.tcp.unlisten(80)
      host.listen(80, new TestListener(server))
      host.connect(address, 80).owner = client
      net.kernel.runUntil(net.kernel.nowNs + milliseconds(100))
      expectSameOctets(server.receivedWhole(), patternOctets(1_000_000))
    }
    expect(net.tap.lastPacket).toBe(0)
  })

  it('takes no packets to the loopback address from outside', () => {
    const net = new NetworkFixture()
    const datagrams = new Datagrams()
    net.host(0).udp.listen(9, datagrams)
    net.host(0).udp.send({ sourcePort: 1, destination: IPV4_LOOPBACK, destinationPort: 9, payload: patternOctets(4) })
    expect(datagrams.received).toHaveLength(1)
    const own = new HostStack(net.kernel, { name: 'spy', mac: net.host(0).mac, address: parseIpv4('10.0.0.7') })
    own.loopBack = (frame) => net.host(0).receiveFrame(frame)
    own.udp.send({ sourcePort: 1, destination: IPV4_LOOPBACK, destinationPort: 9, payload: patternOctets(4) })
    expect(datagrams.received).toHaveLength(1)
  })

  it('works over ports without delay: two hosts joined directly', () => {
    const { kernel, hosts } = new NetworkFixture()
    const [one, two] = [hosts[0]!, hosts[1]!]
    one.uplink = two.uplink = null
    joinPorts(one, two)
    const server = new TestOwner()
    two.listen(80, new TestListener(server))
    one.connect(two.address, 80).owner = new TestOwner(patternOctets(3_000_000))
    kernel.runUntil(seconds(1))
    expectSameOctets(server.receivedWhole(), patternOctets(3_000_000))
  })
})
