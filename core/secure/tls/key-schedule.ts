/**
 * The key schedule of TLS 1.3 (RFC 8446 section 7.1) and the suites' parameters (appendix B.4).
 *
 *     0 → HKDF-Extract(PSK) = Early Secret → Derive-Secret "derived"
 *       → HKDF-Extract(x25519) = Handshake Secret → Derive-Secret "derived"
 *       → HKDF-Extract(0) = Master Secret
 */
import { expand, extract } from '@noble/hashes/hkdf.js'
import { hmac } from '@noble/hashes/hmac.js'
import { sha256, sha384 } from '@noble/hashes/sha2.js'
import { concatOctets, latin1Octets } from '../../base/octets.js'
import { TlsWriter } from '../wire/tls-handshake.js'

export type TlsHash = 'sha256' | 'sha384'
const hashes = { sha256, sha384 } as const
const hashOctets: Readonly<Record<TlsHash, number>> = { sha256: 32, sha384: 48 }
/** What one HMAC of a short message hashes: two padded keys, the message, the inner hash. */
const HMAC_OCTETS: Readonly<Record<TlsHash, number>> = { sha256: 256, sha384: 512 }

/** Best first, as OpenSSL and GnuTLS have them. */
export const cipherSuiteNames = [
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
  'TLS_AES_128_GCM_SHA256',
] as const
export type CipherSuiteName = (typeof cipherSuiteNames)[number]

interface CipherSuite {
  readonly number: number
  readonly hash: TlsHash
  readonly cipher: 'aes-gcm' | 'chacha20-poly1305'
  readonly keyOctets: number
}

export const cipherSuites: Readonly<Record<CipherSuiteName, CipherSuite>> = {
  TLS_AES_128_GCM_SHA256: { number: 0x1301, hash: 'sha256', cipher: 'aes-gcm', keyOctets: 16 },
  TLS_AES_256_GCM_SHA384: { number: 0x1302, hash: 'sha384', cipher: 'aes-gcm', keyOctets: 32 },
  TLS_CHACHA20_POLY1305_SHA256: { number: 0x1303, hash: 'sha256', cipher: 'chacha20-poly1305', keyOctets: 32 },
}

/** Undefined for a suite that is not spoken here. */
export function cipherSuiteOf(number: number): CipherSuiteName | undefined {
  return cipherSuiteNames.find((name) => cipherSuites[name].number === number)
}

export function digest(hash: TlsHash, octets: Uint8Array): Uint8Array {
  return hashes[hash](octets)
}

/** HKDF-Expand-Label of section 7.1. */
export function expandLabel(
  hash: TlsHash,
  secret: Uint8Array,
  { label, context = new Uint8Array(0), length = hashOctets[hash] }: ExpandInput,
): Uint8Array {
  const info = new TlsWriter()
    .u16(length)
    .vector8(latin1Octets(`tls13 ${label}`))
    .vector8(context)
    .take()
  return expand(hashes[hash], secret, info, length)
}

export interface ExpandInput {
  /** Without `tls13 `. */
  readonly label: string
  readonly context?: Uint8Array
  /** Octets; those of the hash if absent. */
  readonly length?: number
}

/** verify_data of a Finished (section 4.4.4) and a PSK's binder (section 4.2.11.2). */
export function finishedMac(hash: TlsHash, baseKey: Uint8Array, transcriptHash: Uint8Array): Uint8Array {
  return hmac(hashes[hash], expandLabel(hash, baseKey, { label: 'finished' }), transcriptHash)
}

/** The secret of the stage reached, and what follows from it. */
export class KeySchedule {
  /** Hashed since the last `takeHashedOctets`. */
  private hashedOctets = 0
  private secret: Uint8Array

  /** At the Early Secret; without a pre-shared key, of zeros. */
  constructor(
    readonly hash: TlsHash,
    psk: Uint8Array | null = null,
  ) {
    this.secret = this.extract(new Uint8Array(hashOctets[hash]), psk ?? new Uint8Array(hashOctets[hash]))
  }

  /** To the Handshake Secret, with the key agreed on, and to the Master Secret, with null. */
  advance(shared: Uint8Array | null): void {
    const salt = this.derive('derived', digest(this.hash, new Uint8Array(0)))
    this.secret = this.extract(salt, shared ?? new Uint8Array(hashOctets[this.hash]))
  }

  /** Derive-Secret, with the messages' hash. */
  derive(label: string, transcriptHash: Uint8Array): Uint8Array {
    this.hashedOctets += HMAC_OCTETS[this.hash]
    return expandLabel(this.hash, this.secret, { label, context: transcriptHash })
  }

  /** The key of an external PSK's binder. */
  binderKey(): Uint8Array {
    return this.derive('ext binder', digest(this.hash, new Uint8Array(0)))
  }

  finished(baseKey: Uint8Array, transcriptHash: Uint8Array): Uint8Array {
    this.hashedOctets += 2 * HMAC_OCTETS[this.hash]
    return finishedMac(this.hash, baseKey, transcriptHash)
  }

  takeHashedOctets(): number {
    const { hashedOctets } = this
    this.hashedOctets = 0
    return hashedOctets
  }

  private extract(salt: Uint8Array, keyMaterial: Uint8Array): Uint8Array {
    this.hashedOctets += HMAC_OCTETS[this.hash]
    return extract(hashes[this.hash], keyMaterial, salt)
  }
}

/** The handshake messages so far, each with its head of type and length (section 4.4.1). */
export class Transcript {
  private messages: Uint8Array[] = []

  add(message: Uint8Array): void {
    this.messages.push(message)
  }

  /** Of what was added, and of `more` behind it. */
  hash(hash: TlsHash, more: Uint8Array = new Uint8Array(0)): Uint8Array {
    return digest(hash, concatOctets([...this.messages, more]))
  }

  /** After a HelloRetryRequest the first ClientHello counts as its hash. */
  replaceByHash(hash: TlsHash): void {
    const messageHash = this.hash(hash)
    this.messages = [concatOctets([Uint8Array.of(254, 0, 0, messageHash.length), messageHash])]
  }
}
