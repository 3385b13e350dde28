/**
 * IEEE 802.3 frames with an LLC header (IEEE 802.2) and the SNAP extension, as Cisco's control protocols use them.
 *
 *   destination 6 | source 6 | length 2 | AA AA 03 | organisation 3 | protocol 2 | payload | padding
 *
 * The length counts from the LLC header to the end of the payload, so padding can be told apart. Other LLC frames are refused.
 */
import { WireError } from '../../base/errors.js'
import { readU16be, readU32be, writeU16be, writeU32be } from '../../base/octets.js'
import { readMac, writeMac, type MacAddress } from './addresses.js'
import { ETHERNET_FRAME_OCTETS_MIN, ETHERNET_HEADER_OCTETS, ETHERTYPE_MIN } from './ethernet.js'

const LLC_SNAP_OCTETS = 8
const PAYLOAD_START = ETHERNET_HEADER_OCTETS + LLC_SNAP_OCTETS
const PAYLOAD_OCTETS_MAX = 1500 - LLC_SNAP_OCTETS
/** Both service access points are SNAP's, and the control field says unnumbered information. */
const LLC_SNAP = 0xaaaa03

export interface SnapFrame {
  readonly destination: MacAddress
  readonly source: MacAddress
  /** 24 bits; Cisco is 0x00000c. */
  readonly organisation: number
  readonly protocol: number
  readonly payload: Uint8Array
}

/** `payload` is a view. Throws `WireError` on everything that is not a whole untagged SNAP frame. */
export function decodeSnap(octets: Uint8Array): SnapFrame {
  if (octets.length < PAYLOAD_START) throw new WireError('llc', octets.length, 'shorter than its header')
  const length = readU16be(octets, 12)
  if (length >= ETHERTYPE_MIN) throw new WireError('llc', 12, `length ${length} is an EtherType`)
  if (length < LLC_SNAP_OCTETS || ETHERNET_HEADER_OCTETS + length > octets.length)
    throw new WireError('llc', 12, `length field is ${length}`)
  if (readU32be(octets, 14) >>> 8 !== LLC_SNAP) throw new WireError('llc', 14, 'not SNAP')
  return {
    destination: readMac(octets, 0),
    source: readMac(octets, 6),
    organisation: readU32be(octets, 16) & 0xffffff,
    protocol: readU16be(octets, 20),
    payload: octets.subarray(PAYLOAD_START, ETHERNET_HEADER_OCTETS + length),
  }
}

/** Padded to the shortest length of a frame. Throws `WireError` on a payload longer than 1492 octets. */
export function encodeSnap(frame: SnapFrame): Uint8Array {
  const { payload } = frame
  if (payload.length > PAYLOAD_OCTETS_MAX) throw new WireError('llc', 12, `payload of ${payload.length} octets`)
  const octets = new Uint8Array(Math.max(ETHERNET_FRAME_OCTETS_MIN, PAYLOAD_START + payload.length))
  writeMac(octets, 0, frame.destination)
  writeMac(octets, 6, frame.source)
  writeU16be(octets, 12, LLC_SNAP_OCTETS + payload.length)
  writeU32be(octets, 14, LLC_SNAP * 256 + (frame.organisation >>> 16))
  writeU16be(octets, 18, frame.organisation & 0xffff)
  writeU16be(octets, 20, frame.protocol)
  octets.set(payload, PAYLOAD_START)
  return octets
}
