/**
 * Runs of text in memory: ASCII, and UTF-16LE whose characters are ASCII (Windows, Java and JavaScript heaps).
 *
 * Secrets that a pattern can find are text, and most of RAM is not, so everything else works on the runs found here.
 */
import { latin1Text } from '../base/octets.js'
import type { SecretPlace } from './secret-finding.js'

const TEXT = 1
const LETTER = 2
const DIGIT = 4
const KEY = 8

/** Bits of each octet: text (printable ASCII, tab, line ends), letter, digit, part of a setting's key. */
const classes = new Uint8Array(256)
for (let code = 0x20; code < 0x7f; code++) classes[code] = TEXT
for (const code of [9, 10, 13]) classes[code] = TEXT
for (let code = 0; code < 26; code++) {
  classes[0x41 + code] = TEXT | LETTER | KEY
  classes[0x61 + code] = TEXT | LETTER | KEY
}
for (let code = 0x30; code < 0x3a; code++) classes[code] = TEXT | DIGIT | KEY
for (const character of '_.-') classes[character.charCodeAt(0)] = TEXT | KEY

/** 1 for text, apart: most octets of RAM are asked for this alone. */
const textOctets = classes.map((bits) => bits & TEXT)

export const isTextOctet = (octet: number | undefined): boolean => ((classes[octet ?? 0] ?? 0) & TEXT) !== 0
export const isDigit = (octet: number | undefined): boolean => ((classes[octet ?? 0] ?? 0) & DIGIT) !== 0
export const isAlphanumeric = (octet: number | undefined): boolean =>
  ((classes[octet ?? 0] ?? 0) & (LETTER | DIGIT)) !== 0
/** Letters, digits, underscore, dot, hyphen. */
export const isKeyCharacter = (octet: number | undefined): boolean => ((classes[octet ?? 0] ?? 0) & KEY) !== 0
export const isWordOctet = (octet: number | undefined): boolean => isTextOctet(octet) && (octet ?? 0) > 0x20

/**
 * A stretch of text. `octets` holds one character an octet. For ASCII it is the whole image, so a rule may look past
 * the run; for UTF-16LE it is the run's own characters.
 */
export interface TextRun {
  readonly octets: Uint8Array
  readonly start: number
  readonly end: number
  /** Where `octets[0]` stands in the image. */
  readonly base: number
  /** Octets a character in the image. */
  readonly width: 1 | 2
}

export const offsetIn = (run: TextRun, at: number): number => run.base + at * run.width

/** Where characters `from` to `to` stand in the image. */
export const placeOf = (run: TextRun, from: number, to: number): SecretPlace =>
  placeAt(offsetIn(run, from), to - from, run.width)

/** Where `characters` of `width` octets each stand, from `offset` in the image on. */
export const placeAt = (offset: number, characters: number, width: 1 | 2): SecretPlace => ({
  offset,
  octets: characters * width,
  encoding: width === 1 ? 'ascii' : 'utf-16le',
})

/** Characters `from` to `to` of the run's octets as a string; `from` may lie before the first. */
export const textOf = (run: TextRun, from: number, to: number): string =>
  latin1Text(run.octets.subarray(Math.max(from, 0), to))

/** Shortest run worth looking at; the step of the search is chosen so that none of them is stepped over. */
const RUN_MIN = 5
const WIDE_RUN_MIN = 6
const WIDE_RUN_MAX = 65_536
/** How far a run may begin before, or end after, the part of the image that is scanned. */
const OVERHANG = 128

/** Whoever is shown the runs of an image, in order of address. */
export interface TextRunVisitor {
  textRun(run: TextRun): void
}

/**
 * Show `visitor` every run of at least 5 ASCII or 6 UTF-16LE characters that touches `from..to` of the image.
 *
 * One octet in five is looked at: 5 is no longer than the shortest run, and odd, so that of two steps into UTF-16 one
 * meets a character and not its zero octet.
 */
export function visitTextRuns(image: Uint8Array, from: number, to: number, visitor: TextRunVisitor): void {
  const isText = textOctets
  const limit = Math.min(to, image.length)
  const farEnd = Math.min(limit + OVERHANG, image.length)
  let floor = Math.max(0, from - OVERHANG)
  for (let at = from; at < limit; at += RUN_MIN) {
    if (isText[image[at]!] === 0) continue
    // Most of RAM is not text, and most text in what is not is shorter than this: two octets on one side of `at` at least.
    if (at >= 2 && at + 2 < image.length) {
      const after = isText[image[at + 1]!]! & isText[image[at + 2]!]!
      const before = isText[image[at - 1]!]! & isText[image[at - 2]!]!
      if ((after | before) === 0 && image[at + 1] !== 0) continue
    }
    let end = at + 1
    while (end < farEnd && isText[image[end]!] === 1) end++
    let start = at
    while (start > floor && isText[image[start - 1]!] === 1) start--
    if (end - start >= RUN_MIN) {
      visitor.textRun({ octets: image, start, end, base: 0, width: 1 })
      floor = end
      at = end
    } else if (image[end] === 0) {
      at = visitWideRun(image, end - 1, floor, farEnd, visitor)
      floor = Math.max(floor, at)
    } else at = end
  }
}

/** `at` holds a character followed by a zero octet. Returns where the search goes on. */
function visitWideRun(image: Uint8Array, at: number, floor: number, farEnd: number, visitor: TextRunVisitor): number {
  let end = at + 2
  while (end + 1 < farEnd && end - at < 2 * WIDE_RUN_MAX && isTextOctet(image[end]) && image[end + 1] === 0) end += 2
  let start = at
  while (start - 2 >= floor && isTextOctet(image[start - 2]) && image[start - 1] === 0) start -= 2
  const length = (end - start) / 2
  if (length < WIDE_RUN_MIN) return at + 1
  const octets = new Uint8Array(length)
  for (let i = 0; i < length; i++) octets[i] = image[start + 2 * i]!
  visitor.textRun({ octets, start: 0, end: length, base: start, width: 2 })
  return end
}

/** Longest text that counts as one field of a record. */
export const FIELD_MAX = 96

/** The text at `offset` up to its zero character, or '' if there is none, it is too long or it is not ended by zero. */
export function fieldAt(image: Uint8Array, offset: number, width: 1 | 2): string {
  if (offset < 0) return ''
  let text = ''
  for (let at = offset; at + width <= image.length; at += width) {
    const octet = image[at]!
    if (width === 2 && image[at + 1] !== 0) return ''
    if (octet === 0) return text
    if (octet < 0x20 || !isTextOctet(octet) || text.length >= FIELD_MAX) return ''
    text += String.fromCharCode(octet)
  }
  return ''
}

/** Where the field before `offset` starts, skipping at most `gapMax` zero characters; -1 if there is none. */
export function fieldStartBefore(image: Uint8Array, offset: number, width: 1 | 2, gapMax: number): number {
  let end = offset - width
  let gap = 0
  while (end >= 0 && image[end] === 0 && (width === 1 || image[end + 1] === 0)) {
    if (++gap > gapMax) return -1
    end -= width
  }
  if (gap === 0) return -1
  let start = end + width
  while (
    start - width >= 0 &&
    image[start - width]! >= 0x20 &&
    isTextOctet(image[start - width]) &&
    (width === 1 || image[start - 1] === 0)
  ) {
    start -= width
    if (end - start > FIELD_MAX * width) return -1
  }
  return start <= end ? start : -1
}

/** Where the field after the one that ends at `offset` starts, skipping at most `gapMax` zero characters; -1 if there is none. */
export function fieldStartAfter(image: Uint8Array, offset: number, width: 1 | 2, gapMax: number): number {
  let at = offset
  for (let gap = 0; at < image.length && image[at] === 0 && (width === 1 || image[at + 1] === 0); at += width)
    if (++gap > gapMax) return -1
  return at > offset && at < image.length ? at : -1
}
