/** A frame of every protocol that a capture is dissected to, made by hand from what the standards say, with right checksums. */
import { concatOctets, latin1Octets, octetsOfHex, writeU16be, writeU32be } from '../../core/base/octets.js'
import { parseIpv6, parseMac, writeIpv6, writeMac } from '../../core/net/wire/addresses.js'
import { onesComplementSum } from '../../core/net/wire/checksum.js'

const MAC_A = '52:54:00:00:00:01'
const MAC_B = '52:54:00:00:00:02'

const u16 = (...values: number[]): Uint8Array => {
  const octets = new Uint8Array(2 * values.length)
  values.forEach((value, index) => writeU16be(octets, 2 * index, value))
  return octets
}
const u32 = (...values: number[]): Uint8Array => {
  const octets = new Uint8Array(4 * values.length)
  values.forEach((value, index) => writeU32be(octets, 4 * index, value))
  return octets
}
const octets = (...values: number[]): Uint8Array => Uint8Array.from(values)
const mac = (text: string): Uint8Array => {
  const written = new Uint8Array(6)
  writeMac(written, 0, parseMac(text))
  return written
}
const ipv4 = (text: string): Uint8Array => Uint8Array.from(text.split('.'), Number)
const ipv6 = (text: string): Uint8Array => {
  const written = new Uint8Array(16)
  writeIpv6(written, 0, parseIpv6(text))
  return written
}

function ethernet(type: number, payload: Uint8Array, tags: readonly number[] = []): Uint8Array {
  const tagged = tags.flatMap((tag) => [u16(0x8100, tag)])
  return concatOctets([mac(MAC_B), mac(MAC_A), ...tagged, u16(type), payload])
}

function withSum(message: Uint8Array, at: number, pseudo: Uint8Array): Uint8Array {
  const all = concatOctets([pseudo, message])
  writeU16be(message, at, 0xffff - onesComplementSum(all, 0, all.length))
  return message
}

interface Ipv4Options {
  readonly flags?: number
  readonly ttl?: number
}
const SOURCE = '10.0.0.1'
const DESTINATION = '10.0.0.2'

function ipv4Packet(protocol: number, payload: Uint8Array, { flags = 0x4000, ttl = 64 }: Ipv4Options = {}): Uint8Array {
  const header = concatOctets([
    octets(0x45, 0),
    u16(20 + payload.length, 0x1234, flags),
    octets(ttl, protocol, 0, 0),
    ipv4(SOURCE),
    ipv4(DESTINATION),
  ])
  return concatOctets([withSum(header, 10, octets()), payload])
}
const overIpv4 = (protocol: number, payload: Uint8Array, options?: Ipv4Options): Uint8Array =>
  ethernet(0x0800, ipv4Packet(protocol, payload, options))
const pseudo4 = (protocol: number, length: number): Uint8Array =>
  concatOctets([ipv4(SOURCE), ipv4(DESTINATION), octets(0, protocol), u16(length)])

const SOURCE6 = 'fd00::1'
const DESTINATION6 = 'fd00::2'
function ipv6Packet(next: number, payload: Uint8Array, hopLimit = 255): Uint8Array {
  const head = concatOctets([u32(0x6002_1234), u16(payload.length), octets(next, hopLimit)])
  return concatOctets([head, ipv6(SOURCE6), ipv6(DESTINATION6), payload])
}
const overIpv6 = (next: number, payload: Uint8Array, hopLimit?: number): Uint8Array =>
  ethernet(0x86dd, ipv6Packet(next, payload, hopLimit))
const pseudo6 = (next: number, length: number): Uint8Array =>
  concatOctets([ipv6(SOURCE6), ipv6(DESTINATION6), u32(length, next)])

const arp = (operation: number, sender: string, target: string): Uint8Array =>
  concatOctets([u16(1, 0x0800), octets(6, 4), u16(operation), mac(MAC_A), ipv4(sender), mac(MAC_B), ipv4(target)])
const icmp = (type: number, code: number, rest: Uint8Array): Uint8Array =>
  withSum(concatOctets([octets(type, code, 0, 0), rest]), 2, octets())
const icmpv6 = (type: number, code: number, rest: Uint8Array): Uint8Array => {
  const message = concatOctets([octets(type, code, 0, 0), rest])
  return withSum(message, 2, pseudo6(58, message.length))
}
const udpMessage = (from: number, to: number, payload: Uint8Array): Uint8Array =>
  concatOctets([u16(from, to, 8 + payload.length, 0), payload])
const udp4 = (from: number, to: number, payload: Uint8Array): Uint8Array => {
  const message = udpMessage(from, to, payload)
  return withSum(message, 6, pseudo4(17, message.length))
}

interface Segment {
  readonly from: number
  readonly to: number
  readonly sequence: number
  readonly acknowledgment?: number
  readonly flags: number
  readonly options?: Uint8Array
  readonly payload?: Uint8Array
}
function tcpMessage({
  from,
  to,
  sequence,
  acknowledgment = 0,
  flags,
  options = octets(),
  payload = octets(),
}: Segment) {
  return concatOctets([
    u16(from, to),
    u32(sequence, acknowledgment),
    u16((((20 + options.length) / 4) << 12) | flags, 0xfaf0, 0, 0),
    options,
    payload,
  ])
}
const tcp4 = (segment: Segment): Uint8Array => {
  const message = tcpMessage(segment)
  return withSum(message, 16, pseudo4(6, message.length))
}
const tcp6 = (segment: Segment): Uint8Array => {
  const message = tcpMessage(segment)
  return withSum(message, 16, pseudo6(6, message.length))
}

const payload = latin1Octets('what travels, in 32 octets of it')
const ripRoute = (address: string, netmask: string, nextHop: string, metric: number): Uint8Array =>
  concatOctets([u16(2, 7), ipv4(address), ipv4(netmask), ipv4(nextHop), u32(metric)])
// Routers of old quote a header and 8 octets.
const quoted = ipv4Packet(17, udpMessage(4000, 5000, payload)).subarray(0, 28)
const quotedTcp = ipv4Packet(6, tcpMessage({ from: 4000, to: 5000, sequence: 77, flags: 0x10, payload })).subarray(
  0,
  28,
)
const synOptions = octetsOfHex('020405b4 0402 080a 00000001 00000000 01 030307')
const dtpRecords = [
  octetsOfHex('0001 0008 6c616200'),
  octetsOfHex('0002 0005 83'),
  octetsOfHex('0003 0005 a5'),
  concatOctets([octetsOfHex('0004 000a'), mac(MAC_A)]),
]
const dtp = concatOctets([octetsOfHex('aaaa03 00000c 2004 01'), ...dtpRecords])
const sourceLink = concatOctets([octets(1, 1), mac(MAC_A)])
const prefix = concatOctets([octets(3, 4, 64, 0xc0), u32(86400, 14400, 0), ipv6('fd00:1::')])

function brokenSum(frame: Uint8Array, at: number): Uint8Array {
  const broken = frame.slice()
  broken[at]! ^= 0x55
  return broken
}

/** By what each is. */
export const handMadeFrames: Readonly<Record<string, Uint8Array>> = {
  'ARP request': ethernet(0x0806, concatOctets([arp(1, SOURCE, DESTINATION), new Uint8Array(18)])),
  'ARP reply': ethernet(0x0806, arp(2, DESTINATION, SOURCE)),
  'gratuitous ARP': ethernet(0x0806, arp(1, SOURCE, SOURCE)),
  RARP: ethernet(0x8035, arp(3, '0.0.0.0', '0.0.0.0')),
  '802.1Q': ethernet(0x0806, arp(1, SOURCE, DESTINATION), [0xa04d]),
  'stacked 802.1Q': ethernet(0x0806, arp(1, SOURCE, DESTINATION), [0x0064, 0x00c8]),
  'an experimental EtherType': ethernet(0x88b5, payload),
  DTP: ethernet(dtp.length, dtp),
  'echo request': overIpv4(1, icmp(8, 0, concatOctets([u16(0x4d53, 1), payload]))),
  'echo reply': overIpv4(1, icmp(0, 0, concatOctets([u16(0x4d53, 2), payload])), { ttl: 63 }),
  'port unreachable': overIpv4(1, icmp(3, 3, concatOctets([u32(0), quoted]))),
  'host unreachable': overIpv4(1, icmp(3, 1, concatOctets([u32(0), quotedTcp]))),
  'fragmentation needed': overIpv4(1, icmp(3, 4, concatOctets([u16(0, 1400), quotedTcp]))),
  redirect: overIpv4(1, icmp(5, 1, concatOctets([ipv4('10.0.0.254'), quoted]))),
  'time exceeded': overIpv4(1, icmp(11, 0, concatOctets([u32(0), quoted]))),
  'a fragment': overIpv4(17, payload, { flags: 0x2000 }),
  'another fragment': overIpv4(17, payload, { flags: 0x2004 }),
  UDP: overIpv4(17, udp4(5000, 5001, payload)),
  'UDP without a checksum': overIpv4(17, udpMessage(5000, 5001, payload)),
  'UDP with a wrong checksum': brokenSum(overIpv4(17, udp4(5000, 5001, payload)), 41),
  'IPv4 with a wrong checksum': brokenSum(overIpv4(17, udp4(5000, 5001, payload)), 25),
  'RIP response': overIpv4(
    17,
    udp4(
      520,
      520,
      concatOctets([
        octets(2, 2, 0, 0),
        ripRoute('10.1.0.0', '255.255.0.0', '0.0.0.0', 1),
        ripRoute('10.2.0.0', '255.255.255.0', '10.0.0.9', 16),
      ]),
    ),
  ),
  'RIP with a password': overIpv4(
    17,
    udp4(
      520,
      520,
      concatOctets([
        octets(2, 2, 0, 0),
        u16(0xffff, 2),
        latin1Octets('open sesame\0\0\0\0\0'),
        ripRoute('10.1.0.0', '255.255.0.0', '0.0.0.0', 3),
      ]),
    ),
  ),
  ESP: overIpv4(50, concatOctets([u32(0x1001, 9), payload, payload])),
  SYN: overIpv4(6, tcp4({ from: 40000, to: 49152, sequence: 1000, flags: 0x02, options: synOptions })),
  'SYN, ACK': overIpv4(
    6,
    tcp4({
      from: 40000,
      to: 49153,
      sequence: 5000,
      acknowledgment: 1001,
      flags: 0x12,
      options: octetsOfHex('020405b4'),
    }),
  ),
  'SACK blocks': overIpv4(
    6,
    tcp4({
      from: 40000,
      to: 49154,
      sequence: 5001,
      acknowledgment: 1001,
      flags: 0x10,
      options: concatOctets([octetsOfHex('0101 0512'), u32(2001, 3001, 4001, 5001)]),
    }),
  ),
  'data that is pushed': overIpv4(
    6,
    tcp4({ from: 40000, to: 49155, sequence: 1, acknowledgment: 1, flags: 0x18, payload }),
  ),
  reset: overIpv4(6, tcp4({ from: 40000, to: 49156, sequence: 9, flags: 0x14 })),
  'TCP with a wrong checksum': brokenSum(
    overIpv4(6, tcp4({ from: 40000, to: 49157, sequence: 1, acknowledgment: 1, flags: 0x18, payload })),
    51,
  ),
  'ICMPv6 echo': overIpv6(58, icmpv6(128, 0, concatOctets([u16(0x4d53, 3), payload])), 64),
  'router solicitation': overIpv6(58, icmpv6(133, 0, concatOctets([u32(0), sourceLink]))),
  'router advertisement': overIpv6(
    58,
    icmpv6(
      134,
      0,
      concatOctets([octets(64, 0xc0), u16(1800), u32(30000, 1000), sourceLink, octets(5, 1, 0, 0), u32(1400), prefix]),
    ),
  ),
  'neighbour solicitation': overIpv6(58, icmpv6(135, 0, concatOctets([u32(0), ipv6(DESTINATION6), sourceLink]))),
  'neighbour advertisement': overIpv6(
    58,
    icmpv6(136, 0, concatOctets([u32(0x6000_0000), ipv6(DESTINATION6), octets(2, 1), mac(MAC_B)])),
  ),
  'packet too big': overIpv6(
    58,
    icmpv6(2, 0, concatOctets([u32(1280), ipv6Packet(17, udpMessage(4000, 5000, payload))])),
    64,
  ),
  'ICMPv6 port unreachable': overIpv6(
    58,
    icmpv6(1, 4, concatOctets([u32(0), ipv6Packet(17, udpMessage(4000, 5000, payload))])),
    64,
  ),
  'hop-by-hop options': overIpv6(0, concatOctets([octets(58, 0, 1, 4, 0, 0, 0, 0), icmpv6(128, 0, u16(1, 2))])),
  'an IPv6 fragment': overIpv6(44, concatOctets([octets(17, 0), u16(0x0001), u32(0xabcd), payload])),
  'TCP over IPv6': overIpv6(6, tcp6({ from: 40001, to: 22, sequence: 1, flags: 0x02, options: synOptions }), 64),
}
