/** Metrics of every migration of a session, folded from its trace. */
import type { Nanos } from '../base/units.js'
import { TRAFFIC_BIN_NS, type TimedRow } from '../kernel/trace-tables.js'
import type { Trace } from '../kernel/trace.js'
import { withPrice } from './leak/disguise-price.js'
import { scoreMetadata } from './leak/score-metadata.js'
import { scoreStructure } from './leak/score-structure.js'
import { predictRounds } from './predict-rounds.js'
import type {
  Disguise,
  FoundSecret,
  LeakStep,
  PostcopyMetrics,
  ProbeSample,
  RoundMetrics,
  RunMetrics,
  ThroughputSample,
} from './run-metrics.js'

/** A secret that was put into the guest: what leakage is measured against. The attacker never sees this list. */
export interface PlantedSecret {
  readonly kind: string
  readonly name: string
  readonly value: string
  /** In the guest only from when somebody typed it: counts as planted from the first run on in which it was found. */
  readonly onlyOnceTyped?: boolean
}

/** One entry a migration, oldest first. */
export function computeRuns(trace: Trace, planted: readonly PlantedSecret[]): RunMetrics[] {
  const starts = trace.rows('migration-start')
  const typed = new Set<PlantedSecret>()
  const runs = starts.map((start, index) => {
    const untilNs = starts[index + 1]?.atNs ?? Infinity
    return computeRun(trace, start, untilNs, planted, typed)
  })
  return runs.map((run) => withPrice(run, runs))
}

function computeRun(
  trace: Trace,
  start: TimedRow<'migration-start'>,
  untilNs: Nanos,
  planted: readonly PlantedSecret[],
  /** Secrets that were found in earlier runs to have been typed; those of this run are added. */
  typed: Set<PlantedSecret>,
): RunMetrics {
  const { migration } = start
  const statuses = trace.rows('migration-status').filter((row) => row.migration === migration)
  const last = statuses.at(-1)
  const ended = statuses.find((row) => isFinal(row.status))
  // A guest that is moved cold is switched off.
  const stopped = start.strategy === 'cold' ? 'shutdown' : 'finish-migrate'
  const pause = guestPause(trace, start, untilNs, { vm: last?.vm ?? '', source: last?.source ?? '', stopped })
  const gap =
    pause.fromNs === null || pause.ownPause !== 'none'
      ? null
      : clientGap(trace, { fromNs: pause.fromNs, toNs: pause.toNs }, untilNs)
  const leak = leakage(trace, start.atNs, untilNs, planted, typed)
  const stop = trace.rows('migration-switchover').find((row) => row.migration === migration)
  const endNs = ended?.atNs ?? null
  const rounds = roundsOf(trace, start, last)
  const following = postcopy(trace, migration)
  const estimates = trace
    .rows('traffic-estimate', trace.firstAt('traffic-estimate', start.atNs))
    .filter(({ atNs }) => atNs < untilNs)
  return {
    migration,
    vm: last?.vm ?? '',
    source: last?.source ?? '',
    destination: last?.destination ?? '',
    strategy: start.strategy,
    channel: start.channel,
    wentClear: trace
      .rows('channel-clear', trace.firstAt('channel-clear', start.atNs))
      .some(({ atNs }) => atNs < untilNs),
    status: last?.status ?? 'setup',
    cause: last?.status === 'completed' ? '' : (refusal(trace, migration) ?? last?.cause ?? ''),
    downtimeLimitMs: start.downtimeLimitNs / 1e6,
    linkBps: start.linkBps,
    startNs: start.atNs,
    endNs,
    totalTimeMs: ((endNs ?? trace.nowNs) - start.atNs) / 1e6,
    pendingAtStopOctets: stop?.pendingOctets ?? null,
    forced: stop?.forced === 1,
    pausedFromNs: pause.fromNs,
    resumedAtNs: pause.toNs,
    downtimeMs: pause.fromNs === null || pause.toNs === null ? null : (pause.toNs - pause.fromNs) / 1e6,
    ownPause: pause.ownPause,
    clientGapMs: gap === null ? null : (gap.toNs - gap.fromNs) / 1e6,
    clientGapFromNs: gap?.fromNs ?? null,
    clientGapToNs: gap?.toNs ?? null,
    wireOctets: wireOctets(trace, last?.source ?? '', start.atNs, untilNs),
    rounds,
    diskOctets: diskOctets(trace, migration),
    postcopy: following,
    throttle: trace
      .rows('migration-throttle')
      .filter((row) => row.migration === migration)
      .map(({ atNs, percent }) => ({ atNs, percent })),
    ramOctets: start.ramOctets,
    ...leak,
    ramOctetsExact: exactOctets(trace, migration),
    metadata: scoreMetadata(estimates, {
      ramOctets: start.ramOctets,
      rounds,
      followingPages: following?.normalPages ?? 0,
      pause,
    }),
    structure: scoreStructure(trace, migration, start.atNs, untilNs),
    disguise: disguiseOf(trace, start, untilNs),
    priceOfDisguise: null,
  }
}

/** Why the destination refused, which the source does not learn. */
function refusal(trace: Trace, migration: number): string | undefined {
  return trace.rows('migration-refused').find((row) => row.migration === migration)?.cause
}

function isFinal(status: string): boolean {
  return status === 'completed' || status === 'failed' || status === 'cancelled'
}

interface GuestPause {
  readonly fromNs: Nanos | null
  readonly toNs: Nanos | null
  readonly ownPause: RunMetrics['ownPause']
}

/**
 * From the guest's stop for switch-over to the instant a copy of it ran again, wherever that was, or would have if nobody had
 * wanted it stopped.
 */
function guestPause(
  trace: Trace,
  { migration, atNs: startNs }: TimedRow<'migration-start'>,
  untilNs: Nanos,
  { vm, source, stopped }: { readonly vm: string; readonly source: string; readonly stopped: string },
): GuestPause {
  const arrival = trace.rows('migration-arrived-paused').find((row) => row.migration === migration)
  let fromNs: Nanos | null = null
  let ranBefore = true
  for (const row of trace.rows('vm-state')) {
    if (row.vm !== vm || row.atNs >= untilNs) continue
    if (fromNs === null) {
      if (row.state === stopped && row.atNs >= startNs) fromNs = row.atNs
      else if (row.host === source) ranBefore = row.state !== 'paused'
      continue
    }
    const hasArrived = arrival !== undefined && row.atNs >= arrival.atNs
    const isBack = row.state === 'running' || (row.state === 'paused' && row.host === source)
    if (isBack && !hasArrived) return { fromNs, toNs: row.atNs, ownPause: ranBefore ? 'none' : 'before' }
  }
  const after = arrival === undefined ? 'none' : 'after'
  return { fromNs, toNs: arrival?.atNs ?? null, ownPause: fromNs !== null && !ranBefore ? 'before' : after }
}

/** The longest time between two replies at the client that touches the time in which the guest stood still. */
function clientGap(
  trace: Trace,
  { fromNs, toNs }: { fromNs: Nanos; toNs: Nanos | null },
  untilNs: Nanos,
): { fromNs: Nanos; toNs: Nanos } | null {
  // A reply is written when it arrives, so replies stand in the order of time.
  const replies = trace.numbers('probe', 'replyNs')
  const lost = trace.numbers('probe', 'lost')
  let index = trace.firstAt('probe', fromNs)
  let previousNs: Nanos | null = null
  for (let before = index - 1; before >= 0 && previousNs === null; before--)
    if (lost[before] === 0) previousNs = replies[before] ?? null
  let longest: { fromNs: Nanos; toNs: Nanos } | null = null
  for (; index < replies.length && (toNs === null || previousNs === null || previousNs <= toNs); index++) {
    const replyNs = replies[index] ?? 0
    if (lost[index] === 1) continue
    if (replyNs >= untilNs) break
    if (
      previousNs !== null &&
      replyNs > fromNs &&
      (longest === null || replyNs - previousNs > longest.toNs - longest.fromNs)
    )
      longest = { fromNs: previousNs, toNs: replyNs }
    previousNs = replyNs
  }
  return longest
}

/** A host's link to the switch has the host's name: every frame of a migration passes its source's. */
function wireOctets(trace: Trace, link: string, fromNs: Nanos, untilNs: Nanos): number {
  const links = trace.textCodes('link-traffic', 'link')
  const migrationOctets = trace.numbers('link-traffic', 'migrationOctets')
  const code = trace.codeOf(link)
  const end = trace.firstAt('link-traffic', untilNs)
  let octets = 0
  for (let index = trace.firstAt('link-traffic', fromNs); index < end; index++)
    if (links[index] === code) octets += migrationOctets[index] ?? 0
  return octets
}

function diskOctets(trace: Trace, migration: number): number {
  const passes = trace.rows('migration-disk').filter((row) => row.migration === migration)
  return passes.reduce((sum, { octets }) => sum + octets, 0)
}

function roundsOf(
  trace: Trace,
  start: TimedRow<'migration-start'>,
  of: TimedRow<'migration-status'> | undefined,
): RoundMetrics[] {
  const states = trace.rows('vm-state').filter(({ vm, host }) => vm === of?.vm && host === of.source)
  const isStill = states.findLast(({ atNs }) => atNs <= start.atNs)?.state === 'paused'
  const rows = trace.rows('migration-round').filter(({ migration }) => migration === start.migration)
  const asked = trace.rows('workload').findLast(({ atNs }) => atNs <= start.atNs)
  // A guest that stands still writes nothing.
  const workload = asked !== undefined && isStill ? { ...asked, dirtyPagesPerSecond: 0 } : asked
  const predicted = predictRounds(rows, start, workload)
  return rows.map((row, index) => ({
    round: row.round,
    zeroPages: row.zeroPages,
    normalPages: row.normalPages,
    xbzrlePages: row.xbzrlePages,
    octets: row.octets,
    startNs: row.startNs,
    endNs: row.endNs,
    dirtiedPages: row.dirtiedPages,
    paused: row.paused === 1,
    predictedPages: predicted[index] ?? null,
  }))
}

function postcopy(trace: Trace, migration: number): PostcopyMetrics | null {
  const statuses = trace.rows('migration-status').filter((row) => row.migration === migration)
  const began = statuses.find(({ status }) => status === 'postcopy-active')
  if (began === undefined) return null
  const faults = trace.rows('migration-fault').filter((row) => row.migration === migration)
  const end = trace.rows('migration-postcopy').find((row) => row.migration === migration)
  return {
    startNs: began.atNs,
    endNs: end?.endNs ?? null,
    zeroPages: end?.zeroPages ?? 0,
    normalPages: end?.normalPages ?? 0,
    octets: end?.octets ?? 0,
    faults: faults.map(({ page, askedNs, arrivedNs }) => ({ page, askedNs, arrivedNs })),
    blockedMs: (end?.blockedNs ?? faults.reduce((sum, { blockedNs }) => sum + blockedNs, 0)) / 1e6,
  }
}

function disguiseOf(trace: Trace, start: TimedRow<'migration-start'>, untilNs: Nanos): Disguise | null {
  const { roundsMin } = start
  const rows = trace.rows('shaping', trace.firstAt('shaping', start.atNs)).filter(({ atNs }) => atNs < untilNs)
  if (rows.length === 0) return roundsMin === 0 ? null : { roundsMin, cells: null }
  let [payloadOctets, sentOctets] = [0, 0]
  for (const row of rows) {
    payloadOctets += row.payloadOctets
    sentOctets += row.cells * row.cellOctets
  }
  return { roundsMin, cells: { payloadOctets, sentOctets } }
}

/** The most that any one conversation gave away. */
function exactOctets(trace: Trace, migration: number): number | null {
  const rows = trace.rows('recovered-exactly').filter((row) => row.migration === migration)
  return rows.length === 0 ? null : Math.max(...rows.map(({ octets }) => octets))
}

function leakage(
  trace: Trace,
  fromNs: Nanos,
  untilNs: Nanos,
  planted: readonly PlantedSecret[],
  typed: Set<PlantedSecret>,
): Pick<RunMetrics, 'leak' | 'findings' | 'secretsPlanted' | 'secretsFound' | 'ramOctetsRecovered'> {
  const streams = new Set<number>()
  for (const row of trace.rows('stream-seen', trace.firstAt('stream-seen', fromNs)))
    if (row.atNs < untilNs) streams.add(row.stream)
  const known = new Set<PlantedSecret>()
  const findings: FoundSecret[] = []
  const steps: LeakStep[] = []
  const octetsOfStream = new Map<number, number>()
  const events = [
    ...trace.rows('finding', trace.firstAt('finding', fromNs)).map((row) => ({ ...row, found: true as const })),
    ...trace.rows('recovered', trace.firstAt('recovered', fromNs)).map((row) => ({ ...row, found: false as const })),
  ]
    .filter((row) => streams.has(row.stream))
    .sort((a, b) => a.atNs - b.atNs)
  for (const event of events) {
    if (event.found) {
      const matches = planted.filter((secret) => reveals(event.value, secret.value))
      for (const match of matches) {
        known.add(match)
        if (match.onlyOnceTyped === true) typed.add(match)
      }
      const { kind, name, value, address, packet, atNs } = event
      findings.push({ kind, name, value, address, packet, atNs, planted: matches.length > 0 })
    } else octetsOfStream.set(event.stream, event.octets)
    let ramOctetsRecovered = 0
    for (const octets of octetsOfStream.values()) ramOctetsRecovered = Math.max(ramOctetsRecovered, octets)
    const step = { atNs: event.atNs, secretsFound: known.size, ramOctetsRecovered }
    if (steps.at(-1)?.atNs === event.atNs) steps.pop()
    steps.push(step)
  }
  const last = steps.at(-1)
  return {
    leak: steps,
    findings,
    secretsPlanted: planted.filter((secret) => secret.onlyOnceTyped !== true || typed.has(secret)).length,
    secretsFound: last?.secretsFound ?? 0,
    ramOctetsRecovered: last?.ramOctetsRecovered ?? 0,
  }
}

/** Whether a finding tells the planted value: as it stands, or but for the spaces and dashes of a card number. */
function reveals(found: string, planted: string): boolean {
  return found.includes(planted) || found.replace(/[ -]/g, '').includes(planted.replace(/[ -]/g, ''))
}

/** The client's probes, from row `first` of the table on: in the order in which they were answered or given up. */
export function probeSamples(trace: Trace, first = 0): ProbeSample[] {
  const sent = trace.numbers('probe', 'sentNs')
  const replies = trace.numbers('probe', 'replyNs')
  const lost = trace.numbers('probe', 'lost')
  const samples: ProbeSample[] = []
  for (let index = first; index < sent.length; index++) {
    const sentNs = sent[index] ?? 0
    samples.push({ sentNs, replyMs: lost[index] === 1 ? null : ((replies[index] ?? 0) - sentNs) / 1e6 })
  }
  return samples
}

/** What a link carried, a sample a bin, from row `first` of the table on. */
export function throughputSamples(trace: Trace, link: string, first = 0): ThroughputSample[] {
  const links = trace.textCodes('link-traffic', 'link')
  const code = trace.codeOf(link)
  const samples: ThroughputSample[] = []
  for (let index = first; index < links.length; index++) {
    if (links[index] !== code) continue
    const { binNs: atNs, migrationOctets, probeOctets, otherOctets } = trace.row('link-traffic', index)
    samples.push({ atNs, binNs: TRAFFIC_BIN_NS, migrationOctets, probeOctets, otherOctets })
  }
  return samples
}
