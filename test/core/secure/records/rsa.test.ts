/** RSA that wraps a session key: held to OpenSSL as Node has it. */
import { constants, createPrivateKey, createPublicKey, privateDecrypt, publicEncrypt } from 'node:crypto'
import { invert } from 'micro-rsa-dsa-dh/utils.js'
import { describe, expect, it } from 'vitest'
import { RandomStream } from '../../../../core/kernel/random.js'
import { modulusOctets, RSA_EXPONENT, rsaKeyOf, unwrapSecret, wrapSecret } from '../../../../core/secure/records/rsa.js'
import { RSA_MODULUS_OCTETS } from '../../../../core/secure/wire/records.js'

const key = rsaKeyOf(new Uint8Array(32).fill(7))
const random = new RandomStream('rsa test')
const secret = random.octets(32)
const base64 = (number: bigint): string => {
  const hex = number.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url')
}
const publicKey = createPublicKey({ key: { kty: 'RSA', n: base64(key.n), e: base64(key.e) }, format: 'jwk' })
const oaep = { padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }

/** Any exponent pair gives the factors away: a number whose square is 1 without being 1 shares one with the modulus. */
function factorOf(): bigint {
  const power = (base: bigint, exponent: bigint): bigint => {
    let result = 1n
    for (let b = base, e = exponent; e > 0n; e >>= 1n, b = (b * b) % key.n) if (e & 1n) result = (result * b) % key.n
    return result
  }
  const divisor = (a: bigint, b: bigint): bigint => (b === 0n ? a : divisor(b, a % b))
  let odd = key.e * key.d - 1n
  let twos = 0
  for (; odd % 2n === 0n; odd >>= 1n) twos++
  for (let base = 2n; ; base++) {
    let square = power(base, odd)
    for (let step = 0; step < twos; step++) {
      const next = (square * square) % key.n
      if (next === 1n && square !== 1n && square !== key.n - 1n) return divisor(square - 1n, key.n)
      square = next
    }
  }
}

function opensslSecretKey() {
  const p = factorOf()
  const q = key.n / p
  const parts = { n: key.n, e: key.e, d: key.d, p, q, dp: key.d % (p - 1n), dq: key.d % (q - 1n), qi: invert(q, p) }
  const jwk = Object.fromEntries(Object.entries(parts).map(([name, number]) => [name, base64(number)]))
  return createPrivateKey({ key: { kty: 'RSA', ...jwk }, format: 'jwk' })
}

describe('an RSA key', () => {
  it('has 2048 bits and the exponent 3, and is the same for the same seed', () => {
    expect(key.n.toString(2)).toHaveLength(8 * RSA_MODULUS_OCTETS)
    expect(key.e).toBe(BigInt(RSA_EXPONENT))
    expect(rsaKeyOf(new Uint8Array(32).fill(7)).n).toBe(key.n)
    expect(modulusOctets(key)).toHaveLength(RSA_MODULUS_OCTETS)
  })
})

describe('OAEP', () => {
  it('is opened by OpenSSL, and opens what OpenSSL wrapped', () => {
    const wrapped = wrapSecret('oaep', key, secret, random)
    expect(new Uint8Array(privateDecrypt({ key: opensslSecretKey(), ...oaep }, wrapped))).toEqual(secret)
    const theirs = new Uint8Array(publicEncrypt({ key: publicKey, ...oaep }, secret))
    expect(unwrapSecret('oaep', key, theirs, secret.length)).toEqual(secret)
  })

  it('refuses what was changed, what is too long and what wraps another length', () => {
    const wrapped = wrapSecret('oaep', key, secret, random)
    for (const at of [1, 100, 255]) {
      const changed = wrapped.slice()
      changed[at]! ^= 1
      expect(unwrapSecret('oaep', key, changed, secret.length)).toBeNull()
    }
    expect(unwrapSecret('oaep', key, new Uint8Array(RSA_MODULUS_OCTETS).fill(255), secret.length)).toBeNull()
    expect(unwrapSecret('oaep', key, wrapped, 16)).toBeNull()
  })
})

describe('textbook RSA', () => {
  it('is the bare power, as OpenSSL has it, and takes anything', () => {
    const padded = Buffer.concat([Buffer.alloc(RSA_MODULUS_OCTETS - secret.length), secret])
    const wrapped = wrapSecret('textbook', key, secret, random)
    const theirs = publicEncrypt({ key: publicKey, padding: constants.RSA_NO_PADDING }, padded)
    expect(Buffer.from(wrapped).equals(theirs)).toBe(true)
    expect(unwrapSecret('textbook', key, wrapped, secret.length)).toEqual(secret)
    wrapped[200]! ^= 1
    expect(unwrapSecret('textbook', key, wrapped, secret.length)).not.toEqual(secret)
  })
})
