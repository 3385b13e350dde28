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
/** Copies are put into buffers of this size, used again and again: a buffer a record would cost more than filling it. */
const CHUNK_OCTETS = 256 * 1024
/** Of a nonce's last octets: they count, whatever is before them. */
const NONCE_TAIL_OCTETS = 6

export interface SealedRecord {
  readonly associated: Uint8Array
  readonly sealed: Uint8Array
  readonly plain: Uint8Array
}

/** What was sealed under one key, by the tail of its nonce: at most one record each. */
class KeyRecords {
  readonly byNonce = new Map<number, KeptRecord>()
  constructor(readonly cipher: string) {}
}

interface KeptRecord extends SealedRecord {
  readonly nonce: Uint8Array
}

interface Chunk {
  readonly octets: Uint8Array
  used: number
  /** What lies in it. */
  readonly records: { readonly of: KeyRecords; readonly tail: number; readonly record: KeptRecord }[]
}

export class SealedMemory {
  /** By cipher and key. */
  private byKey = new Map<string, KeyRecords>()
  /** The same, by the array that a key was given in: keys are not changed where they are. */
  private byArray = new WeakMap<Uint8Array, KeyRecords>()
  /** The one that is filled at present is the last. */
  private readonly chunks: Chunk[] = []

  /** Nothing is remembered with 0: then ciphers open everything. */
  constructor(public octetsMax = REMEMBERED_OCTETS_MAX) {}

  /** `sealed` is what the cipher made of `plain`. All are copied. */
  remember(cipher: string, key: Uint8Array, nonce: Uint8Array, { associated, sealed, plain }: SealedRecord): void {
    const length = [nonce, associated, sealed, plain].reduce((sum, octets) => sum + aligned(octets.length), 0)
    if (length > this.chunkOctets) return
    const chunk = this.chunkWithRoomFor(length)
    const record = {
      nonce: keep(chunk, nonce),
      associated: keep(chunk, associated),
      sealed: keep(chunk, sealed),
      plain: keep(chunk, plain),
    }
    const of = this.recordsOf(cipher, key)
    const tail = tailOf(nonce)
    of.byNonce.set(tail, record)
    chunk.records.push({ of, tail, record })
  }

  /** What opening `sealed` gives; null if the cipher must be asked. Lent until something else is remembered. Answers once. */
  recall(
    cipher: string,
    key: Uint8Array,
    nonce: Uint8Array,
    associated: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | null {
    if (this.chunks.length === 0) return null
    const { byNonce } = this.recordsOf(cipher, key)
    const tail = tailOf(nonce)
    const record = byNonce.get(tail)
    const isKnown =
      record !== undefined &&
      equalOctets(record.nonce, nonce) &&
      equalOctets(record.associated, associated) &&
      equalOctets(record.sealed, sealed)
    if (!isKnown) return null
    byNonce.delete(tail)
    return record.plain
  }

  private get chunkOctets(): number {
    return Math.min(CHUNK_OCTETS, this.octetsMax)
  }

  private recordsOf(cipher: string, key: Uint8Array): KeyRecords {
    const known = this.byArray.get(key)
    if (known?.cipher === cipher) return known
    const name = `${cipher} ${latin1Text(key)}`
    let found = this.byKey.get(name)
    if (found === undefined) this.byKey.set(name, (found = new KeyRecords(cipher)))
    this.byArray.set(key, found)
    return found
  }

  private chunkWithRoomFor(length: number): Chunk {
    const last = this.chunks.at(-1)
    if (last !== undefined && last.used + length <= last.octets.length) return last
    const isFull = (this.chunks.length + 1) * this.chunkOctets > this.octetsMax
    const oldest = isFull ? this.chunks.shift() : undefined
    if (oldest !== undefined) this.forget(oldest)
    const chunk = oldest ?? { octets: new Uint8Array(this.chunkOctets), used: 0, records: [] }
    this.chunks.push(chunk)
    return chunk
  }

  private forget(chunk: Chunk): void {
    for (const { of, tail, record } of chunk.records) if (of.byNonce.get(tail) === record) of.byNonce.delete(tail)
    chunk.records.length = 0
    chunk.used = 0
    this.forgetKeys()
  }

  /** Keys under which nothing is remembered any more. */
  private forgetKeys(): void {
    const living = [...this.byKey].filter(([, { byNonce }]) => byNonce.size > 0)
    if (living.length === this.byKey.size) return
    this.byKey = new Map(living)
    this.byArray = new WeakMap()
  }
}

/** The one that all channels share. */
export const sealedMemory = new SealedMemory()

function keep(chunk: Chunk, octets: Uint8Array): Uint8Array {
  const kept = chunk.octets.subarray(chunk.used, chunk.used + octets.length)
  kept.set(octets)
  chunk.used += aligned(octets.length)
  return kept
}

/** Words are compared faster than octets. */
function aligned(length: number): number {
  return (length + 3) & ~3
}

function tailOf(nonce: Uint8Array): number {
  let tail = 0
  for (let at = Math.max(0, nonce.length - NONCE_TAIL_OCTETS); at < nonce.length; at++)
    tail = tail * 256 + (nonce[at] ?? 0)
  return tail
}
