/**
 * ARP (RFC 826) and RARP (RFC 903) for Ethernet and IPv4: one message of 28 octets.
 *
 *   hardware 2 = 1 | protocol 2 = 0x0800 | 6 | 4 | operation 2 | sender MAC 6, IPv4 4 | target MAC 6, IPv4 4
 */
import { WireError } from '../../base/errors.js'
import { readU16be, readU32be, writeU16be, writeU32be } from '../../base/octets.js'
import { MAC_BROADCAST, readMac, writeMac, type Ipv4Address, type MacAddress } from './addresses.js'
import { encodeEthernet, ETHERNET_FRAME_OCTETS_MIN, ETHERNET_HEADER_OCTETS, ETHERTYPE } from './ethernet.js'

export const ARP_OCTETS = 28

export const ARP_OPERATION = { request: 1, reply: 2, reverseRequest: 3, reverseReply: 4 } as const

export interface ArpMessage {
  readonly operation: number
  readonly senderMac: MacAddress
  readonly senderAddress: Ipv4Address
  readonly targetMac: MacAddress
  readonly targetAddress: Ipv4Address
}

/** Octets after the message (Ethernet's padding) are ignored. */
export function decodeArp(octets: Uint8Array): ArpMessage {
  if (octets.length < ARP_OCTETS) throw new WireError('arp', octets.length, `shorter than ${ARP_OCTETS} octets`)
  if (readU16be(octets, 0) !== 1) throw new WireError('arp', 0, 'hardware is not Ethernet')
  if (readU16be(octets, 2) !== ETHERTYPE.ipv4) throw new WireError('arp', 2, 'protocol is not IPv4')
  if (octets[4] !== 6 || octets[5] !== 4) throw new WireError('arp', 4, 'address lengths are not 6 and 4')
  return {
    operation: readU16be(octets, 6),
    senderMac: readMac(octets, 8),
    senderAddress: readU32be(octets, 14),
    targetMac: readMac(octets, 18),
    targetAddress: readU32be(octets, 24),
  }
}

export function encodeArp(message: ArpMessage): Uint8Array {
  const octets = new Uint8Array(ARP_OCTETS)
  writeU16be(octets, 0, 1)
  writeU16be(octets, 2, ETHERTYPE.ipv4)
  octets[4] = 6
  octets[5] = 4
  writeU16be(octets, 6, message.operation)
  writeMac(octets, 8, message.senderMac)
  writeU32be(octets, 14, message.senderAddress)
  writeMac(octets, 18, message.targetMac)
  writeU32be(octets, 24, message.targetAddress)
  return octets
}

/**
 * The frame by which QEMU tells switches where a guest now lives (net/announce.c): a broadcast reverse request, the
 * guest's MAC address in both places, padded to 60 octets.
 */
export function encodeRarpAnnouncement(mac: MacAddress): Uint8Array {
  const payload = new Uint8Array(ETHERNET_FRAME_OCTETS_MIN - ETHERNET_HEADER_OCTETS)
  const { reverseRequest: operation } = ARP_OPERATION
  payload.set(encodeArp({ operation, senderMac: mac, senderAddress: 0, targetMac: mac, targetAddress: 0 }))
  return encodeEthernet({ destination: MAC_BROADCAST, source: mac, vlan: null, etherType: ETHERTYPE.rarp, payload })
}
