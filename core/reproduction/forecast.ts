/**
 * A migration foretold from rates alone, and the same migration done by the engine with a page-statistics guest: the two ought
 * to be equal.
 */
import { milliseconds, PAGE_OCTETS, type Nanos } from '../base/units.js'
import { precopyClosedForm, type MigrationForecast } from '../metrics/precopy-closed-form.js'
import { predictPrecopy, type PageWrites } from '../metrics/precopy-rounds.js'
import { MIGRATION_COSTS } from '../migration/costs.js'
import { DEFAULT_MIGRATION_PARAMETERS } from '../migration/migration.js'
import { StatisticsMigration } from '../migration/statistics-migration.js'

/** A page on the stream: 8 octets of header and its own. A zero page: header and one octet. */
const RECORD_OCTETS = 8 + PAGE_OCTETS
const ZERO_RECORD_OCTETS = 9
const DEVICE_OCTETS = 4096
/** How often a source that nothing limits looks at what is left (QEMU's MAX_WAIT), and one that is limited (BUFFER_DELAY). */
const PART_SECONDS = 0.05
const WINDOW_SECONDS = 0.1

export interface ForecastParameters {
  readonly ramPages: number
  /** Not zero; what the guest writes is of these. */
  readonly filledPages: number
  readonly workingSetPages: number
  readonly dirtyPagesPerSecond: number
  readonly order: PageWrites['order']
  readonly linkBps: number
  readonly delayNs: Nanos
  /** Octets a second; 0 for no limit. */
  readonly maxBandwidth: number
  readonly downtimeLimitNs: Nanos
  readonly roundsMax: number
  /** Those of which the threshold is the downtime limit. */
  readonly stopRule: 'qemu' | 'whole-rounds'
}

/** What the formula says, or for what has no formula, the sum of its rounds. */
export function forecastMigration(parameters: ForecastParameters): MigrationForecast {
  const { filledPages, ramPages, workingSetPages, dirtyPagesPerSecond, linkBps, maxBandwidth, delayNs } = parameters
  const { order, stopRule, roundsMax, downtimeLimitNs } = parameters
  const linkOctets = linkBps / 8
  const streamOctets = maxBandwidth === 0 ? linkOctets : Math.min(linkOctets, maxBandwidth)
  const zeroPages = ramPages - filledPages
  const octetsPerSecond = Math.min(streamOctets, (RECORD_OCTETS * 1e9) / MIGRATION_COSTS.normalPageNs)
  const zeroSeconds = zeroPages * Math.max(ZERO_RECORD_OCTETS / streamOctets, MIGRATION_COSTS.zeroPageNs / 1e9)
  // QEMU weighs what is left as memory, not as records.
  const thresholdPages = (octetsPerSecond * downtimeLimitNs) / 1e9 / PAGE_OCTETS
  const setupSeconds = (2 * delayNs) / 1e9
  // What the connection's buffer holds when the guest is stopped, the devices, the way there, and the way back of the word that
  // all has come.
  const { bufferOctets } = buffersFor(linkBps, delayNs)
  const resumeSeconds = (bufferOctets + DEVICE_OCTETS) / linkOctets + (2 * delayNs) / 1e9
  const zeroOctets = zeroPages * ZERO_RECORD_OCTETS
  if (stopRule === 'whole-rounds' && order === 'cyclic') {
    // Zero pages lengthen the first round, as so many octets more would.
    const forecast = precopyClosedForm({
      memoryOctets: filledPages * RECORD_OCTETS + zeroSeconds * octetsPerSecond,
      octetsPerSecond,
      dirtyOctetsPerSecond: dirtyPagesPerSecond * RECORD_OCTETS,
      workingSetOctets: workingSetPages * RECORD_OCTETS,
      thresholdOctets: thresholdPages * RECORD_OCTETS,
      roundsMax,
      setupSeconds,
      resumeSeconds,
    })
    const octets = forecast.octets - zeroSeconds * octetsPerSecond + zeroOctets
    return { ...forecast, octets, amplification: octets / (filledPages * RECORD_OCTETS + zeroOctets) }
  }
  const predicted = predictPrecopy({
    pages: filledPages,
    zeroSeconds,
    pagesPerSecond: octetsPerSecond / RECORD_OCTETS,
    writes: [{ pageCount: workingSetPages, pagesPerSecond: dirtyPagesPerSecond, order }],
    thresholdPages,
    roundsMax,
    lookSeconds: stopRule === 'whole-rounds' ? 0 : streamOctets < linkOctets ? WINDOW_SECONDS : PART_SECONDS,
  })
  const octets = predicted.pages * RECORD_OCTETS + zeroOctets
  // The last pages go as fast as the link takes them.
  const lastSeconds = predicted.leftPages * Math.max(RECORD_OCTETS / linkOctets, MIGRATION_COSTS.normalPageNs / 1e9)
  return {
    converges: predicted.converges,
    rounds: predicted.rounds.length,
    leftOctets: predicted.leftPages * RECORD_OCTETS,
    octets,
    totalSeconds: setupSeconds + predicted.seconds + lastSeconds + resumeSeconds,
    downtimeSeconds: lastSeconds + resumeSeconds,
    amplification: octets / (filledPages * RECORD_OCTETS + zeroOctets),
  }
}

/** What the engine does, for at most `limitNs` of virtual time. */
export function migrateAsForetold(parameters: ForecastParameters, limitNs: Nanos, seed = '1'): MigrationForecast {
  const { ramPages, filledPages, workingSetPages, dirtyPagesPerSecond, order } = parameters
  const firstPage = ramPages - filledPages
  const migration = new StatisticsMigration({
    guest: {
      name: 'guest',
      machineType: 'virt',
      blocks: [
        {
          name: 'ram',
          pageCount: ramPages,
          filled: [{ firstPage, pageCount: filledPages }],
          writes: [{ firstPage, pageCount: workingSetPages, pagesPerSecond: dirtyPagesPerSecond, order }],
        },
      ],
      deviceOctets: DEVICE_OCTETS,
    },
    migration: { ...DEFAULT_MIGRATION_PARAMETERS, ...parameters, strategy: 'precopy' },
    link: {
      rateBps: parameters.linkBps,
      delayNs: parameters.delayNs,
      ...buffersFor(parameters.linkBps, parameters.delayNs),
    },
    warmUpNs: milliseconds(1),
    seed,
  }).run(limitNs)
  const { source, resumedAtNs } = migration
  const { rounds, statistics } = source
  const isOver = source.status === 'completed'
  const leftPages = rounds.reduce((pages, round) => pages + (round.paused ? round.normalPages : 0), 0)
  return {
    converges: isOver && !source.forced,
    rounds: isOver ? rounds.filter(({ paused }) => !paused).length : Infinity,
    leftOctets: isOver ? leftPages * RECORD_OCTETS : Infinity,
    octets: isOver ? statistics.transferred : Infinity,
    totalSeconds: isOver ? ((source.endedAtNs ?? 0) - (source.startedAtNs ?? 0)) / 1e9 : Infinity,
    downtimeSeconds: isOver ? ((resumedAtNs ?? 0) - (source.pausedAtNs ?? 0)) / 1e9 : Infinity,
    amplification: isOver
      ? statistics.transferred / (filledPages * RECORD_OCTETS + (ramPages - filledPages) * ZERO_RECORD_OCTETS)
      : Infinity,
  }
}

/** Buffers that hold a quarter of a millisecond of the link and what is under way, but four pages at least, and pieces of half of that. */
function buffersFor(linkBps: number, delayNs: Nanos): { bufferOctets: number; segmentOctets: number } {
  const held = Math.ceil((linkBps / 8e9) * (250_000 + 4 * delayNs))
  const bufferOctets = Math.min(4 * 1024 * 1024, Math.max(16_384, held))
  return { bufferOctets, segmentOctets: Math.ceil(bufferOctets / 2) }
}
