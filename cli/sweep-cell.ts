/** One migration of a sweep, and what of it stands in a row. */
import { createHash } from 'node:crypto'
import { InputError } from '../core/base/errors.js'
import { leakQuantities, type LeakQuantity } from '../core/base/leak-quantities.js'
import type { MetadataScore } from '../core/metrics/run-metrics.js'
import { Session } from '../core/session/session.js'
import { readGuestImage } from './guest-images.js'
import { runMigration } from './migrate-run.js'
import { scenarioFrom, type ScenarioValues } from './migrate-scenario.js'
import { projectVersion } from './project.js'
import type { SweepCell } from './sweep-spec.js'

/** How far off a listener was who had lengths and times alone: as `MetadataScore` has it, times in nanoseconds. */
type MetadataErrors = Readonly<Record<`${LeakQuantity}-error`, number | null>>

/** Times are virtual. Empty where there is none. */
export interface SweepRow extends MetadataErrors {
  readonly status: string
  readonly cause: string
  readonly totalTimeMs: number | null
  readonly downtimeMs: number | null
  readonly clientGapMs: number | null
  readonly rounds: number | null
  readonly converged: boolean | null
  readonly wireOctets: number | null
  /** Core time of everything the hosts did for it: copying, sealing, opening. */
  readonly sourceCpuMs: number | null
  readonly destinationCpuMs: number | null
  readonly ramOctets: number | null
  readonly ramOctetsRecovered: number | null
  /** Octets of pages that are exactly as they were when the guest left. */
  readonly ramOctetsExact: number | null
  /** Which pages are alike or empty, as the listener says, with the truth: an adjusted Rand index. */
  readonly structureAgreement: number | null
  readonly secretsPlanted: number | null
  readonly secretsFound: number | null
  readonly traceHash: string
}

export const rowColumns = [
  'status',
  'cause',
  'totalTimeMs',
  'downtimeMs',
  'clientGapMs',
  'rounds',
  'converged',
  'wireOctets',
  'sourceCpuMs',
  'destinationCpuMs',
  'ramOctets',
  'ramOctetsRecovered',
  'ramOctetsExact',
  'structureAgreement',
  'secretsPlanted',
  'secretsFound',
  ...leakQuantities.map((quantity) => `${quantity}-error` as const),
  'traceHash',
] as const satisfies readonly (keyof SweepRow)[]

/** What a result depends on: another program, guest, scenario or seed has another key. */
export function keyOf({ scenario, values }: SweepCell): string {
  const image = createHash('sha256').update(readGuestImage(values.guest)).digest('hex')
  const { seed, paused, 'pause-before-switchover': hold = null } = values
  const all = [projectVersion(), image, scenario, seed, paused, hold]
  return createHash('sha256').update(JSON.stringify(all)).digest('hex')
}

/** What cannot be done with this guest ends as a row as well. */
export async function runCell(values: ScenarioValues): Promise<SweepRow> {
  const session = new Session({
    scenario: scenarioFrom(values),
    seed: values.seed,
    image: readGuestImage(values.guest),
  })
  try {
    const isOver = await runMigration(session, values)
    return rowOf(session, isOver)
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return { ...rowOf(session, false), status: 'refused', cause: error.message }
  }
}

function rowOf(session: Session, isOver: boolean): SweepRow {
  const run = session.world.lastRun()
  const [sourceCpuMs = null, destinationCpuMs = null] = session.world.hosts.map(({ cores }) => {
    const booked = [...cores.booked().values()].reduce((sum, ns) => sum + ns, 0)
    return Math.round(booked / 1000) / 1000
  })
  return {
    status: run === undefined ? 'refused' : isOver ? run.status : 'endless',
    cause: run?.cause ?? '',
    totalTimeMs: run?.totalTimeMs ?? null,
    downtimeMs: run?.downtimeMs ?? null,
    clientGapMs: run?.clientGapMs ?? null,
    rounds: run?.rounds.length ?? null,
    converged: run === undefined || run.downtimeMs === null ? null : !run.forced,
    wireOctets: run?.wireOctets ?? null,
    sourceCpuMs,
    destinationCpuMs,
    ramOctets: run?.ramOctets ?? null,
    ramOctetsRecovered: run?.ramOctetsRecovered ?? null,
    ramOctetsExact: run?.ramOctetsExact ?? null,
    structureAgreement: run?.structure?.agreement ?? null,
    secretsPlanted: run?.secretsPlanted ?? null,
    secretsFound: run?.secretsFound ?? null,
    ...metadataErrors(run?.metadata ?? []),
    traceHash: session.trace.hash(),
  }
}

function metadataErrors(scores: readonly MetadataScore[]): MetadataErrors {
  const errorOf = (quantity: LeakQuantity) => scores.find((score) => score.quantity === quantity)?.error ?? null
  return Object.fromEntries(
    leakQuantities.map((quantity) => [`${quantity}-error`, errorOf(quantity)]),
  ) as unknown as MetadataErrors
}
