/**
 * Ethernet II with any number of IEEE 802.1Q tags. Frames have no preamble and no frame check sequence.
 *
 *   destination 6 | source 6 | tags | EtherType 2 | payload            tag: 0x8100 2 | priority 3 bits, DEI 1 bit, VLAN 12 bits
 *
 * The frames of older protocols that have a length where the EtherType stands are in llc-snap.ts.
 */
import { assert, WireError } from '../../base/errors.js'
import { readU16be, writeU16be } from '../../base/octets.js'
import { readMac, writeMac, type MacAddress } from './addresses.js'

export const ETHERNET_HEADER_OCTETS = 14
/** The shortest frame on a wire without its frame check sequence; captures at the sender show shorter ones. */
export const ETHERNET_FRAME_OCTETS_MIN = 60
export const VLAN_TAG_OCTETS = 4
/** Smaller values in the place of the EtherType are lengths (IEEE 802.3 §3.2.6). */
export const ETHERTYPE_MIN = 0x0600
/** VLANs that may be used: 0 means none, and 4095 is reserved (IEEE 802.1Q §9.6). */
export const VLAN_MIN = 1
export const VLAN_MAX = 4094

export const ETHERTYPE = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, rarp: 0x8035, ipv6: 0x86dd } as const

export interface VlanTag {
  /** 0 to 4095; 0 means a priority tag without a VLAN. */
  readonly id: number
  /** 0 to 7. */
  readonly priority: number
  readonly isDropEligible: boolean
}

export interface EthernetFrame {
  readonly destination: MacAddress
  readonly source: MacAddress
  readonly vlan: VlanTag | null
  /** Tags behind `vlan`, outermost first; left out when there are none, as in all but double-tagged frames. */
  readonly innerVlans?: readonly VlanTag[]
  readonly etherType: number
  /** Padding included: only the protocol inside knows its own length. */
  readonly payload: Uint8Array
}

/** `payload` is a view. Throws `WireError` on a frame shorter than its header and on an IEEE 802.3 length field. */
export function decodeEthernet(octets: Uint8Array): EthernetFrame {
  if (octets.length < ETHERNET_HEADER_OCTETS) throw new WireError('ethernet', octets.length, 'shorter than its header')
  const destination = readMac(octets, 0)
  const source = readMac(octets, 6)
  let at = 12
  const tags: VlanTag[] = []
  for (; readU16be(octets, at) === ETHERTYPE.vlan; at += VLAN_TAG_OCTETS) {
    if (octets.length < at + VLAN_TAG_OCTETS + 2)
      throw new WireError('ethernet', octets.length, 'ends inside its VLAN tag')
    tags.push(readTag(octets, at))
  }
  const etherType = readU16be(octets, at)
  if (etherType < ETHERTYPE_MIN) throw new WireError('ethernet', at, `EtherType ${etherType} is an 802.3 length`)
  const [vlan = null, ...innerVlans] = tags
  const payload = octets.subarray(at + 2)
  return { destination, source, vlan, ...(innerVlans.length > 0 && { innerVlans }), etherType, payload }
}

/** No padding is added: links count short frames as 60 octets. */
export function encodeEthernet(frame: EthernetFrame): Uint8Array {
  const { vlan, innerVlans = [] } = frame
  assert(vlan !== null || innerVlans.length === 0, 'inner tags need an outer one')
  const tags = vlan === null ? [] : [vlan, ...innerVlans]
  const headerOctets = ETHERNET_HEADER_OCTETS + tags.length * VLAN_TAG_OCTETS
  const octets = new Uint8Array(headerOctets + frame.payload.length)
  writeMac(octets, 0, frame.destination)
  writeMac(octets, 6, frame.source)
  for (const [index, tag] of tags.entries()) writeTag(octets, 12 + index * VLAN_TAG_OCTETS, tag)
  writeU16be(octets, headerOctets - 2, frame.etherType)
  octets.set(frame.payload, headerOctets)
  return octets
}

function readTag(octets: Uint8Array, at: number): VlanTag {
  const control = readU16be(octets, at + 2)
  return { id: control & 0xfff, priority: control >>> 13, isDropEligible: (control & 0x1000) !== 0 }
}

function writeTag(octets: Uint8Array, at: number, { id, priority, isDropEligible }: VlanTag): void {
  writeU16be(octets, at, ETHERTYPE.vlan)
  writeU16be(octets, at + 2, (priority << 13) | (isDropEligible ? 0x1000 : 0) | id)
}
