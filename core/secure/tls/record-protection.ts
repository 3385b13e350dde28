/**
 * Sealed records (RFC 8446 section 5.2) and their keys (section 7.3).
 *
 *     record: application_data (1) ‖ 0x0303 (2) ‖ length (2) ‖ AEAD(content ‖ content type (1) ‖ zeros)
 *
 * The header is the associated data; the nonce is the static IV, its last 8 octets xored with the record's number.
 */
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { readU16be, writeU16be, writeU32be } from '../../base/octets.js'
import { openGcm, sealGcm } from '../aes-gcm.js'
import { sealedMemory } from '../sealed-memory.js'
import { contentTypes, RECORD_HEADER_OCTETS } from '../wire/tls-handshake.js'
import { cipherSuites, expandLabel, type CipherSuiteName } from './key-schedule.js'

const TAG_OCTETS = 16
const IV_OCTETS = 12
const LEGACY_VERSION = 0x0303

/** One direction's keys, and the number of its next record. */
export interface TrafficKeys {
  readonly suite: CipherSuiteName
  readonly secret: Uint8Array
  readonly key: Uint8Array
  readonly iv: Uint8Array
  sequence: number
}

export function trafficKeys(suite: CipherSuiteName, secret: Uint8Array): TrafficKeys {
  const { hash, keyOctets } = cipherSuites[suite]
  return {
    suite,
    secret,
    key: expandLabel(hash, secret, { label: 'key', length: keyOctets }),
    iv: expandLabel(hash, secret, { label: 'iv', length: IV_OCTETS }),
    sequence: 0,
  }
}

/** What a KeyUpdate changes them to (section 7.2). */
export function updatedKeys({ suite, secret }: TrafficKeys): TrafficKeys {
  return trafficKeys(suite, expandLabel(cipherSuites[suite].hash, secret, { label: 'traffic upd' }))
}

/** The next record, whole, of that inner content type. `content` has at most 2^14 octets. */
export function sealRecord(keys: TrafficKeys, contentType: number, content: Uint8Array): Uint8Array {
  const sealedOctets = content.length + 1 + TAG_OCTETS
  const record = new Uint8Array(RECORD_HEADER_OCTETS + sealedOctets)
  record[0] = contentTypes.application_data
  writeU16be(record, 1, LEGACY_VERSION)
  writeU16be(record, 3, sealedOctets)
  const associated = record.subarray(0, RECORD_HEADER_OCTETS)
  const sealed = record.subarray(RECORD_HEADER_OCTETS)
  const plain = new Uint8Array(content.length + 1)
  plain.set(content)
  plain[content.length] = contentType
  const nonce = nonceOf(keys.iv, keys.sequence++)
  sealed.set(sealAead(keys, nonce, associated, plain))
  sealedMemory.remember(keys.suite, keys.key, nonce, { associated, sealed, plain })
  return record
}

export interface OpenedRecord {
  /** 0 if there was none: nothing but padding. */
  readonly contentType: number
  readonly content: Uint8Array
}

/** Open the next record, given whole; null if the tag is wrong. */
export function openRecord(keys: TrafficKeys, record: Uint8Array): OpenedRecord | null {
  const plain = openSealed(keys, record)
  if (plain === null) return null
  keys.sequence++
  let end = plain.length
  while (end > 0 && plain[end - 1] === 0) end--
  return { contentType: plain[end - 1] ?? 0, content: plain.subarray(0, Math.max(0, end - 1)) }
}

function openSealed(keys: TrafficKeys, record: Uint8Array): Uint8Array | null {
  const associated = record.subarray(0, RECORD_HEADER_OCTETS)
  const sealed = record.slice(RECORD_HEADER_OCTETS)
  const nonce = nonceOf(keys.iv, keys.sequence)
  const known = sealedMemory.recall(keys.suite, keys.key, nonce, associated, sealed)
  if (known !== null) return known.slice()
  if (sealed.length < TAG_OCTETS) return null
  if (cipherSuites[keys.suite].cipher === 'aes-gcm') return openGcm(keys.key, nonce, associated, sealed)
  try {
    return chacha20poly1305(keys.key, nonce, associated).decrypt(sealed)
  } catch {
    // The lengths are right, so what the cipher refused is the tag.
    return null
  }
}

function sealAead(
  { suite, key }: TrafficKeys,
  nonce: Uint8Array,
  associated: Uint8Array,
  plain: Uint8Array,
): Uint8Array {
  return cipherSuites[suite].cipher === 'aes-gcm'
    ? sealGcm(key, nonce, associated, plain)
    : chacha20poly1305(key, nonce, associated).encrypt(plain)
}

function nonceOf(iv: Uint8Array, sequence: number): Uint8Array {
  const nonce = iv.slice()
  const high = Math.floor(sequence / 2 ** 32)
  writeU32be(nonce, 4, readU32(iv, 4) ^ high)
  writeU32be(nonce, 8, readU32(iv, 8) ^ (sequence >>> 0))
  return nonce
}

function readU32(octets: Uint8Array, offset: number): number {
  return (readU16be(octets, offset) << 16) | readU16be(octets, offset + 2)
}
