import { beforeAll, describe, expect, it } from 'vitest'
import { microseconds, milliseconds, seconds } from '../../../core/base/units.js'
import { CaptureReader } from '../../../core/net/wire/capture-reader.js'
import { encodeRarpAnnouncement } from '../../../core/net/wire/arp.js'
import { encodeEthernet } from '../../../core/net/wire/ethernet.js'
import { decodeCapturedTcp } from '../../../core/net/wire/link-layer.js'
import { PcapngWriter } from '../../../core/net/wire/pcapng.js'
import { TcpReassembler, type ReassemblyListener, type StreamRun } from '../../../core/net/wire/tcp-reassembly.js'
import { FaultySink } from '../../support/faulty-sink.js'
import {
  expectSameOctets,
  NetworkFixture,
  patternOctets,
  TestListener,
  TestOwner,
} from '../../support/network-fixture.js'
import { tsharkComplaints, tsharkFields } from '../../support/tshark.js'

const decodeAs = ['tcp.port==49152,data']
const request = patternOctets(4 * 1024 * 1024)
const response = patternOctets(4 * 1024 * 1024, 77)

/** ARP, ping, datagrams, 4 MiB each way over one connection, a guest's announcement, in the capture of the mirror port. */
function scenario(): NetworkFixture {
  const net = new NetworkFixture({ hostCount: 3, link: { rateBps: 10e9, delayNs: microseconds(100) } })
  const [one, two, three] = [net.host(0), net.host(1), net.host(2)]
  const echo = one.icmp.openEcho({ echoReplied: () => undefined })
  for (let sequence = 1; sequence <= 3; sequence++) {
    one.icmp.sendEcho(two.address, echo, sequence, patternOctets(56))
    net.kernel.runUntil(net.kernel.nowNs + milliseconds(5))
  }
  one.udp.listen(5001, { datagramReceived: () => undefined })
  two.udp.send({ sourcePort: 5000, destination: one.address, destinationPort: 5001, payload: patternOctets(1001) })
  const client = new TestOwner(request)
  const server = new TestOwner(response)
  client.endsWhenSent = true
  server.endsWhenPeerEnds = true
  two.listen(49152, new TestListener(server))
  one.connect(two.address, 49152).owner = client
  net.kernel.runUntil(seconds(1))
  three.transmit(encodeRarpAnnouncement(0x525400123456))
  three.arp.announce()
  net.kernel.runUntil(seconds(2))
  expectSameOctets(server.receivedWhole(), request)
  expectSameOctets(client.receivedWhole(), response)
  return net
}

describe('the network, as tshark sees it', () => {
  let net: NetworkFixture
  let capture: Uint8Array
  beforeAll(() => {
    net = scenario()
    capture = net.tap.toPcapng()
  })

  it('finds nothing wrong', () => {
    expect(tsharkComplaints(capture, { decodeAs })).toEqual([])
  })

  it('sees every packet, checks every checksum, and names every protocol', () => {
    const packets = tsharkFields(
      capture,
      [
        'frame.number',
        'frame.time_epoch',
        'frame.protocols',
        'ip.checksum.status',
        'tcp.checksum.status',
        'udp.checksum.status',
      ],
      { decodeAs },
    )
    expect(packets).toHaveLength(net.tap.lastPacket)
    const protocols = new Set(packets.map((packet) => packet['frame.protocols']))
    expect([...protocols].sort()).toEqual([
      'eth:ethertype:arp',
      'eth:ethertype:ip:icmp:data',
      'eth:ethertype:ip:tcp',
      'eth:ethertype:ip:tcp:data',
      'eth:ethertype:ip:udp:data',
    ])
    for (const packet of packets) {
      const isIp = packet['frame.protocols'].includes(':ip:')
      expect(packet['ip.checksum.status']).toBe(isIp ? '1' : '')
      expect(packet['tcp.checksum.status']).toBe(packet['frame.protocols'].includes(':tcp') ? '1' : '')
      expect(packet['udp.checksum.status']).toBe(packet['frame.protocols'].includes(':udp') ? '1' : '')
      const timeNs = net.tap.timeNs(Number(packet['frame.number'])) ?? 0
      expect(BigInt(packet['frame.time_epoch'].replace('.', ''))).toBe(BigInt(timeNs))
    }
  })

  it('reads the handshake and the announcements as we mean them', () => {
    const [syn] = tsharkFields(
      capture,
      ['tcp.options.mss_val', 'tcp.options.wscale.shift', 'tcp.options.timestamp.tsval'],
      {
        filter: 'tcp.flags.syn==1 && tcp.flags.ack==0',
        decodeAs,
      },
    )
    expect(syn).toMatchObject({ 'tcp.options.mss_val': '1460', 'tcp.options.wscale.shift': '6' })
    expect(
      tsharkFields(capture, ['arp.opcode', 'frame.len', 'arp.src.hw_mac'], { filter: 'eth.type==0x8035' }),
    ).toEqual([{ 'arp.opcode': '3', 'frame.len': '60', 'arp.src.hw_mac': '52:54:00:12:34:56' }])
    expect(tsharkFields(capture, ['arp.src.proto_ipv4'], { filter: 'arp.isgratuitous' })).toEqual([
      { 'arp.src.proto_ipv4': '10.0.0.3' },
    ])
    expect(tsharkFields(capture, ['icmp.resp_to'], { filter: 'icmp.resp_to' })).toHaveLength(3)
  })

  it('gives the octets that our own reassembly gives', () => {
    class Sent implements ReassemblyListener {
      readonly parts: Uint8Array[] = []
      gaps = 0
      connectionSeen(): void {}
      streamRun({ sender, octets }: StreamRun): void {
        if (sender === 'client') this.parts.push(octets)
      }
      streamGap(): void {
        this.gaps++
      }
      streamClosed(): void {}
    }
    const sent = new Sent()
    const reassembler = new TcpReassembler(sent)
    const reader = new CaptureReader(capture)
    for (let packet = reader.next(); packet !== null; packet = reader.next()) {
      const captured = decodeCapturedTcp(packet.linkType, packet.octets)
      if (captured !== null) reassembler.add(packet.number, packet.timeNs, captured)
    }
    reassembler.finish()
    expect([sent.gaps, reader.warnings]).toEqual([0, []])
    expectSameOctets(Uint8Array.from(Buffer.concat(sent.parts)), request)
    const lengths = tsharkFields(capture, ['tcp.len'], { filter: 'tcp.dstport==49152 && tcp.len>0', decodeAs })
    expect(lengths.reduce((sum, packet) => sum + Number(packet['tcp.len']), 0)).toBe(request.length)
  })

  it('names a loss as a loss: one fast retransmission of the lost segment', () => {
    const lossy = new NetworkFixture()
    const faulty = new FaultySink(lossy.host(1), lossy.kernel.random('faults'))
    faulty.losesFrames.add(60)
    lossy.links[1]!.a.output = faulty
    const server = new TestOwner()
    lossy.host(1).listen(49152, new TestListener(server))
    lossy.host(0).connect(lossy.host(1).address, 49152).owner = new TestOwner(patternOctets(500_000))
    lossy.kernel.runUntil(seconds(1))
    expectSameOctets(server.receivedWhole(), patternOctets(500_000))
    const retransmissions = tsharkFields(lossy.tap.toPcapng(), ['tcp.len'], {
      filter: 'tcp.analysis.fast_retransmission',
      decodeAs,
    })
    expect(retransmissions).toEqual([{ 'tcp.len': '1448' }])
  })

  it('reads tags, comments and interface names', () => {
    const writer = new PcapngWriter()
    writer.addInterface('first')
    const second = writer.addInterface('second')
    const vlan = { id: 77, priority: 5, isDropEligible: false }
    const frame = encodeEthernet({ destination: 1, source: 2, vlan, etherType: 0x88b5, payload: new Uint8Array(46) })
    writer.addPacket(second, 1_234_567_890_123, frame, { comment: 'why it matters: ü' })
    const fields = ['vlan.id', 'vlan.priority', 'frame.interface_name', 'frame.comment', 'frame.time_epoch'] as const
    expect(tsharkFields(writer.take(), fields)).toEqual([
      {
        'vlan.id': '77',
        'vlan.priority': '5',
        'frame.interface_name': 'second',
        'frame.comment': 'why it matters: ü',
        'frame.time_epoch': '1234.567890123',
      },
    ])
  })
})
