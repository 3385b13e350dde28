/**
 * IPv6 (RFC 8200). Hop-by-hop, destination and routing headers are stepped over when read and never written; the fragment
 * header is read and written.
 *
 *   version 4 bits, traffic class 8, flow label 20 | payload length 2 | next header 1 | hop limit 1
 *   | source 16 | destination 16
 *
 *   fragment header: next header 1 | reserved 1 | offset 13 bits, 2, more fragments 1 | identification 4
 */
import { WireError } from '../../base/errors.js'
import { readU16be, readU32be, writeU16be, writeU32be } from '../../base/octets.js'
import { readIpv6, writeIpv6, type Ipv6Address } from './addresses.js'

export const IPV6_HEADER_OCTETS = 40
export const IPV6_FRAGMENT_OCTETS = 8
/** What every link carries (§5). */
export const IPV6_MTU_MIN = 1280

export const IPV6_NEXT_HEADER = { hopByHop: 0, routing: 43, fragment: 44, noNext: 59, destinationOptions: 60 } as const

/** Where things are in the octets that were read. Reusable, so that reading a header makes no garbage. */
export class Ipv6Header {
  source: Ipv6Address = 0n
  destination: Ipv6Address = 0n
  /** The protocol of the message, behind all extension headers. */
  protocol = 0
  /** The hop limit. */
  ttl = 64
  trafficClass = 0
  flowLabel = 0
  /** Whether there is a fragment header. It may say that nothing was cut ("atomic fragment", RFC 6946). */
  isFragment = false
  identification = 0
  moreFragments = false
  /** In octets, a multiple of 8. */
  fragmentOffset = 0
  /** Offsets into the octets that were read: the message inside is `octets[payloadStart, payloadEnd)`. */
  payloadStart = 0
  payloadEnd = 0
}

/** Reads the headers at `start` of `octets`, up to the message, or to the part of it that a fragment has. */
export function readIpv6Header(octets: Uint8Array, start: number, into: Ipv6Header): void {
  const payloadLength = readU16be(octets, start + 4)
  readFixedHeader(octets, start, into)
  if (start + IPV6_HEADER_OCTETS + payloadLength > octets.length)
    throw new WireError('ipv6', start + 4, `payload length is ${payloadLength}`)
  into.payloadEnd = start + IPV6_HEADER_OCTETS + payloadLength
  skipExtensions(octets, into)
}

/** As `readIpv6Header` for captures of others: a packet cut short and a payload length of 0 are accepted. */
export function readCapturedIpv6Header(octets: Uint8Array, start: number, into: Ipv6Header): void {
  readFixedHeader(octets, start, into)
  const payloadLength = readU16be(octets, start + 4) || octets.length
  into.payloadEnd = Math.min(octets.length, start + IPV6_HEADER_OCTETS + payloadLength)
  skipExtensions(octets, into)
}

function readFixedHeader(octets: Uint8Array, start: number, into: Ipv6Header): void {
  if (octets.length - start < IPV6_HEADER_OCTETS) throw new WireError('ipv6', start, 'shorter than its 40-octet header')
  const first = readU32be(octets, start)
  if (first >>> 28 !== 6) throw new WireError('ipv6', start, `version is ${first >>> 28}`)
  into.trafficClass = (first >>> 20) & 255
  into.flowLabel = first & 0xf_ffff
  into.protocol = octets[start + 6] ?? 0
  into.ttl = octets[start + 7] ?? 0
  into.source = readIpv6(octets, start + 8)
  into.destination = readIpv6(octets, start + 24)
  into.isFragment = false
  into.identification = 0
  into.moreFragments = false
  into.fragmentOffset = 0
  into.payloadStart = start + IPV6_HEADER_OCTETS
}

/** Each is at least 8 octets long, so this ends. Behind a later fragment's header there is no header more. */
function skipExtensions(octets: Uint8Array, into: Ipv6Header): void {
  for (;;) {
    const at = into.payloadStart
    const isFragment = into.protocol === IPV6_NEXT_HEADER.fragment
    if (!isFragment && !isExtension(into.protocol)) return
    const octetsLong = isFragment ? IPV6_FRAGMENT_OCTETS : 8 * ((octets[at + 1] ?? 0) + 1)
    if (at + octetsLong > into.payloadEnd) throw new WireError('ipv6', at, 'ends inside an extension header')
    into.protocol = octets[at] ?? 0
    into.payloadStart = at + octetsLong
    if (!isFragment) continue
    const word = readU16be(octets, at + 2)
    into.isFragment = true
    into.fragmentOffset = word & 0xfff8
    into.moreFragments = (word & 1) !== 0
    into.identification = readU32be(octets, at + 4)
    if (into.fragmentOffset > 0) return
  }
}

function isExtension(nextHeader: number): boolean {
  const { hopByHop, routing, destinationOptions } = IPV6_NEXT_HEADER
  return nextHeader === hopByHop || nextHeader === routing || nextHeader === destinationOptions
}

/** Where the unfragmentable part ends (§4.5): behind the header, hop-by-hop options and routing headers, if there are any. */
export function fragmentablePartStart(octets: Uint8Array, start: number): number {
  const { hopByHop, routing } = IPV6_NEXT_HEADER
  let at = start + IPV6_HEADER_OCTETS
  let nextHeader = octets[start + 6] ?? 0
  while ((nextHeader === hopByHop || nextHeader === routing) && at + 8 <= octets.length) {
    nextHeader = octets[at] ?? 0
    at += 8 * ((octets[at + 1] ?? 0) + 1)
  }
  return at
}

export interface Ipv6Packet extends Readonly<Ipv6Header> {
  readonly payload: Uint8Array
}

/** `payload` is a view. */
export function decodeIpv6(octets: Uint8Array): Ipv6Packet {
  const header = new Ipv6Header()
  readIpv6Header(octets, 0, header)
  return { ...header, payload: octets.subarray(header.payloadStart, header.payloadEnd) }
}

/** Writes the 40 octets of a header at `start`; the packet ends where `octets` ends. `protocol` is the next header. */
export function writeIpv6Header(octets: Uint8Array, start: number, header: Readonly<Ipv6Header>): void {
  writeU32be(octets, start, (6 << 28) | (header.trafficClass << 20) | header.flowLabel)
  writeU16be(octets, start + 4, octets.length - start - IPV6_HEADER_OCTETS)
  octets[start + 6] = header.protocol
  octets[start + 7] = header.ttl
  writeIpv6(octets, start + 8, header.source)
  writeIpv6(octets, start + 24, header.destination)
}

/** Writes the 8 octets of a fragment header. */
export function writeFragmentHeader(octets: Uint8Array, start: number, header: Readonly<Ipv6Header>): void {
  octets[start] = header.protocol
  octets[start + 1] = 0
  writeU16be(octets, start + 2, header.fragmentOffset | (header.moreFragments ? 1 : 0))
  writeU32be(octets, start + 4, header.identification)
}

/** Throws `WireError` when the payload is over 65535 octets. */
export function encodeIpv6(packet: Omit<Ipv6Packet, 'payloadStart' | 'payloadEnd'>): Uint8Array {
  const extensionOctets = packet.isFragment ? IPV6_FRAGMENT_OCTETS : 0
  const payloadLength = extensionOctets + packet.payload.length
  if (payloadLength > 0xffff) throw new WireError('ipv6', 4, `payload length would be ${payloadLength}`)
  const octets = new Uint8Array(IPV6_HEADER_OCTETS + payloadLength)
  const header = { ...packet, payloadStart: 0, payloadEnd: 0 }
  writeIpv6Header(octets, 0, header)
  if (packet.isFragment) {
    octets[6] = IPV6_NEXT_HEADER.fragment
    writeFragmentHeader(octets, IPV6_HEADER_OCTETS, header)
  }
  octets.set(packet.payload, IPV6_HEADER_OCTETS + extensionOctets)
  return octets
}
