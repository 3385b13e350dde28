/**
 * Makes two hosts that would seal believe of each other that they cannot: one octet of a vMotion's offer, which nothing protects
 * (core/secure/wire/vmotion-offer.ts). What follows passes on to another editor, in clear.
 */
import { concatOctets } from '../../base/octets.js'
import { opensVmotion, VMOTION_MAGIC, VMOTION_OFFER_OCTETS } from '../../secure/wire/vmotion-offer.js'
import type { EditWitness, StreamEditor } from './stream-editor.js'

export class OfferStripper implements StreamEditor {
  private opening: Uint8Array | null = new Uint8Array(0)

  constructor(
    private readonly next: StreamEditor,
    private readonly witness: EditWitness,
  ) {}

  get cuts(): boolean {
    return this.next.cuts
  }

  push(octets: Uint8Array): Uint8Array {
    if (this.opening === null) return this.next.push(octets)
    const opening = concatOctets([this.opening, octets])
    this.opening = opening
    if (opening.length < VMOTION_MAGIC.length) return new Uint8Array(0)
    if (!opensVmotion(opening)) return this.goOn(opening, 0)
    if (opening.length < VMOTION_OFFER_OCTETS) return new Uint8Array(0)
    if (opening[VMOTION_MAGIC.length] === 1) {
      opening[VMOTION_MAGIC.length] = 0
      this.witness.edited('strip', 'the offer to seal')
    }
    return this.goOn(opening, VMOTION_OFFER_OCTETS)
  }

  end(): Uint8Array {
    return this.opening === null ? this.next.end() : concatOctets([this.goOn(this.opening, 0), this.next.end()])
  }

  private goOn(opening: Uint8Array, offerOctets: number): Uint8Array {
    this.opening = null
    return concatOctets([opening.subarray(0, offerOctets), this.next.push(opening.subarray(offerOctets))])
  }
}
