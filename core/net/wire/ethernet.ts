/**
 * Ethernet II with an optional IEEE 802.1Q tag. Frames have no preamble and no frame check sequence.
 *
 *   destination 6 | source 6 | [ 0x8100 2 | priority 3 bits, DEI 1 bit, VLAN 12 bits ] | EtherType 2 | payload
 */
import { WireError } from '../../base/errors.js'
import { readU16be, writeU16be } from '../../base/octets.js'
import { readMac, writeMac, type MacAddress } from './addresses.js'

export const ETHERNET_HEADER_OCTETS = 14
/** The shortest frame on a wire without its frame check sequence; captures at the sender show shorter ones. */
export const ETHERNET_FRAME_OCTETS_MIN = 60
export const VLAN_TAG_OCTETS = 4

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
  readonly etherType: number
  /** Padding included: only the protocol inside knows its own length. */
  readonly payload: Uint8Array
}

/** `payload` is a view. Throws `WireError` on a frame shorter than its header and on an IEEE 802.3 length field. */
export function decodeEthernet(octets: Uint8Array): EthernetFrame {
  if (octets.length < ETHERNET_HEADER_OCTETS) throw new WireError('ethernet', octets.length, 'shorter than its header')
  const destination = readMac(octets, 0)
  const source = readMac(octets, 6)
  let etherType = readU16be(octets, 12)
  let payloadStart = ETHERNET_HEADER_OCTETS
  let vlan: VlanTag | null = null
  if (etherType === ETHERTYPE.vlan) {
    if (octets.length < ETHERNET_HEADER_OCTETS + VLAN_TAG_OCTETS)
      throw new WireError('ethernet', octets.length, 'ends inside its VLAN tag')
    const tag = readU16be(octets, 14)
    vlan = { id: tag & 0xfff, priority: tag >>> 13, isDropEligible: (tag & 0x1000) !== 0 }
    etherType = readU16be(octets, 16)
    payloadStart += VLAN_TAG_OCTETS
  }
  if (etherType < 0x0600) throw new WireError('ethernet', payloadStart - 2, `EtherType ${etherType} is an 802.3 length`)
  return { destination, source, vlan, etherType, payload: octets.subarray(payloadStart) }
}

/** No padding is added: links count short frames as 60 octets. */
export function encodeEthernet(frame: EthernetFrame): Uint8Array {
  const headerOctets = ETHERNET_HEADER_OCTETS + (frame.vlan === null ? 0 : VLAN_TAG_OCTETS)
  const octets = new Uint8Array(headerOctets + frame.payload.length)
  writeMac(octets, 0, frame.destination)
  writeMac(octets, 6, frame.source)
  if (frame.vlan !== null) {
    const { id, priority, isDropEligible } = frame.vlan
    writeU16be(octets, 12, ETHERTYPE.vlan)
    writeU16be(octets, 14, (priority << 13) | (isDropEligible ? 0x1000 : 0) | id)
  }
  writeU16be(octets, headerOctets - 2, frame.etherType)
  octets.set(frame.payload, headerOctets)
  return octets
}
