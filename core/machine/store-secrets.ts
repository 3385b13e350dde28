/**
 * What is planted in the guests kv and web: the cards of the customers that labs/guests/kv/load.c makes from the seed, and
 * the session that labs/guests/web/sessions.c opens for the first visitor.
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
const SESSION_STREAM = 400

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

/**
 * The cookie of a web server's first visitor, who is the lab's own client: it visits as soon as it is answered. The server
 * holds it from then on.
 */
export function sessionSecrets(parameters: GuestParameters): GuestSecret[] {
  if (!parameters.hasSecrets) return []
  const random = new GuestRandom(parameters.seed, SESSION_STREAM)
  const token = Array.from({ length: 4 }, () => random.next().toString(16).padStart(8, '0')).join('')
  return [{ kind: 'cookie', name: 'session', value: token, octets: latin1Octets(token) }]
}

/** What a guest of that image in labs/guests keeps in its memory from the start; of `web`, from its first visitor on. */
export function secretsOfImage(image: string, parameters: GuestParameters): GuestSecret[] {
  switch (image) {
    case 'kv':
      return storeSecrets(parameters)
    case 'tenant':
      return tenantSecrets(parameters)
    case 'web':
      return sessionSecrets(parameters)
    case 'stress':
      return []
    default:
      return guestSecrets(parameters)
  }
}
