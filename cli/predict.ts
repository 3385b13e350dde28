/** `predict`: a migration foretold from rates alone, and what the engine does with a guest of such rates. */
import { parseArgs } from 'node:util'
import { InputError } from '../core/base/errors.js'
import {
  PAGE_OCTETS,
  parseBitRate,
  parseDuration,
  parseEventRate,
  parseOctetRate,
  parseOctets,
  seconds,
} from '../core/base/units.js'
import type { MigrationForecast } from '../core/metrics/precopy-closed-form.js'
import { forecastMigration, migrateAsForetold, type ForecastParameters } from '../core/reproduction/forecast.js'
import { openOutput } from './output.js'
import { oneOf, quantity } from './quantities.js'

const options = {
  ram: { type: 'string', default: '1GiB' },
  fill: { type: 'string' },
  'working-set': { type: 'string', default: '64MiB' },
  'dirty-rate': { type: 'string', default: '10000/s' },
  random: { type: 'boolean', default: false },
  bandwidth: { type: 'string', default: '1Gbit' },
  latency: { type: 'string', default: '100us' },
  'max-bandwidth': { type: 'string', default: '0' },
  'downtime-limit': { type: 'string', default: '300ms' },
  'stop-rule': { type: 'string', default: 'whole-rounds' },
  rounds: { type: 'string', default: '30' },
  seed: { type: 'string', default: '1' },
  json: { type: 'string' },
} as const
type Values = ReturnType<typeof parseArgs<{ options: typeof options }>>['values']

/** Of virtual time, after which the engine's migration is taken for endless. */
const PATIENCE_NS = seconds(3600)
/** Pages that a page-statistics guest may have: 64 GiB. */
const PAGES_MAX = 2 ** 24

export async function predictCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options })
  const parameters = parametersFrom(values)
  const output = openOutput(values.json)
  const foretold = forecastMigration(parameters)
  const engine = migrateAsForetold(parameters, PATIENCE_NS, values.seed)
  const row = (what: string, write: (of: MigrationForecast) => string, figure?: (of: MigrationForecast) => number) => [
    what,
    write(foretold),
    write(engine),
    figure === undefined ? '' : difference(figure(foretold), figure(engine)),
  ]
  output.table(
    ['', 'foretold', 'engine', ''],
    [
      row('converges', ({ converges }) => (converges ? 'yes' : 'no')),
      row(
        'rounds',
        ({ rounds }) => countOf(rounds),
        ({ rounds }) => rounds,
      ),
      row(
        'octets sent',
        ({ octets }) => countOf(octets),
        ({ octets }) => octets,
      ),
      row('times the memory', ({ amplification }) => fixed(amplification, 3)),
      row('octets left at the stop', ({ leftOctets }) => countOf(leftOctets)),
      row(
        'total time',
        ({ totalSeconds }) => `${fixed(totalSeconds, 3)} s`,
        ({ totalSeconds }) => totalSeconds,
      ),
      row(
        'downtime',
        ({ downtimeSeconds }) => `${fixed(1000 * downtimeSeconds, 1)} ms`,
        ({ downtimeSeconds }) => downtimeSeconds,
      ),
    ],
  )
  await output.json({ parameters, foretold: finite(foretold), engine: finite(engine) })
  return 0
}

function parametersFrom(values: Values): ForecastParameters {
  const pages = (option: string, text: string): number => Math.ceil(quantity(option, text, parseOctets) / PAGE_OCTETS)
  const ramPages = pages('ram', values.ram)
  const filledPages = values.fill === undefined ? Math.ceil(ramPages / 2) : pages('fill', values.fill)
  const workingSetPages = pages('working-set', values['working-set'])
  if (ramPages === 0 || ramPages > PAGES_MAX) throw new InputError('--ram: choose 4KiB to 64GiB')
  if (filledPages > ramPages) throw new InputError('--fill: more than the RAM')
  if (workingSetPages > filledPages)
    throw new InputError('--working-set: more than is filled; the guest writes to what is not zero')
  const roundsMax = Number(values.rounds)
  if (!Number.isInteger(roundsMax) || roundsMax < 0) throw new InputError('--rounds: a whole number, and 0 for no end')
  const linkBps = quantity('bandwidth', values.bandwidth, parseBitRate)
  if (linkBps < 1000) throw new InputError('--bandwidth: at least 1kbit')
  return {
    ramPages,
    filledPages,
    workingSetPages,
    dirtyPagesPerSecond: quantity('dirty-rate', values['dirty-rate'], parseEventRate),
    order: values.random ? 'random' : 'cyclic',
    linkBps,
    delayNs: quantity('latency', values.latency, parseDuration),
    maxBandwidth: quantity('max-bandwidth', values['max-bandwidth'], parseOctetRate),
    downtimeLimitNs: quantity('downtime-limit', values['downtime-limit'], parseDuration),
    roundsMax,
    stopRule: oneOf('stop-rule', values['stop-rule'], ['qemu', 'whole-rounds'] as const),
  }
}

function difference(foretold: number, engine: number): string {
  if (!Number.isFinite(foretold) || !Number.isFinite(engine) || foretold === 0) return ''
  const percent = 100 * (engine / foretold - 1)
  return `${percent < 0 ? '-' : '+'}${Math.abs(percent).toFixed(2)} %`
}

function countOf(value: number): string {
  return Number.isFinite(value) ? String(Math.round(value)) : 'no end'
}

function fixed(value: number, digits: number): string {
  return Number.isFinite(value) ? value.toFixed(digits) : 'no end'
}

/** JSON has no infinity: null stands for what has no end. */
function finite(forecast: MigrationForecast): Record<string, number | boolean | null> {
  return Object.fromEntries(
    Object.entries(forecast).map(([name, value]) => [name, value === Infinity ? null : (value as number | boolean)]),
  )
}
