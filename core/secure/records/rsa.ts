/**
 * RSA that wraps a session key (RFC 8017): RSAES-OAEP with SHA-256 (section 7.1), and textbook RSA, the bare power of
 * section 5.1.1 without padding. Primality, MGF1, modular powers and OAEP's opening are micro-rsa-dsa-dh's; its making of
 * keys and OAEP's sealing take the system's random octets, so these are here, over a seeded stream.
 *
 * The public exponent is 3, which OAEP allows and textbook RSA does not forgive: a session key of 256 bits cubed has
 * at most 768, less than the modulus, so its cube root over the whole numbers is the key.
 */
import { RSA_MODULUS_OCTETS } from '../wire/records.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { bailliePSW } from 'micro-rsa-dsa-dh/primality.js'
import { mgf1, OAEP, type PrivateKey, type PublicKey } from 'micro-rsa-dsa-dh/rsa.js'
import { I2OSP, invert, OS2IP, pow } from 'micro-rsa-dsa-dh/utils.js'
import { assert } from '../../base/errors.js'
import { concatOctets, hexOf } from '../../base/octets.js'
import { RandomStream } from '../../kernel/random.js'
import type { RandomOctets } from '../channel.js'

export const RSA_EXPONENT = 3
const HASH_OCTETS = 32
/** Keys that are kept, so that each is made once: two primes take a quarter of a second. */
const KEYS_KEPT_MAX = 16

export type RsaPublicKey = PublicKey
export type RsaSecretKey = PrivateKey & PublicKey
export type RsaPadding = 'oaep' | 'textbook'

const keysMade = new Map<string, RsaSecretKey>()

/** The key of 2048 bits that belongs to `seed`; the same seed gives the same key. */
export function rsaKeyOf(seed: Uint8Array): RsaSecretKey {
  const name = hexOf(seed)
  const known = keysMade.get(name)
  if (known !== undefined) return known
  const random = new RandomStream(`rsa key ${name}`)
  const e = BigInt(RSA_EXPONENT)
  const p = randomPrime(random)
  let q = randomPrime(random)
  while (q === p) q = randomPrime(random)
  const key = { n: p * q, e, d: invert(e, (p - 1n) * (q - 1n)) }
  for (const oldest of keysMade.keys()) if (keysMade.size >= KEYS_KEPT_MAX) keysMade.delete(oldest)
  keysMade.set(name, key)
  return key
}

/** `secret` wrapped for the owner of `key`: 256 octets. */
export function wrapSecret(
  padding: RsaPadding,
  key: RsaPublicKey,
  secret: Uint8Array,
  random: RandomOctets,
): Uint8Array {
  const message = padding === 'oaep' ? encodeOaep(secret, random.octets(HASH_OCTETS)) : secret
  return I2OSP(pow(OS2IP(message), key.e, key.n), RSA_MODULUS_OCTETS)
}

/** Null where OAEP's padding is wrong. Textbook RSA has nothing that could be: its last `octetCount` octets are taken. */
export function unwrapSecret(
  padding: RsaPadding,
  key: RsaSecretKey,
  wrapped: Uint8Array,
  octetCount: number,
): Uint8Array | null {
  const number = OS2IP(wrapped)
  if (number >= key.n) return null
  if (padding === 'textbook') return I2OSP(pow(number, key.d, key.n), RSA_MODULUS_OCTETS).slice(-octetCount)
  try {
    const secret = OAEP(sha256, mgf1(sha256)).decrypt(key, wrapped)
    return secret.length === octetCount ? secret : null
  } catch {
    return null
  }
}

export function modulusOctets({ n }: RsaPublicKey): Uint8Array {
  return I2OSP(n, RSA_MODULUS_OCTETS)
}

/** EME-OAEP (RFC 8017 section 7.1.1 step 2) with an empty label; `seed` is 32 random octets. */
export function encodeOaep(message: Uint8Array, seed: Uint8Array): Uint8Array {
  const paddingOctets = RSA_MODULUS_OCTETS - message.length - 2 * HASH_OCTETS - 2
  assert(paddingOctets >= 0 && seed.length === HASH_OCTETS, `OAEP cannot hold ${message.length} octets`)
  const block = concatOctets([sha256(new Uint8Array(0)), new Uint8Array(paddingOctets), Uint8Array.of(1), message])
  const maskedBlock = xor(block, mgf1(sha256)(seed, { dkLen: block.length }))
  const maskedSeed = xor(seed, mgf1(sha256)(maskedBlock, { dkLen: HASH_OCTETS }))
  return concatOctets([Uint8Array.of(0), maskedSeed, maskedBlock])
}

const smallPrimes = primesBelow(2000)

/**
 * A prime of 1024 bits, of which the upper two are set, that is 2 modulo 3: else 3 would have no inverse. The next one
 * above a random number; what a small prime divides is passed over before the test, which is Baillie and PSW's.
 */
function randomPrime(random: RandomOctets): bigint {
  const octets = random.octets(RSA_MODULUS_OCTETS / 2)
  octets[0] = (octets[0] as number) | 0xc0
  octets[octets.length - 1] = (octets[octets.length - 1] as number) | 1
  const first = OS2IP(octets)
  const rests = smallPrimes.map((prime) => Number(first % BigInt(prime)))
  for (let step = 0; ; step += 2) {
    if (((rests[0] as number) + step) % 3 !== 2) continue
    if (smallPrimes.some((prime, index) => ((rests[index] as number) + step) % prime === 0)) continue
    const candidate = first + BigInt(step)
    if (bailliePSW(candidate)) return candidate
  }
}

/** Odd ones, 3 first. */
function primesBelow(limit: number): number[] {
  const primes: number[] = []
  for (let n = 3; n < limit; n += 2) if (primes.every((prime) => n % prime !== 0)) primes.push(n)
  return primes
}

function xor(a: Uint8Array, b: Uint8Array): Uint8Array {
  return a.map((octet, index) => octet ^ (b[index] as number))
}
