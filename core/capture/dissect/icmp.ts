/** ICMP (RFC 792, RFC 1191), with the packet that an error quotes. */
import { readU16be, readU32be } from '../../base/octets.js'
import { onesComplementSum } from '../../net/wire/checksum.js'
import { guarded, need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'
import { dissectData } from './data.js'
import type { TransportRange } from './transport.js'
import { CHECKSUM_STATUS, CHECKSUM_WORDS, putChecksum } from './transport-checksum.js'

export const ICMP_TYPE_WORDS: Readonly<Record<number, string>> = {
  0: 'Echo (ping) reply',
  3: 'Destination unreachable',
  4: 'Source quench',
  5: 'Redirect',
  8: 'Echo (ping) request',
  9: 'Router advertisement',
  10: 'Router solicitation',
  11: 'Time-to-live exceeded',
  12: 'Parameter problem',
  13: 'Timestamp request',
  14: 'Timestamp reply',
}
const UNREACHABLE = 3
const REDIRECT = 5

/** Codes by type, as Wireshark words them. */
export const ICMP_CODE_WORDS: Readonly<Record<number, Readonly<Record<number, string>>>> = {
  3: {
    0: 'Network unreachable',
    1: 'Host unreachable',
    2: 'Protocol unreachable',
    3: 'Port unreachable',
    4: 'Fragmentation needed',
    5: 'Source route failed',
    9: 'Network administratively prohibited',
    10: 'Host administratively prohibited',
    13: 'Communication administratively filtered',
  },
  5: { 0: 'Redirect for network', 1: 'Redirect for host' },
  11: { 0: 'Time to live exceeded in transit', 1: 'Fragment reassembly time exceeded' },
}

export const icmpFields = {
  icmp: protocol('icmp', 'Internet Control Message Protocol'),
  type: field('icmp.type', 'Type', 'uint8', { words: ICMP_TYPE_WORDS }),
  code: field('icmp.code', 'Code', 'uint8'),
  checksum: field('icmp.checksum', 'Checksum', 'uint16', { base: 'hex' }),
  checksumStatus: field('icmp.checksum.status', 'Checksum status', 'uint8', { words: CHECKSUM_WORDS }),
  identifier: field('icmp.ident', 'Identifier', 'uint16'),
  sequence: field('icmp.seq', 'Sequence number', 'uint16'),
  mtu: field('icmp.mtu', 'MTU of next hop', 'uint16'),
  gateway: field('icmp.redir_gw', 'Gateway address', 'ipv4'),
}

export function dissectIcmp(dissection: Dissection, { start, end, isWhole }: TransportRange): void {
  const { octets, sink } = dissection
  need('icmp', start, 8, end)
  const type = octets[start] ?? 0
  const code = octets[start + 1] ?? 0
  const isEcho = type === 0 || type === 8
  sink.open(icmpFields.icmp, start, 8, null)
  sink.field(icmpFields.type, start, 1, type)
  const word = ICMP_CODE_WORDS[type]?.[code]
  sink.field(icmpFields.code, start + 1, 1, code, sink.wantsText ? `Code: ${code}${word ? ` (${word})` : ''}` : '')
  const status =
    !isWhole || dissection.depth > 0
      ? CHECKSUM_STATUS.unverified
      : onesComplementSum(octets, start, end) === 0xffff
        ? CHECKSUM_STATUS.good
        : CHECKSUM_STATUS.bad
  putChecksum(dissection, icmpFields, start + 2, readU16be(octets, start + 2), status)
  if (isEcho) {
    sink.field(icmpFields.identifier, start + 4, 2, readU16be(octets, start + 4))
    sink.field(icmpFields.sequence, start + 6, 2, readU16be(octets, start + 6))
  } else if (type === UNREACHABLE && code === 4) sink.field(icmpFields.mtu, start + 6, 2, readU16be(octets, start + 6))
  else if (type === REDIRECT) sink.field(icmpFields.gateway, start + 4, 4, readU32be(octets, start + 4))
  const quotes = (type >= 3 && type <= 5) || type === 11 || type === 12
  if (quotes && dissection.depth === 0) dissectQuoted(dissection, start + 8, end)
  else dissectData(dissection, start + 8, end)
  sink.close()
}

/** The packet that an error is about, of which 8 octets behind the header are sure to be there. */
function dissectQuoted(dissection: Dissection, start: number, end: number): void {
  dissection.depth++
  guarded(dissection, end, () => dissection.layers.dissectNetworkLayer(dissection, 0x0800, start, end))
  dissection.depth--
}
