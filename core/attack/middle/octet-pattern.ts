/** Octets to look for, some of which may be anything: `e3 06 05 fc` or `e3 ?? 05 fc`. */
import { InputError } from '../../base/errors.js'
import { utf8Octets } from '../../base/octets.js'

const PATTERN_OCTETS_MAX = 1024

export interface OctetPattern {
  /** An octet, or null for any. */
  readonly octets: readonly (number | null)[]
}

/** Hexadecimal octets, with `??` for any, or text in quotation marks. Throws `InputError`. */
export function parsePattern(text: string): OctetPattern {
  const quoted = /^"(.+)"$/s.exec(text)?.[1]
  const octets =
    quoted !== undefined
      ? [...utf8Octets(quoted)]
      : (text.replaceAll(/\s/g, '').match(/../g) ?? []).map((pair) => (pair === '??' ? null : Number(`0x${pair}`)))
  const isHex = /^(?:[0-9a-f]{2}|\?\?)+$/i.test(text.replaceAll(/\s/g, ''))
  if (quoted === undefined && !isHex)
    throw new InputError(`${text}: write octets in hexadecimal (e3 ?? 05 fc) or a text in quotation marks`)
  if (octets.length > PATTERN_OCTETS_MAX) throw new InputError(`a pattern has ${PATTERN_OCTETS_MAX} octets at most`)
  if (octets.every((octet) => octet === null)) throw new InputError(`${text} would be found everywhere`)
  return { octets }
}

/** What a pattern is replaced by: as long as it, `??` keeping what was there. Throws `InputError`. */
export function parseReplacement(text: string, { octets }: OctetPattern): OctetPattern {
  const quoted = /^"(.*)"$/s.exec(text)?.[1]
  // A text may be shorter than what it replaces; blanks fill it.
  const replacement = parsePattern(quoted === undefined ? text : `"${quoted.padEnd(octets.length)}"`)
  if (replacement.octets.length !== octets.length)
    throw new InputError(
      `what replaces ${octets.length} octets has ${replacement.octets.length}: a page keeps its length, so must this`,
    )
  return replacement
}

/** Where the pattern begins, at `from` or later, or -1. */
export function findPattern({ octets: pattern }: OctetPattern, octets: Uint8Array, from = 0): number {
  const anchor = pattern.findIndex((octet) => octet !== null)
  const wanted = pattern[anchor] ?? 0
  for (let at = octets.indexOf(wanted, from + anchor); at >= 0; at = octets.indexOf(wanted, at + 1)) {
    const start = at - anchor
    if (start + pattern.length > octets.length) return -1
    let place = anchor + 1
    while (place < pattern.length && (pattern[place] === null || pattern[place] === octets[start + place])) place++
    if (place === pattern.length) return start
  }
  return -1
}

/** What stands in the place of `there` (the octets that the pattern was found at). */
export function replaced({ octets }: OctetPattern, there: Uint8Array): Uint8Array {
  return Uint8Array.from(octets, (octet, place) => octet ?? there[place] ?? 0)
}

/** Where at the end of `octets` the pattern may begin, its rest still to come; their length if nowhere. */
export function beginningAt({ octets: pattern }: OctetPattern, octets: Uint8Array): number {
  for (let start = Math.max(0, octets.length - pattern.length + 1); start < octets.length; start++) {
    let place = 0
    while (start + place < octets.length && (pattern[place] === null || pattern[place] === octets[start + place]))
      place++
    if (start + place === octets.length) return start
  }
  return octets.length
}
