/**
 * What is planted in the guests kv and web: the cards of the customers that labs/guests/kv/load.c makes from the seed. A
 * web server holds nothing when it boots; sessions come with its visitors.
 */
import { latin1Octets } from '../base/octets.js'
import type { GuestParameters } from './guest-parameters.js'
import {
  cardInMemory,
  cardNumber,
  GuestRandom,
  guestSecrets,
  tenantSecrets,
  type GuestSecret,
} from './guest-secrets.js'

const CUSTOMERS = 24
const FIRST_STREAM = 500

/** The cards in a store booted with `parameters`, customer by customer. */
export function storeSecrets(parameters: GuestParameters): GuestSecret[] {
  if (!parameters.hasSecrets) return []
  return Array.from({ length: CUSTOMERS }, (_, index) => {
    const random = new GuestRandom(parameters.seed, FIRST_STREAM + index)
    const name = `${random.word()}.${random.word()}`
    const value = cardNumber(random)
    return { kind: 'card', name, value, octets: latin1Octets(cardInMemory(value, parameters)) }
  })
}

/** What a guest of that image in labs/guests keeps in its memory from the start. */
export function secretsOfImage(image: string, parameters: GuestParameters): GuestSecret[] {
  switch (image) {
    case 'kv':
      return storeSecrets(parameters)
    case 'tenant':
      return tenantSecrets(parameters)
    case 'stress':
    case 'web':
      return []
    default:
      return guestSecrets(parameters)
  }
}
