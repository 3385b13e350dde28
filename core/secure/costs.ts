/**
 * What cryptography costs a host, in nanoseconds of one core.
 *
 * A channel counts what it does (`CipherWork`). A table (`CostTable`) says what each thing costs on one kind of host, every
 * figure with its source; the tables at hand are in `cost-tables.ts`, and `midstream calibrate` measures another. One cipher's
 * part of a table is `CipherCosts`: with it the work is priced.
 */
import type { Nanos } from '../base/units.js'
import { costTables } from './cost-tables.js'

/** Operations a channel did: plain counts. */
export interface CipherWork {
  /** Octets sealed or opened, record headers and padding included. */
  octets: number
  /** Records sealed or opened. */
  records: number
  /** Variable-base x25519 multiplications, and multiplications of the base point (a key pair made). */
  x25519Shared: number
  x25519Base: number
  ed25519Signed: number
  ed25519Verified: number
  /** Operations with the public exponent and with the secret one, of a modulus of 2048 bits. A public one is priced as if it
   * were 65537. */
  rsaPublic: number
  rsaPrivate: number
  /** Octets hashed for key derivation and exchange hashes. */
  hashedOctets: number
  /** Octets copied through a loopback connection between a proxy and the program it serves. */
  loopbackOctets: number
}

export interface CipherCosts {
  readonly nsPerOctet: number
  readonly nsPerRecord: Nanos
  readonly x25519SharedNs: Nanos
  readonly x25519BaseNs: Nanos
  readonly ed25519SignNs: Nanos
  readonly ed25519VerifyNs: Nanos
  readonly rsaPublicNs: Nanos
  readonly rsaPrivateNs: Nanos
  readonly nsPerHashedOctet: number
  readonly nsPerLoopbackOctet: number
}

export const cipherNames = [
  'xsalsa20-poly1305',
  'chacha20-poly1305',
  'aes-128-gcm',
  'aes-256-gcm',
  'aes-128-ecb',
  'aes-256-cbc',
  'aes-256-ctr',
  'des-cbc',
  '3des-cbc',
  'rc4',
] as const
export type CipherName = (typeof cipherNames)[number]

export const operationNames = [
  'x25519-shared',
  'x25519-base',
  // NaCl's own x25519, crypto_scalarmult: another library has another speed.
  'nacl-scalarmult',
  'ed25519-sign',
  'ed25519-verify',
  'rsa-2048-public',
  'rsa-2048-private',
] as const
export type OperationName = (typeof operationNames)[number]

/** What goes over octets and has no records. NaCl's crypto_hash is SHA-512. */
export const streamedNames = ['sha-256', 'nacl-hash', 'loopback'] as const
export type StreamedName = (typeof streamedNames)[number]

export interface RecordFigure {
  readonly nsPerOctet: number
  /** On top of its octets. */
  readonly nsPerRecord: number
  readonly source: string
}

export interface OperationFigure {
  readonly ns: number
  readonly source: string
}

export interface StreamedFigure {
  readonly nsPerOctet: number
  readonly source: string
}

/** One kind of host. */
export interface CostTable {
  readonly title: string
  readonly ciphers: Readonly<Record<CipherName, RecordFigure>>
  readonly operations: Readonly<Record<OperationName, OperationFigure>>
  readonly streamed: Readonly<Record<StreamedName, StreamedFigure>>
}

/** What a channel with `cipher` pays on the host of `table`. XSalsa20-Poly1305 comes with the rest of NaCl. */
export function costsOf(table: CostTable, cipher: CipherName): CipherCosts {
  const { ciphers, operations, streamed } = table
  const { nsPerOctet, nsPerRecord } = ciphers[cipher]
  const isNacl = cipher === 'xsalsa20-poly1305'
  return Object.freeze({
    nsPerOctet,
    nsPerRecord,
    x25519SharedNs: operations[isNacl ? 'nacl-scalarmult' : 'x25519-shared'].ns,
    x25519BaseNs: operations[isNacl ? 'nacl-scalarmult' : 'x25519-base'].ns,
    ed25519SignNs: operations['ed25519-sign'].ns,
    ed25519VerifyNs: operations['ed25519-verify'].ns,
    rsaPublicNs: operations['rsa-2048-public'].ns,
    rsaPrivateNs: operations['rsa-2048-private'].ns,
    nsPerHashedOctet: streamed[isNacl ? 'nacl-hash' : 'sha-256'].nsPerOctet,
    nsPerLoopbackOctet: streamed.loopback.nsPerOctet,
  })
}

/** Where a host has not been chosen: what this program itself needs. */
export function libraryCosts(cipher: CipherName): CipherCosts {
  return costsOf(costTables.libraries, cipher)
}

export function noWork(): CipherWork {
  return {
    octets: 0,
    records: 0,
    x25519Shared: 0,
    x25519Base: 0,
    ed25519Signed: 0,
    ed25519Verified: 0,
    rsaPublic: 0,
    rsaPrivate: 0,
    hashedOctets: 0,
    loopbackOctets: 0,
  }
}

/** Core time for `work`, in whole nanoseconds. */
export function priceOf(work: CipherWork, costs: CipherCosts): Nanos {
  return Math.round(
    work.octets * costs.nsPerOctet +
      work.records * costs.nsPerRecord +
      work.x25519Shared * costs.x25519SharedNs +
      work.x25519Base * costs.x25519BaseNs +
      work.ed25519Signed * costs.ed25519SignNs +
      work.ed25519Verified * costs.ed25519VerifyNs +
      work.rsaPublic * costs.rsaPublicNs +
      work.rsaPrivate * costs.rsaPrivateNs +
      work.hashedOctets * costs.nsPerHashedOctet +
      work.loopbackOctets * costs.nsPerLoopbackOctet,
  )
}
