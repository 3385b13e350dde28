/**
 * What was sealed a moment ago, so that opening it need not compute it again.
 *
 * Source and destination live in one process, and ciphers in JavaScript are slow. Sealing is a function: when the very
 * octets it gave arrive, under the same key, nonce and associated data, what comes out of opening them is known. Every
 * octet is compared first; a changed, cut, replayed or foreign record is opened by the cipher as everywhere else. So
 * nothing that anybody can observe depends on this memory, only the wall time; the core time that opening costs its host
 * is booked all the same. It holds copies, belongs to no session, and forgets the oldest beyond a few mebibytes.
 */
import { equalOctets, latin1Text } from '../base/octets.js'

/** Copies of sealed and plain octets together, at most. */
const REMEMBERED_OCTETS_MAX = 32 * 1024 * 1024

interface SealedRecord {
  readonly associated: Uint8Array
  readonly sealed: Uint8Array
  readonly plain: Uint8Array
}

export class SealedMemory {
  /** By cipher, key and nonce; the oldest first. */
  private readonly records = new Map<string, SealedRecord>()
  private heldOctets = 0

  /** Nothing is remembered with 0: then ciphers open everything. */
  constructor(public octetsMax = REMEMBERED_OCTETS_MAX) {}

  /** `sealed` is what the cipher made of `plain`. All are copied. */
  remember(cipher: string, key: Uint8Array, nonce: Uint8Array, { associated, sealed, plain }: SealedRecord): void {
    const name = nameOf(cipher, key, nonce)
    this.forget(name)
    this.records.set(name, { associated: associated.slice(), sealed: sealed.slice(), plain: plain.slice() })
    this.heldOctets += sealed.length + plain.length
    for (const oldest of this.records.keys()) {
      if (this.heldOctets <= this.octetsMax) break
      this.forget(oldest)
    }
  }

  /** What opening `sealed` gives, the caller's to keep; null if the cipher must be asked. Answers once. */
  recall(
    cipher: string,
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | null {
    const name = nameOf(cipher, key, nonce)
    const record = this.records.get(name)
    if (record === undefined || !equalOctets(record.sealed, sealed) || !equalOctets(record.associated, associated))
      return null
    this.forget(name)
    return record.plain
  }

  private forget(name: string): void {
    const record = this.records.get(name)
    if (record === undefined) return
    this.heldOctets -= record.sealed.length + record.plain.length
    this.records.delete(name)
  }
}

/** The one that all channels share. */
export const sealedMemory = new SealedMemory()

function nameOf(cipher: string, key: Uint8Array, nonce: Uint8Array): string {
  return `${cipher} ${latin1Text(key)} ${latin1Text(nonce)}`
}
