/**
 * How two hosts of this lab's vMotion say whether they seal: before all else, in clear (core/secure/vmotion-channel.ts).
 *
 *     Offer    magic "MIDVMOT1" (8) ‖ 1 if the source can seal, else 0 (1) ‖ random (32)
 *     Choice   the same form; 1 if both can and the destination therefore will
 */
import { WireError } from '../../base/errors.js'
import { equalOctets, latin1Octets, OctetReader } from '../../base/octets.js'

export const VMOTION_MAGIC = 'MIDVMOT1'
/** Of an offer, and of a choice. */
export const VMOTION_OFFER_OCTETS = 41
export const OFFER_RANDOM_OCTETS = 32

/** Whether `octets` begin with an offer or a choice, as far as they go. */
export function opensVmotion(octets: Uint8Array): boolean {
  const magic = latin1Octets(VMOTION_MAGIC)
  return octets.length >= magic.length && equalOctets(octets.subarray(0, magic.length), magic)
}

/** Whether an offer or a choice says that its sender seals. Throws `WireError`. */
export function decodeOffer(octets: Uint8Array): boolean {
  const reader = new OctetReader(octets, 'vmotion')
  if (reader.latin1(VMOTION_MAGIC.length, 'magic') !== VMOTION_MAGIC)
    throw new WireError('vmotion', 0, `does not begin with ${VMOTION_MAGIC}`)
  const seals = reader.u8('seals')
  if (seals > 1) throw new WireError('vmotion', VMOTION_MAGIC.length, `neither 0 (in clear) nor 1 (sealed): ${seals}`)
  reader.view(OFFER_RANDOM_OCTETS, 'random')
  return seals === 1
}
