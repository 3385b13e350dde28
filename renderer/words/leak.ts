/** What lengths and times gave away, in words. */
import type { RunMetrics } from '../engine/contract.js'
import { formatCount, formatInstant, formatOctets, formatSpan } from './quantities.js'

type Score = RunMetrics['metadata'][number]
type Quantity = Score['quantity']

const titles: Readonly<Record<Quantity, string>> = {
  sent: 'Memory sent',
  ram: 'Size of its RAM',
  rounds: 'Rounds',
  'dirty-rate': 'Dirty rate',
  'working-set': 'Working set',
  'stopped-at': 'Stopped at',
  downtime: 'Stood still for',
  workload: 'Workload',
}
const workloads = ['Idle', 'Steady', 'Heavy']

function valueText(quantity: Quantity, value: number | null): string {
  if (value === null) return '–'
  switch (quantity) {
    case 'sent':
    case 'ram':
      return formatOctets(value)
    case 'rounds':
      return formatCount(value)
    case 'dirty-rate':
      return `${formatCount(value)} pages/s`
    case 'working-set':
      return `${formatCount(value)} pages`
    case 'stopped-at':
      return formatInstant(value)
    case 'downtime':
      return formatSpan(value)
    case 'workload':
      return workloads[value] ?? '–'
  }
}

function errorText(quantity: Quantity, error: number | null): string {
  if (error === null) return '–'
  if (quantity === 'workload') return error === 0 ? 'right' : 'wrong'
  return quantity === 'stopped-at' || quantity === 'downtime' ? formatSpan(error) : `${formatCount(100 * error)} %`
}

export interface LeakRow {
  readonly title: string
  readonly said: string
  readonly truth: string
  readonly error: string
}

export function leakRows({ metadata }: Pick<RunMetrics, 'metadata'>): LeakRow[] {
  return metadata.map(({ quantity, said, truth, error }) => ({
    title: titles[quantity],
    said: valueText(quantity, said),
    truth: valueText(quantity, truth),
    error: errorText(quantity, error),
  }))
}
