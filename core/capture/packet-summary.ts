/** A packet in one line, as the list shows it. */
import { ipText, ipv4Text, macText } from '../net/wire/addresses.js'
import { TCP_FLAG } from '../net/wire/tcp.js'
import type { CaptureIndex } from './capture-index.js'
import { arpFields } from './dissect/arp.js'
import { dtpFields } from './dissect/dtp.js'
import { espFields } from './dissect/esp.js'
import { ethernetFields, ETHERTYPE_WORDS } from './dissect/ethernet.js'
import { icmpFields, ICMP_CODE_WORDS, ICMP_TYPE_WORDS } from './dissect/icmp.js'
import { icmpv6Fields, ICMPV6_TYPE_WORDS } from './dissect/icmpv6.js'
import { IP_PROTOCOL_WORDS } from './dissect/ip-protocols.js'
import { ipv4Fields } from './dissect/ipv4.js'
import { ipv6Fields } from './dissect/ipv6.js'
import { isakmpFields, isakmpInfo } from './dissect/isakmp.js'
import { ripFields } from './dissect/rip.js'
import { flagsText, tcpFields } from './dissect/tcp.js'
import { malformedField } from './dissection.js'
import { MARK, NETWORK } from './packet-columns.js'
import { packetValues } from './packet-facts.js'
import { PROTOCOL, PROTOCOL_NAMES } from './protocol-names.js'
import type { CountedUnit } from './stream/stream-protocol.js'
import { SegmentUnits } from './stream/stream-units.js'
import { UNIT } from './stream/unit-walker.js'
import { TCP_ANALYSIS } from './tcp-analysis-bits.js'
import type { ValueSink } from './value-sink.js'

export interface PacketSummary {
  readonly packet: number
  readonly timeNs: number
  readonly source: string
  readonly destination: string
  readonly protocol: string
  readonly octets: number
  readonly info: string
}

/** Null when the packet is not indexed or its frame is gone. */
export function summarisePacket(index: CaptureIndex, packet: number): PacketSummary | null {
  const { columns } = index
  const values = columns.has(packet) ? packetValues(index, packet, summaryFields) : null
  if (values === null) return null
  const row = columns.row(packet)
  const [source, destination] = endsOf(index, row)
  const common = { packet, timeNs: columns.timeNs[row]!, source, destination, octets: columns.length[row]! }
  const damage = values.text(malformedField)
  const protocol = columns.protocol[row]!
  const name = PROTOCOL_NAMES[protocol] ?? ''
  if (protocol === PROTOCOL.tcp && (columns.marks[row]! & MARK.malformed) === 0) {
    const carried = carriedInfo(index, packet)
    const prefix = analysisText(columns.analysis[row]!, columns.duplicateOf[row]!, columns.duplicateNumber[row]!)
    if (carried !== null) return { ...common, ...carried, info: prefix + carried.info }
    return { ...common, protocol: name, info: prefix + tcpInfo(index, packet, values) }
  }
  const info = infoOf(index, row, protocol, values)
  return {
    ...common,
    protocol: protocol === PROTOCOL.rip ? `RIPv${values.number(ripFields.version)}` : name,
    info: damage === '' ? info : `${info} [Malformed: ${damage}]`.trim(),
  }
}

/** Addresses as the list shows them: the highest layer's that has any. */
function endsOf(index: CaptureIndex, row: number): readonly [string, string] {
  const { columns } = index
  const network = columns.network[row]!
  const from = network === NETWORK.arp ? null : index.address(network, columns.source[row]!)
  const to = network === NETWORK.arp ? null : index.address(network, columns.destination[row]!)
  if (from !== null && to !== null) return [ipText(from), ipText(to)]
  const destination = columns.ethDestination[row]!
  return [
    macText(columns.ethSource[row]!),
    network === NETWORK.arp && destination === 0xffff_ffff_ffff ? 'Broadcast' : macText(destination),
  ]
}

const summaryFields = new Set([
  malformedField,
  ethernetFields.type,
  ethernetFields.vlanType,
  ...Object.values(arpFields),
  ...Object.values(dtpFields),
  ...Object.values(icmpFields),
  ...Object.values(icmpv6Fields),
  ...Object.values(ripFields),
  ...Object.values(espFields),
  isakmpFields.exchange,
  isakmpFields.flags,
  isakmpFields.messageId,
  ...Object.values(tcpFields),
  ipv4Fields.fragmentOffset,
  ipv4Fields.identification,
  ipv4Fields.protocol,
  ipv4Fields.ttl,
  ipv6Fields.next,
  ipv6Fields.hopLimit,
  ipv6Fields.fragmentNext,
  ipv6Fields.fragmentOffset,
  ipv6Fields.fragmentMore,
  ipv6Fields.fragmentIdentification,
])

function infoOf(index: CaptureIndex, row: number, protocol: number, values: ValueSink): string {
  const { columns } = index
  switch (protocol) {
    case PROTOCOL.arp:
    case PROTOCOL.rarp:
      return arpInfo(values)
    case PROTOCOL.icmp:
      return icmpInfo(values)
    case PROTOCOL.icmpv6:
      return icmpv6Info(values)
    case PROTOCOL.udp:
      return `${columns.sourcePort[row]!} → ${columns.destinationPort[row]!} Len=${columns.payloadLength[row]!}`
    case PROTOCOL.rip:
      return `${values.number(ripFields.command) === 1 ? 'Request' : 'Response'}: ${routesText(values)}`
    case PROTOCOL.isakmp: {
      const { exchange, flags, messageId } = isakmpFields
      return isakmpInfo(values.number(exchange), values.number(flags), values.number(messageId))
    }
    case PROTOCOL.esp:
      return `ESP (SPI=${values.text(espFields.spi)})`
    case PROTOCOL.dtp:
      return dtpInfo(values)
    case PROTOCOL.ipv4:
      return ipv4Info(values, columns.marks[row]!)
    case PROTOCOL.ipv6:
      return ipv6Info(values)
    case PROTOCOL.ethernet:
      return `${ETHERTYPE_WORDS[columns.etherType[row]!] ?? 'Ethernet II'}, type 0x${columns.etherType[row]!.toString(16).padStart(4, '0')}`
    default:
      return `${columns.length[row]!} octets`
  }
}

function arpInfo(values: ValueSink): string {
  const [senderMac, sender, targetMac, target] = [
    values.text(arpFields.senderMac),
    values.text(arpFields.senderAddress),
    values.text(arpFields.targetMac),
    values.text(arpFields.targetAddress),
  ]
  const isGratuitous = values.has(arpFields.isGratuitous)
  switch (values.number(arpFields.operation)) {
    case 1:
      if (isGratuitous && targetMac === '00:00:00:00:00:00') return `ARP Announcement for ${sender}`
      return isGratuitous ? `Gratuitous ARP for ${sender} (Request)` : `Who has ${target}? Tell ${sender}`
    case 2:
      return isGratuitous ? `Gratuitous ARP for ${sender} (Reply)` : `${sender} is at ${senderMac}`
    case 3:
      return `Who is ${targetMac}? Tell ${senderMac}`
    case 4:
      return `${targetMac} is at ${target}`
    default:
      return `Operation ${values.number(arpFields.operation)}`
  }
}

function icmpInfo(values: ValueSink): string {
  const type = values.number(icmpFields.type)
  const name = ICMP_TYPE_WORDS[type] ?? `Type ${type}`
  const code = values.number(icmpFields.code)
  if (type === 0 || type === 8) {
    const [id, sequence] = [values.number(icmpFields.identifier), values.number(icmpFields.sequence)]
    const ttl = values.number(ipv4Fields.ttl)
    return `${name}  id=0x${id.toString(16).padStart(4, '0')}, seq=${sequence}, ttl=${ttl}`
  }
  const word = ICMP_CODE_WORDS[type]?.[code]
  const detail = word === undefined ? '' : ` (${word})`
  if (type === 5) return `${name}${detail}: use ${values.text(icmpFields.gateway)}`
  if (type === 3 && code === 4) return `${name}${detail}, MTU ${values.number(icmpFields.mtu)}`
  return name + detail
}

function icmpv6Info(values: ValueSink): string {
  const type = values.number(icmpv6Fields.type)
  const name = ICMPV6_TYPE_WORDS[type] ?? `Type ${type}`
  const link = values.text(icmpv6Fields.linkAddress)
  const fromLink = link === '' ? '' : ` from ${link}`
  switch (type) {
    case 2:
      return `${name}, MTU ${values.number(icmpv6Fields.mtu)}`
    case 128:
    case 129:
      return `${name} id=${values.text(icmpv6Fields.identifier)}, seq=${values.number(icmpv6Fields.sequence)}, hop limit=${values.number(ipv6Fields.hopLimit)}`
    case 133:
    case 134:
      return name + fromLink
    case 135:
      return `${name} for ${values.text(icmpv6Fields.solicitationTarget)}${fromLink}`
    case 136: {
      const flags = [
        values.number(icmpv6Fields.isRouter) === 1 ? 'rtr' : '',
        values.number(icmpv6Fields.isSolicited) === 1 ? 'sol' : '',
        values.number(icmpv6Fields.overrides) === 1 ? 'ovr' : '',
      ].filter((word) => word !== '')
      const shown = flags.length === 0 ? '' : ` (${flags.join(', ')})`
      return `${name} ${values.text(icmpv6Fields.advertisementTarget)}${shown}${link === '' ? '' : ` is at ${link}`}`
    }
    case 1:
      return `${name} (${UNREACHABLE_WORDS[values.number(icmpv6Fields.code)] ?? 'unknown code'})`
    default:
      return name
  }
}

const UNREACHABLE_WORDS: Readonly<Record<number, string>> = {
  0: 'no route to destination',
  1: 'Administratively prohibited',
  3: 'Address unreachable',
  4: 'Port unreachable',
}

const ROUTES_SHOWN_MAX = 3

function routesText(values: ValueSink): string {
  const metrics = values.all(ripFields.metric)
  const routes = values.all(ripFields.address).map(({ value }, index) => {
    const metric = Number(metrics[index]?.value ?? 0)
    return `${ipv4Text(Number(value))} metric ${metric}`
  })
  const more = routes.length > ROUTES_SHOWN_MAX ? `, … (${routes.length} routes)` : ''
  return `${routes.slice(0, ROUTES_SHOWN_MAX).join(', ')}${more}`
}

function dtpInfo(values: ValueSink): string {
  const status = dtpFields.administrativeStatus.words?.[values.number(dtpFields.administrativeStatus)] ?? '?'
  const domain = values.text(dtpFields.domain)
  return `Dynamic Trunking Protocol: ${status}${domain === '' ? '' : `, domain ${domain}`}`
}

function ipv4Info(values: ValueSink, marks: number): string {
  const protocol = values.number(ipv4Fields.protocol)
  const name = IP_PROTOCOL_WORDS[protocol] ?? 'unknown'
  if ((marks & MARK.fragment) === 0) return `${name} (${protocol})`
  const offset = values.number(ipv4Fields.fragmentOffset) * 8
  const id = values.number(ipv4Fields.identification).toString(16).padStart(4, '0')
  return `Fragmented IP protocol (proto=${name} ${protocol}, off=${offset}, ID=${id})`
}

function ipv6Info(values: ValueSink): string {
  if (!values.has(ipv6Fields.fragmentNext)) return IP_PROTOCOL_WORDS[values.number(ipv6Fields.next)] ?? 'unknown'
  const more = values.number(ipv6Fields.fragmentMore) === 1 ? 'y' : 'n'
  const id = values.text(ipv6Fields.fragmentIdentification)
  const offset = values.number(ipv6Fields.fragmentOffset) * 8
  return `IPv6 fragment (off=${offset} more=${more} ident=${id} nxt=${values.number(ipv6Fields.fragmentNext)})`
}

/** In the order in which Wireshark's prefixes stand when there are several. */
function analysisText(bits: number, duplicateOf: number, duplicateNumber: number): string {
  if (bits === 0) return ''
  const words: string[] = []
  if (bits & TCP_ANALYSIS.reusedPorts) words.push('[TCP Port numbers reused]')
  if (bits & TCP_ANALYSIS.retransmission) words.push('[TCP Retransmission]')
  if (bits & TCP_ANALYSIS.fastRetransmission) words.push('[TCP Fast Retransmission]')
  if (bits & TCP_ANALYSIS.spuriousRetransmission) words.push('[TCP Spurious Retransmission]')
  if (bits & TCP_ANALYSIS.outOfOrder) words.push('[TCP Out-Of-Order]')
  if (bits & TCP_ANALYSIS.lostSegment) words.push('[TCP Previous segment not captured]')
  if (bits & TCP_ANALYSIS.ackLostSegment) words.push('[TCP ACKed unseen segment]')
  if (bits & TCP_ANALYSIS.windowUpdate) words.push('[TCP Window Update]')
  if (bits & TCP_ANALYSIS.windowFull) words.push('[TCP Window Full]')
  if (bits & TCP_ANALYSIS.keepAlive) words.push('[TCP Keep-Alive]')
  if (bits & TCP_ANALYSIS.keepAliveAck) words.push('[TCP Keep-Alive ACK]')
  if (bits & TCP_ANALYSIS.duplicateAck) words.push(`[TCP Dup ACK ${duplicateOf}#${duplicateNumber}]`)
  if (bits & TCP_ANALYSIS.zeroWindowProbe) words.push('[TCP ZeroWindowProbe]')
  if (bits & TCP_ANALYSIS.zeroWindow) words.push('[TCP ZeroWindow]')
  if (bits & TCP_ANALYSIS.zeroWindowProbeAck) words.push('[TCP ZeroWindowProbeAck]')
  return `${words.join(' ')} `
}

/** What the protocol inside the stream says, when a unit of it ends here. */
function carriedInfo(index: CaptureIndex, packet: number): { readonly protocol: string; readonly info: string } | null {
  const { columns } = index
  if ((columns.marks[columns.row(packet)]! & MARK.hasUnits) === 0) return null
  const found = index.streamOf(packet)
  if (found === null) return null
  const { protocol, walker } = found.direction
  const opposite = found.stream.opposite(found.direction).walker
  const units = new SegmentUnits(index, packet, found.direction).counted()
  if (protocol === null || walker === null || units.length === 0) return null
  const [preamble, rest] = [units.filter(isPreamble), units.filter((unit) => !isPreamble(unit))]
  const opening = preamble[0] === undefined ? null : found.direction.protocolOf(preamble[0].first)
  const spoken = rest.length === 0 ? opening : protocol
  return {
    protocol: walker.columnName ?? opposite?.columnName ?? spoken?.columnName ?? protocol.columnName,
    info: [
      ...(opening === null ? [] : [opening.describe(preamble, walker)]),
      ...(rest.length === 0 ? [] : [protocol.describe(rest, walker)]),
    ].join(', '),
  }
}

function isPreamble({ first }: CountedUnit): boolean {
  return first.type === UNIT.preamble
}

function tcpInfo(index: CaptureIndex, packet: number, values: ValueSink): string {
  const { columns } = index
  const row = columns.row(packet)
  const flags = columns.tcpFlags[row]!
  let text = `${columns.sourcePort[row]!} → ${columns.destinationPort[row]!} [${flagsText(flags)}]`
  text += ` Seq=${values.number(tcpFields.sequence)}`
  if ((flags & TCP_FLAG.ack) !== 0) text += ` Ack=${values.number(tcpFields.acknowledgment)}`
  text += ` Win=${values.number(tcpFields.windowScaled)} Len=${values.number(tcpFields.length)}`
  text += optionsInfo(values)
  const isPart = Boolean(index.streamOf(packet)?.direction.walker) && columns.freshOctets[row]! > 0
  return isPart ? `${text} [TCP segment of a reassembled PDU]` : text
}

/** The options in the order in which they stand. */
function optionsInfo(values: ValueSink): string {
  let text = ''
  for (const { value } of values.all(tcpFields.optionKind)) {
    if (value === 2) text += ` MSS=${values.number(tcpFields.mss)}`
    else if (value === 3) text += ` WS=${2 ** Math.min(14, values.number(tcpFields.windowShift))}`
    else if (value === 4) text += ' SACK_PERM'
    else if (value === 8) text += ` TSval=${values.number(tcpFields.tsVal)} TSecr=${values.number(tcpFields.tsEcr)}`
    else if (value === 5) {
      const rights = values.all(tcpFields.sackRight)
      values.all(tcpFields.sackLeft).forEach((left, block) => {
        text += ` SLE=${String(left.value)} SRE=${String(rights[block]?.value)}`
      })
    }
  }
  return text
}
