/** The metadata part of the leak meter: what the attacker made of lengths and times, against what the trace knows. */
import { leakQuantities, workloadClassOf, type LeakQuantity } from '../../base/leak-quantities.js'
import { PAGE_OCTETS, type Nanos } from '../../base/units.js'
import type { TimedRow } from '../../kernel/trace-tables.js'
import type { MetadataScore, RoundMetrics } from '../run-metrics.js'

type EstimateRow = Pick<TimedRow<'traffic-estimate'>, 'quantity' | 'value' | 'low' | 'high'>

/** Of one run, as the trace has it. */
export interface RunTruth {
  readonly ramOctets: number
  readonly rounds: readonly RoundMetrics[]
  /** Pages with content that followed the guest; 0 without post-copy. */
  readonly followingPages: number
  /** From when to when the guest stood still. */
  readonly pause: { readonly fromNs: Nanos | null; readonly toNs: Nanos | null }
}

/** Empty without estimates. */
export function scoreMetadata(estimates: readonly EstimateRow[], run: RunTruth): MetadataScore[] {
  if (estimates.length === 0) return []
  return leakQuantities.map((quantity) => {
    const row = estimates.find((estimate) => estimate.quantity === quantity)
    const truth = truthOf(quantity, run)
    const said = row?.value ?? null
    const error = said === null || truth === null ? null : errorOf(quantity, said, truth)
    return { quantity, said, low: row?.low ?? null, high: row?.high ?? null, truth, error }
  })
}

function truthOf(quantity: LeakQuantity, { ramOctets, rounds, followingPages, pause }: RunTruth): number | null {
  const { fromNs, toNs } = pause
  switch (quantity) {
    case 'ram':
      return ramOctets
    case 'sent':
      if (rounds.length === 0 && followingPages === 0) return null
      return PAGE_OCTETS * (followingPages + sum(rounds.map(({ normalPages }) => normalPages)))
    case 'rounds':
      return rounds.length > 0 ? rounds.length : null
    case 'dirty-rate':
      return dirtyRate(rounds)
    case 'working-set':
      // As large as one reading of the dirty log ever found it.
      return maximum(live(rounds).map(({ dirtiedPages }) => dirtiedPages))
    case 'stopped-at':
      return fromNs
    case 'downtime':
      return fromNs === null || toNs === null ? null : toNs - fromNs
    case 'workload': {
      const rate = dirtyRate(rounds)
      return rate === null ? null : workloadClassOf(rate)
    }
  }
}

const live = (rounds: readonly RoundMetrics[]): RoundMetrics[] => rounds.filter(({ paused }) => !paused)

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
const maximum = (values: readonly number[]): number | null => (values.length === 0 ? null : Math.max(...values))

/** Different pages written in a second while rounds were sent. */
function dirtyRate(rounds: readonly RoundMetrics[]): number | null {
  const spanNs = sum(live(rounds).map(({ startNs, endNs }) => endNs - startNs))
  const pages = sum(live(rounds).map(({ dirtiedPages }) => dirtiedPages))
  return spanNs === 0 ? null : (pages * 1e9) / spanNs
}

function errorOf(quantity: LeakQuantity, said: number, truth: number): number {
  switch (quantity) {
    case 'workload':
      return said === truth ? 0 : 1
    case 'stopped-at':
    case 'downtime':
      return Math.abs(said - truth)
    default:
      return Math.abs(said - truth) / Math.max(1, truth)
  }
}
