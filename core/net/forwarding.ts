/**
 * What a router does with packets that are not for itself (RFC 1812 §5.2, RFC 8200 §3), in place. A host that forwards what is
 * addressed to its MAC address is also what a man in the middle needs: an inspector sees each packet before it goes on.
 */
import { readU16be, writeU16be } from '../base/octets.js'
import type { Destination } from './destinations.js'
import { mayFragment } from './fragmentation.js'
import { recycleFrame, takeFrame } from './frame-pool.js'
import type { IpHost, IpLayer } from './ip.js'
import type { NetworkInterface } from './network-interface.js'
import { isLinkLocal, isMulticast, readMac, type IpAddress } from './wire/addresses.js'
import { adjustChecksum } from './wire/checksum.js'
import { ETHERNET_HEADER_OCTETS } from './wire/ethernet.js'
import { Ipv4Header, readIpv4Header } from './wire/ipv4.js'
import { readIpv6Header, type Ipv6Header } from './wire/ipv6.js'

const IP = ETHERNET_HEADER_OCTETS

/** Sees packets that are about to be sent on. It may change them in place, checksums included. */
export interface PacketInspector {
  inspect(frame: Uint8Array, from: NetworkInterface): InspectorVerdict
}

/** `prohibit` drops, and tells the sender. */
export type InspectorVerdict = 'pass' | 'drop' | 'prohibit'

export class Forwarding {
  isOn = false
  /** Tell hosts of a better router on their own link. A man in the middle does not. */
  sendsRedirects = true
  /** A man in the middle who does not want to be seen in traceroute leaves the time to live as it is. */
  lowersTtl = true
  inspector: PacketInspector | null = null
  packetsForwarded = 0
  packetsDropped = 0

  constructor(
    private readonly ip: IpLayer,
    private readonly host: Pick<IpHost, 'icmp'>,
  ) {}

  /** True when the frame was given away. Throws `WireError` when the inspector has spoilt the header. */
  forward(frame: Uint8Array, header: Ipv4Header | Ipv6Header, through: NetworkInterface): boolean {
    if (!this.isOn || readMac(frame, 0) !== through.mac) return false
    let verdict: InspectorVerdict = 'pass'
    if (this.inspector !== null) {
      verdict = this.inspector.inspect(frame, through)
      if (header instanceof Ipv4Header) readIpv4Header(frame, IP, header)
      else readIpv6Header(frame, IP, header)
    }
    const { source, destination, ttl } = header
    if (verdict !== 'pass' || !isForwardable(source) || !isForwardable(destination)) {
      if (verdict === 'prohibit') this.host.icmp.sendError(frame, 'prohibited', through)
      return this.drop()
    }
    if (this.lowersTtl && ttl <= 1) {
      this.host.icmp.sendError(frame, 'time-exceeded', through)
      return this.drop()
    }
    const to = this.ip.find(destination)
    if (to.kind !== 'unicast' || to.through === null) {
      if (to.kind === 'unreachable') this.host.icmp.sendError(frame, 'net-unreachable', through)
      return this.drop()
    }
    return this.sendOn(frame, header, through, to)
  }

  private sendOn(
    frame: Uint8Array,
    header: Readonly<Ipv4Header> | Readonly<Ipv6Header>,
    through: NetworkInterface,
    to: Destination,
  ): boolean {
    const isIpv4 = typeof header.source === 'number'
    if (header.payloadEnd - IP > to.mtu && (!isIpv4 || !mayFragment(frame))) {
      this.host.icmp.sendError(frame, 'packet-too-big', through, to.mtu)
      return this.drop()
    }
    const isBackwards = to.through === through && through.isOnLink(header.source)
    if (isBackwards && this.sendsRedirects) this.host.icmp.sendRedirect(frame, to.nextHop, through)
    if (this.lowersTtl) lowerTtl(frame, isIpv4)
    this.packetsForwarded++
    if (frame.length === header.payloadEnd) {
      this.ip.sendOn(frame, to)
      return true
    }
    // Ethernet's padding does not belong to the packet.
    const trimmed = takeFrame(header.payloadEnd)
    trimmed.set(frame.subarray(0, header.payloadEnd))
    recycleFrame(frame)
    this.ip.sendOn(trimmed, to)
    return true
  }

  private drop(): boolean {
    this.packetsDropped++
    return false
  }
}

function lowerTtl(frame: Uint8Array, isIpv4: boolean): void {
  if (!isIpv4) {
    frame[IP + 7] = (frame[IP + 7] ?? 0) - 1
    return
  }
  const before = readU16be(frame, IP + 8) // time to live and protocol
  frame[IP + 8] = (frame[IP + 8] ?? 0) - 1
  writeU16be(frame, IP + 10, adjustChecksum(readU16be(frame, IP + 10), before, before - 0x100))
}

/** Not for one link only, and not for nobody. */
function isForwardable(address: IpAddress): boolean {
  if (isMulticast(address)) return false
  if (typeof address === 'bigint') return address > 1n && !isLinkLocal(address)
  return address >>> 24 !== 0 && address >>> 24 !== 127 && address >>> 28 !== 15
}
