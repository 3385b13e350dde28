/**
 * Payment card numbers (ISO/IEC 7812): 13 to 19 digits, in one piece or in groups, whose last is the Luhn check digit
 * (annex B) and whose first belong to a known issuer.
 */
import type { FindingList } from './secret-finding.js'
import { isAlphanumeric, isDigit, placeOf, textOf, type TextRun } from './text-run.js'

/** Issuers by the range of their first digits and the lengths they use. Ranges are of the length of their bounds. */
const issuers: readonly { name: string; from: number; to: number; lengths: readonly number[] }[] = [
  { name: 'American Express', from: 34, to: 34, lengths: [15] },
  { name: 'American Express', from: 37, to: 37, lengths: [15] },
  { name: 'Diners Club', from: 300, to: 305, lengths: [14, 16] },
  { name: 'Diners Club', from: 36, to: 36, lengths: [14] },
  { name: 'Diners Club', from: 38, to: 39, lengths: [14, 16] },
  { name: 'JCB', from: 3528, to: 3589, lengths: [16, 17, 18, 19] },
  { name: 'Visa', from: 4, to: 4, lengths: [13, 16, 19] },
  { name: 'Mastercard', from: 51, to: 55, lengths: [16] },
  { name: 'Mastercard', from: 2221, to: 2720, lengths: [16] },
  { name: 'Discover', from: 6011, to: 6011, lengths: [16, 17, 18, 19] },
  { name: 'Discover', from: 644, to: 659, lengths: [16, 17, 18, 19] },
  { name: 'UnionPay', from: 62, to: 62, lengths: [16, 17, 18, 19] },
  { name: 'Maestro', from: 5018, to: 5018, lengths: [13, 16, 18, 19] },
  { name: 'Maestro', from: 5020, to: 5020, lengths: [13, 16, 18, 19] },
  { name: 'Maestro', from: 5038, to: 5038, lengths: [13, 16, 18, 19] },
  { name: 'Maestro', from: 6304, to: 6304, lengths: [13, 16, 18, 19] },
  { name: 'Maestro', from: 6759, to: 6763, lengths: [13, 16, 18, 19] },
]

/** Lengths of groups as printed on cards. The first that fits is taken. */
const groupings: readonly (readonly number[])[] = [
  [4, 4, 4, 4, 3],
  [4, 4, 4, 4],
  [4, 6, 5],
  [4, 6, 4],
  [4, 4, 4, 1],
]

/** ISO/IEC 7812-1 annex B: every second digit from the right, doubled, digits summed. */
export function isLuhnValid(digits: string): boolean {
  let sum = 0
  for (let fromRight = 0; fromRight < digits.length; fromRight++) {
    const digit = digits.charCodeAt(digits.length - 1 - fromRight) - 0x30
    const weighted = fromRight % 2 === 1 ? 2 * digit : digit
    sum += weighted > 9 ? weighted - 9 : weighted
  }
  return sum % 10 === 0
}

/** The issuer of a number of digits only, or undefined. */
export function issuerOf(digits: string): string | undefined {
  return issuers.find(({ from, to, lengths }) => {
    const prefix = Number(digits.slice(0, String(from).length))
    return prefix >= from && prefix <= to && lengths.includes(digits.length)
  })?.name
}

/** A first digit stands at `at`. Adds the card that starts there, if one does; returns the end of the digits. */
export function findCard(run: TextRun, at: number, found: FindingList): number {
  const { octets } = run
  let end = at + 1
  while (isDigit(octets[end])) end++
  const length = end - at
  if (length < 13 ? length !== 4 : length > 19) return end
  if (!startsAfterBoundary(octets, at)) return end
  if (length >= 13) {
    if (!isAlphanumeric(octets[end])) addCard(run, at, end, found)
    return end
  }
  const separator = octets[end]
  if ((separator !== 0x20 && separator !== 0x2d) || !isDigit(octets[end + 1])) return end
  for (const grouping of groupings) {
    const groupsEnd = endOfGroups(octets, at, grouping, separator)
    if (groupsEnd > 0 && addCard(run, at, groupsEnd, found)) return groupsEnd
  }
  return end
}

/** A number that goes on to the left (a fraction, a longer group, an identifier) is no card; `%B` opens a magnetic track. */
function startsAfterBoundary(octets: Uint8Array, at: number): boolean {
  const before = octets[at - 1]
  if (before === 0x42 && octets[at - 2] === 0x25) return true
  if (before === 0x5f || isAlphanumeric(before)) return false
  return !((before === 0x2e || before === 0x2d) && isDigit(octets[at - 2]))
}

function endOfGroups(octets: Uint8Array, at: number, grouping: readonly number[], separator: number): number {
  let position = at
  for (const [index, digits] of grouping.entries()) {
    if (index > 0 && octets[position++] !== separator) return -1
    for (let i = 0; i < digits; i++) if (!isDigit(octets[position++])) return -1
  }
  if (isAlphanumeric(octets[position])) return -1
  return octets[position] === 0x2d && isDigit(octets[position + 1]) ? -1 : position
}

function addCard(run: TextRun, at: number, end: number, found: FindingList): boolean {
  const value = textOf(run, at, end)
  const digits = value.replace(/[ -]/g, '')
  const issuer = issuerOf(digits)
  if (issuer === undefined || !isLuhnValid(digits)) return false
  found.add(
    { kind: 'card', value, name: issuer, confidence: 'high', why: `check digit valid, issuer range of ${issuer}` },
    placeOf(run, at, end),
  )
  return true
}
