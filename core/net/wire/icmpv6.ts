/**
 * ICMPv6 (RFC 4443): echo and errors; neighbour discovery is core/net/wire/neighbour-discovery.ts.
 *
 *   type 1 | code 1 | checksum 2 | identifier 2, sequence 2 (echo), MTU 4 (packet too big), pointer 4, or unused | the rest
 *
 * Errors have types below 128 and carry as much of the packet that failed as fits.
 */
import { WireError } from '../../base/errors.js'
import { readU32be, writeU16be, writeU32be } from '../../base/octets.js'
import { transportChecksum } from './checksum.js'
import { IP_PROTOCOL } from './ipv4.js'
import type { AddressPair } from './udp.js'

export const ICMPV6_HEADER_OCTETS = 8

export const ICMPV6_TYPE = {
  destinationUnreachable: 1,
  packetTooBig: 2,
  timeExceeded: 3,
  parameterProblem: 4,
  echoRequest: 128,
  echoReply: 129,
  routerSolicitation: 133,
  routerAdvertisement: 134,
  neighbourSolicitation: 135,
  neighbourAdvertisement: 136,
  redirect: 137,
} as const

/** Codes of destination unreachable (§3.1). */
export const ICMPV6_UNREACHABLE = { noRoute: 0, prohibited: 1, address: 3, port: 4 } as const

export interface Icmpv6Message {
  readonly type: number
  readonly code: number
  /** The four octets behind the checksum: identifier and sequence, an MTU, flags, or nothing. */
  readonly word: number
  readonly payload: Uint8Array
}

/** `payload` is a view. Throws `WireError` on a wrong checksum. */
export function decodeIcmpv6(octets: Uint8Array, { source, destination }: AddressPair): Icmpv6Message {
  const { length } = octets
  if (length < ICMPV6_HEADER_OCTETS) throw new WireError('icmpv6', length, 'shorter than its 8-octet header')
  if (transportChecksum(octets, 0, length, IP_PROTOCOL.icmpv6, source, destination) !== 0)
    throw new WireError('icmpv6', 2, 'checksum is wrong')
  return {
    type: octets[0] ?? 0,
    code: octets[1] ?? 0,
    word: readU32be(octets, 4),
    payload: octets.subarray(ICMPV6_HEADER_OCTETS),
  }
}

/** Writes the message at `start` of `octets`, with its checksum. */
export function writeIcmpv6(octets: Uint8Array, start: number, message: Icmpv6Message, pair: AddressPair): void {
  octets[start] = message.type
  octets[start + 1] = message.code
  writeU16be(octets, start + 2, 0)
  writeU32be(octets, start + 4, message.word)
  octets.set(message.payload, start + ICMPV6_HEADER_OCTETS)
  const end = start + ICMPV6_HEADER_OCTETS + message.payload.length
  const sum = transportChecksum(octets, start, end, IP_PROTOCOL.icmpv6, pair.source, pair.destination)
  writeU16be(octets, start + 2, sum)
}

export function encodeIcmpv6(message: Icmpv6Message, pair: AddressPair): Uint8Array {
  const octets = new Uint8Array(ICMPV6_HEADER_OCTETS + message.payload.length)
  writeIcmpv6(octets, 0, message, pair)
  return octets
}
