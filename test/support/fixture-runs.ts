/** Made-up runs and samples that look like real ones: for tests of charts and reports. */
import type {
  FoundSecret,
  ProbeSample,
  RoundMetrics,
  RunMetrics,
  ThroughputSample,
} from '../../core/metrics/run-metrics.js'

export interface FixtureRun {
  readonly migration: number
  readonly channel: 'none' | 'nacl' | 'ssh'
  readonly startNs: number
  readonly fromHost: 'host-a' | 'host-b'
}

const PAGES = 4096
const roundPages = [4096, 1310, 486, 371, 118]
const predictedPages = [null, 1260, 430, 236, 82]
export const plantedSecrets: readonly (readonly [kind: string, name: string, value: string])[] = [
  ['credential', 'alice', 'tide-lantern-42'],
  ['card', 'Visa', '4556 7375 8689 9855'],
  ['private-key', 'OpenSSH', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAE'],
  ['cookie', 'session', '9f3c1a77d2e84b06'],
  ['card', 'Mastercard', '5500 0055 5555 5559'],
  ['setting', 'api_token', 'mk_live_71c09e'],
  ['credential', 'backup', 'harbour-7-quill'],
]

/** Virtual octets a second that the channel lets through. */
function rate(channel: FixtureRun['channel']): number {
  return { none: 118e6, nacl: 64e6, ssh: 41e6 }[channel]
}

export interface RunTimes {
  readonly rounds: readonly { readonly startNs: number; readonly endNs: number }[]
  readonly pausedFromNs: number
  readonly resumedAtNs: number
  readonly gapFromNs: number
  readonly gapToNs: number
}

export function runTimes({ channel, startNs }: FixtureRun): RunTimes {
  let at = startNs + 2_400_000
  const rounds = roundPages.map((pages) => {
    const from = at
    at += Math.round((pages * 4104 * 1e9) / rate(channel))
    return { startNs: from, endNs: at }
  })
  const pausedFromNs = rounds.at(-1)!.startNs
  const resumedAtNs = at + 6_200_000
  return { rounds, pausedFromNs, resumedAtNs, gapFromNs: pausedFromNs - 3_100_000, gapToNs: resumedAtNs + 9_400_000 }
}

/** The run as it stands at `nowNs`. */
export function fixtureRun(run: FixtureRun, nowNs: number): RunMetrics {
  const times = runTimes(run)
  const isDone = nowNs >= times.resumedAtNs
  const rounds = times.rounds.flatMap(({ startNs, endNs }, index): RoundMetrics[] => {
    if (nowNs < startNs) return []
    const pages = Math.round(roundPages[index]! * Math.min(1, (nowNs - startNs) / (endNs - startNs)))
    const zeroPages = index === 0 ? Math.round(pages * 0.28) : 0
    return [
      {
        round: index + 1,
        zeroPages,
        normalPages: pages - zeroPages,
        xbzrlePages: 0,
        octets: pages * 4104,
        startNs,
        endNs: Math.min(endNs, nowNs),
        dirtiedPages: roundPages[index + 1] ?? 0,
        paused: index === roundPages.length - 1,
        predictedPages: predictedPages[index]!,
      },
    ]
  })
  const findings = run.channel === 'none' ? foundBy(run, nowNs) : []
  const sentPages = Math.min(PAGES, rounds[0] ? rounds[0].zeroPages + rounds[0].normalPages : 0)
  const recovered = run.channel === 'none' ? sentPages * 4096 : 0
  const isGapOver = nowNs >= times.gapToNs
  return {
    migration: run.migration,
    vm: 'web',
    source: run.fromHost,
    destination: run.fromHost === 'host-a' ? 'host-b' : 'host-a',
    strategy: 'precopy',
    channel: run.channel,
    status: isDone ? 'completed' : 'active',
    cause: '',
    downtimeLimitMs: 30,
    linkBps: 1e9,
    startNs: run.startNs,
    endNs: isDone ? times.resumedAtNs : null,
    totalTimeMs: (Math.min(nowNs, times.resumedAtNs) - run.startNs) / 1e6,
    pausedFromNs: nowNs >= times.pausedFromNs ? times.pausedFromNs : null,
    resumedAtNs: isDone ? times.resumedAtNs : null,
    downtimeMs: isDone ? (times.resumedAtNs - times.pausedFromNs) / 1e6 : null,
    ownPause: 'none',
    clientGapMs: isGapOver ? (times.gapToNs - times.gapFromNs) / 1e6 : null,
    pendingAtStopOctets: null,
    forced: false,
    clientGapFromNs: isGapOver ? times.gapFromNs : null,
    clientGapToNs: isGapOver ? times.gapToNs : null,
    wireOctets: rounds.reduce((sum, { octets }) => sum + Math.round(octets * 1.06), 0),
    rounds,
    diskOctets: 0,
    postcopy: null,
    throttle: [],
    ramOctets: PAGES * 4096,
    ramOctetsRecovered: recovered,
    secretsPlanted: plantedSecrets.length,
    secretsFound: findings.length,
    leak: [
      { atNs: run.startNs, secretsFound: 0, ramOctetsRecovered: 0 },
      ...findings.map(({ atNs }, index) => ({ atNs, secretsFound: index + 1, ramOctetsRecovered: recovered })),
    ],
    findings,
    wentClear: false,
    metadata: [],
    ramOctetsExact: isDone ? recovered : null,
    structure: null,
    disguise: null,
    priceOfDisguise: null,
  }
}

function foundBy(run: FixtureRun, nowNs: number): FoundSecret[] {
  const first = runTimes(run).rounds[0]!
  const places = [0.14, 0.22, 0.31, 0.48, 0.52, 0.71, 0.9]
  return plantedSecrets.flatMap(([kind, name, value], index) => {
    const atNs = Math.round(first.startNs + (first.endNs - first.startNs) * places[index]!)
    if (atNs > nowNs) return []
    return [
      {
        kind,
        name,
        value,
        address: 0x80000000 + index * 0x1f340 + 0x4c8,
        packet: 840 + index * 1371,
        atNs,
        planted: true,
      },
    ]
  })
}

/** A reply every 2 ms: quick while idle, slower beside a migration, none in the gap. */
export function probesBetween(fromNs: number, toNs: number, runs: readonly FixtureRun[]): ProbeSample[] {
  const every = 2e6
  const samples: ProbeSample[] = []
  for (let sentNs = Math.ceil(fromNs / every) * every; sentNs < toNs; sentNs += every) {
    const noise = ((Math.imul(sentNs / every, 2654435761) >>> 16) % 1000) / 1000
    const run = runs.find((candidate) => sentNs >= candidate.startNs && sentNs < runTimes(candidate).gapToNs)
    const times = run && runTimes(run)
    const isGap = times !== undefined && sentNs > times.gapFromNs && sentNs < times.gapToNs
    samples.push({ sentNs, replyMs: isGap ? null : (times ? 0.78 : 0.42) + noise * 0.22 })
  }
  return samples
}

export function throughputBetween(fromNs: number, toNs: number, runs: readonly FixtureRun[]): ThroughputSample[] {
  const binNs = 5e6
  const samples: ThroughputSample[] = []
  for (let atNs = Math.ceil(fromNs / binNs) * binNs; atNs < toNs; atNs += binNs) {
    const run = runs.find((candidate) => atNs + binNs > candidate.startNs && atNs < runTimes(candidate).resumedAtNs)
    const noise = ((Math.imul(atNs / binNs, 2246822519) >>> 16) % 1000) / 1000
    samples.push({
      atNs,
      binNs,
      migrationOctets: run ? Math.round(rate(run.channel) * 1.05 * (binNs / 1e9) * (0.9 + noise * 0.1)) : 0,
      probeOctets: 460,
      otherOctets: noise > 0.9 ? 900 : 0,
    })
  }
  return samples
}
