/** Putting an IEEE 802.1Q tag on a frame and taking it off. Both make another frame and leave the first as it was. */
import { writeU16be } from '../../base/octets.js'
import { takeFrame } from '../frame-pool.js'
import { ETHERTYPE, VLAN_TAG_OCTETS } from '../wire/ethernet.js'

const ADDRESSES_OCTETS = 12

/** Priority 0. */
export function taggedCopy(frame: Uint8Array, vlan: number): Uint8Array {
  const tagged = takeFrame(frame.length + VLAN_TAG_OCTETS)
  tagged.set(frame, VLAN_TAG_OCTETS)
  for (let at = 0; at < ADDRESSES_OCTETS; at++) tagged[at] = frame[at] as number
  writeU16be(tagged, ADDRESSES_OCTETS, ETHERTYPE.vlan)
  writeU16be(tagged, ADDRESSES_OCTETS + 2, vlan)
  return tagged
}

/** Only the outermost tag goes: what was behind it is read as the tag by whoever gets the frame next. */
export function untaggedCopy(frame: Uint8Array): Uint8Array {
  const untagged = takeFrame(frame.length - VLAN_TAG_OCTETS)
  untagged.set(frame.subarray(VLAN_TAG_OCTETS))
  for (let at = 0; at < ADDRESSES_OCTETS; at++) untagged[at] = frame[at] as number
  return untagged
}
