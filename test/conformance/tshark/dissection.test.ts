/** What captures are dissected to, field by field, and which packets filters find: as the real tshark has it. */
import { beforeAll, describe, expect, it } from 'vitest'
import { microseconds, seconds } from '../../../core/base/units.js'
import { CaptureIndex } from '../../../core/capture/capture-index.js'
import type { FieldDefinition } from '../../../core/capture/field.js'
import { allFields } from '../../../core/capture/fields.js'
import { DisplayFilter } from '../../../core/capture/filter/display-filter.js'
import { CaptureFileSource } from '../../../core/capture/frame-source.js'
import { packetValues } from '../../../core/capture/packet-facts.js'
import { foundText } from '../../../core/capture/value-sink.js'
import { readCapture } from '../../support/captures.js'
import { FaultySink } from '../../support/faulty-sink.js'
import { FrameList } from '../../support/frame-list.js'
import { handMadeFrames } from '../../support/hand-made-frames.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'
import { NetworkFixture, patternOctets, TestListener, TestOwner } from '../../support/network-fixture.js'
import { tsharkFieldNames, tsharkFields } from '../../support/tshark.js'

/** Fields of the same name that cannot be the same, and why. */
const incomparable: Readonly<Record<string, string>> = {
  'data.data': 'what is data to one is a protocol to the other',
  'data.len': 'the same',
  'esp.encrypted_data': 'tshark gives it only with keys',
  'ip.version': 'tshark has it in IPv6 as well',
  'tcp.segments': 'put together for other protocols',
  'tcp.segment': 'the same',
  'tcp.reassembled_in': 'the same',
  'tcp.reassembled.length': 'the same',
  '_ws.malformed': 'other words',
  'ssh.ecdh.q_c': 'tshark 4.0 does not know the hybrid key exchange of newer OpenSSH',
  'ssh.ecdh.q_s': 'the same',
}

let shared: readonly FieldDefinition[] = []
beforeAll(() => {
  const known = tsharkFieldNames()
  shared = allFields.filter(
    ({ name, kind, members }) =>
      members === undefined && kind !== 'protocol' && known.has(name) && !(name in incomparable),
  )
})

/** Values as text that compares: numbers in decimal, presence as 1. */
function normal({ kind }: FieldDefinition, text: string): string {
  if (kind === 'none') return text === '' ? '' : '1'
  if (kind === 'seconds') return text === '' ? '' : Number(text).toFixed(9)
  if (!kind.startsWith('uint')) return text.toLowerCase()
  return text
    .split(',')
    .map((each) => (each.startsWith('0x') ? String(BigInt(each)) : each))
    .join(',')
}

/** What differs, in words; at most ten of them. */
function differences(capture: Uint8Array, decodeAs: readonly string[], packetsMax = 100_000): string[] {
  const index = new CaptureIndex(new CaptureFileSource(capture))
  index.update()
  const names = shared.map(({ name }) => name)
  const rows = tsharkFields(capture, names, { decodeAs, extra: ['-c', String(packetsMax)] })
  expect(rows).toHaveLength(Math.min(packetsMax, index.lastPacket))
  const wanted = new Set(shared)
  const found: string[] = []
  rows.forEach((row, at) => {
    const values = packetValues(index, at + 1, wanted)
    for (const definition of shared) {
      const all = values?.all(definition) ?? []
      const ours = normal(
        definition,
        definition.kind === 'none' ? (all.length > 0 ? '1' : '') : all.map(foundText).join(','),
      )
      const theirs = normal(definition, row[definition.name] ?? '')
      if (ours !== theirs && found.length < 10)
        found.push(`packet ${at + 1}: ${definition.name} is ${ours.slice(0, 80)}, tshark has ${theirs.slice(0, 80)}`)
    }
  })
  return found
}

function expectSamePackets(capture: Uint8Array, decodeAs: readonly string[], filters: readonly string[]): void {
  const index = new CaptureIndex(new CaptureFileSource(capture))
  index.update()
  for (const filter of filters) {
    const ours = Array.from(new DisplayFilter(index, filter).matchRange(1, index.lastPacket + 1))
    const theirs = tsharkFields(capture, ['frame.number'], { filter, decodeAs }).map((row) =>
      Number(row['frame.number']),
    )
    expect({ filter, packets: ours }).toEqual({ filter, packets: theirs })
  }
}

/** A transfer through two faulty cables, captured between them. */
function lossyCapture(seed: number): Uint8Array {
  const net = new NetworkFixture({ seed: `lossy ${seed}`, link: { rateBps: 1e9, delayNs: microseconds(150 * seed) } })
  const faults = { lostPerMille: 15 * (seed % 3), duplicatedPerMille: 10, swappedPerMille: seed > 1 ? 20 : 0 }
  const random = net.kernel.random('faults')
  net.links[1]!.a.output = new FaultySink(net.host(1), random, faults)
  net.links[1]!.b.output = new FaultySink(net.ports[1]!, random, faults)
  net.links[0]!.b.output = new FaultySink(net.ports[0]!, random, faults)
  const server = new TestOwner()
  server.endsWhenPeerEnds = true
  // A reader that pauses closes its window.
  server.isReading = seed !== 3
  net.host(1).listen(49152, new TestListener(server))
  const client = new TestOwner(patternOctets(400_000))
  client.endsWhenSent = true
  net.host(0).connect(net.host(1).address, 49152).owner = client
  net.kernel.runUntil(seconds(2))
  server.isReading = true
  if (server.stream !== null) server.streamReadable(server.stream)
  net.kernel.runUntil(seconds(20))
  return net.tap.toPcapng()
}

const asData = ['tcp.port==49152,data']

describe('fields', () => {
  it('are those of tshark in frames of every protocol made by hand', () => {
    expect(shared.length).toBeGreaterThan(200)
    expect(differences(new FrameList(Object.values(handMadeFrames)).toPcapng(), asData)).toEqual([])
  })

  it.each([1, 2, 3, 4, 5])(
    'are those of tshark, its analysis too, on a network that loses and reorders (%i)',
    (seed) => {
      expect(differences(lossyCapture(seed), asData)).toEqual([])
    },
  )

  it.each(['none', 'nacl', 'ssh', 'tls'] as const)('are those of tshark in a migration over %s', (channel) => {
    const session = bootedSession({ migration: { channel } })
    migrateToEnd(session)
    const rules = channel === 'tls' ? ['tcp.port==49152,tls'] : asData
    expect(differences(session.world.rack.tap.toPcapng(), rules)).toEqual([])
  })

  it.each([
    ['a_plain', 'tcp.port==4444,data'],
    ['a_ssh', 'tcp.port==2222,ssh'],
    ['a_tls', 'tcp.port==4444,tls'],
  ])('are those of tshark in the real capture %s', (name, rule) => {
    expect(differences(readCapture(name), [rule], 600)).toEqual([])
  })
})

describe('filters', () => {
  it('find the same packets as tshark among frames of every protocol', () => {
    expectSamePackets(new FrameList(Object.values(handMadeFrames)).toPcapng(), asData, [
      'arp or icmp',
      'arp.isgratuitous',
      'vlan.id == 77 || vlan.id == 200',
      'vlan && !(vlan.id == 100)',
      'ip.addr == 10.0.0.1 && ip.ttl < 64',
      'icmp.type in {3, 5, 11}',
      'ip.flags.mf == 1 or ip.frag_offset > 0',
      'udp.checksum.status == "Bad"',
      'ip.checksum.status != "Good"',
      'tcp.checksum.status == 0',
      'rip.metric == 16',
      'rip.ip == 10.1.0.0/16',
      'dtp',
      'esp.spi == 0x1001',
      'ipv6.addr == fd00::2',
      'ipv6.src == fd00::/64 and not icmpv6',
      'icmpv6.nd.na.flag.s == 1',
      'icmpv6.nd.ns.target_address == fd00::2',
      'tcp.options.sack_le',
      'tcp.flags == 0x12',
      'tcp.flags.reset',
      'udp.port == 5000',
      'udp contains "octets"',
      'frame matches "IN [0-9]+ octets"',
      'eth.src[0:3] == 52:54:00 && eth.dst[-1] == 02',
      'eth.type == 0x88b5',
      'frame.len >= 100',
    ])
  })

  it('find the same packets as tshark on a network that loses', () => {
    expectSamePackets(lossyCapture(2), asData, [
      'tcp.analysis.flags',
      'tcp.analysis.retransmission',
      'tcp.analysis.fast_retransmission || tcp.analysis.out_of_order',
      'tcp.analysis.duplicate_ack_num > 2',
      'tcp.analysis.lost_segment',
      'tcp.srcport == 49152 && tcp.len == 0',
      'tcp.seq > 100000 and tcp.len > 0',
      'tcp.ack >= 1 and tcp.window_size > 65535',
      'ip.src != 10.0.0.1',
      'ip.addr != 10.0.0.1',
      '!(ip.addr == 10.0.0.1)',
      'ip.src !== 10.0.0.1',
      'tcp.port in {49152} && tcp.flags.push == 1',
      'tcp.payload[0:2] == 00:1f',
      'frame.time_relative > 0.005 && frame.number < 300',
      'tcp.nxtseq == tcp.seq',
    ])
  })
})
