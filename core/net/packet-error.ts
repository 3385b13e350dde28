/** What ICMP says about a packet that did not arrive, the same for both families (RFC 792, RFC 1812 §5.2.7, RFC 4443 §3). */
import { readU16be } from '../base/octets.js'
import type { IpAddress } from './wire/addresses.js'
import { ICMP_TYPE, ICMP_UNREACHABLE, type IcmpMessage } from './wire/icmp.js'
import { ICMPV6_TYPE, ICMPV6_UNREACHABLE, type Icmpv6Message } from './wire/icmpv6.js'
import { Ipv4Header, readCapturedIpv4Header } from './wire/ipv4.js'
import { Ipv6Header, readCapturedIpv6Header } from './wire/ipv6.js'

export type PacketErrorKind =
  | 'net-unreachable'
  | 'host-unreachable'
  | 'protocol-unreachable'
  | 'port-unreachable'
  | 'packet-too-big'
  | 'prohibited'
  | 'time-exceeded'
  | 'reassembly-timeout'

export interface PacketError {
  readonly kind: PacketErrorKind
  /** Who says so. */
  readonly from: IpAddress
  /** Of the packet that failed: our own address, and whom it was for. */
  readonly source: IpAddress
  readonly destination: IpAddress
  readonly protocol: number
  /** Of the link that the packet did not fit; 0 otherwise, and when the router did not say. */
  readonly mtu: number
  /** The beginning of the message that failed: at least its first 8 octets. */
  readonly message: Uint8Array
}

const MESSAGE_OCTETS_MIN = 8

/** Type and code by kind. */
export const icmpOfError: Readonly<Record<PacketErrorKind, readonly [type: number, code: number]>> = {
  'net-unreachable': [ICMP_TYPE.destinationUnreachable, ICMP_UNREACHABLE.net],
  'host-unreachable': [ICMP_TYPE.destinationUnreachable, ICMP_UNREACHABLE.host],
  'protocol-unreachable': [ICMP_TYPE.destinationUnreachable, ICMP_UNREACHABLE.protocol],
  'port-unreachable': [ICMP_TYPE.destinationUnreachable, ICMP_UNREACHABLE.port],
  'packet-too-big': [ICMP_TYPE.destinationUnreachable, ICMP_UNREACHABLE.fragmentationNeeded],
  prohibited: [ICMP_TYPE.destinationUnreachable, ICMP_UNREACHABLE.prohibited],
  'time-exceeded': [ICMP_TYPE.timeExceeded, 0],
  'reassembly-timeout': [ICMP_TYPE.timeExceeded, 1],
}

export const icmpv6OfError: Readonly<Record<PacketErrorKind, readonly [type: number, code: number]>> = {
  'net-unreachable': [ICMPV6_TYPE.destinationUnreachable, ICMPV6_UNREACHABLE.noRoute],
  'host-unreachable': [ICMPV6_TYPE.destinationUnreachable, ICMPV6_UNREACHABLE.address],
  'protocol-unreachable': [ICMPV6_TYPE.parameterProblem, 1],
  'port-unreachable': [ICMPV6_TYPE.destinationUnreachable, ICMPV6_UNREACHABLE.port],
  'packet-too-big': [ICMPV6_TYPE.packetTooBig, 0],
  prohibited: [ICMPV6_TYPE.destinationUnreachable, ICMPV6_UNREACHABLE.prohibited],
  'time-exceeded': [ICMPV6_TYPE.timeExceeded, 0],
  'reassembly-timeout': [ICMPV6_TYPE.timeExceeded, 1],
}

function kindOf(
  table: Readonly<Record<PacketErrorKind, readonly [number, number]>>,
  { type, code }: { readonly type: number; readonly code: number },
): PacketErrorKind | null {
  const found = Object.entries(table).find(([, [t, c]]) => t === type && c === code)
  return found === undefined ? null : (found[0] as PacketErrorKind)
}

/** Null when the message is no error that we know, or quotes too little. Throws `WireError`. */
export function readIcmpError(message: IcmpMessage, from: IpAddress): PacketError | null {
  const kind = kindOf(icmpOfError, message)
  if (kind === null) return null
  const header = new Ipv4Header()
  readCapturedIpv4Header(message.payload, 0, header)
  return errorOf(header, message.payload, { kind, from, mtu: kind === 'packet-too-big' ? message.sequence : 0 })
}

/** As `readIcmpError`. */
export function readIcmpv6Error(message: Icmpv6Message, from: IpAddress): PacketError | null {
  const kind = kindOf(icmpv6OfError, message)
  if (kind === null) return null
  const header = new Ipv6Header()
  readCapturedIpv6Header(message.payload, 0, header)
  return errorOf(header, message.payload, { kind, from, mtu: kind === 'packet-too-big' ? message.word : 0 })
}

function errorOf(
  header: Ipv4Header | Ipv6Header,
  quoted: Uint8Array,
  about: { readonly kind: PacketErrorKind; readonly from: IpAddress; readonly mtu: number },
): PacketError | null {
  const { source, destination, protocol, payloadStart, payloadEnd, fragmentOffset } = header
  if (fragmentOffset > 0 || payloadEnd - payloadStart < MESSAGE_OCTETS_MIN) return null
  return { ...about, source, destination, protocol, message: quoted.slice(payloadStart, payloadEnd) }
}

/** The ports that a quoted TCP or UDP message begins with: ours, and the peer's. */
export function portsOf({ message }: PacketError): { readonly localPort: number; readonly remotePort: number } {
  return { localPort: readU16be(message, 0), remotePort: readU16be(message, 2) }
}
