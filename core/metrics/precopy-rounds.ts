/**
 * Pre-copy round by round: what the closed form sums, for guests that have no closed form (several sets of pages, written in
 * order or at random) and for QEMU's habit of reading the dirty log before a round is over. Pages and seconds.
 */
import { exponential } from '../base/exact-powers.js'

/** As the write sets of a page-statistics guest (core/migration/write-set.ts). */
export interface PageWrites {
  readonly pageCount: number
  readonly pagesPerSecond: number
  readonly order: 'cyclic' | 'random'
}

export interface PrecopyRoundsParameters {
  /** Pages that the first round sends, and what it takes for others that are zero. */
  readonly pages: number
  readonly zeroSeconds: number
  /** Sent in a second. */
  readonly pagesPerSecond: number
  readonly writes: readonly PageWrites[]
  /** When fewer are left the guest is stopped. */
  readonly thresholdPages: number
  /** 0 for no end. */
  readonly roundsMax: number
  /**
   * How often QEMU looks at what is left while it sends: below the threshold it reads the dirty log at once, in the midst of the
   * round. 0: the log is read when nothing is left, as in the papers and in Xen.
   */
  readonly lookSeconds: number
}

export interface PredictedRound {
  readonly pages: number
  readonly seconds: number
  /** Still to be sent once the dirty log was read at its end. */
  readonly leftPages: number
}

export interface PredictedRounds {
  readonly converges: boolean
  /** With the guest running. */
  readonly rounds: readonly PredictedRound[]
  /** Sent while it stands still. */
  readonly leftPages: number
  /** In all. */
  readonly pages: number
  /** Of the rounds. */
  readonly seconds: number
}

/** Rounds that are not over by then are taken for endless. */
const ROUNDS_MOST = 100_000

export function predictPrecopy(parameters: PrecopyRoundsParameters): PredictedRounds {
  const { pagesPerSecond, writes, thresholdPages, lookSeconds } = parameters
  const roundsMax = parameters.roundsMax === 0 ? ROUNDS_MOST : parameters.roundsMax
  const rounds: PredictedRound[] = []
  // What was not sent yet of the first walk over memory, and of each set what was written since it was sent.
  let unsentPages = parameters.pages
  let rewritten = writes.map(() => 0)
  let leftPages = parameters.pages
  let pagesSent = 0
  let seconds = 0
  do {
    const pages = lookSeconds === 0 ? leftPages : untilLook(leftPages, thresholdPages, pagesPerSecond * lookSeconds)
    const spent = pages / pagesPerSecond + (rounds.length === 0 ? parameters.zeroSeconds : 0)
    let rest = pages - Math.min(pages, unsentPages)
    unsentPages -= pages - rest
    rewritten = rewritten.map((left, index) => {
      const sent = Math.min(rest, left)
      rest -= sent
      return writtenSince(writes[index] as PageWrites, spent, left - sent)
    })
    leftPages = rewritten.reduce((sum, left) => sum + left, unsentPages)
    pagesSent += pages
    seconds += spent
    rounds.push({ pages, seconds: spent, leftPages })
  } while (leftPages >= thresholdPages && rounds.length < roundsMax)
  return { converges: leftPages < thresholdPages, rounds, leftPages, pages: pagesSent + leftPages, seconds }
}

/** Distinct pages of a set that are to be sent after so many seconds, when so many were to be sent before. */
function writtenSince({ pageCount, pagesPerSecond, order }: PageWrites, seconds: number, leftPages: number): number {
  if (pageCount === 0) return 0
  const stores = pagesPerSecond * seconds
  if (order === 'cyclic') return Math.min(leftPages + stores, pageCount)
  return pageCount - (pageCount - leftPages) * exponential(-stores / pageCount)
}

/** Of so many pages, those that are sent until somebody looks and finds less than the threshold. */
export function untilLook(leftPages: number, thresholdPages: number, pagesPerLook: number): number {
  const looks = Math.max(1, Math.ceil((leftPages - thresholdPages) / pagesPerLook))
  return Math.min(leftPages, looks * pagesPerLook)
}
