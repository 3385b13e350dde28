/**
 * ICMP (RFC 792): echo request and reply; other messages are kept as type, code and octets. Errors carry the header of the
 * packet that failed and the beginning of what was in it.
 *
 *   type 1 | code 1 | checksum 2 | identifier 2      | sequence 2          | payload     (echo)
 *   type 1 | code 1 | checksum 2 | unused 2          | next-hop MTU 2      | packet      (errors; RFC 1191 §4 for the MTU)
 *   type 1 | code 1 | checksum 2 | gateway address 4                       | packet      (redirect)
 */
import { WireError } from '../../base/errors.js'
import { readU16be, writeU16be } from '../../base/octets.js'
import { internetChecksum, onesComplementSum } from './checksum.js'

export const ICMP_HEADER_OCTETS = 8
export const ICMP_TYPE = {
  echoReply: 0,
  destinationUnreachable: 3,
  redirect: 5,
  echoRequest: 8,
  timeExceeded: 11,
  parameterProblem: 12,
} as const

/** Codes of destination unreachable (RFC 792, RFC 1812 §5.2.7.1). */
export const ICMP_UNREACHABLE = {
  net: 0,
  host: 1,
  protocol: 2,
  port: 3,
  fragmentationNeeded: 4,
  prohibited: 13,
} as const

export interface IcmpMessage {
  readonly type: number
  readonly code: number
  /** Of an echo; in other messages whatever stands in that place. */
  readonly identifier: number
  readonly sequence: number
  readonly payload: Uint8Array
}

/** `payload` is a view. Throws `WireError` on a wrong checksum. */
export function decodeIcmp(octets: Uint8Array): IcmpMessage {
  if (octets.length < ICMP_HEADER_OCTETS) throw new WireError('icmp', octets.length, 'shorter than its 8-octet header')
  if (onesComplementSum(octets, 0, octets.length) !== 0xffff) throw new WireError('icmp', 2, 'checksum is wrong')
  return {
    type: octets[0] ?? 0,
    code: octets[1] ?? 0,
    identifier: readU16be(octets, 4),
    sequence: readU16be(octets, 6),
    payload: octets.subarray(ICMP_HEADER_OCTETS),
  }
}

/** Writes the message at `start` of `octets`, with its checksum. */
export function writeIcmp(octets: Uint8Array, start: number, message: IcmpMessage): void {
  octets[start] = message.type
  octets[start + 1] = message.code
  writeU16be(octets, start + 2, 0)
  writeU16be(octets, start + 4, message.identifier)
  writeU16be(octets, start + 6, message.sequence)
  octets.set(message.payload, start + ICMP_HEADER_OCTETS)
  const end = start + ICMP_HEADER_OCTETS + message.payload.length
  writeU16be(octets, start + 2, internetChecksum(octets, start, end))
}

export function encodeIcmp(message: IcmpMessage): Uint8Array {
  const octets = new Uint8Array(ICMP_HEADER_OCTETS + message.payload.length)
  writeIcmp(octets, 0, message)
  return octets
}
