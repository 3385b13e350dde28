/**
 * What lengths and times of a sealed migration tell, and nothing else is asked: how many octets passed, when, and when the
 * guest's own frames fell silent. The stop is read off directly. The rest is found by trial, as in approximate Bayesian
 * computation: of many supposed guests those count whose pre-copy would have looked like this one (precopy-model.ts), each by
 * how well it fits; the estimate is their weighted median, and the range is from the least to the most of
 * those that fit well, for guests that differ much can look alike.
 *
 * Supposed beside (the attacker knows the software, not the settings): pre-copy of QEMU's, most likely with its default downtime
 * limit; nothing but pages worth counting in the stream; RAM in powers of two.
 */
import { workloadClassOf, type LeakQuantity } from '../../base/leak-quantities.js'
import { PAGE_OCTETS } from '../../base/units.js'
import type { BulkTraffic } from './bulk-traffic.js'
import { supposePrecopy } from './precopy-model.js'
import type { GuestSilence } from './stations.js'

/** Of a page on the stream: its record's header (migration/ram.c), and what channels add. */
const PAGE_ON_WIRE_OCTETS = PAGE_OCTETS + 16
/** Less than this is no migration. */
export const TRANSFER_OCTETS_MIN = 1024 * 1024
/** Under way when the guest stops, in the buffers of the source's channel and of its TCP. */
const BUFFERED_PAGES = 64
/** How far a fit may be off: share of what is sent live, share of what is left, and pages of what is left. */
const LIVE_SPREAD = 0.06
const LEFT_SPREAD = 0.12
const LEFT_SPREAD_PAGES = 40
/** Within two spreads. */
const GOOD_MISFIT = 4

/** QEMU's default counts as much as the others together. Seconds. */
const DOWNTIME_LIMITS = [
  { seconds: 0.3, weight: 6 },
  { seconds: 0.002, weight: 1 },
  { seconds: 0.01, weight: 1 },
  { seconds: 0.02, weight: 1 },
  { seconds: 0.05, weight: 1 },
  { seconds: 0.1, weight: 1 },
  { seconds: 0.5, weight: 1 },
  { seconds: 1, weight: 1 },
] as const
/** Share of all octets that the first round took. */
const FIRST_SHARES = [
  1, 0.98, 0.95, 0.92, 0.88, 0.84, 0.8, 0.75, 0.7, 0.65, 0.6, 0.55, 0.5, 0.45, 0.4, 0.35, 0.3, 0.25, 0.2, 0.15, 0.1,
  0.06, 0.04,
] as const

/** The estimate, and the range that is likely. */
export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
}

/** Only what the traffic tells. */
export type MetadataEstimate = Readonly<Partial<Record<LeakQuantity, Estimate>>>

const exactly = (value: number): Estimate => ({ value, low: value, high: value })

/** A transfer that is over, and the guest that was announced during it or shortly after. */
export function estimateMetadata(traffic: BulkTraffic, silence: GuestSilence | null): MetadataEstimate {
  const { firstNs } = traffic
  if (firstNs === null || traffic.octets < TRANSFER_OCTETS_MIN) return {}
  const pages = traffic.octets / PAGE_ON_WIRE_OCTETS
  const size = { sent: exactly(pages * PAGE_OCTETS), ram: exactly(nextPowerOfTwo(pages * PAGE_OCTETS)) }
  if (silence === null || silence.stoppedNs === null) return size
  const { stoppedNs, resumedNs } = silence
  const stop = { 'stopped-at': exactly(stoppedNs), downtime: exactly(resumedNs - stoppedNs) }
  const passedPages = traffic.octetsUntil(stoppedNs) / PAGE_ON_WIRE_OCTETS
  // It stood still before its memory went: stop-and-copy, or post-copy, in which most follows after it runs again.
  if (passedPages < pages / 20) return { ...size, ...stop, rounds: exactly(1) }
  const livePages = Math.min(pages, passedPages + BUFFERED_PAGES)
  const pagesPerSecond = (passedPages * 1e9) / (stoppedNs - firstNs)
  const trials = tryGuests({ livePages, leftPages: pages - livePages, pagesPerSecond })
  if (trials.length === 0) return { ...size, ...stop }
  const dirtyRate = medianOf(trials, ({ foundPerSecond }) => foundPerSecond)
  return {
    ...size,
    ...stop,
    ram: medianOf(trials, (trial) => nextPowerOfTwo(trial.pages * PAGE_OCTETS)),
    rounds: medianOf(trials, ({ rounds }) => rounds),
    'dirty-rate': dirtyRate,
    'working-set': medianOf(trials, ({ workingSetPages }) => workingSetPages),
    workload: {
      value: workloadClassOf(dirtyRate.value),
      low: workloadClassOf(dirtyRate.low),
      high: workloadClassOf(dirtyRate.high),
    },
  }
}

interface Observed {
  readonly livePages: number
  readonly leftPages: number
  readonly pagesPerSecond: number
}

interface Trial {
  readonly pages: number
  readonly foundPerSecond: number
  readonly workingSetPages: number
  readonly rounds: number
  /** Sum of squares, each in units of how far off a fit may be. */
  readonly misfit: number
  readonly weight: number
}

/** All supposed guests that fit at all. */
function tryGuests({ livePages, leftPages, pagesPerSecond }: Observed): Trial[] {
  const trials: Trial[] = []
  const all = livePages + leftPages
  for (const { seconds, weight: known } of DOWNTIME_LIMITS)
    for (const share of FIRST_SHARES) {
      const pages = share * all
      // Rates from a five-hundredth of what is sent to twice as much, working sets from 16 pages to all: by factors.
      for (let dirtyPagesPerSecond = pagesPerSecond / 512; dirtyPagesPerSecond < 2.5 * pagesPerSecond;) {
        for (let workingSetPages = 16; workingSetPages <= pages; workingSetPages *= 2) {
          const guest = { pages, dirtyPagesPerSecond, workingSetPages }
          const seen = supposePrecopy(guest, pagesPerSecond, seconds)
          const live = (seen.livePages - livePages) / (LIVE_SPREAD * livePages)
          const left = (seen.leftPages - leftPages) / (LEFT_SPREAD * leftPages + LEFT_SPREAD_PAGES)
          const misfit = live * live + left * left
          if (misfit >= 16) continue
          const { rounds, foundPerSecond } = seen
          trials.push({ pages, workingSetPages, rounds, foundPerSecond, misfit, weight: known / (1 + misfit * misfit) })
        }
        dirtyPagesPerSecond *= Math.SQRT2
      }
    }
  return trials
}

function medianOf(trials: readonly Trial[], of: (trial: Trial) => number): Estimate {
  const sorted = trials.map((trial) => ({ value: of(trial), weight: trial.weight })).sort((a, b) => a.value - b.value)
  const total = sorted.reduce((sum, { weight }) => sum + weight, 0)
  const at = (share: number): number => {
    let sum = 0
    for (const { value, weight } of sorted) {
      sum += weight
      if (sum >= share * total) return value
    }
    return sorted.at(-1)?.value ?? 0
  }
  const well = trials.filter(({ misfit }) => misfit <= GOOD_MISFIT).map(of)
  const value = at(0.5)
  return { value, low: Math.min(value, ...well), high: Math.max(value, ...well) }
}

function nextPowerOfTwo(octets: number): number {
  let size = 1024 * 1024
  while (size < octets) size *= 2
  return size
}
