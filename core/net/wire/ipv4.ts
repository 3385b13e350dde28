/**
 * IPv4 (RFC 791). Options are skipped when read and never written; putting fragments together is core/net/reassembly.ts.
 *
 *   version 4 bits, header words 4 bits | DSCP, ECN 1 | total length 2 | identification 2 | flags 3 bits, offset 13 bits
 *   | time to live 1 | protocol 1 | checksum 2 | source 4 | destination 4 | options
 */
import { WireError } from '../../base/errors.js'
import { readU16be, readU32be, writeU16be, writeU32be } from '../../base/octets.js'
import type { Ipv4Address } from './addresses.js'
import { onesComplementSum } from './checksum.js'

export const IPV4_HEADER_OCTETS = 20
/** Common to both families. */
export const IP_PROTOCOL = { icmp: 1, tcp: 6, udp: 17, esp: 50, icmpv6: 58 } as const

/** Where things are in the octets that were read. Reusable, so that reading a header makes no garbage. */
export class Ipv4Header {
  source: Ipv4Address = 0
  destination: Ipv4Address = 0
  protocol = 0
  ttl = 64
  dscpEcn = 0
  identification = 0
  dontFragment = false
  moreFragments = false
  /** In octets, a multiple of 8. */
  fragmentOffset = 0
  /** Offsets into the octets that were read: the message inside is `octets[payloadStart, payloadEnd)`. */
  payloadStart = 0
  payloadEnd = 0
}

export interface Ipv4Packet extends Readonly<Ipv4Header> {
  readonly payload: Uint8Array
}

/** Reads the header at `start` of `octets`. Checks lengths and the header checksum. */
export function readIpv4Header(octets: Uint8Array, start: number, into: Ipv4Header): void {
  if (octets.length - start < IPV4_HEADER_OCTETS) throw new WireError('ipv4', start, 'shorter than its 20-octet header')
  const first = octets[start] ?? 0
  if (first >>> 4 !== 4) throw new WireError('ipv4', start, `version is ${first >>> 4}`)
  const headerOctets = (first & 15) * 4
  const totalLength = readU16be(octets, start + 2)
  if (headerOctets < IPV4_HEADER_OCTETS || headerOctets > totalLength)
    throw new WireError('ipv4', start, `header length is ${headerOctets} of ${totalLength} octets`)
  if (start + totalLength > octets.length) throw new WireError('ipv4', start + 2, `total length is ${totalLength}`)
  const sum =
    headerOctets === IPV4_HEADER_OCTETS
      ? plainHeaderSum(octets, start)
      : onesComplementSum(octets, start, start + headerOctets)
  if (sum !== 0xffff) throw new WireError('ipv4', start + 10, 'header checksum is wrong')
  readFields(octets, start, into)
  into.payloadStart = start + headerOctets
  into.payloadEnd = start + totalLength
}

/**
 * As `readIpv4Header` for captures of others: a wrong checksum (left to the network card), a packet cut by the capture's
 * snapshot length and a total length of 0 (segmentation left to the card) are accepted.
 */
export function readCapturedIpv4Header(octets: Uint8Array, start: number, into: Ipv4Header): void {
  if (octets.length - start < IPV4_HEADER_OCTETS) throw new WireError('ipv4', start, 'shorter than its 20-octet header')
  const first = octets[start] ?? 0
  if (first >>> 4 !== 4) throw new WireError('ipv4', start, `version is ${first >>> 4}`)
  const headerOctets = (first & 15) * 4
  const totalLength = readU16be(octets, start + 2) || octets.length - start
  if (headerOctets < IPV4_HEADER_OCTETS || headerOctets > totalLength || start + headerOctets > octets.length)
    throw new WireError('ipv4', start, `header length is ${headerOctets} of ${totalLength} octets`)
  readFields(octets, start, into)
  into.payloadStart = start + headerOctets
  into.payloadEnd = Math.min(octets.length, start + totalLength)
}

/** The one's complement sum of a header without options: words one by one are the fastest for so few. */
function plainHeaderSum(octets: Uint8Array, start: number): number {
  let sum = 0
  for (let at = start; at < start + IPV4_HEADER_OCTETS; at += 2) sum += readU16be(octets, at)
  return foldWord(sum)
}

function foldWord(sum: number): number {
  const folded = (sum & 0xffff) + (sum >>> 16)
  return (folded & 0xffff) + (folded >>> 16)
}

function readFields(octets: Uint8Array, start: number, into: Ipv4Header): void {
  const fragment = readU16be(octets, start + 6)
  into.dscpEcn = octets[start + 1] ?? 0
  into.identification = readU16be(octets, start + 4)
  into.dontFragment = (fragment & 0x4000) !== 0
  into.moreFragments = (fragment & 0x2000) !== 0
  into.fragmentOffset = (fragment & 0x1fff) * 8
  into.ttl = octets[start + 8] ?? 0
  into.protocol = octets[start + 9] ?? 0
  into.source = readU32be(octets, start + 12)
  into.destination = readU32be(octets, start + 16)
}

/** `payload` is a view. */
export function decodeIpv4(octets: Uint8Array): Ipv4Packet {
  const header = new Ipv4Header()
  readIpv4Header(octets, 0, header)
  return { ...header, payload: octets.subarray(header.payloadStart, header.payloadEnd) }
}

/** Writes the 20 octets of a header at `start`, with its checksum; the packet ends where `octets` ends. */
export function writeIpv4Header(octets: Uint8Array, start: number, header: Readonly<Ipv4Header>): void {
  const { source, destination, identification } = header
  const version = 0x4500 | header.dscpEcn
  const totalLength = octets.length - start
  const flags = (header.dontFragment ? 0x4000 : 0) | (header.moreFragments ? 0x2000 : 0)
  const fragment = flags | (header.fragmentOffset / 8)
  const ttlAndProtocol = (header.ttl << 8) | header.protocol
  const addresses = (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff)
  writeU16be(octets, start, version)
  writeU16be(octets, start + 2, totalLength)
  writeU16be(octets, start + 4, identification)
  writeU16be(octets, start + 6, fragment)
  writeU16be(octets, start + 8, ttlAndProtocol)
  // All words are at hand, so the checksum needs no look at the octets.
  const sum = foldWord(version + totalLength + identification + fragment + ttlAndProtocol + addresses)
  writeU16be(octets, start + 10, 0xffff - sum)
  writeU32be(octets, start + 12, source)
  writeU32be(octets, start + 16, destination)
}

/** Throws `WireError` when header and payload are over 65535 octets. */
export function encodeIpv4(packet: Omit<Ipv4Packet, 'payloadStart' | 'payloadEnd'>): Uint8Array {
  const length = IPV4_HEADER_OCTETS + packet.payload.length
  if (length > 0xffff) throw new WireError('ipv4', 2, `total length would be ${length}`)
  const octets = new Uint8Array(length)
  writeIpv4Header(octets, 0, { ...packet, payloadStart: IPV4_HEADER_OCTETS, payloadEnd: length })
  octets.set(packet.payload, IPV4_HEADER_OCTETS)
  return octets
}
