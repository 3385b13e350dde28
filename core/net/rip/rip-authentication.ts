/**
 * Keyed authentication of RIPv2 with HMAC-SHA-256 (RFC 4822). It shows that an announcement comes from somebody with the key
 * and, by a sequence number that only grows, that it is not an old one again.
 */
import { hmac } from '@noble/hashes/hmac.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { equalOctets, writeU32be } from '../../base/octets.js'
import { encodeRip, type RipMessage } from '../wire/rip.js'

export interface RipKey {
  readonly keyId: number
  /** At most 32 octets. */
  readonly octets: Uint8Array
}

const DIGEST_OCTETS = 32
const APAD = 0x878f_e1f3

/** The message's octets with a digest under `key`. */
export function encodeSignedRip(message: RipMessage, { keyId, octets: key }: RipKey, sequence: number): Uint8Array {
  const digest = new Uint8Array(DIGEST_OCTETS)
  for (let at = 0; at < DIGEST_OCTETS; at += 4) writeU32be(digest, at, APAD)
  const octets = encodeRip({ ...message, authentication: { keyId, sequence, digest } })
  octets.set(hmac(sha256, key, octets), octets.length - DIGEST_OCTETS)
  return octets
}

/** Whether `octets`, which decode to `message`, were made with `key`. */
export function isSigned(octets: Uint8Array, { authentication }: RipMessage, { keyId, octets: key }: RipKey): boolean {
  if (authentication?.keyId !== keyId || authentication.digest.length !== DIGEST_OCTETS) return false
  const padded = octets.slice()
  for (let at = octets.length - DIGEST_OCTETS; at < octets.length; at += 4) writeU32be(padded, at, APAD)
  return equalOctets(hmac(sha256, key, padded), authentication.digest)
}
