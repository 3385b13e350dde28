/**
 * The least of an input that still does what it did: delta debugging, the algorithm ddmin of Zeller and Hildebrandt, "Simplifying and
 * Isolating Failure-Inducing Input", IEEE Transactions on Software Engineering 28(2), 2002, with octets as deltas. What is left of the
 * input is then made zero where that changes nothing, so that what matters stands out.
 */
import { concatOctets } from '../../base/octets.js'

export interface Minimised {
  readonly octets: Uint8Array
  /** How often it was tried. */
  readonly tests: number
}

/** @param fails whether an input still does it; true of `input` */
export function minimise(input: Uint8Array, fails: (octets: Uint8Array) => boolean): Minimised {
  let tests = 0
  const stillFails = (octets: Uint8Array): boolean => {
    tests++
    return fails(octets)
  }
  const shortest = shorten(input, stillFails)
  return { octets: blank(shortest, stillFails), tests }
}

/** No octet can be left out of what this gives. */
function shorten(input: Uint8Array, fails: (octets: Uint8Array) => boolean): Uint8Array {
  let octets = input
  for (let parts = 2; octets.length > 1;) {
    const length = Math.ceil(octets.length / parts)
    const before = octets.length
    // The complement of each part in turn; a part that could go is not there to be tried again.
    for (let at = 0; at < octets.length;) {
      const complement = concatOctets([octets.subarray(0, at), octets.subarray(at + length)])
      if (fails(complement)) octets = complement
      else at += length
    }
    if (octets.length < before) parts = Math.max(2, Math.ceil(octets.length / length))
    else if (length === 1) break
    else parts = Math.min(2 * parts, octets.length)
  }
  return octets
}

/** Zeros in halves, quarters and so on, down to single octets. */
function blank(input: Uint8Array, fails: (octets: Uint8Array) => boolean): Uint8Array {
  let octets = input
  for (let length = octets.length; length >= 1; length = length === 1 ? 0 : Math.ceil(length / 2))
    for (let at = 0; at < octets.length; at += length) {
      if (octets.subarray(at, at + length).every((octet) => octet === 0)) continue
      const blanked = octets.slice()
      blanked.fill(0, at, at + length)
      if (fails(blanked)) octets = blanked
    }
  return octets
}
