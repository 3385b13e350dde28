/** What a disguise cost: a disguised run against one that was as it, but for that. */
import type { DisguisePrice, RunMetrics } from '../run-metrics.js'

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
function plainTwinOf(run: RunMetrics, runs: readonly RunMetrics[]): RunMetrics | null {
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

/** The run with its price beside its plain twin, if it has one. */
export function withPrice(run: RunMetrics, runs: readonly RunMetrics[]): RunMetrics {
  const plain = plainTwinOf(run, runs)
  return plain === null
    ? run
    : { ...run, priceOfDisguise: { plainMigration: plain.migration, ...disguisePrice(run, plain) } }
}
