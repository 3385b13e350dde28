/** IPv4 (RFC 791), with the fields of RFC 2474 and 3168. Fragments are named, not put together. */
import { WireError } from '../../base/errors.js'
import { readU16be, readU32be } from '../../base/octets.js'
import { ipv4Text } from '../../net/wire/addresses.js'
import { onesComplementSum } from '../../net/wire/checksum.js'
import { need, type Dissection } from '../dissection.js'
import { anyOf, field, protocol } from '../field.js'
import { dissectData } from './data.js'
import { IP_PROTOCOL_WORDS } from './ip-protocols.js'
import { dissectTransport } from './transport.js'
import { CHECKSUM_STATUS, CHECKSUM_WORDS, putChecksum } from './transport-checksum.js'

const source = field('ip.src', 'Source address', 'ipv4')
const destination = field('ip.dst', 'Destination address', 'ipv4')

export const ipv4Fields = {
  ip: protocol('ip', 'Internet Protocol Version 4'),
  version: field('ip.version', 'Version', 'uint8'),
  headerLength: field('ip.hdr_len', 'Header length', 'uint8'),
  dsField: field('ip.dsfield', 'Differentiated services field', 'uint8', { base: 'hex' }),
  dscp: field('ip.dsfield.dscp', 'Differentiated services codepoint', 'uint8'),
  ecn: field('ip.dsfield.ecn', 'Explicit congestion notification', 'uint8', {
    words: { 0: 'Not ECT', 1: 'ECT(1)', 2: 'ECT(0)', 3: 'CE' },
  }),
  length: field('ip.len', 'Total length', 'uint16'),
  identification: field('ip.id', 'Identification', 'uint16', { base: 'hex' }),
  flags: field('ip.flags', 'Flags', 'uint8', { base: 'hex' }),
  reserved: field('ip.flags.rb', 'Reserved bit', 'bool'),
  dontFragment: field('ip.flags.df', 'Don’t fragment', 'bool'),
  moreFragments: field('ip.flags.mf', 'More fragments', 'bool'),
  /** In units of 8 octets, as it stands in the header. */
  fragmentOffset: field('ip.frag_offset', 'Fragment offset', 'uint16'),
  ttl: field('ip.ttl', 'Time to live', 'uint8'),
  protocol: field('ip.proto', 'Protocol', 'uint8', { words: IP_PROTOCOL_WORDS }),
  checksum: field('ip.checksum', 'Header checksum', 'uint16', { base: 'hex' }),
  checksumStatus: field('ip.checksum.status', 'Header checksum status', 'uint8', { words: CHECKSUM_WORDS }),
  source,
  destination,
  address: anyOf('ip.addr', 'Source or destination address', [source, destination]),
  options: field('ip.options', 'Options', 'octets'),
}

/** Returns where the packet ends: padding of the frame may follow. */
export function dissectIpv4(dissection: Dissection, start: number, end: number): number {
  const { octets, sink } = dissection
  need('ip', start, 20, end)
  const first = octets[start] ?? 0
  const headerOctets = (first & 15) * 4
  // A total length of 0 is left to the network card: then the packet is the rest of the frame.
  const totalLength = readU16be(octets, start + 2) || end - start
  const from = readU32be(octets, start + 12)
  const to = readU32be(octets, start + 16)
  const text = sink.wantsText ? `Internet Protocol Version 4, Src: ${ipv4Text(from)}, Dst: ${ipv4Text(to)}` : ''
  sink.open(ipv4Fields.ip, start, Math.min(Math.max(20, headerOctets), end - start), null, text)
  sink.field(ipv4Fields.version, start, 1, first >>> 4)
  if (first >>> 4 !== 4) throw new WireError('ip', start, `version is ${first >>> 4}`)
  sink.field(ipv4Fields.headerLength, start, 1, headerOctets)
  if (headerOctets < 20 || headerOctets > totalLength)
    throw new WireError('ip', start, `header length is ${headerOctets} of ${totalLength} octets`)
  putHeader(dissection, start, Math.min(end, start + headerOctets))
  sink.field(ipv4Fields.source, start + 12, 4, from)
  sink.field(ipv4Fields.destination, start + 16, 4, to)
  need('ip', start, headerOctets, end)
  if (headerOctets > 20) sink.field(ipv4Fields.options, start + 20, headerOctets - 20, null)
  sink.close()

  const packetEnd = Math.min(end, start + totalLength)
  if (sink.isDone) return packetEnd
  const fragment = readU16be(octets, start + 6)
  if ((fragment & 0x3fff) !== 0) {
    dissectData(dissection, start + headerOctets, packetEnd)
  } else {
    dissection.source = from
    dissection.destination = to
    const isWhole = dissection.depth === 0 && start + totalLength <= end
    dissectTransport(dissection, octets[start + 9] ?? 0, { start: start + headerOctets, end: packetEnd, isWhole })
  }
  return packetEnd
}

function putHeader(dissection: Dissection, start: number, headerEnd: number): void {
  const { octets, sink } = dissection
  const services = octets[start + 1] ?? 0
  sink.open(ipv4Fields.dsField, start + 1, 1, services)
  sink.field(ipv4Fields.dscp, start + 1, 1, services >>> 2)
  sink.field(ipv4Fields.ecn, start + 1, 1, services & 3)
  sink.close()
  sink.field(ipv4Fields.length, start + 2, 2, readU16be(octets, start + 2))
  sink.field(ipv4Fields.identification, start + 4, 2, readU16be(octets, start + 4))
  const fragment = readU16be(octets, start + 6)
  sink.open(ipv4Fields.flags, start + 6, 1, fragment >>> 13)
  sink.field(ipv4Fields.reserved, start + 6, 1, fragment >>> 15)
  sink.field(ipv4Fields.dontFragment, start + 6, 1, (fragment >>> 14) & 1)
  sink.field(ipv4Fields.moreFragments, start + 6, 1, (fragment >>> 13) & 1)
  sink.close()
  const place = fragment & 0x1fff
  const placeText = sink.wantsText ? `Fragment offset: ${place} (${place * 8} octets)` : ''
  sink.field(ipv4Fields.fragmentOffset, start + 6, 2, place, placeText)
  sink.field(ipv4Fields.ttl, start + 8, 1, octets[start + 8] ?? 0)
  sink.field(ipv4Fields.protocol, start + 9, 1, octets[start + 9] ?? 0)
  const isGood = onesComplementSum(octets, start, headerEnd) === 0xffff
  // A quoted header may have been changed under way, and its sum with it.
  const status = isGood ? CHECKSUM_STATUS.good : CHECKSUM_STATUS.bad
  putChecksum(dissection, ipv4Fields, start + 10, readU16be(octets, start + 10), status)
}
