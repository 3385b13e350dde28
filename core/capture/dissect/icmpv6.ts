/** ICMPv6 (RFC 4443) and neighbour discovery with its options (RFC 4861). */
import { WireError } from '../../base/errors.js'
import { readU16be, readU32be } from '../../base/octets.js'
import { ipv6Text, macText, readIpv6, readMac } from '../../net/wire/addresses.js'
import { guarded, need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'
import { dissectData } from './data.js'
import type { TransportRange } from './transport.js'
import { CHECKSUM_STATUS, CHECKSUM_WORDS, isTransportSumGood, putChecksum } from './transport-checksum.js'

export const ICMPV6_TYPE_WORDS: Readonly<Record<number, string>> = {
  1: 'Destination Unreachable',
  2: 'Packet Too Big',
  3: 'Time Exceeded',
  4: 'Parameter Problem',
  128: 'Echo (ping) request',
  129: 'Echo (ping) reply',
  130: 'Multicast Listener Query',
  131: 'Multicast Listener Report',
  133: 'Router Solicitation',
  134: 'Router Advertisement',
  135: 'Neighbor Solicitation',
  136: 'Neighbor Advertisement',
  137: 'Redirect',
  143: 'Multicast Listener Report Message v2',
}

const TYPE = { tooBig: 2, parameterProblem: 4, echoRequest: 128, echoReply: 129 } as const
const ND = { routerSolicitation: 133, routerAdvertisement: 134, solicitation: 135, advertisement: 136, redirect: 137 }
const OPTION = { sourceLink: 1, targetLink: 2, prefix: 3, mtu: 5 } as const

export const icmpv6Fields = {
  icmpv6: protocol('icmpv6', 'Internet Control Message Protocol v6'),
  type: field('icmpv6.type', 'Type', 'uint8', { words: ICMPV6_TYPE_WORDS }),
  code: field('icmpv6.code', 'Code', 'uint8'),
  checksum: field('icmpv6.checksum', 'Checksum', 'uint16', { base: 'hex' }),
  checksumStatus: field('icmpv6.checksum.status', 'Checksum status', 'uint8', { words: CHECKSUM_WORDS }),
  identifier: field('icmpv6.echo.identifier', 'Identifier', 'uint16', { base: 'hex' }),
  sequence: field('icmpv6.echo.sequence_number', 'Sequence', 'uint16'),
  mtu: field('icmpv6.mtu', 'MTU', 'uint32'),
  pointer: field('icmpv6.pointer', 'Pointer', 'uint32'),
  hopLimit: field('icmpv6.nd.ra.cur_hop_limit', 'Hop limit to use', 'uint8'),
  routerFlags: field('icmpv6.nd.ra.flag', 'Flags', 'uint8', { base: 'hex' }),
  managed: field('icmpv6.nd.ra.flag.m', 'Managed address configuration', 'bool'),
  otherConfiguration: field('icmpv6.nd.ra.flag.o', 'Other configuration', 'bool'),
  routerLifetime: field('icmpv6.nd.ra.router_lifetime', 'Router lifetime (s)', 'uint16'),
  reachableTime: field('icmpv6.nd.ra.reachable_time', 'Reachable time (ms)', 'uint32'),
  retransTimer: field('icmpv6.nd.ra.retrans_timer', 'Retransmission timer (ms)', 'uint32'),
  solicitationTarget: field('icmpv6.nd.ns.target_address', 'Target address', 'ipv6'),
  advertisementFlags: field('icmpv6.nd.na.flag', 'Flags', 'uint32', { base: 'hex' }),
  isRouter: field('icmpv6.nd.na.flag.r', 'Router', 'bool'),
  isSolicited: field('icmpv6.nd.na.flag.s', 'Solicited', 'bool'),
  overrides: field('icmpv6.nd.na.flag.o', 'Override', 'bool'),
  advertisementTarget: field('icmpv6.nd.na.target_address', 'Target address', 'ipv6'),
  redirectTarget: field('icmpv6.nd.rd.target_address', 'Target address', 'ipv6'),
  redirectDestination: field('icmpv6.rd.na.destination_address', 'Destination address', 'ipv6'),
  option: field('icmpv6.opt', 'Option', 'none'),
  optionType: field('icmpv6.opt.type', 'Type', 'uint8', {
    words: {
      1: 'Source link-layer address',
      2: 'Target link-layer address',
      3: 'Prefix information',
      4: 'Redirected header',
      5: 'MTU',
    },
  }),
  optionLength: field('icmpv6.opt.length', 'Length (8 octets each)', 'uint8'),
  // Wireshark keeps the address as octets; a MAC address in a filter matches either way.
  linkAddress: field('icmpv6.opt.linkaddr', 'Link-layer address', 'mac'),
  prefixLength: field('icmpv6.opt.prefix.length', 'Prefix length', 'uint8'),
  prefixFlags: field('icmpv6.opt.prefix.flag', 'Flags', 'uint8', { base: 'hex' }),
  onLink: field('icmpv6.opt.prefix.flag.l', 'On-link', 'bool'),
  autonomous: field('icmpv6.opt.prefix.flag.a', 'Autonomous address configuration', 'bool'),
  validLifetime: field('icmpv6.opt.prefix.valid_lifetime', 'Valid lifetime (s)', 'uint32'),
  preferredLifetime: field('icmpv6.opt.prefix.preferred_lifetime', 'Preferred lifetime (s)', 'uint32'),
  prefix: field('icmpv6.opt.prefix', 'Prefix', 'ipv6'),
  optionMtu: field('icmpv6.opt.mtu', 'MTU', 'uint32'),
}

export function dissectIcmpv6(dissection: Dissection, { start, end, isWhole }: TransportRange): void {
  const { octets, sink } = dissection
  need('icmpv6', start, 8, end)
  const type = octets[start] ?? 0
  const word = sink.wantsText ? ICMPV6_TYPE_WORDS[type] : undefined
  const text = word === undefined ? '' : `Internet Control Message Protocol v6 (${word})`
  sink.open(icmpv6Fields.icmpv6, start, end - start, null, text)
  sink.field(icmpv6Fields.type, start, 1, type)
  sink.field(icmpv6Fields.code, start + 1, 1, octets[start + 1] ?? 0)
  const status =
    !isWhole || dissection.depth > 0 || !sink.wants(icmpv6Fields.checksumStatus)
      ? CHECKSUM_STATUS.unverified
      : isTransportSumGood(dissection, start, end, 58)
        ? CHECKSUM_STATUS.good
        : CHECKSUM_STATUS.bad
  putChecksum(dissection, icmpv6Fields, start + 2, readU16be(octets, start + 2), status)
  if (type === TYPE.echoRequest || type === TYPE.echoReply) {
    sink.field(icmpv6Fields.identifier, start + 4, 2, readU16be(octets, start + 4))
    sink.field(icmpv6Fields.sequence, start + 6, 2, readU16be(octets, start + 6))
    dissectData(dissection, start + 8, end)
  } else if (type < 128) dissectError(dissection, type, start, end)
  else if (type >= ND.routerSolicitation && type <= ND.redirect) dissectDiscovery(dissection, type, start, end)
  else dissectData(dissection, start + 4, end)
  sink.close()
}

function dissectError(dissection: Dissection, type: number, start: number, end: number): void {
  const { octets, sink } = dissection
  if (type === TYPE.tooBig) sink.field(icmpv6Fields.mtu, start + 4, 4, readU32be(octets, start + 4))
  if (type === TYPE.parameterProblem) sink.field(icmpv6Fields.pointer, start + 4, 4, readU32be(octets, start + 4))
  if (dissection.depth > 0) return dissectData(dissection, start + 8, end)
  dissection.depth++
  guarded(dissection, end, () => dissection.layers.dissectNetworkLayer(dissection, 0x86dd, start + 8, end))
  dissection.depth--
}

function dissectDiscovery(dissection: Dissection, type: number, start: number, end: number): void {
  const { octets, sink } = dissection
  let optionsAt = start + 8
  if (type === ND.routerAdvertisement) {
    need('icmpv6', start, 16, end)
    const flags = octets[start + 5] ?? 0
    sink.field(icmpv6Fields.hopLimit, start + 4, 1, octets[start + 4] ?? 0)
    sink.open(icmpv6Fields.routerFlags, start + 5, 1, flags)
    sink.field(icmpv6Fields.managed, start + 5, 1, flags >>> 7)
    sink.field(icmpv6Fields.otherConfiguration, start + 5, 1, (flags >>> 6) & 1)
    sink.close()
    sink.field(icmpv6Fields.routerLifetime, start + 6, 2, readU16be(octets, start + 6))
    sink.field(icmpv6Fields.reachableTime, start + 8, 4, readU32be(octets, start + 8))
    sink.field(icmpv6Fields.retransTimer, start + 12, 4, readU32be(octets, start + 12))
    optionsAt = start + 16
  } else if (type !== ND.routerSolicitation) {
    need('icmpv6', start, 24, end)
    const target = readIpv6(octets, start + 8)
    if (type === ND.solicitation) sink.field(icmpv6Fields.solicitationTarget, start + 8, 16, target)
    if (type === ND.redirect) {
      need('icmpv6', start, 40, end)
      sink.field(icmpv6Fields.redirectTarget, start + 8, 16, target)
      sink.field(icmpv6Fields.redirectDestination, start + 24, 16, readIpv6(octets, start + 24))
    }
    if (type === ND.advertisement) {
      const flags = readU32be(octets, start + 4)
      sink.open(icmpv6Fields.advertisementFlags, start + 4, 4, flags)
      sink.field(icmpv6Fields.isRouter, start + 4, 4, flags >>> 31)
      sink.field(icmpv6Fields.isSolicited, start + 4, 4, (flags >>> 30) & 1)
      sink.field(icmpv6Fields.overrides, start + 4, 4, (flags >>> 29) & 1)
      sink.close()
      sink.field(icmpv6Fields.advertisementTarget, start + 8, 16, target)
    }
    optionsAt = start + (type === ND.redirect ? 40 : 24)
  }
  dissectOptions(dissection, optionsAt, end)
}

function dissectOptions({ octets, sink }: Dissection, start: number, end: number): void {
  for (let at = start; at < end;) {
    need('icmpv6', at, 8, end)
    const type = octets[at] ?? 0
    const length = (octets[at + 1] ?? 0) * 8
    if (length === 0) throw new WireError('icmpv6', at + 1, 'option of length 0')
    need('icmpv6', at, length, end)
    const isLink = type === OPTION.sourceLink || type === OPTION.targetLink
    const isPrefix = type === OPTION.prefix && length === 32
    sink.open(icmpv6Fields.option, at, length, null, sink.wantsText ? optionText(octets, at, isLink, isPrefix) : '')
    sink.field(icmpv6Fields.optionType, at, 1, type)
    sink.field(icmpv6Fields.optionLength, at + 1, 1, length / 8)
    if (isLink) sink.field(icmpv6Fields.linkAddress, at + 2, 6, readMac(octets, at + 2))
    if (type === OPTION.mtu) sink.field(icmpv6Fields.optionMtu, at + 4, 4, readU32be(octets, at + 4))
    if (isPrefix) {
      const flags = octets[at + 3] ?? 0
      sink.field(icmpv6Fields.prefixLength, at + 2, 1, octets[at + 2] ?? 0)
      sink.open(icmpv6Fields.prefixFlags, at + 3, 1, flags)
      sink.field(icmpv6Fields.onLink, at + 3, 1, flags >>> 7)
      sink.field(icmpv6Fields.autonomous, at + 3, 1, (flags >>> 6) & 1)
      sink.close()
      sink.field(icmpv6Fields.validLifetime, at + 4, 4, readU32be(octets, at + 4))
      sink.field(icmpv6Fields.preferredLifetime, at + 8, 4, readU32be(octets, at + 8))
      sink.field(icmpv6Fields.prefix, at + 16, 16, readIpv6(octets, at + 16))
    }
    sink.close()
    at += length
  }
}

function optionText(octets: Uint8Array, at: number, isLink: boolean, isPrefix: boolean): string {
  const name = icmpv6Fields.optionType.words?.[octets[at] ?? 0] ?? `type ${octets[at] ?? 0}`
  if (isLink) return `Option (${name}: ${macText(readMac(octets, at + 2))})`
  if (isPrefix) return `Option (${name}: ${ipv6Text(readIpv6(octets, at + 16))}/${octets[at + 2] ?? 0})`
  return `Option (${name})`
}
