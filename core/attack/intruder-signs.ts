/**
 * What gives a man in the middle away in a capture: an address that two stations claim, packets of one address that come from
 * another station than before, or have come a hop further. Ethernet with IPv4 and ARP; what lies behind a router has that
 * router's MAC address all the time and is no sign.
 */
import { readU16be, readU32be } from '../base/octets.js'
import type { Nanos } from '../base/units.js'
import { ipv4Text, macText, readMac, type Ipv4Address, type MacAddress } from '../net/wire/addresses.js'
import { ARP_OCTETS } from '../net/wire/arp.js'
import { ETHERNET_HEADER_OCTETS, ETHERTYPE } from '../net/wire/ethernet.js'
import { IPV4_HEADER_OCTETS } from '../net/wire/ipv4.js'
import { LINK_TYPE } from '../net/wire/link-layer.js'

export type SignKind = 'two-claim-an-address' | 'other-station' | 'other-distance'

/** A sign, with the packets that show it: the last one before, and the first one after. */
export interface IntruderSign {
  readonly kind: SignKind
  readonly text: string
  readonly packets: readonly number[]
  /** When the later one passed, as the capture's clock has it. */
  readonly atNs: Nanos
}

const ADDRESSES_MAX = 4096
const SIGNS_MAX = 64
const IP = ETHERNET_HEADER_OCTETS
const ARP_SENDER_MAC_AT = IP + 8
const ARP_SENDER_ADDRESS_AT = IP + 14

/** What is known of an IPv4 address. */
interface Known {
  claimedBy: MacAddress | null
  claimPacket: number
  sentBy: MacAddress | null
  ttl: number
  lastPacket: number
  readonly told: Set<SignKind>
}

export class IntruderSigns {
  readonly signs: IntruderSign[] = []
  private readonly addresses = new Map<Ipv4Address, Known>()

  frame(frame: Uint8Array, atNs: Nanos, packet: number, linkType: number): void {
    if (linkType !== LINK_TYPE.ethernet || frame.length < IP + 2) return
    const etherType = readU16be(frame, 12)
    if (etherType === ETHERTYPE.arp && frame.length >= IP + ARP_OCTETS) this.arp(frame, atNs, packet)
    if (etherType === ETHERTYPE.ipv4 && frame.length >= IP + IPV4_HEADER_OCTETS) this.packet(frame, atNs, packet)
  }

  private arp(frame: Uint8Array, atNs: Nanos, packet: number): void {
    const address = readU32be(frame, ARP_SENDER_ADDRESS_AT)
    const mac = readMac(frame, ARP_SENDER_MAC_AT)
    const known = address === 0 ? null : this.knownOf(address) // a probe claims nothing (RFC 5227)
    if (known === null) return
    const { claimedBy, claimPacket } = known
    if (claimedBy !== null && claimedBy !== mac)
      this.tell(known, 'two-claim-an-address', [claimPacket, packet], atNs, () => {
        return `${ipv4Text(address)} is at ${macText(claimedBy)}, says one ARP message, and at ${macText(mac)}, says another`
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

  private knownOf(address: Ipv4Address): Known | null {
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
    this.signs.push({ kind, text: words(), packets, atNs })
  }
}
