/** The fields that an index has in columns: filters on them need not look at frames. */
import type { CaptureIndex } from '../capture-index.js'
import { arpFields } from '../dissect/arp.js'
import { dtpFields } from '../dissect/dtp.js'
import { espFields } from '../dissect/esp.js'
import { ethernetFields } from '../dissect/ethernet.js'
import { frameFields } from '../dissect/frame.js'
import { icmpFields } from '../dissect/icmp.js'
import { icmpv6Fields } from '../dissect/icmpv6.js'
import { ipv4Fields } from '../dissect/ipv4.js'
import { ipv6Fields } from '../dissect/ipv6.js'
import { isakmpFields } from '../dissect/isakmp.js'
import { ripFields } from '../dissect/rip.js'
import { ANALYSIS_FIELDS, FLAG_FIELDS, tcpFields } from '../dissect/tcp.js'
import { udpFields } from '../dissect/udp.js'
import type { FieldDefinition } from '../field.js'
import { TCP_FLAG } from '../../net/wire/tcp.js'
import { MARK, NETWORK, type PacketColumns } from '../packet-columns.js'
import { PROTOCOL } from '../protocol-names.js'
import { streamProtocols } from '../stream/recognise.js'
import type { StreamProtocol } from '../stream/stream-protocol.js'

type RowTest = (row: number) => boolean
type RowNumber = (row: number) => number | bigint

/** A field's value in a row, where the row has it. */
export interface ColumnField {
  readonly has: RowTest
  /** Null for a field that has no value. */
  readonly get: RowNumber | null
}

/** Rows whose columns do not say everything: those are dissected. */
export function isUnclear(columns: PacketColumns, row: number): boolean {
  return (columns.marks[row]! & (MARK.repeats | MARK.malformed)) !== 0
}

/** Columns are replaced as they grow, so they are always read through `index.columns`. */
export function columnFieldsOf(index: CaptureIndex): ReadonlyMap<FieldDefinition, ColumnField> {
  const { columns } = index
  const always: RowTest = () => true
  const isEthernet: RowTest = (row) => (columns.marks[row]! & MARK.ethernet) !== 0
  const isTagged: RowTest = (row) => columns.vlan[row] !== 0xffff
  const isTyped: RowTest = (row) => isEthernet(row) && (isTagged(row) || columns.etherType[row]! >= 0x0600)
  const isIpv4: RowTest = (row) => columns.network[row] === NETWORK.ipv4
  const isIpv6: RowTest = (row) => columns.network[row] === NETWORK.ipv6
  const isArp: RowTest = (row) => columns.network[row] === NETWORK.arp
  const carries =
    (number: number): RowTest =>
    (row) =>
      columns.ipProtocol[row] === number && (columns.marks[row]! & MARK.fragment) === 0
  const isTcp = carries(6)
  const isUdp = carries(17)
  const isListedAs =
    (protocol: number): RowTest =>
    (row) =>
      columns.protocol[row] === protocol
  const stream = (row: number) => index.streams[columns.stream[row]!]
  const direction = (row: number) => stream(row)?.from(columns.source[row]!, columns.sourcePort[row]!)
  /** The first octet of a payload, or its last. */
  const carriesOctetsOf = (row: number, spoken: StreamProtocol): boolean => {
    const own = direction(row)
    const position = columns.streamPosition[row]!
    const lastAt = position + columns.payloadLength[row]! - 1
    return own?.protocolAt(position) === spoken || own?.protocolAt(lastAt) === spoken
  }
  const hasFlag =
    (bit: number): RowNumber =>
    (row) =>
      (columns.tcpFlags[row]! & bit) === 0 ? 0 : 1

  const acknowledgment: RowNumber = (row) => {
    if ((columns.tcpFlags[row]! & TCP_FLAG.ack) === 0) return 0
    const own = direction(row)
    return (columns.acknowledgment[row]! - (own === undefined ? 0 : own.other.flow.base)) >>> 0
  }
  const scaledWindow: RowNumber = (row) => {
    const own = direction(row)
    const isSyn = (columns.tcpFlags[row]! & TCP_FLAG.syn) !== 0
    return columns.window[row]! * 2 ** (isSyn || own === undefined ? 0 : own.flow.effectiveShift(own.other.flow))
  }

  return new Map<FieldDefinition, ColumnField>([
    [frameFields.frame, { has: always, get: null }],
    [frameFields.number, { has: always, get: (row) => row + columns.firstPacket }],
    [frameFields.length, { has: always, get: (row) => columns.length[row]! }],
    [frameFields.capturedLength, { has: always, get: (row) => columns.length[row]! }],
    [frameFields.time, { has: always, get: (row) => (columns.timeNs[row]! - index.firstNs) / 1e9 }],
    [ethernetFields.eth, { has: isEthernet, get: null }],
    [ethernetFields.source, { has: isEthernet, get: (row) => columns.ethSource[row]! }],
    [ethernetFields.destination, { has: isEthernet, get: (row) => columns.ethDestination[row]! }],
    [ethernetFields.type, { has: isTyped, get: (row) => (isTagged(row) ? 0x8100 : columns.etherType[row]!) }],
    [ethernetFields.vlan, { has: isTagged, get: null }],
    [ethernetFields.vlanId, { has: isTagged, get: (row) => columns.vlan[row]! }],
    [arpFields.arp, { has: isArp, get: null }],
    [arpFields.senderAddress, { has: isArp, get: (row) => columns.source[row]! }],
    [arpFields.targetAddress, { has: isArp, get: (row) => columns.destination[row]! }],
    [dtpFields.dtp, { has: isListedAs(PROTOCOL.dtp), get: null }],
    [ipv4Fields.ip, { has: isIpv4, get: null }],
    [ipv4Fields.source, { has: isIpv4, get: (row) => columns.source[row]! }],
    [ipv4Fields.destination, { has: isIpv4, get: (row) => columns.destination[row]! }],
    [ipv4Fields.protocol, { has: isIpv4, get: (row) => columns.ipProtocol[row]! }],
    [ipv4Fields.ttl, { has: isIpv4, get: (row) => columns.ttl[row]! }],
    [ipv6Fields.ipv6, { has: isIpv6, get: null }],
    [ipv6Fields.source, { has: isIpv6, get: (row) => index.address(NETWORK.ipv6, columns.source[row]!) ?? 0n }],
    [
      ipv6Fields.destination,
      { has: isIpv6, get: (row) => index.address(NETWORK.ipv6, columns.destination[row]!) ?? 0n },
    ],
    [ipv6Fields.hopLimit, { has: isIpv6, get: (row) => columns.ttl[row]! }],
    [icmpFields.icmp, { has: carries(1), get: null }],
    [icmpv6Fields.icmpv6, { has: carries(58), get: null }],
    [espFields.esp, { has: carries(50), get: null }],
    [udpFields.udp, { has: isUdp, get: null }],
    [udpFields.sourcePort, { has: isUdp, get: (row) => columns.sourcePort[row]! }],
    [udpFields.destinationPort, { has: isUdp, get: (row) => columns.destinationPort[row]! }],
    [isakmpFields.isakmp, { has: isListedAs(PROTOCOL.isakmp), get: null }],
    [ripFields.rip, { has: isListedAs(PROTOCOL.rip), get: null }],
    [tcpFields.tcp, { has: isTcp, get: null }],
    [tcpFields.sourcePort, { has: isTcp, get: (row) => columns.sourcePort[row]! }],
    [tcpFields.destinationPort, { has: isTcp, get: (row) => columns.destinationPort[row]! }],
    [tcpFields.stream, { has: (row) => isTcp(row) && stream(row) !== undefined, get: (row) => columns.stream[row]! }],
    [tcpFields.length, { has: isTcp, get: (row) => columns.payloadLength[row]! }],
    [tcpFields.payload, { has: (row) => isTcp(row) && columns.payloadLength[row]! > 0, get: null }],
    [tcpFields.sequenceRaw, { has: isTcp, get: (row) => columns.sequence[row]! }],
    [
      tcpFields.sequence,
      { has: isTcp, get: (row) => (columns.sequence[row]! - (direction(row)?.flow.base ?? 0)) >>> 0 },
    ],
    [tcpFields.acknowledgmentRaw, { has: isTcp, get: (row) => columns.acknowledgment[row]! }],
    [tcpFields.acknowledgment, { has: isTcp, get: acknowledgment }],
    [tcpFields.flags, { has: isTcp, get: (row) => columns.tcpFlags[row]! }],
    [tcpFields.windowScaled, { has: isTcp, get: scaledWindow }],
    [tcpFields.window, { has: isTcp, get: (row) => columns.window[row]! }],
    ...FLAG_FIELDS.map(([definition, bit]) => [definition, { has: isTcp, get: hasFlag(bit) }] as const),
    [tcpFields.analysisFlags, { has: (row) => columns.analysis[row] !== 0, get: null }],
    ...ANALYSIS_FIELDS.map(
      ([definition, bits]) =>
        [definition, { has: (row: number) => (columns.analysis[row]! & bits) !== 0, get: null }] as const,
    ),
    ...streamProtocols.map(
      (spoken) =>
        [
          spoken.layer,
          {
            has: (row: number) => (columns.marks[row]! & MARK.hasUnits) !== 0 && carriesOctetsOf(row, spoken),
            get: null,
          },
        ] as const,
    ),
  ])
}
