/**
 * What pre-copy with constant rates leaves of each round, one term at a time: what the guest dirtied while it was sent, at most
 * its working set. With r = dirty rate / rate of sending, that is the geometric series of Clark et al. (NSDI 2005, section 3)
 * capped at W; written as a recurrence it needs no logarithm. It ends where the run's own rule would stop the guest, and QEMU's
 * rule cuts rounds short: it looks at what is left while a round is sent.
 */
import { PAGE_OCTETS } from '../base/units.js'
import type { TimedRow } from '../kernel/trace-tables.js'
import { untilLook } from './precopy-rounds.js'

type Round = Pick<
  TimedRow<'migration-round'>,
  'zeroPages' | 'normalPages' | 'xbzrlePages' | 'startNs' | 'endNs' | 'paused'
>
type Start = Pick<
  TimedRow<'migration-start'>,
  'stopRule' | 'downtimeLimitNs' | 'maxBandwidth' | 'roundsMax' | 'linkBps' | 'ramOctets'
>
type Workload = Pick<TimedRow<'workload'>, 'workingSetPages' | 'dirtyPagesPerSecond'>

/** How often QEMU looks: at the end of a part, and of a window of the bandwidth limit. Before the first window it does not. */
const PART_SECONDS = 0.05
const WINDOW_SECONDS = 0.1
/** Xen 4 (xg_sr_save.c) and Xen 3.1 (xc_domain_save.c): pages that are few enough, rounds at most, and memories sent at most. */
const XEN = { pagesFew: 50, roundsMax: 5 }
const XEN_LEGACY = { pagesFew: 50, roundsMax: 29, sentFactor: 3 }

/**
 * Pages each measured round should have had. The first round is the measurement the rate of sending comes from, so it
 * has no prediction (null); nor have rounds after the one in which the guest should have stood still, nor has anything when the
 * workload is not known.
 */
export function predictRounds(
  rounds: readonly Round[],
  start: Start,
  workload: Workload | undefined,
): (number | null)[] {
  const first = rounds[0]
  if (first === undefined || workload === undefined) return rounds.map(() => null)
  const expected = new ExpectedRounds(first, start, workload)
  return rounds.map(({ paused }, index) => {
    if (index === 0 || expected.isOver) return null
    return paused === 1 || expected.stops ? expected.stop() : expected.next()
  })
}

class ExpectedRounds {
  isOver = false
  private readonly pagesPerSecond: number
  private readonly memoryPages: number
  /** Not sent yet since the beginning, and written again since it was sent. */
  private unsentPages: number
  private rewrittenPages: number
  private rounds = 1
  private pages: number
  private pagesTotal: number
  private seconds: number

  constructor(
    { zeroPages, normalPages, xbzrlePages, startNs, endNs }: Round,
    private readonly options: Start,
    private readonly workload: Workload,
  ) {
    this.memoryPages = options.ramOctets / PAGE_OCTETS
    this.seconds = (endNs - startNs) / 1e9
    this.pagesPerSecond = normalPages / this.seconds
    this.pages = zeroPages + normalPages + xbzrlePages
    this.pagesTotal = this.pages
    this.unsentPages = Math.max(0, this.memoryPages - this.pages)
    this.rewrittenPages = this.writtenIn(this.seconds, 0)
  }

  /** The guest should stand still from here on. */
  get stops(): boolean {
    const { leftPages, rounds, pages } = this
    const { stopRule, roundsMax } = this.options
    if (leftPages === 0 || (roundsMax > 0 && rounds >= roundsMax)) return true
    switch (stopRule) {
      case 'xen':
        return leftPages < XEN.pagesFew || rounds >= XEN.roundsMax
      case 'xen-legacy':
        return (
          pages < XEN_LEGACY.pagesFew ||
          rounds >= XEN_LEGACY.roundsMax ||
          this.pagesTotal > XEN_LEGACY.sentFactor * this.memoryPages
        )
      default:
        return leftPages < this.thresholdPages
    }
  }

  /** Pages sent while it does. */
  stop(): number {
    this.isOver = true
    return this.leftPages
  }

  /** Pages of the next round. */
  next(): number {
    const pages = this.pagesOfRound()
    const seconds = this.pagesPerSecond > 0 ? pages / this.pagesPerSecond : 0
    const again = Math.max(0, pages - this.unsentPages)
    this.unsentPages = Math.max(0, this.unsentPages - pages)
    this.rewrittenPages = this.writtenIn(seconds, this.rewrittenPages - again)
    this.seconds += seconds
    this.rounds++
    this.pages = pages
    this.pagesTotal += pages
    return pages
  }

  private get leftPages(): number {
    return this.unsentPages + this.rewrittenPages
  }

  private get thresholdPages(): number {
    return (this.pagesPerSecond * this.options.downtimeLimitNs) / 1e9
  }

  private pagesOfRound(): number {
    const { leftPages, pagesPerSecond, thresholdPages } = this
    const { stopRule, maxBandwidth, linkBps } = this.options
    if (stopRule !== 'qemu' || pagesPerSecond === 0) return leftPages
    const isLimited = maxBandwidth > 0 && maxBandwidth < linkBps / 8
    const pages = untilLook(leftPages, thresholdPages, pagesPerSecond * (isLimited ? WINDOW_SECONDS : PART_SECONDS))
    return Math.min(leftPages, Math.max(pages, pagesPerSecond * (WINDOW_SECONDS - this.seconds)))
  }

  private writtenIn(seconds: number, leftPages: number): number {
    const { dirtyPagesPerSecond, workingSetPages } = this.workload
    return Math.min(leftPages + dirtyPagesPerSecond * seconds, workingSetPages)
  }
}
