/** What a disguise cost: a disguised run against one that was as it, but for that. */
import type { RunMetrics } from '../run-metrics.js'

/** How much more than without: octets on the wire, milliseconds. */
export interface DisguisePrice {
  readonly wireOctets: number
  readonly totalTimeMs: number
  /** Null where one of the two has none. */
  readonly downtimeMs: number | null
}

type Priced = Pick<RunMetrics, 'wireOctets' | 'totalTimeMs' | 'downtimeMs'>

export function disguisePrice(disguised: Priced, plain: Priced): DisguisePrice {
  return {
    wireOctets: disguised.wireOctets - plain.wireOctets,
    totalTimeMs: disguised.totalTimeMs - plain.totalTimeMs,
    downtimeMs:
      disguised.downtimeMs === null || plain.downtimeMs === null ? null : disguised.downtimeMs - plain.downtimeMs,
  }
}

/** The last completed run before or after that can be compared with it, or null: it is not disguised, or there is none. */
export function plainTwinOf(run: RunMetrics, runs: readonly RunMetrics[]): RunMetrics | null {
  if (run.disguise === null || run.status !== 'completed') return null
  const isTwin = (other: RunMetrics): boolean =>
    other.disguise === null &&
    other.status === 'completed' &&
    other.channel === run.channel &&
    other.strategy === run.strategy &&
    other.linkBps === run.linkBps &&
    other.ramOctets === run.ramOctets
  return runs.findLast(isTwin) ?? null
}
