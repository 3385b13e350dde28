/**
 * What changes between the copies of a page that crosses several times. Each copy is compared with the one before; of pages of
 * which few words change, the words and what they went through are kept, in bounded memory.
 */
import { readU32le } from '../base/octets.js'
import { PAGE_OCTETS } from '../base/units.js'

const WORD_OCTETS = 4
/** Pages of which changes are kept; of more, only how often they were sent. */
const PAGES_MAX = 4096
/** A page of which more changes at once is rewritten: no word of it says anything by itself. */
const WORDS_MAX = 16
const VALUES_MAX = 16
/** A counter counts by no more than this from one copy to the next. */
const STEP_MAX = 2 ** 24
const COUNTED_MIN = 3

/** A word of 32 bits, little-endian, and what it was one after another; the last ones. */
export interface ChangedWord {
  /** In the block, octets. */
  readonly offset: number
  readonly values: readonly number[]
  /** It goes up by a little each time. */
  readonly isCounter: boolean
}

export interface ChangedPage {
  readonly page: number
  /** Copies that differ from the one before. */
  readonly changes: number
  /** Words that differed, in all copies together. */
  readonly wordsChanged: number
  /** Empty for a page that is rewritten. */
  readonly words: readonly ChangedWord[]
}

interface History {
  changes: number
  wordsChanged: number
  isRewritten: boolean
  readonly words: Map<number, number[]>
}

export class PageChanges {
  private readonly histories = new Map<number, History>()
  /** The copy before: a page changes where it lies. Made when it is needed, since a stream may claim many blocks. */
  private before: Uint8Array | null = null

  /** Call before a page is changed; null stands for zeros. */
  keep(octets: Uint8Array | null): void {
    this.before ??= new Uint8Array(PAGE_OCTETS)
    if (octets === null) this.before.fill(0)
    else this.before.set(octets)
  }

  /** The page that was kept has come again. */
  compare(page: number, octets: Uint8Array | null): void {
    const { before } = this
    if (before === null) return
    let history = this.histories.get(page)
    let changed = 0
    for (let at = 0; at < PAGE_OCTETS; at += WORD_OCTETS) {
      const was = readU32le(before, at)
      const is = octets === null ? 0 : readU32le(octets, at)
      if (was === is) continue
      if (history === undefined) {
        if (this.histories.size === PAGES_MAX) return
        history = { changes: 0, wordsChanged: 0, isRewritten: false, words: new Map() }
        this.histories.set(page, history)
      }
      changed++
      if (!history.isRewritten) note(history, at, was, is)
    }
    if (history === undefined || changed === 0) return
    history.changes++
    history.wordsChanged += changed
  }

  page(page: number): ChangedPage | null {
    const history = this.histories.get(page)
    if (history === undefined) return null
    const { changes, wordsChanged, words } = history
    const inOrder = [...words].toSorted(([a], [b]) => a - b)
    return {
      ...{ page, changes, wordsChanged },
      words: inOrder.map(([at, values]) => ({
        ...{ offset: page * PAGE_OCTETS + at, values, isCounter: isCounter(values) },
      })),
    }
  }

  /** Those that changed most often first; of those, the ones of which more changed. */
  pages(): ChangedPage[] {
    const pages = [...this.histories.keys()].flatMap((page) => this.page(page) ?? [])
    return pages.toSorted((a, b) => b.changes - a.changes || b.wordsChanged - a.wordsChanged || a.page - b.page)
  }
}

function note(history: History, at: number, was: number, is: number): void {
  const values = history.words.get(at) ?? [was]
  values.push(is)
  if (values.length > VALUES_MAX) values.shift()
  history.words.set(at, values)
  if (history.words.size <= WORDS_MAX) return
  history.isRewritten = true
  history.words.clear()
}

function isCounter(values: readonly number[]): boolean {
  if (values.length < COUNTED_MIN) return false
  return values.every((value, index) => {
    const step = value - (values[index - 1] ?? value - 1)
    return step > 0 && step <= STEP_MAX
  })
}
