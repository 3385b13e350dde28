/** IPv6 and its extension headers (RFC 8200). Fragments are named, not put together. */
import { WireError } from '../../base/errors.js'
import { readU16be, readU32be } from '../../base/octets.js'
import { ipv6Text, readIpv6 } from '../../net/wire/addresses.js'
import { need, type Dissection } from '../dissection.js'
import { anyOf, field, protocol } from '../field.js'
import { dissectData } from './data.js'
import { IP_PROTOCOL_WORDS } from './ip-protocols.js'
import { dissectTransport } from './transport.js'

const HOP_BY_HOP = 0
const ROUTING = 43
const FRAGMENT = 44
const NO_NEXT_HEADER = 59
const DESTINATION_OPTIONS = 60
const HEADERS_MAX = 16

const source = field('ipv6.src', 'Source address', 'ipv6')
const destination = field('ipv6.dst', 'Destination address', 'ipv6')
const words = IP_PROTOCOL_WORDS

export const ipv6Fields = {
  ipv6: protocol('ipv6', 'Internet Protocol Version 6'),
  version: field('ipv6.version', 'Version', 'uint8'),
  trafficClass: field('ipv6.tclass', 'Traffic class', 'uint8', { base: 'hex' }),
  flow: field('ipv6.flow', 'Flow label', 'uint24', { base: 'hex' }),
  payloadLength: field('ipv6.plen', 'Payload length', 'uint16'),
  next: field('ipv6.nxt', 'Next header', 'uint8', { words }),
  hopLimit: field('ipv6.hlim', 'Hop limit', 'uint8'),
  source,
  destination,
  address: anyOf('ipv6.addr', 'Source or destination address', [source, destination]),
  hopOptions: protocol('ipv6.hopopts', 'IPv6 Hop-by-Hop Option'),
  hopNext: field('ipv6.hopopts.nxt', 'Next header', 'uint8', { words }),
  hopLength: field('ipv6.hopopts.len', 'Length (8 octets each, after the first 8)', 'uint8'),
  destinationOptions: protocol('ipv6.dstopts', 'Destination Options for IPv6'),
  destinationNext: field('ipv6.dstopts.nxt', 'Next header', 'uint8', { words }),
  destinationLength: field('ipv6.dstopts.len', 'Length (8 octets each, after the first 8)', 'uint8'),
  routing: protocol('ipv6.routing', 'Routing Header for IPv6'),
  routingNext: field('ipv6.routing.nxt', 'Next header', 'uint8', { words }),
  routingLength: field('ipv6.routing.len', 'Length (8 octets each, after the first 8)', 'uint8'),
  fragment: protocol('ipv6.fraghdr', 'Fragment Header for IPv6'),
  fragmentNext: field('ipv6.fraghdr.nxt', 'Next header', 'uint8', { words }),
  fragmentOffset: field('ipv6.fraghdr.offset', 'Offset', 'uint16'),
  fragmentMore: field('ipv6.fraghdr.more', 'More fragments', 'bool'),
  fragmentIdentification: field('ipv6.fraghdr.ident', 'Identification', 'uint32', { base: 'hex' }),
}

/** Returns where the packet ends. */
export function dissectIpv6(dissection: Dissection, start: number, end: number): number {
  const { octets, sink } = dissection
  need('ipv6', start, 40, end)
  const first = readU32be(octets, start)
  const payloadLength = readU16be(octets, start + 4)
  const from = readIpv6(octets, start + 8)
  const to = readIpv6(octets, start + 24)
  const text = sink.wantsText ? `Internet Protocol Version 6, Src: ${ipv6Text(from)}, Dst: ${ipv6Text(to)}` : ''
  sink.open(ipv6Fields.ipv6, start, 40, null, text)
  sink.field(ipv6Fields.version, start, 1, first >>> 28)
  if (first >>> 28 !== 6) throw new WireError('ipv6', start, `version is ${first >>> 28}`)
  sink.field(ipv6Fields.trafficClass, start, 4, (first >>> 20) & 0xff)
  sink.field(ipv6Fields.flow, start, 4, first & 0xfffff)
  sink.field(ipv6Fields.payloadLength, start + 4, 2, payloadLength)
  sink.field(ipv6Fields.next, start + 6, 1, octets[start + 6] ?? 0)
  sink.field(ipv6Fields.hopLimit, start + 7, 1, octets[start + 7] ?? 0)
  sink.field(ipv6Fields.source, start + 8, 16, from)
  sink.field(ipv6Fields.destination, start + 24, 16, to)
  sink.close()

  const packetEnd = Math.min(end, start + 40 + payloadLength)
  if (sink.isDone) return packetEnd
  dissection.source = from
  dissection.destination = to
  const isWhole = dissection.depth === 0 && start + 40 + payloadLength <= end
  dissectNext(dissection, octets[start + 6] ?? 0, { start: start + 40, end: packetEnd, isWhole })
  return packetEnd
}

interface Range {
  readonly start: number
  readonly end: number
  readonly isWhole: boolean
}

function dissectNext(dissection: Dissection, first: number, { start, end, isWhole }: Range): void {
  let next = first
  let at = start
  for (let count = 0; count < HEADERS_MAX; count++) {
    if (next === NO_NEXT_HEADER) return
    if (next === FRAGMENT) {
      const isPiece = putFragment(dissection, at, end)
      next = dissection.octets[at] ?? 0
      at += 8
      if (isPiece) return dissectData(dissection, at, end)
    } else if (next === HOP_BY_HOP || next === DESTINATION_OPTIONS || next === ROUTING) {
      const length = putOptions(dissection, next, at, end)
      next = dissection.octets[at] ?? 0
      at += length
    } else return dissectTransport(dissection, next, { start: at, end, isWhole })
  }
}

function putOptions({ octets, sink }: Dissection, header: number, at: number, end: number): number {
  need('ipv6', at, 8, end)
  const length = 8 + 8 * (octets[at + 1] ?? 0)
  need('ipv6', at, length, end)
  const { hopOptions, hopNext, hopLength, destinationOptions, destinationNext, destinationLength } = ipv6Fields
  const { routing, routingNext, routingLength } = ipv6Fields
  const [layer, nextField, lengthField] =
    header === HOP_BY_HOP
      ? [hopOptions, hopNext, hopLength]
      : header === ROUTING
        ? [routing, routingNext, routingLength]
        : [destinationOptions, destinationNext, destinationLength]
  sink.open(layer, at, length, null)
  sink.field(nextField, at, 1, octets[at] ?? 0)
  sink.field(lengthField, at + 1, 1, octets[at + 1] ?? 0)
  sink.close()
  return length
}

/** True when the packet is one of several fragments; a header that says "the only one" is let pass (RFC 8200 §4.5). */
function putFragment({ octets, sink }: Dissection, at: number, end: number): boolean {
  need('ipv6', at, 8, end)
  const place = readU16be(octets, at + 2)
  sink.open(ipv6Fields.fragment, at, 8, null)
  sink.field(ipv6Fields.fragmentNext, at, 1, octets[at] ?? 0)
  sink.field(ipv6Fields.fragmentOffset, at + 2, 2, place >>> 3)
  sink.field(ipv6Fields.fragmentMore, at + 2, 2, place & 1)
  sink.field(ipv6Fields.fragmentIdentification, at + 4, 4, readU32be(octets, at + 4))
  sink.close()
  return (place & 0xfff9) !== 0
}
