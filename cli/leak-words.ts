/** What a migration gave away, and what hiding it cost, as rows of tables. */
import type { MetadataEstimate } from '../core/attack/traffic/metadata-estimate.js'
import { leakQuantities, workloadClasses, type LeakQuantity } from '../core/base/leak-quantities.js'
import { disguisePrice } from '../core/metrics/leak/disguise-price.js'
import type { MetadataScore, RunMetrics, StructureScore } from '../core/metrics/run-metrics.js'

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

/** What the attacker read, and how much of it is exactly right. */
export function contentRows(run: RunMetrics): string[][] {
  const { secretsFound, secretsPlanted, ramOctetsRecovered, ramOctetsExact, ramOctets } = run
  const exact = ramOctetsExact === null ? '-' : `${ramOctetsExact} of ${ramOctets} octets`
  return [
    ['secrets found', `${secretsFound} of ${secretsPlanted}`],
    ['RAM recovered', `${ramOctetsRecovered} of ${ramOctets} octets`],
    ['exactly as it was', exact],
  ]
}

/** A dash where nothing can be told. */
export function structureRows(structure: StructureScore | null): string[][] {
  if (structure === null) return [['pages', '-']]
  const { pages, alikePages, alikeSeen, emptyPages, emptySeen, wrong, blocks, blocksRepeated, agreement } = structure
  return [
    ['pages that crossed whole', String(pages)],
    ['like another, seen to be', `${alikeSeen} of ${alikePages}`],
    ['all zero, seen to be', `${emptySeen} of ${emptyPages}`],
    ['guesses beside the truth', String(wrong)],
    ...(blocks === 0 ? [] : [['blocks seen before', `${blocksRepeated} of ${blocks}`]]),
    ['agreement (0 none, 1 whole)', agreement === null ? '-' : agreement.toFixed(2)],
  ]
}

/** A disguised run beside one without. */
export function priceRows(run: RunMetrics, plain: RunMetrics): string[][] {
  const price = disguisePrice(run, plain)
  const ms = (value: number | null): string => (value === null ? '-' : `${value.toFixed(2)} ms`)
  const more = (value: number | null, text: string): string => (value !== null && value >= 0 ? `+${text}` : text)
  return [
    [
      'octets on the wire',
      String(plain.wireOctets),
      String(run.wireOctets),
      more(price.wireOctets, String(price.wireOctets)),
    ],
    ['total time', ms(plain.totalTimeMs), ms(run.totalTimeMs), more(price.totalTimeMs, ms(price.totalTimeMs))],
    ['downtime', ms(plain.downtimeMs), ms(run.downtimeMs), more(price.downtimeMs, ms(price.downtimeMs))],
  ]
}
