/** Ethernet II, IEEE 802.3 with LLC and SNAP, and 802.1Q tags, any number of which may follow one another. */
import { readU16be } from '../../base/octets.js'
import { macText, readMac } from '../../net/wire/addresses.js'
import { ETHERNET_FRAME_OCTETS_MIN, ETHERNET_HEADER_OCTETS } from '../../net/wire/ethernet.js'
import { need, type Dissection } from '../dissection.js'
import { anyOf, field, protocol } from '../field.js'
import { dissectArp } from './arp.js'
import { dissectData } from './data.js'
import { dissectIpv4 } from './ipv4.js'
import { dissectIpv6 } from './ipv6.js'
import { dissectLlc } from './llc.js'

export const ETHERTYPE_WORDS: Readonly<Record<number, string>> = {
  0x0800: 'IPv4',
  0x0806: 'ARP',
  0x8035: 'RARP',
  0x8100: '802.1Q Virtual LAN',
  0x86dd: 'IPv6',
  0x88a8: '802.1ad Provider Bridge',
  0x88b5: 'Local Experimental Ethertype 1',
  0x88cc: 'LLDP',
  0x9100: '802.1Q, older double tagging',
}

const destination = field('eth.dst', 'Destination', 'mac')
const source = field('eth.src', 'Source', 'mac')

export const ethernetFields = {
  eth: protocol('eth', 'Ethernet II'),
  destination,
  source,
  address: anyOf('eth.addr', 'Source or destination', [destination, source]),
  type: field('eth.type', 'Type', 'uint16', { base: 'hex', words: ETHERTYPE_WORDS }),
  length: field('eth.len', 'Length', 'uint16'),
  padding: field('eth.padding', 'Padding', 'octets'),
  trailer: field('eth.trailer', 'After the packet', 'octets'),
  vlan: protocol('vlan', '802.1Q Virtual LAN'),
  priority: field('vlan.priority', 'Priority', 'uint8'),
  dropEligible: field('vlan.dei', 'Drop eligible', 'bool'),
  vlanId: field('vlan.id', 'VLAN', 'uint16'),
  vlanType: field('vlan.etype', 'Type', 'uint16', { base: 'hex', words: ETHERTYPE_WORDS }),
  vlanLength: field('vlan.len', 'Length', 'uint16'),
}

/** Below this a type field is the length of an 802.3 frame. */
export const ETHERTYPE_MIN = 0x0600
const TAGS_MAX = 8

export function dissectEthernet(dissection: Dissection, start: number, end: number): void {
  const { octets, sink } = dissection
  need('ethernet', start, ETHERNET_HEADER_OCTETS, end)
  const type = readU16be(octets, start + 12)
  const to = readMac(octets, start)
  const from = readMac(octets, start + 6)
  const text = sink.wantsText
    ? `${type < ETHERTYPE_MIN ? 'IEEE 802.3 Ethernet' : 'Ethernet II'}, Src: ${macText(from)}, Dst: ${macText(to)}`
    : ''
  sink.open(ethernetFields.eth, start, ETHERNET_HEADER_OCTETS, null, text)
  sink.field(ethernetFields.destination, start, 6, to)
  sink.field(ethernetFields.source, start + 6, 6, from)
  sink.field(type < ETHERTYPE_MIN ? ethernetFields.length : ethernetFields.type, start + 12, 2, type)
  sink.close()
  dissectTyped(dissection, type, start + ETHERNET_HEADER_OCTETS, end, 0)
}

function dissectTyped(dissection: Dissection, type: number, start: number, end: number, tags: number): void {
  if (type === 0x8100 || type === 0x88a8 || type === 0x9100) return dissectTag(dissection, start, end, tags)
  if (type >= ETHERTYPE_MIN) return dissectNetworkLayer(dissection, type, start, end)
  const dataEnd = Math.min(end, start + type)
  dissectLlc(dissection, start, dataEnd)
  dissectTrailer(dissection, dataEnd, end)
}

function dissectTag(dissection: Dissection, start: number, end: number, tags: number): void {
  const { octets, sink } = dissection
  need('vlan', start, 4, end)
  const tag = readU16be(octets, start)
  const type = readU16be(octets, start + 2)
  const { vlan, priority, dropEligible, vlanId, vlanType, vlanLength } = ethernetFields
  sink.open(vlan, start, 4, null, sink.wantsText ? `802.1Q Virtual LAN, PRI: ${tag >>> 13}, ID: ${tag & 0xfff}` : '')
  sink.field(priority, start, 2, tag >>> 13)
  sink.field(dropEligible, start, 2, (tag >>> 12) & 1)
  sink.field(vlanId, start, 2, tag & 0xfff)
  sink.field(type < ETHERTYPE_MIN ? vlanLength : vlanType, start + 2, 2, type)
  sink.close()
  if (tags + 1 < TAGS_MAX) dissectTyped(dissection, type, start + 4, end, tags + 1)
}

export function dissectNetworkLayer(dissection: Dissection, etherType: number, start: number, end: number): void {
  if (dissection.sink.isDone) return
  switch (etherType) {
    case 0x0806:
    case 0x8035:
      return dissectTrailer(dissection, dissectArp(dissection, start, end), end)
    case 0x0800:
      return dissectTrailer(dissection, dissectIpv4(dissection, start, end), end)
    case 0x86dd:
      return dissectTrailer(dissection, dissectIpv6(dissection, start, end), end)
    default:
      return dissectData(dissection, start, end)
  }
}

/** Frames are at least 60 octets long, so short ones are padded; what follows beyond that somebody else put there. */
function dissectTrailer({ sink }: Dissection, start: number, end: number): void {
  if (start >= end) return
  const isPadding = end <= ETHERNET_FRAME_OCTETS_MIN
  sink.field(isPadding ? ethernetFields.padding : ethernetFields.trailer, start, end - start, null)
}
