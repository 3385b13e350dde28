/** The structure part of the leak meter: which pages the attacker took for alike or empty, against which were. */
import { ZERO_PAGE_DIGEST } from '../../base/page-digest.js'
import { PAGE_OCTETS, type Nanos } from '../../base/units.js'
import type { Trace } from '../../kernel/trace.js'
import type { StructureScore } from '../run-metrics.js'
import { structurePicture } from './structure-picture.js'
import { mostFrequent, tally } from './tally.js'
import { adjustedRandIndex } from './rand-index.js'

/** A guess this near to where a page was is a guess at that page: short records hide how much of them is padding. */
const NEAR_OCTETS = PAGE_OCTETS / 2

/** Pages as they went, and what was made of each. */
interface PageClasses {
  readonly octets: readonly number[]
  readonly contents: readonly number[]
}

/** Null where no page crossed whole on the main stream, and until the transfer is over. */
export function scoreStructure(trace: Trace, migration: number, fromNs: Nanos, untilNs: Nanos): StructureScore | null {
  const looked = trace
    .rows('structure-seen', trace.firstAt('structure-seen', fromNs))
    .find(({ atNs }) => atNs < untilNs)
  if (looked === undefined) return null
  const sent = sentPages(trace, migration, fromNs, untilNs)
  if (sent.octets.length === 0) return null
  const guesses = trace
    .rows('page-alike', trace.firstAt('page-alike', fromNs))
    .filter(({ atNs, stream }) => atNs < untilNs && stream === looked.stream)
  // Every page is a class of its own until it is seen to be like another.
  const guessed = sent.octets.map((_, index) => -1 - index)
  const taken = new Set<number>()
  let emptySeen = 0
  const takenForEmpty = new Set<number>()
  for (const { octet, group, isZero } of guesses) {
    const index = nearest(sent.octets, octet)
    if (taken.has(index) || Math.abs((sent.octets[index] ?? 0) - octet) > NEAR_OCTETS) continue
    taken.add(index)
    guessed[index] = group
    if (isZero === 1) takenForEmpty.add(group)
    if (isZero === 1 && sent.contents[index] === ZERO_PAGE_DIGEST) emptySeen++
  }
  const times = tally(sent.contents)
  const alike = sent.contents.map((content) => (times.get(content) ?? 0) > 1)
  const guessedTimes = tally(guessed)
  return {
    pages: sent.octets.length,
    alikePages: alike.filter(Boolean).length,
    alikeSeen: guessed.filter((group, index) => alike[index] === true && (guessedTimes.get(group) ?? 0) > 1).length,
    emptyPages: sent.contents.filter((content) => content === ZERO_PAGE_DIGEST).length,
    emptySeen,
    wrong: guesses.length - correct(guessed, sent.contents, taken),
    blocks: looked.blocks,
    blocksRepeated: looked.repeated,
    agreement: adjustedRandIndex(sent.contents, guessed),
    picture: structurePicture(sent.contents, guessed, takenForEmpty),
  }
}

function sentPages(trace: Trace, migration: number, fromNs: Nanos, untilNs: Nanos): PageClasses {
  const migrations = trace.numbers('page-sent', 'migration')
  const octets = trace.numbers('page-sent', 'octet')
  const contents = trace.numbers('page-sent', 'content')
  const end = trace.firstAt('page-sent', untilNs)
  const sent: { octets: number[]; contents: number[] } = { octets: [], contents: [] }
  for (let index = trace.firstAt('page-sent', fromNs); index < end; index++) {
    if (migrations[index] !== migration) continue
    sent.octets.push(octets[index] as number)
    sent.contents.push(contents[index] as number)
  }
  return sent
}

/** Guesses whose page holds what most pages of that guess hold. */
function correct(guessed: readonly number[], contents: readonly number[], taken: ReadonlySet<number>): number {
  const contentsOf = new Map<number, number[]>()
  for (const index of taken) {
    const group = guessed[index] as number
    const known = contentsOf.get(group)
    if (known === undefined) contentsOf.set(group, [contents[index] as number])
    else known.push(contents[index] as number)
  }
  let pages = 0
  for (const each of contentsOf.values()) pages += tally(each).get(mostFrequent(each)) ?? 0
  return pages
}

/** Index of the entry of a rising list that is nearest. */
function nearest(rising: readonly number[], value: number): number {
  let [low, high] = [0, rising.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((rising[middle] as number) < value) low = middle + 1
    else high = middle
  }
  return low > 0 && value - (rising[low - 1] as number) <= (rising[low] as number) - value ? low - 1 : low
}
