/**
 * Cuts what a direction of a sealed connection carries into cipher blocks, without a key: the record channels of this lab say
 * which cipher they have, and how long each record is, in clear. Of other channels the octets are taken as they lie.
 */
import { OctetQueue } from '../../base/octet-queue.js'
import { readU32be } from '../../base/octets.js'
import { decodeHello, HELLO_OCTETS, recordSuites, type RecordSuite } from '../../secure/wire/records.js'
import { recordCiphers } from '../../secure/records/record-ciphers.js'
import { RECORD_HEADER_OCTETS, RECORD_OCTETS_MAX } from '../../secure/wire/records.js'
import { RSA_MODULUS_OCTETS } from '../../secure/wire/records.js'
import { BlockRepeats } from './block-repeats.js'

/** Taken for the block where a cipher has none, or none is known. */
const USUAL_BLOCK_OCTETS = 16
const PIECE_OCTETS = 16_384

interface Framing {
  readonly ivOctets: number
  readonly tagOctets: number
  /** Of a padded cipher; 1: not padded. */
  readonly blockOctets: number
}

export class SealedBlocks {
  private readonly waiting = new OctetQueue()
  private blocks: BlockRepeats | null = null
  /** Null for a channel whose records cannot be told apart. */
  private framing: Framing | null = null
  private payloadOctets = 0
  /** Of what begins the connection, still to be passed over. */
  private openingOctets = 0
  private gaveUp = false

  constructor(private readonly hasRecords: boolean) {}

  /** The next octets of the direction: kept for a while, not copied. */
  push(octets: Uint8Array): void {
    if (this.gaveUp || this.blocks?.isHopeless === true) return this.waiting.clear()
    this.waiting.push(octets)
    if (this.blocks === null && !this.begin()) return
    while (this.takeNext());
  }

  /** Octets are missing: where records begin is not known any more. */
  gap(): void {
    this.gaveUp = true
  }

  get repeats(): BlockRepeats | null {
    return this.blocks
  }

  private begin(): boolean {
    if (!this.hasRecords) {
      this.blocks = new BlockRepeats(USUAL_BLOCK_OCTETS)
      return true
    }
    if (this.waiting.length < HELLO_OCTETS) return false
    try {
      const { name } = decodeHello(this.waiting.take(HELLO_OCTETS))
      const suite: RecordSuite = recordSuites[name]
      const { ivOctets, ivSource, tagOctets, blockOctets } = recordCiphers[suite.cipher]
      this.framing = { ivOctets: ivSource === 'sequence' ? 0 : ivOctets, tagOctets, blockOctets }
      this.openingOctets = suite.keyExchange === 'pre-shared' ? 0 : RSA_MODULUS_OCTETS
      this.blocks = new BlockRepeats(blockOctets === 1 ? USUAL_BLOCK_OCTETS : blockOctets)
      return true
    } catch {
      this.gaveUp = true
      return false
    }
  }

  private takeNext(): boolean {
    const { waiting, framing } = this
    if (this.openingOctets > 0) {
      if (waiting.length < this.openingOctets) return false
      waiting.take(this.openingOctets)
      this.openingOctets = 0
    }
    if (framing === null) {
      if (waiting.length < PIECE_OCTETS) return false
      this.blocks?.push(waiting.take(PIECE_OCTETS), this.payloadOctets)
      this.payloadOctets += PIECE_OCTETS
      return true
    }
    if (waiting.length < RECORD_HEADER_OCTETS) return false
    const length = readU32be(waiting.peek(RECORD_HEADER_OCTETS), 0) & 0xff_ffff
    if (length > 2 * RECORD_OCTETS_MAX) this.gaveUp = true
    if (this.gaveUp || waiting.length < RECORD_HEADER_OCTETS + length) return false
    waiting.take(RECORD_HEADER_OCTETS)
    this.takeBody(waiting.take(length), framing)
    return true
  }

  private takeBody(body: Uint8Array, { ivOctets, tagOctets, blockOctets }: Framing): void {
    const sealed = body.subarray(ivOctets, Math.max(ivOctets, body.length - tagOctets))
    if (sealed.length === 0) return
    const isFull = sealed.length >= RECORD_OCTETS_MAX
    // A full record has whole blocks, and one of padding alone. What padding a short one has only its sealer knows.
    const payloadOctets = isFull ? RECORD_OCTETS_MAX : sealed.length - (blockOctets === 1 ? 0 : blockOctets / 2)
    this.blocks?.push(sealed.subarray(0, isFull ? RECORD_OCTETS_MAX : sealed.length), this.payloadOctets)
    if (!isFull) this.blocks?.cut()
    if (isFull && sealed.length > RECORD_OCTETS_MAX) this.blocks?.padding(sealed.subarray(RECORD_OCTETS_MAX))
    this.payloadOctets += payloadOctets
  }
}
