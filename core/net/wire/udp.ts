/**
 * UDP (RFC 768) over IPv4 and IPv6.
 *
 *   source port 2 | destination port 2 | length 2 | checksum 2 | payload
 */
import { WireError } from '../../base/errors.js'
import { readU16be, writeU16be } from '../../base/octets.js'
import type { IpAddress } from './addresses.js'
import { transportChecksum } from './checksum.js'
import { IP_PROTOCOL } from './ipv4.js'

export const UDP_HEADER_OCTETS = 8

export interface UdpDatagram {
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload: Uint8Array
}

/** The addresses that the checksum covers. */
export interface AddressPair {
  readonly source: IpAddress
  readonly destination: IpAddress
}

/**
 * Check the datagram at `octets[start, end)` and return where it ends: its own length may be less. A checksum of zero means
 * none was made (RFC 8200 §8.1: not over IPv6); a wrong one throws `WireError`.
 */
export function checkUdp(octets: Uint8Array, start: number, end: number, { source, destination }: AddressPair): number {
  if (end - start < UDP_HEADER_OCTETS) throw new WireError('udp', end, 'shorter than its 8-octet header')
  const length = readU16be(octets, start + 4)
  if (length < UDP_HEADER_OCTETS || start + length > end)
    throw new WireError('udp', start + 4, `length field is ${length}`)
  const isChecked = readU16be(octets, start + 6) !== 0
  if (!isChecked && typeof source === 'bigint') throw new WireError('udp', start + 6, 'no checksum')
  if (isChecked && transportChecksum(octets, start, start + length, IP_PROTOCOL.udp, source, destination) !== 0)
    throw new WireError('udp', start + 6, 'checksum is wrong')
  return start + length
}

/** `payload` is a view. Throws `WireError` as `checkUdp` does. */
export function decodeUdp(octets: Uint8Array, pair: AddressPair): UdpDatagram {
  const end = checkUdp(octets, 0, octets.length, pair)
  return {
    sourcePort: readU16be(octets, 0),
    destinationPort: readU16be(octets, 2),
    payload: octets.subarray(UDP_HEADER_OCTETS, end),
  }
}

/** Writes the datagram at `start` of `octets`, with its checksum. */
export function writeUdp(octets: Uint8Array, start: number, datagram: UdpDatagram, pair: AddressPair): void {
  const length = UDP_HEADER_OCTETS + datagram.payload.length
  writeU16be(octets, start, datagram.sourcePort)
  writeU16be(octets, start + 2, datagram.destinationPort)
  writeU16be(octets, start + 4, length)
  writeU16be(octets, start + 6, 0)
  octets.set(datagram.payload, start + UDP_HEADER_OCTETS)
  const sum = transportChecksum(octets, start, start + length, IP_PROTOCOL.udp, pair.source, pair.destination)
  writeU16be(octets, start + 6, sum === 0 ? 0xffff : sum) // zero would say that there is no checksum
}

export function encodeUdp(datagram: UdpDatagram, pair: AddressPair): Uint8Array {
  const length = UDP_HEADER_OCTETS + datagram.payload.length
  if (length > 0xffff) throw new WireError('udp', 4, `length would be ${length}`)
  const octets = new Uint8Array(length)
  writeUdp(octets, 0, datagram, pair)
  return octets
}
