/** What lengths and times gave away, as rows of a table. */
import type { MetadataEstimate } from '../core/attack/traffic/metadata-estimate.js'
import { leakQuantities, workloadClasses, type LeakQuantity } from '../core/base/leak-quantities.js'
import type { MetadataScore } from '../core/metrics/run-metrics.js'

const titles: Readonly<Record<LeakQuantity, string>> = {
  sent: 'memory sent',
  ram: 'RAM',
  rounds: 'rounds',
  'dirty-rate': 'dirty rate',
  'working-set': 'working set',
  'stopped-at': 'stopped at',
  downtime: 'downtime',
  workload: 'workload',
}

function valueText(quantity: LeakQuantity, value: number): string {
  switch (quantity) {
    case 'sent':
      return `${(value / 1024 ** 2).toFixed(1)} MiB`
    case 'ram':
      return `${Math.round(value / 1024 ** 2)} MiB`
    case 'dirty-rate':
      return `${Math.round(value)} pages/s`
    case 'working-set':
      return `${Math.round(value)} pages`
    case 'stopped-at':
      return `${(value / 1e9).toFixed(6)} s`
    case 'downtime':
      return `${(value / 1e6).toFixed(2)} ms`
    case 'workload':
      return workloadClasses[value] ?? '-'
    case 'rounds':
      return String(value)
  }
}

function errorText(quantity: LeakQuantity, error: number): string {
  if (quantity === 'workload') return error === 0 ? 'right' : 'wrong'
  return quantity === 'stopped-at' || quantity === 'downtime'
    ? `${(error / 1e6).toFixed(2)} ms`
    : `${Math.round(100 * error)} %`
}

/** `low` to `high`, or nothing where they are one. */
function rangeText(quantity: LeakQuantity, low: number | null, high: number | null): string {
  if (low === null || high === null || low === high) return ''
  return `${valueText(quantity, low)} to ${valueText(quantity, high)}`
}

/** A dash where the traffic does not tell, or the run has no such thing. */
export function metadataRows(scores: readonly MetadataScore[]): string[][] {
  return scores.map(({ quantity, said, low, high, truth, error }) => [
    titles[quantity],
    said === null ? '-' : valueText(quantity, said),
    rangeText(quantity, low, high),
    truth === null ? '-' : valueText(quantity, truth),
    error === null ? '-' : errorText(quantity, error),
  ])
}

export function estimateRows(estimate: MetadataEstimate): string[][] {
  return leakQuantities.flatMap((quantity) => {
    const said = estimate[quantity]
    if (said === undefined) return []
    return [[titles[quantity], valueText(quantity, said.value), rangeText(quantity, said.low, said.high)]]
  })
}
