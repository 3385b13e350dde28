/** What a migration gave away, and what hiding it cost, in words. */
import type { RunMetrics } from '../engine/contract.js'
import { formatCount, formatInstant, formatMs, formatOctets, formatShare, formatSpan } from './quantities.js'

type Score = RunMetrics['metadata'][number]
type Quantity = Score['quantity']
type Price = NonNullable<RunMetrics['priceOfDisguise']>

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

/** What, what the attacker says, what it was, how far off. */
export function leakRows({ metadata }: Pick<RunMetrics, 'metadata'>): readonly (readonly string[])[] {
  return metadata.map(({ quantity, said, truth, error }) => [
    titles[quantity],
    valueText(quantity, said),
    valueText(quantity, truth),
    errorText(quantity, error),
  ])
}

/** How much of RAM the attacker rebuilt, and whether it is right. */
export function rebuiltText(run: Pick<RunMetrics, 'ramOctets' | 'ramOctetsRecovered' | 'ramOctetsExact'>): string {
  const { ramOctets, ramOctetsRecovered, ramOctetsExact } = run
  const rebuilt = `${formatOctets(ramOctetsRecovered)} of ${formatOctets(ramOctets)} of RAM rebuilt (${formatShare(ramOctetsRecovered, ramOctets)})`
  if (ramOctetsExact === null || ramOctetsRecovered === 0) return `${rebuilt}.`
  if (ramOctetsExact === ramOctetsRecovered) return `${rebuilt}, octet by octet as it was when the guest left.`
  return `${rebuilt}, ${formatOctets(ramOctetsExact)} of it exactly as it was when the guest left.`
}

/** More than a handshake's words: this cipher seals equal blocks alike. */
const REPEATS_MIN = 1 / 4096

/** What equal cipher blocks, or pages in clear, told of which pages are alike; null while nothing is known. */
export function structureText({ structure }: Pick<RunMetrics, 'structure'>): string | null {
  if (structure === null) return null
  const { pages, alikePages, alikeSeen, emptyPages, emptySeen, blocks, blocksRepeated } = structure
  const ofEmpty = emptyPages === 0 ? '' : `, and ${formatCount(emptySeen)} of ${formatCount(emptyPages)} empty ones`
  const seen = `${formatCount(alikeSeen)} of ${formatCount(alikePages)} that are like another show as such${ofEmpty}`
  const repeats = blocksRepeated > REPEATS_MIN * blocks
  const ofBlocks = repeats ? ` ${formatShare(blocksRepeated, blocks)} of the cipher blocks had come before.` : ''
  if (alikePages === 0) return `Pages: none of ${formatCount(pages)} is like another.${ofBlocks}`
  return `Pages: ${seen}, of ${formatCount(pages)} that crossed whole.${ofBlocks}`
}

/** What a disguise did, in a sentence; null for a run without one. */
export function disguiseText({ disguise }: Pick<RunMetrics, 'disguise'>): string | null {
  if (disguise === null) return null
  const { roundsMin, cells } = disguise
  const ofRounds = roundsMin === 0 ? [] : [`at least ${formatCount(roundsMin)} ${roundsMin === 1 ? 'round' : 'rounds'}`]
  const ofCells =
    cells === null
      ? []
      : [`${formatOctets(cells.payloadOctets)} in cells of ${formatOctets(cells.sentOctets)} together`]
  return `Disguised: ${[...ofCells, ...ofRounds].join(', ')}.`
}

/** What, without the disguise, with it, and how much more. */
export function priceRows(run: RunMetrics, plain: RunMetrics, price: Price): readonly (readonly string[])[] {
  const { wireOctets, totalTimeMs, downtimeMs } = price
  const row = (title: string, without: number | null, having: number | null, more: number | null, of: Format) => [
    title,
    ...[without, having].map((value) => (value === null ? '–' : of(value))),
    more === null ? '–' : `${more < 0 ? '−' : '+'}${of(Math.abs(more))}`,
  ]
  return [
    row('On the wire', plain.wireOctets, run.wireOctets, wireOctets, formatOctets),
    row('Total time', plain.totalTimeMs, run.totalTimeMs, totalTimeMs, formatMs),
    row('Downtime', plain.downtimeMs, run.downtimeMs, downtimeMs, formatMs),
  ]
}

type Format = (value: number) => string
