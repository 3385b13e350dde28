/**
 * The ciphers of the record layer, as a table: how each seals and opens one record's body.
 *
 * ECB, CBC, CTR: NIST SP 800-38A. GCM: SP 800-38D. ChaCha20-Poly1305: RFC 8439. DES, Triple DES: FIPS 46-3, SP 800-67.
 */
import { cbc, ctr, ecb } from '@noble/ciphers/aes.js'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { concatOctets } from '../../base/octets.js'
import { openGcm, sealGcm } from '../aes-gcm.js'
import { recordForms, type RecordCipherName, type RecordForm } from '../wire/records.js'
import { DES_KEY_OCTETS, openDesCbc, sealDesCbc, TRIPLE_DES_KEY_OCTETS } from './des.js'

/** What one record is sealed under. */
export interface RecordInput {
  readonly key: Uint8Array
  readonly iv: Uint8Array
  /** Authenticated, not sealed; only ciphers with a tag look at it. */
  readonly associated: Uint8Array
}

export interface RecordCipher extends RecordForm {
  readonly keyOctets: number
  /** `plain` is padded. */
  readonly seal: (input: RecordInput, plain: Uint8Array) => Uint8Array
  /** Padded, as it was sealed; null when the tag is wrong. */
  readonly open: (input: RecordInput, sealed: Uint8Array) => Uint8Array | null
}

const bare = { disablePadding: true }

const desCbc: Pick<RecordCipher, 'seal' | 'open'> = {
  seal: ({ key, iv }, plain) => sealDesCbc(key, iv, plain),
  open: ({ key, iv }, sealed) => openDesCbc(key, iv, sealed),
}

export const recordCiphers: Readonly<Record<RecordCipherName, RecordCipher>> = {
  'aes-128-ecb': {
    ...recordForms['aes-128-ecb'],
    keyOctets: 16,
    seal: ({ key }, plain) => ecb(key, bare).encrypt(plain),
    open: ({ key }, sealed) => ecb(key, bare).decrypt(sealed),
  },
  'aes-256-cbc': {
    ...recordForms['aes-256-cbc'],
    keyOctets: 32,
    seal: ({ key, iv }, plain) => cbc(key, iv, bare).encrypt(plain),
    open: ({ key, iv }, sealed) => cbc(key, iv, bare).decrypt(sealed),
  },
  'aes-256-ctr': {
    ...recordForms['aes-256-ctr'],
    keyOctets: 32,
    seal: ({ key, iv }, plain) => ctr(key, iv).encrypt(plain),
    open: ({ key, iv }, sealed) => ctr(key, iv).decrypt(sealed),
  },
  'aes-256-gcm': {
    ...recordForms['aes-256-gcm'],
    keyOctets: 32,
    seal: ({ key, iv, associated }, plain) => sealGcm(key, iv, associated, plain),
    open: ({ key, iv, associated }, sealed) => openGcm(key, iv, associated, sealed),
  },
  'chacha20-poly1305': {
    ...recordForms['chacha20-poly1305'],
    keyOctets: 32,
    seal: ({ key, iv, associated }, plain) => chacha20poly1305(key, iv, associated).encrypt(plain),
    open: ({ key, iv, associated }, sealed) => orNull(() => chacha20poly1305(key, iv, associated).decrypt(sealed)),
  },
  'des-cbc': { ...recordForms['des-cbc'], ...desCbc, keyOctets: DES_KEY_OCTETS },
  '3des-cbc': { ...recordForms['3des-cbc'], ...desCbc, keyOctets: TRIPLE_DES_KEY_OCTETS },
}

/** PKCS#7 (RFC 5652 section 6.3): 1 to `blockOctets` octets, each of which says how many. A copy; with 1, `plain` itself. */
export function padToBlocks(plain: Uint8Array, blockOctets: number): Uint8Array {
  if (blockOctets === 1) return plain
  const count = blockOctets - (plain.length % blockOctets)
  return concatOctets([plain, new Uint8Array(count).fill(count)])
}

/** What was padded, a view; null when the padding is not as it must be. */
export function unpadBlocks(padded: Uint8Array, blockOctets: number): Uint8Array | null {
  if (blockOctets === 1) return padded
  const count = padded[padded.length - 1] ?? 0
  if (count < 1 || count > blockOctets || count > padded.length) return null
  const payload = padded.subarray(0, padded.length - count)
  return padded.subarray(payload.length).every((octet) => octet === count) ? payload : null
}

/** The library throws when a tag is wrong. Lengths are checked before, so that nothing else can be meant. */
function orNull(open: () => Uint8Array): Uint8Array | null {
  try {
    return open()
  } catch {
    return null
  }
}
