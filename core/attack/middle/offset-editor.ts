/**
 * Edits a connection by places alone, without reading it: octets are changed into others by the difference of what is known to
 * be there and what is wanted (NIST SP 800-38A: under CTR that changes the same bits of what comes out), or overwritten by
 * octets that passed before (under ECB any block may stand anywhere). Places count the payload from its beginning. Of a
 * record channel the frames are passed over, which are in clear; of any other connection every octet counts.
 */
import { WireError } from '../../base/errors.js'
import { concatOctets, latin1Text, readU32be } from '../../base/octets.js'
import {
  decodeHello,
  HELLO_OCTETS,
  RECORD_HEADER_OCTETS,
  recordForms,
  RECORDS_MAGIC,
  recordSuites,
  recordTypes,
  RSA_MODULUS_OCTETS,
} from '../../secure/wire/records.js'
import type { OffsetEdit } from './stream-edits.js'
import type { EditWitness, StreamEditor } from './stream-editor.js'

/** A piece of the stream: what frames the payload, and payload. */
type Framing =
  { readonly kind: 'bare' } | { readonly kind: 'records'; readonly ivOctets: number; readonly tagOctets: number }

export class OffsetEditor implements StreamEditor {
  readonly cuts = false
  private framing: Framing | null = null
  private waiting: Uint8Array = new Uint8Array(0)
  /** Octets to pass on as they are, before the next payload or frame. */
  private passing = 0
  private payloadLeft = 0
  private afterPayload = 0
  private payloadAt = 0
  private readonly copies: Uint8Array[]

  constructor(
    private readonly edits: readonly OffsetEdit[],
    private readonly witness: EditWitness,
  ) {
    this.copies = edits.map((edit) => new Uint8Array(edit.kind === 'paste' ? edit.octets : 0))
  }

  push(octets: Uint8Array): Uint8Array {
    this.waiting = concatOctets([this.waiting, octets])
    if (this.framing === null && !this.begin()) return new Uint8Array(0)
    const out = this.waiting
    const done = this.framing?.kind === 'records' ? this.walkRecords(out) : this.editPayload(out)
    this.waiting = out.slice(done)
    return out.subarray(0, done)
  }

  end(): Uint8Array {
    return this.waiting
  }

  /** What kind of connection it is; false while that is open. */
  private begin(): boolean {
    const { waiting } = this
    const opening = latin1Text(waiting.subarray(0, RECORDS_MAGIC.length))
    if (!RECORDS_MAGIC.startsWith(opening)) this.framing = { kind: 'bare' }
    else if (waiting.length >= HELLO_OCTETS) this.beginRecords()
    return this.framing !== null
  }

  private beginRecords(): void {
    try {
      const { cipher, keyExchange } = recordSuites[decodeHello(this.waiting).name]
      const { ivOctets, ivSource, tagOctets } = recordForms[cipher]
      this.framing = { kind: 'records', ivOctets: ivSource === 'sequence' ? 0 : ivOctets, tagOctets }
      this.passing = HELLO_OCTETS + (keyExchange === 'pre-shared' ? 0 : RSA_MODULUS_OCTETS)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.framing = { kind: 'bare' }
    }
  }

  /** Returns how far it got: a frame's header that is cut is held. */
  private walkRecords(octets: Uint8Array): number {
    let at = 0
    while (at < octets.length) {
      if (this.passing > 0) {
        const length = Math.min(this.passing, octets.length - at)
        this.passing -= length
        at += length
      } else if (this.payloadLeft > 0) {
        const length = Math.min(this.payloadLeft, octets.length - at)
        this.editPayload(octets.subarray(at, at + length))
        this.payloadLeft -= length
        if (this.payloadLeft === 0) this.passing = this.afterPayload
        at += length
      } else {
        if (octets.length - at < RECORD_HEADER_OCTETS) return at
        this.beginRecord(octets, at)
        at += RECORD_HEADER_OCTETS
      }
    }
    return at
  }

  private beginRecord(octets: Uint8Array, at: number): void {
    const { ivOctets = 0, tagOctets = 0 } = this.framing?.kind === 'records' ? this.framing : {}
    const length = readU32be(octets, at) & 0xff_ffff
    const isData = octets[at] === recordTypes.data && length > ivOctets + tagOctets
    this.passing = isData ? ivOctets : length
    this.payloadLeft = isData ? length - ivOctets - tagOctets : 0
    this.afterPayload = tagOctets
  }

  /** The next octets of the payload, changed where they are. Returns how many. */
  private editPayload(octets: Uint8Array): number {
    const start = this.payloadAt
    this.payloadAt += octets.length
    this.edits.forEach((edit, index) => {
      if (edit.kind === 'flip') this.flip(edit, octets, start)
      else this.paste(edit, this.copies[index] ?? new Uint8Array(0), octets, start)
    })
    return octets.length
  }

  private flip({ at, from, to }: Extract<OffsetEdit, { kind: 'flip' }>, octets: Uint8Array, start: number): void {
    const [first, past] = overlap(at, to.length, start, octets.length)
    for (let place = first; place < past; place++)
      octets[place - start] = (octets[place - start] ?? 0) ^ (from[place - at] ?? 0) ^ (to[place - at] ?? 0)
    if (past > first) this.witness.edited('flip', `octet ${first} of the payload`)
  }

  private paste(
    { from, to, octets: length }: Extract<OffsetEdit, { kind: 'paste' }>,
    copy: Uint8Array,
    octets: Uint8Array,
    start: number,
  ): void {
    const [taken, takenPast] = overlap(from, length, start, octets.length)
    if (takenPast > taken) copy.set(octets.subarray(taken - start, takenPast - start), taken - from)
    const [put, putPast] = overlap(to, length, start, octets.length)
    if (putPast <= put) return
    octets.set(copy.subarray(put - to, putPast - to), put - start)
    this.witness.edited('paste', `octet ${put} of the payload`)
  }
}

/** Where `[at, at + length)` and `[start, start + count)` meet. */
function overlap(at: number, length: number, start: number, count: number): readonly [first: number, past: number] {
  return [Math.max(at, start), Math.min(at + length, start + count)]
}
