/**
 * The IP layer of a host, both families: packets from the protocols above to the right interface and neighbour, and back.
 * Hosts are of the weak model (RFC 1122 §3.3.4.2): a packet to any address of ours is taken at any interface.
 */
import { assert } from '../base/errors.js'
import { readU16be, readU32be, writeU16be } from '../base/octets.js'
import type { Kernel } from '../kernel/kernel.js'
import { Destinations, isLoopback, type Destination, type Redirect } from './destinations.js'
import { Forwarding } from './forwarding.js'
import { fragmentIpv4, fragmentIpv6, mayFragment } from './fragmentation.js'
import { recycleFrame, takeFrame } from './frame-pool.js'
import type { InterfaceAddress, NetworkInterface } from './network-interface.js'
import type { PacketError, PacketErrorKind } from './packet-error.js'
import { Reassembly, type ReassemblyOwner } from './reassembly.js'
import { RoutingTable } from './routing-table.js'
import { TransformedPackets } from './transformed-packets.js'
import {
  IPV6_UNSPECIFIED,
  isLinkLocal,
  isMulticast,
  MAC_BROADCAST,
  macOfGroup,
  prefixOf,
  readIpv6,
  writeMac,
  type IpAddress,
  type Ipv4Address,
  type Ipv6Address,
} from './wire/addresses.js'
import { ETHERNET_HEADER_OCTETS, ETHERTYPE } from './wire/ethernet.js'
import { IP_PROTOCOL, IPV4_HEADER_OCTETS, Ipv4Header, readIpv4Header, writeIpv4Header } from './wire/ipv4.js'
import { IPV6_HEADER_OCTETS, Ipv6Header, readIpv6Header, writeIpv6Header } from './wire/ipv6.js'

/** Where the message inside IP begins in a frame that `IpLayer.allocate` made for that destination. */
export function messageOffset(destination: IpAddress): number {
  return ETHERNET_HEADER_OCTETS + (typeof destination === 'number' ? IPV4_HEADER_OCTETS : IPV6_HEADER_OCTETS)
}

/** A header of either family. */
export interface PacketHeader {
  readonly source: IpAddress
  readonly destination: IpAddress
  readonly protocol: number
  readonly ttl: number
  readonly payloadStart: number
  readonly payloadEnd: number
}

/** A protocol above IP. The message is `frame[header.payloadStart, header.payloadEnd)`. */
export interface IpProtocol {
  receivePacket(frame: Uint8Array, header: PacketHeader, through: NetworkInterface): void
  /** A packet that we sent did not arrive. False when it is none of ours, so that nobody can make us believe it. */
  receiveError?(error: PacketError): boolean
  /** Packets to `destination` may have at most `mtu` octets from now on. */
  pathMtuLowered?(destination: IpAddress, mtu: number): void
}

export interface SendOptions {
  readonly ttl?: number
  readonly dontFragment?: boolean
  /** The interface, for multicast, link-local addresses and whoever knows better than the routing table. */
  readonly through?: NetworkInterface
}

/** What the IP layer needs of its host. */
export interface IpHost {
  readonly name: string
  readonly interfaces: readonly NetworkInterface[]
  readonly icmp: {
    sendError(frame: Uint8Array, kind: PacketErrorKind, through: NetworkInterface, mtu?: number): void
    sendRedirect(frame: Uint8Array, nextHop: IpAddress, through: NetworkInterface): void
  }
  loopBack(frame: Uint8Array): void
  enter(): void
  leave(): void
}

/** Told when an interface goes up or down, after its routes have come or gone. */
export interface InterfaceListener {
  interfaceChanged(through: NetworkInterface): void
}

const noOptions: SendOptions = Object.freeze({})

export class IpLayer implements ReassemblyOwner {
  readonly routes: RoutingTable
  readonly destinations: Destinations
  readonly forwarding: Forwarding
  readonly reassembly: Reassembly
  /** What happens to whole packets between here and the link: nothing, unless there is a transform. */
  readonly transformed: TransformedPackets
  /** Whether routers may tell us of better routers. Hosts believe them (RFC 1122 §3.2.2.2), and so anybody on the link. */
  acceptsRedirects = true
  readonly interfaceListeners: InterfaceListener[] = []
  /** Packets that had nowhere to go. */
  packetsUnroutable = 0
  private readonly protocols: (IpProtocol | null)[] = new Array<IpProtocol | null>(256).fill(null)
  private readonly localAddresses = new Map<IpAddress, NetworkInterface>()
  private readonly received = new Ipv4Header()
  private readonly receivedIpv6 = new Ipv6Header()
  private readonly sent = new Ipv4Header()
  private readonly sentIpv6 = new Ipv6Header()
  private identification = 0
  private lastLocal: Ipv4Address = 0

  constructor(
    kernel: Kernel,
    private readonly host: IpHost,
  ) {
    this.routes = new RoutingTable(kernel, host.name)
    this.destinations = new Destinations(kernel, this.routes, host.interfaces, this.localAddresses)
    this.forwarding = new Forwarding(this, host)
    this.reassembly = new Reassembly(kernel, this)
    this.transformed = new TransformedPackets(kernel, this, host)
  }

  register(protocol: number, receiver: IpProtocol): void {
    this.protocols[protocol] = receiver
  }

  /** Whether packets that are not for us are sent on. */
  get forwards(): boolean {
    return this.forwarding.isOn
  }

  // Sending.

  /** The address we use towards `destination`; 0 when we have none. */
  sourceFor(destination: IpAddress, through?: NetworkInterface): IpAddress {
    if (isLoopback(destination)) return destination
    const to = through ?? this.find(destination).through ?? this.host.interfaces[0]
    if (to === undefined) return 0
    if (typeof destination === 'bigint') return this.ipv6SourceFor(destination, to)
    const nextHop = this.find(destination).nextHop
    return to.ipv4Address(typeof nextHop === 'number' ? nextHop : destination) || this.anyIpv4Address()
  }

  /** Octets of the longest packet that goes to `destination` whole. */
  mtuTo(destination: IpAddress): number {
    const { mtu, kind } = this.find(destination)
    if (kind === 'unreachable') return this.host.interfaces[0]?.mtu ?? 1500
    return kind === 'unicast' ? (this.transformed.transform?.innerMtu(destination, mtu) ?? mtu) : mtu
  }

  /** A frame with room for a message at `messageOffset(destination)`, to be filled in whole and given to `send`. */
  allocate(destination: IpAddress, messageOctets: number): Uint8Array {
    return takeFrame(messageOffset(destination) + messageOctets)
  }

  send(
    frame: Uint8Array,
    protocol: number,
    source: IpAddress,
    destination: IpAddress,
    options: SendOptions = noOptions,
  ): void {
    if (typeof destination === 'bigint') this.writeIpv6(frame, protocol, { source, destination }, options)
    else {
      assert(typeof source === 'number', 'source and destination are of different families')
      const { sent } = this
      sent.source = source
      sent.destination = destination
      sent.protocol = protocol
      sent.ttl = options.ttl ?? 64
      // TCP finds its own segment size; a packet that may not be cut needs no identification (RFC 6864), but hosts count.
      sent.dontFragment = options.dontFragment ?? protocol === IP_PROTOCOL.tcp
      this.identification = (this.identification + 1) & 0xffff
      sent.identification = this.identification
      writeIpv4Header(frame, ETHERNET_HEADER_OCTETS, sent)
      writeU16be(frame, 12, ETHERTYPE.ipv4)
    }
    const { through } = options
    const to = through === undefined ? this.find(destination) : this.destinations.bound(destination, through)
    if (!this.transformed.takeOutgoing(frame, to)) this.sendOn(frame, to)
  }

  /** Send a packet that somebody else has made, true or not, where its destination address leads. Throws `WireError`. */
  sendRaw(packet: Uint8Array): void {
    const frame = takeFrame(ETHERNET_HEADER_OCTETS + packet.length)
    frame.set(packet, ETHERNET_HEADER_OCTETS)
    const isIpv4 = (packet[0] ?? 0) >>> 4 === 4
    const header = isIpv4 ? new Ipv4Header() : new Ipv6Header()
    if (header instanceof Ipv4Header) readIpv4Header(frame, ETHERNET_HEADER_OCTETS, header)
    else readIpv6Header(frame, ETHERNET_HEADER_OCTETS, header)
    writeU16be(frame, 12, isIpv4 ? ETHERTYPE.ipv4 : ETHERTYPE.ipv6)
    this.sendOn(frame, this.find(header.destination))
  }

  /** Send a whole packet; it is cut, or refused, when it is too long. The frame is given away. */
  sendOn(frame: Uint8Array, to: Destination): void {
    if (frame.length - ETHERNET_HEADER_OCTETS <= to.mtu) this.sendWhole(frame, to)
    else if (to.kind === 'unreachable' || to.through === null) this.sendWhole(frame, to)
    else if (isIpv4Frame(frame) && !mayFragment(frame)) {
      writeMac(frame, 0, 0) // not addressed yet
      this.host.icmp.sendError(frame, 'packet-too-big', to.through, to.mtu)
      recycleFrame(frame)
    } else {
      this.identification = (this.identification + 1) & 0xffff
      const fragments = isIpv4Frame(frame)
        ? fragmentIpv4(frame, to.mtu)
        : fragmentIpv6(frame, to.mtu, this.identification)
      recycleFrame(frame)
      for (const fragment of fragments) this.sendWhole(fragment, to)
    }
  }

  private sendWhole(frame: Uint8Array, to: Destination): void {
    const { through } = to
    if (to.kind === 'local') {
      const mac = this.host.interfaces[0]?.mac ?? 0
      writeMac(frame, 0, mac)
      writeMac(frame, 6, mac)
      this.host.loopBack(frame)
      return
    }
    if (through === null) {
      this.packetsUnroutable++
      recycleFrame(frame)
      return
    }
    writeMac(frame, 6, through.mac)
    if (to.kind === 'unicast') through.transmitTo(to.nextHop, frame)
    else {
      writeMac(frame, 0, to.kind === 'broadcast' ? MAC_BROADCAST : macOfGroup(to.address))
      through.transmit(frame)
    }
  }

  private writeIpv6(
    frame: Uint8Array,
    protocol: number,
    { source, destination }: { source: IpAddress; destination: Ipv6Address },
    { ttl = 64 }: SendOptions,
  ): void {
    const sent = this.sentIpv6
    assert(typeof source === 'bigint' || source === 0, 'source and destination are of different families')
    sent.source = source === 0 ? IPV6_UNSPECIFIED : (source as bigint)
    sent.destination = destination
    sent.protocol = protocol
    sent.ttl = ttl
    writeIpv6Header(frame, ETHERNET_HEADER_OCTETS, sent)
    writeU16be(frame, 12, ETHERTYPE.ipv6)
  }

  private ipv6SourceFor(destination: Ipv6Address, to: NetworkInterface): Ipv6Address {
    const source = to.ipv6Address(destination)
    if (source !== IPV6_UNSPECIFIED) return source
    for (const other of this.host.interfaces) {
      const address = other.ipv6Address(destination)
      if (address !== IPV6_UNSPECIFIED) return address
    }
    return IPV6_UNSPECIFIED
  }

  private anyIpv4Address(): Ipv4Address {
    for (const through of this.host.interfaces) if (through.ipv4Address() !== 0) return through.ipv4Address()
    return 0
  }

  /** Where packets to `address` go. */
  find(address: IpAddress): Destination {
    return this.destinations.find(address)
  }

  // Receiving.

  /** True when the frame was given away. `isLooped` says that it never left this host. Throws `WireError`. */
  receive(frame: Uint8Array, through: NetworkInterface, isLooped: boolean): boolean {
    const header = this.received
    readIpv4Header(frame, ETHERNET_HEADER_OCTETS, header)
    const { destination } = header
    if (destination !== this.lastLocal) {
      if (!this.isForUs(destination, through, isLooped)) return this.forwarding.forward(frame, header, through)
      if (this.localAddresses.has(destination)) this.lastLocal = destination
    }
    if (header.moreFragments || header.fragmentOffset > 0) this.reassemble(frame, header, through)
    else this.dispatch(frame, header, through)
    return false
  }

  /** As `receive`. */
  receiveIpv6(frame: Uint8Array, through: NetworkInterface, isLooped: boolean): boolean {
    if (through.neighbours === null && !isLooped) return false
    const header = this.receivedIpv6
    readIpv6Header(frame, ETHERNET_HEADER_OCTETS, header)
    if (!this.isForUs(header.destination, through, isLooped)) return this.forwarding.forward(frame, header, through)
    if (header.moreFragments || header.fragmentOffset > 0) this.reassemble(frame, header, through)
    else this.dispatch(frame, header, through)
    return false
  }

  private dispatch(
    frame: Uint8Array,
    header: Readonly<Ipv4Header> | Readonly<Ipv6Header>,
    through: NetworkInterface,
  ): void {
    if (!this.transformed.takeIncoming(frame, header, through)) this.deliver(frame, header, through)
  }

  /** A packet that came sealed, as it was before that. Throws `WireError` when it was no packet. */
  receiveOpened(packet: Uint8Array, through: NetworkInterface): void {
    const frame = takeFrame(ETHERNET_HEADER_OCTETS + packet.length)
    writeMac(frame, 0, through.mac)
    writeMac(frame, 6, 0)
    writeU16be(frame, 12, ETHERTYPE.ipv6)
    frame.set(packet, ETHERNET_HEADER_OCTETS)
    const header = this.receivedIpv6
    readIpv6Header(frame, ETHERNET_HEADER_OCTETS, header)
    if (this.localAddresses.has(header.destination)) this.deliver(frame, header, through)
    recycleFrame(frame)
  }

  private deliver(
    frame: Uint8Array,
    header: Readonly<Ipv4Header> | Readonly<Ipv6Header>,
    through: NetworkInterface,
  ): void {
    const protocol = this.protocols[header.protocol] ?? null
    if (protocol === null) {
      this.host.icmp.sendError(frame, 'protocol-unreachable', through)
      return
    }
    this.destinations.arrivedThrough = through
    protocol.receivePacket(frame, header, through)
    this.destinations.arrivedThrough = null
  }

  private reassemble(frame: Uint8Array, header: Ipv4Header | Ipv6Header, through: NetworkInterface): void {
    const whole = this.reassembly.add(frame, header, through)
    if (whole === null) return
    if (header instanceof Ipv4Header) {
      readIpv4Header(whole, ETHERNET_HEADER_OCTETS, header)
      writeU16be(whole, 12, ETHERTYPE.ipv4)
    } else {
      readIpv6Header(whole, ETHERNET_HEADER_OCTETS, header)
      writeU16be(whole, 12, ETHERTYPE.ipv6)
    }
    this.dispatch(whole, header, through)
    recycleFrame(whole)
  }

  /** The interface has looked at the MAC address already, so groups that nobody joined do not come here. */
  private isForUs(destination: IpAddress, through: NetworkInterface, isLooped: boolean): boolean {
    if (this.localAddresses.has(destination)) return true
    if (isLoopback(destination)) return isLooped
    return isMulticast(destination) || (typeof destination === 'number' && through.isBroadcast(destination))
  }

  // What is learned.

  /** A message that ICMP brought about a packet of ours. */
  receiveError(error: PacketError): void {
    if (!this.localAddresses.has(error.source) && !isLoopback(error.source)) return
    const protocol = this.protocols[error.protocol]
    if (protocol?.receiveError?.(error) !== true || error.kind !== 'packet-too-big') return
    const mtu = this.destinations.lowerPathMtu(error.destination, error.mtu)
    if (mtu !== null) for (const each of this.protocols) each?.pathMtuLowered?.(error.destination, mtu)
  }

  /** Take another router, if the one that says so is the one we use (RFC 1122 §3.2.2.2). False when it is not believed. */
  redirected(redirect: Redirect): boolean {
    return this.acceptsRedirects && !this.forwards && this.destinations.redirect(redirect)
  }

  /** A frame waited for a neighbour that does not answer. */
  neighbourFailed(frame: Uint8Array): void {
    const through = this.host.interfaces[0]
    writeMac(frame, 0, 0) // not addressed yet
    if (through !== undefined)
      this.host.icmp.sendError(frame, 'host-unreachable', this.interfaceOfFrame(frame) ?? through)
    recycleFrame(frame)
  }

  reassemblyExpired(firstFrame: Uint8Array, through: NetworkInterface): void {
    this.host.icmp.sendError(firstFrame, 'reassembly-timeout', through)
  }

  hasAddress(address: IpAddress): boolean {
    return this.localAddresses.has(address)
  }

  addressAdded(through: NetworkInterface, { address, prefixLength }: InterfaceAddress): void {
    this.localAddresses.set(address, through)
    if (through.isUp) this.addConnected(through, address, prefixLength)
    this.routes.version++
  }

  addressRemoved(through: NetworkInterface, { address, prefixLength }: InterfaceAddress): void {
    if (this.localAddresses.get(address) === through) this.localAddresses.delete(address)
    this.lastLocal = 0
    const prefix = prefixOf(address, prefixLength)
    if (!through.isOnLink(address))
      this.routes.remove({ prefix, prefixLength, nextHop: null, interface: through, metric: 0, origin: 'connected' })
    this.routes.version++
  }

  interfaceChanged(through: NetworkInterface): void {
    if (through.isUp)
      for (const { address, prefixLength } of through.addresses) this.addConnected(through, address, prefixLength)
    else {
      this.routes.removeAll(through, 'connected')
      this.routes.removeAll(through, 'advertisement')
    }
    this.routes.version++
    for (const listener of this.interfaceListeners) listener.interfaceChanged(through)
  }

  /** Link-local networks are on every link: no route could tell which. */
  private addConnected(through: NetworkInterface, address: IpAddress, prefixLength: number): void {
    if (typeof address === 'bigint' && isLinkLocal(address)) return
    const prefix = prefixOf(address, prefixLength)
    this.routes.add({ prefix, prefixLength, nextHop: null, interface: through, metric: 0, origin: 'connected' })
  }

  private interfaceOfFrame(frame: Uint8Array): NetworkInterface | null {
    const at = ETHERNET_HEADER_OCTETS
    return this.find(isIpv4Frame(frame) ? readU32be(frame, at + 12) : readIpv6(frame, at + 8)).through
  }
}

/** Whether a frame carries IPv4 without a VLAN tag. */
export function isIpv4Frame(frame: Uint8Array): boolean {
  return readU16be(frame, 12) === ETHERTYPE.ipv4
}
