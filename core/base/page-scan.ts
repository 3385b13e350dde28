/** Pages of memory looked at by words: is one all zero, where do two differ. */
import { PAGE_OCTETS } from './units.js'

const WORDS_PER_PAGE = PAGE_OCTETS / 4

/** Whether page `page` of a block, seen by words, holds only zeros. */
export function isZeroPage(words: Int32Array, page: number): boolean {
  const end = (page + 1) * WORDS_PER_PAGE
  for (let at = page * WORDS_PER_PAGE; at < end; at += 8)
    if (
      (words[at]! |
        words[at + 1]! |
        words[at + 2]! |
        words[at + 3]! |
        words[at + 4]! |
        words[at + 5]! |
        words[at + 6]! |
        words[at + 7]!) !==
      0
    )
      return false
  return true
}

/** How many octets differ between two blocks of whole pages, seen by words; all that only one of them has. */
export function differingOctets(words: Int32Array, otherWords: Int32Array): number {
  let differences = 4 * Math.abs(words.length - otherWords.length)
  const length = Math.min(words.length, otherWords.length)
  // Pages are whole multiples of eight words, and nearly always equal.
  for (let at = 0; at < length; at += 8) {
    const isEqual =
      ((words[at]! ^ otherWords[at]!) |
        (words[at + 1]! ^ otherWords[at + 1]!) |
        (words[at + 2]! ^ otherWords[at + 2]!) |
        (words[at + 3]! ^ otherWords[at + 3]!) |
        (words[at + 4]! ^ otherWords[at + 4]!) |
        (words[at + 5]! ^ otherWords[at + 5]!) |
        (words[at + 6]! ^ otherWords[at + 6]!) |
        (words[at + 7]! ^ otherWords[at + 7]!)) ===
      0
    if (isEqual) continue
    for (let index = at; index < at + 8; index++) {
      const difference = words[index]! ^ otherWords[index]!
      for (let shift = 0; shift < 32; shift += 8) if ((difference >>> shift) & 0xff) differences++
    }
  }
  return differences
}
