/** Which pages are alike, as they are and as the attacker takes them to be: a character a page (`StructurePicture`). */
import { ZERO_PAGE_DIGEST } from '../../base/page-digest.js'
import type { StructurePicture } from '../run-metrics.js'
import { mostFrequent, tally } from './tally.js'

/** 64 MiB, sent once. */
export const PICTURE_PAGES_MAX = 16_384
const LETTERS = 'abcdefghijklmnopqrstuvwxyz'

/** `guessed` are the attacker's classes, in the same order; `takenForEmpty` those that it takes for zeros. */
export function structurePicture(
  contents: readonly number[],
  guessed: readonly number[],
  takenForEmpty: ReadonlySet<number>,
): StructurePicture {
  const truth = contents.slice(0, PICTURE_PAGES_MAX)
  const seen = guessed.slice(0, PICTURE_PAGES_MAX)
  const letters = lettersOf(truth)
  letters.set(ZERO_PAGE_DIGEST, '0')
  const times = tally(seen)
  const members = new Map<number, number[]>()
  seen.forEach((group, index) => {
    if ((times.get(group) ?? 0) < 2) return
    const known = members.get(group)
    if (known === undefined) members.set(group, [truth[index] as number])
    else known.push(truth[index] as number)
  })
  const seenLetters = new Map<number, string>()
  // A class that the attacker has put together has the letter of what most of its pages hold.
  for (const [group, each] of members) seenLetters.set(group, letters.get(mostFrequent(each)) ?? '+')
  for (const group of takenForEmpty) seenLetters.set(group, '0')
  const text = (classes: readonly number[], of: ReadonlyMap<number, string>): string =>
    classes.map((each) => of.get(each) ?? '.').join('')
  return { truth: text(truth, letters), seen: text(seen, seenLetters) }
}

/** The largest classes of several pages have a letter each, the others share one sign. */
function lettersOf(contents: readonly number[]): Map<number, string> {
  const classes = [...tally(contents)].filter(([content, times]) => times > 1 && content !== ZERO_PAGE_DIGEST)
  classes.sort((a, b) => b[1] - a[1])
  return new Map(classes.map(([content], index) => [content, LETTERS[index] ?? '+']))
}
