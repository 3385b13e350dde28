/**
 * What stands around a command to a host's management controller, so that the controller may know whose it is. The format is
 * Midstream's own; its schemes are those that products and home-made tools use, the weak ones too.
 *
 *      0                   1                   2                   3
 *      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
 *     +---------------------------------------------------------------+
 *   0 |                         magic "MGCM"                          |
 *     +---------------+---------------+---------------+---------------+
 *   4 |  version = 1  |     kind      |    scheme     |  proof octets |
 *     +---------------+---------------+---------------+---------------+
 *   8 |   stamp (64 bits): nanoseconds of the sender's clock, or the   |
 *  12 |   challenge that is answered, or 0                            |
 *     +-------------------------------+-------------------------------+
 *  16 |        payload octets         |  payload ...
 *     +-------------------------------+
 *         then the proof: the token itself, or HMAC-SHA-256 over all that stands before it
 */
import { WireError } from '../../base/errors.js'
import { OctetReader, OctetWriter, readU32be } from '../../base/octets.js'

/**
 * How a command proves itself: not at all, by a secret that stands in it, by a signature alone, by one over the time, or by one over
 * a number that the receiver has just thought of.
 */
export const commandSchemes = ['none', 'token', 'signature', 'timestamp', 'nonce'] as const
export type CommandScheme = (typeof commandSchemes)[number]

const kinds = ['command', 'ask-challenge', 'challenge'] as const

export interface GuardedCommand {
  readonly kind: (typeof kinds)[number]
  readonly scheme: CommandScheme
  readonly stamp: number
  readonly payload: Uint8Array
  readonly proof: Uint8Array
}

const PROTOCOL = 'guarded-command'
const MAGIC = 0x4d47434d
const VERSION = 1
const PAYLOAD_OCTETS_MAX = 1024

export function encodeGuarded({ kind, scheme, stamp, payload, proof }: GuardedCommand): Uint8Array {
  const out = new OctetWriter(32 + payload.length).u32(MAGIC).u8(VERSION).u8(kinds.indexOf(kind))
  out.u8(commandSchemes.indexOf(scheme)).u8(proof.length).u64(stamp).u16(payload.length)
  return out.octets(payload).octets(proof).take()
}

/** Whether it begins as one. */
export function isGuarded(datagram: Uint8Array): boolean {
  return datagram.length >= 4 && readU32be(datagram, 0) === MAGIC
}

/** Throws `WireError`. `covered` is what the proof is over. */
export function decodeGuarded(datagram: Uint8Array): GuardedCommand & { readonly covered: Uint8Array } {
  const input = new OctetReader(datagram, PROTOCOL)
  if (input.u32('magic') !== MAGIC) throw new WireError(PROTOCOL, 0, 'is no guarded command')
  if (input.u8('version') !== VERSION) throw new WireError(PROTOCOL, 4, 'of a version that is not known')
  const kind = kinds[input.u8('kind')]
  if (kind === undefined) throw new WireError(PROTOCOL, 5, 'of a kind that is not known')
  const scheme = commandSchemes[input.u8('scheme')]
  if (scheme === undefined) throw new WireError(PROTOCOL, 6, 'of a scheme that is not known')
  const proofOctets = input.u8('proof length')
  const stamp = input.u64('stamp')
  if (!Number.isSafeInteger(stamp)) throw new WireError(PROTOCOL, 8, 'a stamp of over 2^53')
  const payloadOctets = input.u16('payload length')
  if (payloadOctets > PAYLOAD_OCTETS_MAX) throw new WireError(PROTOCOL, 16, `a payload of ${payloadOctets} octets`)
  const payload = input.view(payloadOctets, 'payload')
  const covered = datagram.subarray(0, input.offset)
  const proof = input.view(proofOctets, 'proof')
  if (input.remaining > 0) throw new WireError(PROTOCOL, input.offset, `${input.remaining} octets too many`)
  return { kind, scheme, stamp, payload, proof, covered }
}
