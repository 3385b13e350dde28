/** Cutting packets that are longer than a link takes (RFC 791 §3.2, RFC 8200 §4.5). */
import { readU16be, writeU16be, writeU32be } from '../base/octets.js'
import { takeFrame } from './frame-pool.js'
import { internetChecksum } from './wire/checksum.js'
import { ETHERNET_HEADER_OCTETS } from './wire/ethernet.js'
import { fragmentablePartStart, IPV6_FRAGMENT_OCTETS, IPV6_NEXT_HEADER } from './wire/ipv6.js'

const IP = ETHERNET_HEADER_OCTETS
const MORE_FRAGMENTS = 0x2000

/**
 * The IPv4 packet in `frame`, which may be a fragment itself, as frames with packets of at most `mtu` octets. Options are
 * copied to all of them, though some need not be. `frame` stays the caller's. Headers that leave no room give nothing.
 */
export function fragmentIpv4(frame: Uint8Array, mtu: number): Uint8Array[] {
  const headerOctets = ((frame[IP] ?? 0) & 15) * 4
  const word = readU16be(frame, IP + 6)
  const start = IP + headerOctets
  const end = IP + readU16be(frame, IP + 2)
  const partOctets = (mtu - headerOctets) & ~7
  const fragments: Uint8Array[] = []
  if (partOctets < 8) return fragments
  for (let at = start; at < end; at += partOctets) {
    const partEnd = Math.min(end, at + partOctets)
    const fragment = takeFrame(start + partEnd - at)
    fragment.set(frame.subarray(0, start))
    fragment.set(frame.subarray(at, partEnd), start)
    writeU16be(fragment, IP + 2, fragment.length - IP)
    const flags = (word & 0xe000) | (partEnd < end ? MORE_FRAGMENTS : 0)
    writeU16be(fragment, IP + 6, flags | ((word & 0x1fff) + (at - start) / 8))
    writeU16be(fragment, IP + 10, 0)
    writeU16be(fragment, IP + 10, internetChecksum(fragment, IP, start))
    fragments.push(fragment)
  }
  return fragments
}

/** As `fragmentIpv4`; only the sender does this, and the packet is no fragment yet. */
export function fragmentIpv6(frame: Uint8Array, mtu: number, identification: number): Uint8Array[] {
  const start = fragmentablePartStart(frame, IP)
  const end = frame.length
  const partOctets = (mtu - (start - IP) - IPV6_FRAGMENT_OCTETS) & ~7
  const fragments: Uint8Array[] = []
  if (partOctets < 8) return fragments
  const nextHeaderAt = lastNextHeaderAt(frame, start)
  for (let at = start; at < end; at += partOctets) {
    const partEnd = Math.min(end, at + partOctets)
    const fragment = takeFrame(start + IPV6_FRAGMENT_OCTETS + partEnd - at)
    fragment.set(frame.subarray(0, start))
    fragment.set(frame.subarray(at, partEnd), start + IPV6_FRAGMENT_OCTETS)
    writeU16be(fragment, IP + 4, fragment.length - IP - 40)
    fragment[nextHeaderAt] = IPV6_NEXT_HEADER.fragment
    fragment[start] = frame[nextHeaderAt] ?? 0
    fragment[start + 1] = 0
    writeU16be(fragment, start + 2, (at - start) | (partEnd < end ? 1 : 0))
    writeU32be(fragment, start + 4, identification)
    fragments.push(fragment)
  }
  return fragments
}

/** Where the octet stands that says what begins at `start`. */
function lastNextHeaderAt(frame: Uint8Array, start: number): number {
  let at = IP + 40
  let fieldAt = IP + 6
  while (at < start) {
    fieldAt = at
    at += 8 * ((frame[at + 1] ?? 0) + 1)
  }
  return fieldAt
}

/** Whether a router may cut the IPv4 packet in `frame`. */
export function mayFragment(frame: Uint8Array): boolean {
  return (readU16be(frame, IP + 6) & 0x4000) === 0
}
