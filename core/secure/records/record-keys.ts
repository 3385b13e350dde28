/**
 * The keys that come of how a record channel begins (core/secure/wire/records.ts).
 *
 * Nothing is negotiated: both say what they were told to use, and whoever hears something else refuses. The keys are
 * HKDF-SHA256 (RFC 5869) of the secret (the hosts' pre-shared key, or what RSA wrapped), the salt being SHA-256 of both
 * hellos, and the info `midstream records`, the channel's name, and `key` or `iv` with the direction. So other hellos,
 * other keys. A DES key may have fewer secret bits than 56; the rest are the first bits of that salt, which everybody on
 * the path can compute, as SSL 2.0 sent the rest of an export key in clear (its CLEAR-KEY-DATA).
 */
import { hkdf } from '@noble/hashes/hkdf.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { concatOctets, utf8Octets } from '../../base/octets.js'
import { limitDesKey } from './reduced-des-key.js'
import { recordSuites, type RecordHello, type RecordSuite } from '../wire/records.js'
import { recordCiphers } from './record-ciphers.js'

export interface DirectionKey {
  readonly key: Uint8Array
  /** The first IV, where IVs are counted on both ends. */
  readonly iv: Uint8Array
}

/** What anybody who saw the hellos knows: the salt of all keys. */
export function saltOf(clientHello: Uint8Array, serverHello: Uint8Array): Uint8Array {
  return sha256(concatOctets([clientHello, serverHello]))
}

export function deriveKey(
  { name, secretKeyBits }: RecordHello,
  secret: Uint8Array,
  salt: Uint8Array,
  direction: 'to server' | 'to client',
): DirectionKey {
  const suite: RecordSuite = recordSuites[name]
  const { keyOctets, ivOctets } = recordCiphers[suite.cipher]
  const derive = (what: string, octets: number): Uint8Array =>
    hkdf(sha256, secret, salt, utf8Octets(`midstream records ${name} ${what} ${direction}`), octets)
  const key = derive('key', keyOctets)
  return {
    key: suite.cipher === 'des-cbc' ? limitDesKey(key, secretKeyBits, salt) : key,
    iv: derive('iv', Math.max(1, ivOctets)),
  }
}
