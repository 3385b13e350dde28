/** What two hosts of this lab's vMotion say before all else (core/secure/wire/vmotion-offer.ts); another protocol follows. */
import { latin1Text } from '../../base/octets.js'
import { OFFER_RANDOM_OCTETS, VMOTION_MAGIC, VMOTION_OFFER_OCTETS } from '../../secure/wire/vmotion-offer.js'
import { need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'
import type { CountedUnit, StreamProtocol } from './stream-protocol.js'
import type { StreamUnit } from './unit-list.js'
import { UNIT, UnitWalker } from './unit-walker.js'

const SEALS_AT = VMOTION_MAGIC.length

export const vmotionFields = {
  vmotion: protocol('vmotion', 'vMotion Offer'),
  magic: field('vmotion.magic', 'Magic', 'text'),
  seals: field('vmotion.seals', 'Seals', 'uint8', { words: { 0: 'no: in clear', 1: 'yes' } }),
  random: field('vmotion.random', 'Random', 'octets'),
}

class VmotionWalker extends UnitWalker {
  protected measure(): number {
    this.is(UNIT.preamble)
    return VMOTION_OFFER_OCTETS
  }
}

export const vmotionProtocol: StreamProtocol = Object.freeze({
  columnName: 'vMotion',
  layer: vmotionFields.vmotion,
  preambleOctets: VMOTION_OFFER_OCTETS,
  makeWalker: (): UnitWalker => new VmotionWalker(),
  dissectUnit({ octets, sink }: Dissection, _walker: UnitWalker, _unit: StreamUnit, start: number, end: number): void {
    sink.open(vmotionFields.vmotion, start, end - start, null)
    need('vmotion', start, VMOTION_OFFER_OCTETS, end)
    sink.field(vmotionFields.magic, start, SEALS_AT, latin1Text(octets.subarray(start, start + SEALS_AT)))
    sink.field(vmotionFields.seals, start + SEALS_AT, 1, octets[start + SEALS_AT] ?? 0)
    sink.field(vmotionFields.random, start + SEALS_AT + 1, OFFER_RANDOM_OCTETS, null)
    sink.close()
  },
  describe(units: readonly CountedUnit[]): string {
    return units.map(({ head }) => (head[SEALS_AT] === 1 ? 'Offer: can seal' : 'Offer: in clear')).join(', ')
  },
})
