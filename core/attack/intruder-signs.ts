/**
 * What gives an intruder on the segment away in a capture: an address that two stations claim, packets of one address that come from
 * another station than before, or have come a hop further, more new stations than there can be; and what TCP shows of him
 * (segment-signs.ts). What lies behind a router has that router's MAC address all the time and is no sign.
 */
import { readU16be, readU32be } from '../base/octets.js'
import type { Nanos } from '../base/units.js'
import { seconds } from '../base/units.js'
import { ipText, ipv4Text, macText, readIpv6, readMac, type IpAddress, type MacAddress } from '../net/wire/addresses.js'
import { ARP_OCTETS } from '../net/wire/arp.js'
import { ETHERNET_HEADER_OCTETS, ETHERTYPE } from '../net/wire/ethernet.js'
import { ICMPV6_TYPE } from '../net/wire/icmpv6.js'
import { IP_PROTOCOL, IPV4_HEADER_OCTETS } from '../net/wire/ipv4.js'
import { IPV6_HEADER_OCTETS } from '../net/wire/ipv6.js'
import { LINK_TYPE, type CapturedTcp } from '../net/wire/link-layer.js'
import { SegmentSigns } from './segment-signs.js'

export type SignKind =
  | 'two-claim-an-address'
  | 'other-station'
  | 'other-distance'
  | 'many-stations'
  | 'other-octets'
  | 'slower-answer'
  | 'half-open'

/** A sign, with the packets that show it: the last one before, and the first one after. */
export interface IntruderSign {
  readonly kind: SignKind
  readonly text: string
  readonly packets: readonly number[]
  /** When the later one passed, as the capture's clock has it. */
  readonly atNs: Nanos
}

/** So many stations that were not there before, in a second: no rack is switched on like that. */
const NEW_STATIONS_MAX = 512
const STATIONS_MAX = 16_384
/** Of an IPv6 header in front of a neighbour advertisement: target, and an option with its MAC address. */
const ADVERTISEMENT_OCTETS = 24
const OPTION_TARGET_LINK_LAYER = 2
const ADDRESSES_MAX = 4096
const SIGNS_MAX = 64
const IP = ETHERNET_HEADER_OCTETS
const ARP_SENDER_MAC_AT = IP + 8
const ARP_SENDER_ADDRESS_AT = IP + 14

/** What is known of an IPv4 address. */
interface Known {
  claimedBy: MacAddress | null
  /** Null: nobody claimed it here, it was known before. */
  claimPacket: number | null
  sentBy: MacAddress | null
  ttl: number
  lastPacket: number
  readonly told: Set<SignKind>
}

export class IntruderSigns {
  readonly signs: IntruderSign[] = []
  private readonly addresses = new Map<IpAddress, Known>()
  private readonly stations = new Set<MacAddress>()
  private newStations = { sinceNs: 0, count: 0, firstPacket: 0, isTold: false }
  private readonly segments = new SegmentSigns(this)

  /** Where a station is, as its administrator has it written down. */
  expect(address: IpAddress, mac: MacAddress): void {
    const known = this.knownOf(address)
    if (known === null) return
    known.claimedBy = mac
    known.claimPacket = null
  }

  segment(tcp: CapturedTcp, atNs: Nanos, packet: number): void {
    this.segments.segment(tcp, atNs, packet)
  }

  /** One was found. */
  add(sign: IntruderSign): void {
    if (this.signs.length < SIGNS_MAX) this.signs.push(sign)
  }

  frame(frame: Uint8Array, atNs: Nanos, packet: number, linkType: number): void {
    if (linkType !== LINK_TYPE.ethernet || frame.length < ETHERNET_HEADER_OCTETS) return
    const etherType = readU16be(frame, 12)
    this.station(readMac(frame, 6), atNs, packet)
    if (etherType === ETHERTYPE.arp && frame.length >= IP + ARP_OCTETS) this.arp(frame, atNs, packet)
    if (etherType === ETHERTYPE.ipv4 && frame.length >= IP + IPV4_HEADER_OCTETS) this.packet(frame, atNs, packet)
    if (etherType === ETHERTYPE.ipv6) this.neighbour(frame, atNs, packet)
  }

  private station(mac: MacAddress, atNs: Nanos, packet: number): void {
    if (this.stations.has(mac)) return
    if (this.stations.size < STATIONS_MAX) this.stations.add(mac)
    const { newStations } = this
    if (atNs - newStations.sinceNs > seconds(1))
      Object.assign(newStations, { sinceNs: atNs, count: 0, firstPacket: packet })
    newStations.count++
    if (newStations.count < NEW_STATIONS_MAX || newStations.isTold) return
    newStations.isTold = true
    const text = `${newStations.count} stations that nobody had heard of sent a frame within a second`
    this.add({ kind: 'many-stations', text, packets: [newStations.firstPacket, packet], atNs })
  }

  /** A neighbour advertisement claims an address as an ARP message does (RFC 4861, section 4.4). */
  private neighbour(frame: Uint8Array, atNs: Nanos, packet: number): void {
    const at = IP + IPV6_HEADER_OCTETS
    const isAdvertisement = frame[IP + 6] === IP_PROTOCOL.icmpv6 && frame[at] === ICMPV6_TYPE.neighbourAdvertisement
    const optionAt = at + ADVERTISEMENT_OCTETS
    if (!isAdvertisement || frame.length < optionAt + 8 || frame[optionAt] !== OPTION_TARGET_LINK_LAYER) return
    this.claim(readIpv6(frame, at + 8), readMac(frame, optionAt + 2), 'neighbour advertisement', atNs, packet)
  }

  private arp(frame: Uint8Array, atNs: Nanos, packet: number): void {
    const address = readU32be(frame, ARP_SENDER_ADDRESS_AT)
    const mac = readMac(frame, ARP_SENDER_MAC_AT)
    // A probe claims nothing (RFC 5227).
    if (address !== 0) this.claim(address, mac, 'ARP message', atNs, packet)
  }

  private claim(address: IpAddress, mac: MacAddress, by: string, atNs: Nanos, packet: number): void {
    const known = this.knownOf(address)
    if (known === null) return
    const { claimedBy, claimPacket } = known
    if (claimedBy !== null && claimedBy !== mac)
      this.tell(known, 'two-claim-an-address', claimPacket === null ? [packet] : [claimPacket, packet], atNs, () => {
        const before = claimPacket === null ? 'as is written down' : `says one ${by}`
        const now = claimPacket === null ? `says one ${by}` : 'says another'
        return `${ipText(address)} is at ${macText(claimedBy)}, ${before}, and at ${macText(mac)}, ${now}`
      })
    known.claimedBy = mac
    known.claimPacket = packet
  }

  private packet(frame: Uint8Array, atNs: Nanos, packet: number): void {
    const address = readU32be(frame, IP + 12)
    const known = this.knownOf(address)
    if (known === null) return
    const mac = readMac(frame, 6)
    const ttl = frame[IP + 8] ?? 0
    const { sentBy, lastPacket } = known
    if (sentBy !== null && sentBy !== mac)
      this.tell(known, 'other-station', [lastPacket, packet], atNs, () => {
        return `packets of ${ipv4Text(address)} came from ${macText(sentBy)}, and now from ${macText(mac)}`
      })
    if (sentBy !== null && ttl === known.ttl - 1)
      this.tell(known, 'other-distance', [lastPacket, packet], atNs, () => {
        return `packets of ${ipv4Text(address)} had a time to live of ${known.ttl}, and now ${ttl}: somebody forwards them`
      })
    known.sentBy = mac
    known.ttl = Math.max(known.ttl, ttl)
    known.lastPacket = packet
  }

  private knownOf(address: IpAddress): Known | null {
    const known = this.addresses.get(address)
    if (known !== undefined) return known
    if (this.addresses.size === ADDRESSES_MAX) return null
    const fresh = { claimedBy: null, claimPacket: 0, sentBy: null, ttl: 0, lastPacket: 0, told: new Set<SignKind>() }
    this.addresses.set(address, fresh)
    return fresh
  }

  /** Each kind once an address. */
  private tell({ told }: Known, kind: SignKind, packets: readonly number[], atNs: Nanos, words: () => string): void {
    if (told.has(kind) || this.signs.length === SIGNS_MAX) return
    told.add(kind)
    this.add({ kind, text: words(), packets, atNs })
  }
}
