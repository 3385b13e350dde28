/**
 * Putting fragments together again (RFC 791 §3.2, RFC 815 in its result, RFC 8200 §4.5).
 *
 * Fragments that overlap are not needed by anybody honest: a fragment that came before is ignored, any other overlap
 * discards the whole packet (RFC 5722; for IPv4 as well, as Linux does). Memory is bounded: the oldest packet goes first.
 */
import { seconds, type Nanos } from '../base/units.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../kernel/kernel.js'
import { takeFrame } from './frame-pool.js'
import type { NetworkInterface } from './network-interface.js'
import { ETHERNET_HEADER_OCTETS } from './wire/ethernet.js'
import { Ipv4Header, IPV4_HEADER_OCTETS, writeIpv4Header } from './wire/ipv4.js'
import type { Ipv6Header } from './wire/ipv6.js'
import { IPV6_HEADER_OCTETS, writeIpv6Header } from './wire/ipv6.js'

const LIFETIME_NS = seconds(30)
const PACKETS_MAX = 256
const OCTETS_MAX = 4 * 1024 * 1024
/** What a small fragment costs beside its octets. */
const FRAGMENT_COST_OCTETS = 64
const EXPIRE: KernelEvent = Object.freeze({ kind: 'reassembly-expires' })

interface Fragment {
  readonly start: number
  readonly octets: Uint8Array
}

interface PartialPacket {
  readonly key: string
  readonly untilNs: Nanos
  readonly through: NetworkInterface
  /** In order of `start`, without overlaps. */
  fragments: Fragment[]
  receivedOctets: number
  costOctets: number
  /** Of the message, known when its last fragment came; -1 before. */
  messageOctets: number
  /** Nothing of it is wanted any more, and nothing of it is kept. */
  isDiscarded: boolean
  /** The frame of the first fragment: errors quote it. */
  firstFrame: Uint8Array | null
}

/** Told of packets that were not whole in time, for an ICMP error. */
export interface ReassemblyOwner {
  reassemblyExpired(firstFrame: Uint8Array, through: NetworkInterface): void
}

export class Reassembly implements Process {
  private readonly packets = new Map<string, PartialPacket>()
  private heldOctets = 0
  private timer: QueuedEvent | null = null
  /** Packets that were given up: overlapping, too long, not whole in time, or too many. */
  packetsDiscarded = 0

  constructor(
    private readonly kernel: Kernel,
    private readonly owner: ReassemblyOwner,
  ) {}

  /** Packets of which something is kept. */
  get packetCount(): number {
    return this.packets.size
  }

  /** The frame with the whole packet, when `frame` brings the last part that was missing. */
  add(
    frame: Uint8Array,
    header: Readonly<Ipv4Header> | Readonly<Ipv6Header>,
    through: NetworkInterface,
  ): Uint8Array | null {
    const { fragmentOffset, payloadStart, payloadEnd, moreFragments } = header
    const packet = this.packetOf(header, through)
    if (packet.isDiscarded) return null
    const end = fragmentOffset + payloadEnd - payloadStart
    const isMisshapen = payloadEnd <= payloadStart || (moreFragments && (payloadEnd - payloadStart) % 8 !== 0)
    if (isMisshapen || end > 0xffff - (typeof header.source === 'number' ? IPV4_HEADER_OCTETS : 0)) {
      this.discard(packet)
      return null
    }
    if (!this.insert(packet, { start: fragmentOffset, octets: frame.slice(payloadStart, payloadEnd) })) return null
    const isEndWrong =
      packet.messageOctets >= 0 && (moreFragments ? end > packet.messageOctets : end !== packet.messageOctets)
    if (!moreFragments && packet.messageOctets < 0) packet.messageOctets = end
    if (isEndWrong || (!moreFragments && packet.fragments.some((other) => other.start >= end))) {
      this.discard(packet)
      return null
    }
    if (fragmentOffset === 0) packet.firstFrame = frame.slice(0, payloadEnd)
    if (packet.receivedOctets !== packet.messageOctets) return null
    this.forget(packet)
    return wholeFrame(packet, header)
  }

  handleEvent(): void {
    this.timer = null
    for (const packet of this.packets.values()) {
      if (packet.untilNs > this.kernel.nowNs) break
      this.forget(packet)
      if (packet.isDiscarded) continue
      this.packetsDiscarded++
      if (packet.firstFrame !== null) this.owner.reassemblyExpired(packet.firstFrame, packet.through)
    }
    this.arm()
  }

  private packetOf(header: Readonly<Ipv4Header> | Readonly<Ipv6Header>, through: NetworkInterface): PartialPacket {
    const { source, destination, identification } = header
    const protocol = typeof source === 'number' ? header.protocol : ''
    const key = `${source.toString(16)} ${destination.toString(16)} ${protocol} ${identification}`
    const known = this.packets.get(key)
    if (known !== undefined) return known
    const packet: PartialPacket = {
      key,
      untilNs: this.kernel.nowNs + LIFETIME_NS,
      through,
      fragments: [],
      receivedOctets: 0,
      costOctets: 0,
      messageOctets: -1,
      isDiscarded: false,
      firstFrame: null,
    }
    if (this.packets.size >= PACKETS_MAX) this.forgetOldest(packet)
    this.packets.set(key, packet)
    this.arm()
    return packet
  }

  /** False when the fragment is not wanted. */
  private insert(packet: PartialPacket, fragment: Fragment): boolean {
    const { fragments } = packet
    const end = fragment.start + fragment.octets.length
    let index = fragments.length
    while (index > 0 && (fragments[index - 1]?.start ?? 0) >= fragment.start) index--
    const before = fragments[index - 1]
    const after = fragments[index]
    if (after?.start === fragment.start && after.octets.length === fragment.octets.length) return false
    const isOverlapping =
      (before !== undefined && before.start + before.octets.length > fragment.start) ||
      (after !== undefined && after.start < end)
    if (isOverlapping) {
      this.discard(packet)
      return false
    }
    fragments.splice(index, 0, fragment)
    packet.receivedOctets += fragment.octets.length
    const costOctets = fragment.octets.length + FRAGMENT_COST_OCTETS
    packet.costOctets += costOctets
    this.heldOctets += costOctets
    while (this.heldOctets > OCTETS_MAX && this.packets.size > 1) this.forgetOldest(packet)
    return true
  }

  private discard(packet: PartialPacket): void {
    this.packetsDiscarded++
    this.heldOctets -= packet.costOctets
    packet.costOctets = 0
    packet.fragments = []
    packet.firstFrame = null
    packet.isDiscarded = true
  }

  /** The oldest but `kept`. */
  private forgetOldest(kept: PartialPacket): void {
    for (const packet of this.packets.values())
      if (packet !== kept) {
        if (!packet.isDiscarded) this.packetsDiscarded++
        this.forget(packet)
        return
      }
  }

  private forget(packet: PartialPacket): void {
    this.packets.delete(packet.key)
    this.heldOctets -= packet.costOctets
    packet.costOctets = 0
  }

  /** One event, for the oldest packet. */
  private arm(): void {
    if (this.timer !== null) return
    for (const { untilNs } of this.packets.values()) {
      this.timer = this.kernel.scheduleAt(Math.max(untilNs, this.kernel.nowNs), this, EXPIRE)
      return
    }
  }
}

/** As the packet was before it was cut. Extension headers before the fragment header are left out. */
function wholeFrame(
  { fragments, messageOctets }: PartialPacket,
  last: Readonly<Ipv4Header> | Readonly<Ipv6Header>,
): Uint8Array {
  const isIpv4 = last instanceof Ipv4Header
  const start = ETHERNET_HEADER_OCTETS + (isIpv4 ? IPV4_HEADER_OCTETS : IPV6_HEADER_OCTETS)
  const frame = takeFrame(start + messageOctets)
  frame.fill(0, 0, ETHERNET_HEADER_OCTETS)
  const uncut = { ...last, moreFragments: false, fragmentOffset: 0 }
  if (isIpv4) writeIpv4Header(frame, ETHERNET_HEADER_OCTETS, uncut as Ipv4Header)
  else writeIpv6Header(frame, ETHERNET_HEADER_OCTETS, uncut as Ipv6Header)
  for (const { start: offset, octets } of fragments) frame.set(octets, start + offset)
  return frame
}
