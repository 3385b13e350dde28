/**
 * Whose address is where: by what ARP and neighbour discovery claim, and by where packets come from. What lies behind a router
 * has that router's MAC address all the time and is no sign; nor is a guest that moves, which keeps its MAC address.
 */
import { WireError } from '../../base/errors.js'
import { readU16be, readU32be } from '../../base/octets.js'
import type { Nanos } from '../../base/units.js'
import { ipText, macText, readIpv6, readMac, type IpAddress, type MacAddress } from '../../net/wire/addresses.js'
import { ARP_OCTETS } from '../../net/wire/arp.js'
import { decodeIcmpv6, ICMPV6_TYPE } from '../../net/wire/icmpv6.js'
import { IP_PROTOCOL, IPV4_HEADER_OCTETS } from '../../net/wire/ipv4.js'
import { IPV6_HEADER_OCTETS } from '../../net/wire/ipv6.js'
import { decodeNeighbourMessage } from '../../net/wire/neighbour-discovery.js'
import { hopsOf, type SeenFrame, type SignKind, type SignList } from './intruder-sign.js'

const ADDRESSES_MAX = 4096
const SENDER_MAC_AT = 8
const SENDER_ADDRESS_AT = 14
const VLAN = 2 ** 32

/** What is known of an address. */
interface Known {
  claimedBy: MacAddress | null
  /** Null: nobody claimed it here, it was known before. */
  claimPacket: number | null
  sentBy: MacAddress | null
  ttl: number
  lastPacket: number
  readonly told: Set<SignKind>
}

export class AddressSigns {
  private readonly addresses = new Map<IpAddress, Known>()
  private readonly recent = new RecentPackets()

  constructor(private readonly list: SignList) {}

  /** Where a station is, as its administrator has it written down. */
  expect(address: IpAddress, mac: MacAddress): void {
    const known = this.knownOf(address, 0)
    if (known === null) return
    known.claimedBy = mac
    known.claimPacket = null
  }

  arp({ octets, start, vlan, atNs, packet }: SeenFrame): void {
    if (octets.length < start + ARP_OCTETS) return
    const address = readU32be(octets, start + SENDER_ADDRESS_AT)
    const mac = readMac(octets, start + SENDER_MAC_AT)
    const known = address === 0 ? null : this.knownOf(address, vlan) // a probe claims nothing (RFC 5227)
    if (known === null) return
    const { claimedBy, claimPacket } = known
    if (claimedBy !== null && claimedBy !== mac)
      this.list.tell(known.told, 'two-claim-an-address', packetsOf(claimPacket, packet), atNs, () => {
        const [before, now] =
          claimPacket === null
            ? ['as is written down', 'says an ARP message']
            : ['says one ARP message', 'says another']
        return `${ipText(address)} is at ${macText(claimedBy)}, ${before}, and at ${macText(mac)}, ${now}`
      })
    known.claimedBy = mac
    known.claimPacket = packet
  }

  ipv4(frame: SeenFrame): void {
    const { octets, start, vlan } = frame
    if (octets.length < start + IPV4_HEADER_OCTETS) return
    const source = readU32be(octets, start + 12)
    const known = source === 0 ? null : this.knownOf(source, vlan) // who has no address yet (DHCP)
    if (known === null) return
    if (known.sentBy !== null && known.sentBy !== frame.source && !known.told.has('relayed')) this.relayed(frame, known)
    this.recent.add(frame)
    this.sent(frame, known, source, octets[start + 8] ?? 0)
  }

  ipv6(frame: SeenFrame): void {
    const { octets, start, vlan } = frame
    if (octets.length < start + IPV6_HEADER_OCTETS) return
    const source = readIpv6(octets, start + 8)
    const known = source === 0n ? null : this.knownOf(source, vlan)
    if (known === null) return
    this.sent(frame, known, source, octets[start + 7] ?? 0)
    if (octets[start + 6] === IP_PROTOCOL.icmpv6) this.neighbour(frame)
  }

  /** Where packets of this address come from, if they have come no hop: it is on this segment. */
  stationOf(address: IpAddress): MacAddress | null {
    const known = this.addresses.get(address)
    return known !== undefined && known.sentBy !== null && hopsOf(known.ttl) === 0 ? known.sentBy : null
  }

  private sent({ source: mac, atNs, packet }: SeenFrame, known: Known, address: IpAddress, ttl: number): void {
    const { sentBy, lastPacket } = known
    if (sentBy !== null && sentBy !== mac)
      this.list.tell(known.told, 'other-station', [lastPacket, packet], atNs, () => {
        return `packets of ${ipText(address)} came from ${macText(sentBy)}, and now from ${macText(mac)}`
      })
    if (sentBy !== null && ttl === known.ttl - 1)
      this.list.tell(known.told, 'other-distance', [lastPacket, packet], atNs, () => {
        return `packets of ${ipText(address)} had a time to live of ${known.ttl}, and now ${ttl}: somebody forwards them`
      })
    known.sentBy = mac
    known.ttl = Math.max(known.ttl, ttl)
    known.lastPacket = packet
  }

  /** The same packet a moment ago, on its way to the station that it comes from now. */
  private relayed(frame: SeenFrame, known: Known): void {
    const before = this.recent.sentTo(frame)
    if (before === null) return
    const { octets, start, atNs, packet, source } = frame
    this.list.tell(known.told, 'relayed', [before.packet, packet], atNs, () => {
      const [from, to] = [12, 16].map((at) => ipText(readU32be(octets, start + at)))
      const delay = ((atNs - before.atNs) / 1e3).toFixed(1)
      return `a packet from ${from} to ${to} went to ${macText(source)}, and came from there ${delay} µs later`
    })
  }

  private neighbour({ octets, start, vlan, atNs, packet }: SeenFrame): void {
    const pair = { source: readIpv6(octets, start + 8), destination: readIpv6(octets, start + 24) }
    const from = start + IPV6_HEADER_OCTETS
    const type = octets[from]
    if (type !== ICMPV6_TYPE.neighbourAdvertisement && type !== ICMPV6_TYPE.neighbourSolicitation) return
    const message = decodeOrNull(octets.subarray(from, from + readU16be(octets, start + 4)), pair)
    if (message?.kind !== 'neighbour-advertisement' && message?.kind !== 'neighbour-solicitation') return
    const isAdvertisement = message.kind === 'neighbour-advertisement'
    const address = isAdvertisement ? message.target : pair.source
    const mac = isAdvertisement ? message.targetMac : message.sourceMac
    const known = mac === null ? null : this.knownOf(address, vlan)
    if (known === null || mac === null) return
    const { claimedBy, claimPacket } = known
    // Several may answer for one address without overriding each other (RFC 4861 §7.2.7, anycast; proxies).
    if (isAdvertisement && !message.isOverride && claimedBy !== null) return
    if (claimedBy !== null && claimedBy !== mac)
      this.list.tell(known.told, 'overriding-advertisement', packetsOf(claimPacket, packet), atNs, () => {
        return `${ipText(address)} is at ${macText(claimedBy)}, and a neighbour message overrides that: at ${macText(mac)}`
      })
    known.claimedBy = mac
    known.claimPacket = packet
  }

  private knownOf(address: IpAddress, vlan: number): Known | null {
    const key =
      vlan === 0 ? address : typeof address === 'number' ? address + vlan * VLAN : address + (BigInt(vlan) << 128n)
    const known = this.addresses.get(key)
    if (known !== undefined) return known
    if (this.addresses.size === ADDRESSES_MAX) return null
    const fresh = { claimedBy: null, claimPacket: 0, sentBy: null, ttl: 0, lastPacket: 0, told: new Set<SignKind>() }
    this.addresses.set(key, fresh)
    return fresh
  }
}

function packetsOf(before: number | null, now: number): readonly number[] {
  return before === null ? [now] : [before, now]
}

function decodeOrNull(octets: Uint8Array, pair: Parameters<typeof decodeIcmpv6>[1]) {
  try {
    return decodeNeighbourMessage(decodeIcmpv6(octets, pair))
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return null
  }
}

const RECENT_PACKETS = 64
/** Identification and length; source, destination; the first three words of what is inside: TCP's ports and numbers. */
const WORDS = 6

/** The last IPv4 packets: as much of each as tells it from others, and is not changed on its way. */
class RecentPackets {
  private readonly words = new Uint32Array(RECENT_PACKETS * WORDS)
  private readonly packets = new Uint32Array(RECENT_PACKETS)
  private readonly destinations = new Float64Array(RECENT_PACKETS)
  private readonly times = new Float64Array(RECENT_PACKETS)
  private readonly own = new Uint32Array(WORDS)
  private count = 0

  add(frame: SeenFrame): void {
    const slot = this.count++ % RECENT_PACKETS
    this.read(frame)
    this.words.set(this.own, slot * WORDS)
    this.packets[slot] = frame.packet
    this.destinations[slot] = frame.destination
    this.times[slot] = frame.atNs
  }

  /** When this packet went to the station that sends it now; null if it did not. */
  sentTo(frame: SeenFrame): { packet: number; atNs: Nanos } | null {
    this.read(frame)
    for (let slot = 0; slot < Math.min(this.count, RECENT_PACKETS); slot++)
      if (this.destinations[slot] === frame.source && this.isAt(slot))
        return { packet: this.packets[slot] ?? 0, atNs: this.times[slot] ?? 0 }
    return null
  }

  private isAt(slot: number): boolean {
    for (let word = 0; word < WORDS; word++) if (this.words[slot * WORDS + word] !== this.own[word]) return false
    return true
  }

  private read({ octets, start }: SeenFrame): void {
    const { own } = this
    const inside = start + 4 * ((octets[start] ?? 0) & 15)
    own[0] = (readU16be(octets, start + 2) << 16) | readU16be(octets, start + 4)
    own[1] = readU32be(octets, start + 12)
    own[2] = readU32be(octets, start + 16)
    const hasInside = octets.length >= inside + 12
    for (let word = 0; word < 3; word++) own[3 + word] = hasInside ? readU32be(octets, inside + 4 * word) : 0
  }
}
