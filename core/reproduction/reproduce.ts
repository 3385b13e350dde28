/** The engine does what a real QEMU was measured doing, and the two are compared. */
import { milliseconds } from '../base/units.js'
import { StatisticsMigration } from '../migration/statistics-migration.js'
import { measuredMigration, SETUP_NS } from './measured-machine.js'
import type { MeasuredGroup, MeasuredMode, MeasuredRun } from './measured-runs.js'

/** Passes may be one outside the range of the repeats, the others so much off their median. */
const PASSES_OFF = 1
const OCTETS_OFF = 0.02
const TIME_OFF = 0.05

/** When the person who measured lost patience, where no run says it. */
const PATIENCE_MS: Readonly<Record<MeasuredMode, number>> = {
  precopy: 12_000,
  stopcopy: 12_000,
  postcopy: 40_000,
  xbzrle: 30_000,
}
/** How often the operator looks, to go over to post-copy once the dirty log has been read so many times. */
const OPERATOR_LOOKS_NS = milliseconds(10)
const POSTCOPY_AT_SYNC_COUNT = 3

interface Outcome {
  readonly completed: boolean
  readonly passes: number
  readonly octets: number
  readonly totalTimeMs: number
}

export interface Agreement {
  /** Of the repeats that completed. */
  readonly measured: readonly number[]
  readonly engine: number
  /** What the engine's figure may be. */
  readonly from: number
  readonly to: number
  readonly agrees: boolean
}

export interface Reproduction extends MeasuredGroup {
  /** The median of what the guest wrote in the repeats: the engine's guest writes as much. */
  readonly writtenPagesPerSecond: number
  readonly engineCompleted: boolean
  readonly convergenceAgrees: boolean
  /** Null where every repeat was cancelled: how far it had come by then says nothing. */
  readonly passes: Agreement | null
  readonly octets: Agreement | null
  readonly totalTimeMs: Agreement | null
  readonly agrees: boolean
}

export function reproduce(group: MeasuredGroup): Reproduction {
  const { choice, runs } = group
  const writtenPagesPerSecond = median(runs.map((run) => run.writtenPagesPerSecond))
  const outcome = migrate(group, writtenPagesPerSecond)
  const completed = runs.filter((run) => run.completed)
  const convergenceAgrees = runs.some((run) => run.completed === outcome.completed)
  const compare = (
    engine: number,
    figureOf: (run: MeasuredRun) => number,
    boundsOf: (measured: readonly number[]) => Bounds,
  ): Agreement | null => {
    if (completed.length === 0 || !outcome.completed) return null
    const measured = completed.map(figureOf)
    const { from, to } = boundsOf(measured)
    return { measured, engine, from, to, agrees: engine >= from && engine <= to }
  }
  const passes = compare(outcome.passes, (run) => run.dirtySyncCount, widened)
  const octets = compare(
    outcome.octets,
    (run) => run.transferredOctets,
    (all) => aroundMedian(all, OCTETS_OFF),
  )
  const totalTimeMs = compare(
    outcome.totalTimeMs,
    (run) => run.totalTimeMs,
    (all) => aroundMedian(all, TIME_OFF),
  )
  return {
    choice,
    runs,
    writtenPagesPerSecond,
    engineCompleted: outcome.completed,
    convergenceAgrees,
    passes,
    octets,
    totalTimeMs,
    agrees: convergenceAgrees && [passes, octets, totalTimeMs].every((agreement) => agreement?.agrees !== false),
  }
}

function migrate({ choice, runs }: MeasuredGroup, pagesPerSecond: number): Outcome {
  const migration = new StatisticsMigration(measuredMigration(choice, pagesPerSecond))
  const { source, kernel } = migration
  const patienceMs = Math.max(...runs.map((run) => run.cancelledAfterMs ?? PATIENCE_MS[choice.mode]))
  const untilNs = kernel.nowNs + milliseconds(patienceMs)
  while (kernel.nowNs < untilNs && !migration.runFor(OPERATOR_LOOKS_NS)) {
    if (
      choice.mode === 'postcopy' &&
      source.status === 'active' &&
      source.statistics.dirtySyncCount >= POSTCOPY_AT_SYNC_COUNT
    )
      source.startPostcopy()
  }
  if (source.endedAtNs === null) source.cancel()
  const { statistics, status } = source
  const spanNs = (source.endedAtNs ?? kernel.nowNs) - (source.startedAtNs ?? 0)
  return {
    completed: status === 'completed',
    passes: statistics.dirtySyncCount,
    octets: statistics.transferred,
    totalTimeMs: (spanNs + SETUP_NS) / 1e6,
  }
}

interface Bounds {
  readonly from: number
  readonly to: number
}

function widened(counts: readonly number[]): Bounds {
  return { from: Math.min(...counts) - PASSES_OFF, to: Math.max(...counts) + PASSES_OFF }
}

function aroundMedian(values: readonly number[], share: number): Bounds {
  const middle = median(values)
  return { from: middle * (1 - share), to: middle * (1 + share) }
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? 0)) / 2
}
