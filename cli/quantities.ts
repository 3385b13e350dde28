import { InputError } from '../core/base/errors.js'
import { PAGE_OCTETS, parseOctets } from '../core/base/units.js'

/** A size given to an option, in octets. */
export function octetsOf(text: string, option: string): number {
  try {
    return parseOctets(text)
  } catch (error) {
    throw error instanceof InputError ? new InputError(`${option}: ${error.message}`) : error
  }
}

/** A size given to an option, in whole pages of guest memory. */
export function pagesIn(text: string, option: string): number {
  return Math.ceil(octetsOf(text, option) / PAGE_OCTETS)
}
