/**
 * ICMP of a host, both families: echo (RFC 792, RFC 1122 §3.2.2.6, RFC 4443 §4), errors (RFC 1812 §4.3, RFC 4443 §2.4) and the
 * messages of neighbour discovery. Echo requests to everybody are not answered over IPv4 (RFC 1122 allows it: "smurf").
 */
import { InputError, WireError } from '../base/errors.js'
import { readU16be } from '../base/octets.js'
import { milliseconds, type Nanos } from '../base/units.js'
import type { Kernel } from '../kernel/kernel.js'
import { messageOffset, type IpLayer, type IpProtocol, type PacketHeader, type SendOptions } from './ip.js'
import type { NetworkInterface } from './network-interface.js'
import {
  icmpOfError,
  icmpv6OfError,
  readIcmpError,
  readIcmpv6Error,
  type PacketError,
  type PacketErrorKind,
} from './packet-error.js'
import { TokenBucket } from './token-bucket.js'
import { isGroupMac, isLinkLocal, isMulticast, readMac, type IpAddress, type Ipv6Address } from './wire/addresses.js'
import { ETHERNET_HEADER_OCTETS } from './wire/ethernet.js'
import { decodeIcmp, ICMP_HEADER_OCTETS, ICMP_TYPE, writeIcmp, type IcmpMessage } from './wire/icmp.js'
import { decodeIcmpv6, ICMPV6_HEADER_OCTETS, ICMPV6_TYPE, writeIcmpv6, type Icmpv6Message } from './wire/icmpv6.js'
import { IP_PROTOCOL, Ipv4Header, readCapturedIpv4Header } from './wire/ipv4.js'
import { IPV6_MTU_MIN, Ipv6Header, readCapturedIpv6Header } from './wire/ipv6.js'
import { decodeNeighbourMessage, encodeNeighbourMessage, type NeighbourMessage } from './wire/neighbour-discovery.js'

/** Errors: 50 at once, then 1,000 a second, as Linux; redirects are rarer. */
const ERROR_BURST = 50
const ERROR_INTERVAL_NS = milliseconds(1)
const REDIRECT_BURST = 5
const REDIRECT_INTERVAL_NS = milliseconds(200)
/** RFC 1812 §4.3.2.3: 576 octets with all headers. */
const QUOTED_OCTETS_MAX = 548
const QUOTED_IPV6_OCTETS_MAX = IPV6_MTU_MIN - 48
/** Shows that a message of neighbour discovery was not forwarded. */
const ND_HOP_LIMIT = 255
const REDIRECT_HOST = 1
/** What is left of 65,535 octets behind the headers of IPv4 and ICMP. */
const ECHO_PAYLOAD_OCTETS_MAX = 65507

export interface EchoReply {
  readonly source: IpAddress
  readonly identifier: number
  readonly sequence: number
  readonly receivedNs: Nanos
  readonly ttl: number
  readonly payload: Uint8Array
}

/** Who asked. Told inside the event in which the frame arrived. */
export interface EchoListener {
  echoReplied(reply: EchoReply): void
  /** Somebody said that request `sequence` did not arrive. */
  echoFailed?(sequence: number, error: PacketError): void
}

export class IcmpLayer implements IpProtocol {
  private readonly listeners = new Map<number, EchoListener>()
  private readonly errors: TokenBucket
  private readonly redirects: TokenBucket
  private nextIdentifier = 1

  constructor(
    private readonly kernel: Kernel,
    private readonly ip: IpLayer,
  ) {
    this.errors = new TokenBucket(kernel, ERROR_BURST, ERROR_INTERVAL_NS)
    this.redirects = new TokenBucket(kernel, REDIRECT_BURST, REDIRECT_INTERVAL_NS)
    ip.register(IP_PROTOCOL.icmp, this)
    ip.register(IP_PROTOCOL.icmpv6, this)
  }

  /** An identifier for echo requests whose replies go to `listener`, until `closeEcho`. */
  openEcho(listener: EchoListener): number {
    if (this.listeners.size >= 0xffff) throw new InputError('too many echo clients on one host')
    while (this.listeners.has(this.nextIdentifier)) this.nextIdentifier = (this.nextIdentifier % 0xffff) + 1
    const identifier = this.nextIdentifier
    this.listeners.set(identifier, listener)
    this.nextIdentifier = (identifier % 0xffff) + 1
    return identifier
  }

  closeEcho(identifier: number): void {
    this.listeners.delete(identifier)
  }

  /** `payload`, at most `ECHO_PAYLOAD_OCTETS_MAX` octets, is copied; `ping` sends 56. Throws `InputError`. */
  sendEcho(
    destination: IpAddress,
    identifier: number,
    sequence: number,
    payload: Uint8Array,
    options: SendOptions = {},
  ): void {
    if (payload.length > ECHO_PAYLOAD_OCTETS_MAX)
      throw new InputError(`an echo request has at most ${ECHO_PAYLOAD_OCTETS_MAX} octets, not ${payload.length}`)
    const source = this.ip.sourceFor(destination, options.through)
    const type = typeof destination === 'number' ? ICMP_TYPE.echoRequest : ICMPV6_TYPE.echoRequest
    this.sendEchoMessage({ type, identifier, sequence, payload }, { source, destination }, options)
  }

  receivePacket(frame: Uint8Array, header: PacketHeader, through: NetworkInterface): void {
    const octets = frame.subarray(header.payloadStart, header.payloadEnd)
    if (typeof header.source === 'bigint') this.receiveIcmpv6(decodeIcmpv6(octets, header), header, through)
    else if (header.protocol === IP_PROTOCOL.icmp) this.receiveIcmp(decodeIcmp(octets), header)
  }

  /** An echo request of ours did not arrive. */
  receiveError(error: PacketError): boolean {
    const [identifier, sequence] = [readU16be(error.message, 4), readU16be(error.message, 6)]
    const listener = this.listeners.get(identifier)
    listener?.echoFailed?.(sequence, error)
    return listener !== undefined
  }

  private receiveIcmp(message: IcmpMessage, header: PacketHeader): void {
    switch (message.type) {
      case ICMP_TYPE.echoRequest:
        if (this.ip.hasAddress(header.destination) || isLoopback(header))
          this.reply({ ...message, type: ICMP_TYPE.echoReply }, header)
        break
      case ICMP_TYPE.echoReply:
        this.replied(message, header)
        break
      case ICMP_TYPE.redirect: {
        const { destination } = quotedHeader(message.payload)
        const nextHop = message.identifier * 0x1_0000 + message.sequence
        this.ip.redirected({ destination, nextHop, router: header.source })
        break
      }
      default: {
        const error = readIcmpError(message, header.source)
        if (error !== null) this.ip.receiveError(error)
      }
    }
  }

  private receiveIcmpv6(message: Icmpv6Message, header: PacketHeader, through: NetworkInterface): void {
    const [identifier, sequence] = [message.word >>> 16, message.word & 0xffff]
    if (message.type === ICMPV6_TYPE.echoRequest)
      this.reply({ type: ICMPV6_TYPE.echoReply, identifier, sequence, payload: message.payload }, header, through)
    else if (message.type === ICMPV6_TYPE.echoReply)
      this.replied({ identifier, sequence, payload: message.payload }, header)
    else if (message.type < 128) {
      const error = readIcmpv6Error(message, header.source)
      if (error !== null) this.ip.receiveError(error)
    } else if (header.ttl === ND_HOP_LIMIT && message.code === 0) {
      const discovered = decodeNeighbourMessage(message)
      if (discovered !== null)
        through.neighbours?.receive(discovered, header.source as Ipv6Address, header.destination as Ipv6Address)
    }
  }

  private replied(
    { identifier, sequence, payload }: Pick<IcmpMessage, 'identifier' | 'sequence' | 'payload'>,
    { source, ttl }: PacketHeader,
  ): void {
    const reply = { source, identifier, sequence, receivedNs: this.kernel.nowNs, ttl, payload: payload.slice() }
    this.listeners.get(identifier)?.echoReplied(reply)
  }

  private reply(message: EchoMessage, header: PacketHeader, through?: NetworkInterface): void {
    const isToGroup = isMulticast(header.destination)
    const source = isToGroup ? this.ip.sourceFor(header.source, through) : header.destination
    this.sendEchoMessage(message, { source, destination: header.source }, {})
  }

  private sendEchoMessage(
    { type, identifier, sequence, payload }: EchoMessage,
    { source, destination }: { readonly source: IpAddress; readonly destination: IpAddress },
    options: SendOptions,
  ): void {
    if (typeof destination === 'bigint') {
      const word = identifier * 0x1_0000 + sequence
      this.sendIcmpv6({ type, code: 0, word, payload }, { source, destination }, options)
    } else this.sendIcmp({ type, code: 0, identifier, sequence, payload }, { source, destination }, options)
  }

  // Errors.

  /**
   * Tell the sender of the packet in `frame` that it did not arrive, unless that is forbidden or too many were told.
   * `through` is where the packet came in. The frame stays the caller's.
   */
  sendError(frame: Uint8Array, kind: PacketErrorKind, through: NetworkInterface, mtu = 0): void {
    const header = errorableHeader(frame)
    if (header === null) return
    const { source } = header
    const isOwn = this.ip.hasAddress(source)
    if (!isOwn && !this.errors.take()) return
    const end = Math.min(header.payloadEnd, frame.length)
    if (typeof source === 'number') {
      const [type, code] = icmpOfError[kind]
      const payload = frame.subarray(ETHERNET_HEADER_OCTETS, Math.min(end, ETHERNET_HEADER_OCTETS + QUOTED_OCTETS_MAX))
      const pair = { source: through.ipv4Address(source) || this.ip.sourceFor(source), destination: source }
      this.sendIcmp({ type, code, identifier: 0, sequence: kind === 'packet-too-big' ? mtu : 0, payload }, pair, {})
    } else {
      const [type, code] = icmpv6OfError[kind]
      const quotedEnd = Math.min(end, ETHERNET_HEADER_OCTETS + QUOTED_IPV6_OCTETS_MAX)
      const payload = frame.subarray(ETHERNET_HEADER_OCTETS, quotedEnd)
      // A parameter problem points to the next header field (RFC 8200 §4).
      const word = kind === 'packet-too-big' ? mtu : kind === 'protocol-unreachable' ? 6 : 0
      const pair = { source: this.ip.sourceFor(source, through), destination: source }
      this.sendIcmpv6({ type, code, word, payload }, pair, isLinkLocal(source) ? { through } : {})
    }
  }

  /** Tell a host on `through` that `nextHop` on the same link is the better router for the packet in `frame`. */
  sendRedirect(frame: Uint8Array, nextHop: IpAddress, through: NetworkInterface): void {
    const header = errorableHeader(frame)
    if (header === null || !this.redirects.take()) return
    const { source, destination, payloadEnd } = header
    if (typeof source === 'number' && typeof nextHop === 'number') {
      const quotedEnd = Math.min(payloadEnd, ETHERNET_HEADER_OCTETS + QUOTED_OCTETS_MAX)
      const message = {
        type: ICMP_TYPE.redirect,
        code: REDIRECT_HOST,
        identifier: nextHop >>> 16,
        sequence: nextHop & 0xffff,
        payload: frame.subarray(ETHERNET_HEADER_OCTETS, quotedEnd),
      }
      this.sendIcmp(message, { source: through.ipv4Address(source), destination: source }, {})
    } else if (typeof source === 'bigint' && typeof nextHop === 'bigint' && typeof destination === 'bigint') {
      const targetMac = through.neighbours?.macOf(nextHop) ?? null
      const message = { kind: 'redirect', target: nextHop, destination, targetMac } as const
      // Hosts only believe the link-local address of their router (RFC 4861 §8.1).
      this.sendNeighbourMessage(message, { source: through.ipv6Address(0xfe80n << 112n), destination: source }, through)
    }
  }

  sendNeighbourMessage(
    message: NeighbourMessage,
    pair: { readonly source: Ipv6Address; readonly destination: Ipv6Address },
    through: NetworkInterface,
  ): void {
    this.sendIcmpv6(encodeNeighbourMessage(message), pair, { ttl: ND_HOP_LIMIT, through })
  }

  private sendIcmp(
    message: IcmpMessage,
    { source, destination }: { readonly source: IpAddress; readonly destination: IpAddress },
    options: SendOptions,
  ): void {
    const frame = this.ip.allocate(destination, ICMP_HEADER_OCTETS + message.payload.length)
    writeIcmp(frame, messageOffset(destination), message)
    this.ip.send(frame, IP_PROTOCOL.icmp, source, destination, options)
  }

  private sendIcmpv6(
    message: Icmpv6Message,
    pair: { readonly source: IpAddress; readonly destination: Ipv6Address },
    options: SendOptions,
  ): void {
    const frame = this.ip.allocate(pair.destination, ICMPV6_HEADER_OCTETS + message.payload.length)
    writeIcmpv6(frame, messageOffset(pair.destination), message, pair)
    this.ip.send(frame, IP_PROTOCOL.icmpv6, pair.source, pair.destination, options)
  }
}

type EchoMessage = Pick<IcmpMessage, 'type' | 'identifier' | 'sequence' | 'payload'>

function isLoopback({ destination }: PacketHeader): boolean {
  return typeof destination === 'number' && destination >>> 24 === 127
}

function quotedHeader(packet: Uint8Array): Ipv4Header {
  const header = new Ipv4Header()
  readCapturedIpv4Header(packet, 0, header)
  return header
}

/** Null when it does not decode: whoever inspects packets that are forwarded may have spoilt it. */
function headerOf(frame: Uint8Array): Ipv4Header | Ipv6Header | null {
  const isIpv4 = (frame[ETHERNET_HEADER_OCTETS] ?? 0) >>> 4 === 4
  const header = isIpv4 ? new Ipv4Header() : new Ipv6Header()
  try {
    if (header instanceof Ipv4Header) readCapturedIpv4Header(frame, ETHERNET_HEADER_OCTETS, header)
    else readCapturedIpv6Header(frame, ETHERNET_HEADER_OCTETS, header)
    return header
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return null
  }
}

/** The packet's header if its sender may be told of an error (RFC 1122 §3.2.2, RFC 4443 §2.4), or null. */
function errorableHeader(frame: Uint8Array): Ipv4Header | Ipv6Header | null {
  const header = headerOf(frame)
  if (header === null) return null
  const { source, destination, protocol, fragmentOffset, payloadStart } = header
  if (isGroupMac(readMac(frame, 0)) || fragmentOffset > 0 || isMulticast(source) || isMulticast(destination))
    return null
  if (typeof source === 'number' ? source >>> 24 === 0 || source >>> 28 === 15 : source === 0n) return null
  const type = frame[payloadStart] ?? 0
  if (protocol === IP_PROTOCOL.icmp && type !== ICMP_TYPE.echoRequest && type !== ICMP_TYPE.echoReply) return null
  if (protocol === IP_PROTOCOL.icmpv6 && (type < 128 || type === ICMPV6_TYPE.redirect)) return null
  return header
}
