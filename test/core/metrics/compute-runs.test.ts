import { describe, expect, it } from 'vitest'
import { Kernel } from '../../../core/kernel/kernel.js'
import { computeRuns, probeSamples, type PlantedSecret } from '../../../core/metrics/compute-runs.js'

const MS = 1e6
const planted: PlantedSecret[] = [
  { kind: 'password', name: 'root', value: 'amber-kayak!1234' },
  { kind: 'card', name: 'alice', value: '4111111111111111' },
]

/** A session's trace as the engine writes it, with one migration from `a` to `b`: paused from 60 to 68 ms. */
function sessionTrace(): Kernel {
  const kernel = new Kernel('metrics')
  const { trace } = kernel
  const at = (ms: number): void => kernel.runUntil(ms * MS)
  const status = (word: string, cause = ''): void =>
    trace.add('migration-status', { migration: 1, vm: 'web', source: 'a', destination: 'b', status: word, cause })
  const probe = (sequence: number, sentMs: number, replyMs: number | null): void =>
    trace.add('probe', {
      client: 'client',
      sequence,
      sentNs: sentMs * MS,
      replyNs: replyMs === null ? 0 : replyMs * MS,
      lost: replyMs === null ? 1 : 0,
    })
  trace.add('workload', { vm: 'web', workingSetPages: 50, dirtyPagesPerSecond: 1000 })
  trace.add('vm-state', { vm: 'web', host: 'a', state: 'running' })
  at(10)
  trace.add('migration-start', {
    migration: 1,
    strategy: 'precopy',
    channel: 'none',
    downtimeLimitNs: 4 * MS,
    maxBandwidth: 0,
    roundsMin: 0,
    roundsMax: 30,
    stopRule: 'qemu',
    linkBps: 1e9,
    ramOctets: 1000 * 4096,
  })
  status('setup')
  trace.add('stream-seen', {
    attacker: 'mallory',
    stream: 0,
    protocol: 'qevm',
    client: '10.0.0.1:1',
    server: '10.0.0.2:49152',
  })
  at(20)
  trace.add('link-traffic', { link: 'a', binNs: 19 * MS, migrationOctets: 5000, probeOctets: 10, otherOctets: 0 })
  trace.add('link-traffic', { link: 'b', binNs: 19 * MS, migrationOctets: 4000, probeOctets: 10, otherOctets: 0 })
  trace.add('recovered', { attacker: 'mallory', stream: 0, pages: 10, octets: 40960 })
  trace.add('finding', {
    attacker: 'mallory',
    stream: 0,
    kind: 'credential',
    name: 'root',
    value: 'root:amber-kayak!1234',
    address: 0x80001000,
    packet: 7,
  })
  at(25)
  trace.add('finding', {
    attacker: 'mallory',
    stream: 0,
    kind: 'card',
    name: 'Visa',
    value: '4242424242424242',
    address: 0x80002000,
    packet: 9,
  })
  for (const [octets, paused] of [
    [7000, 0],
    [500, 1],
  ] as const) {
    const pass = { device: 'disk0', chunks: 1, zeroChunks: 0, startNs: 0, endNs: 0 }
    trace.add('migration-disk', { migration: 1, ...pass, octets, paused })
    trace.add('migration-disk', { migration: 2, ...pass, octets, paused })
  }
  probe(1, 50, 51)
  probe(2, 55, 56)
  at(60)
  const round = (number: number, normalPages: number, startMs: number, endMs: number, paused: number): void =>
    trace.add('migration-round', {
      migration: 1,
      round: number,
      zeroPages: 0,
      normalPages,
      xbzrlePages: 0,
      octets: normalPages * 4104,
      startNs: startMs * MS,
      endNs: endMs * MS,
      dirtiedPages: 40,
      paused,
    })
  round(1, 1000, 10, 50, 0)
  trace.add('vm-state', { vm: 'web', host: 'a', state: 'finish-migrate' })
  at(68)
  round(2, 40, 60, 61, 1)
  trace.add('vm-state', { vm: 'web', host: 'b', state: 'running' })
  status('completed')
  probe(3, 60, null)
  probe(4, 65, 70)
  probe(5, 70, 71)
  at(100)
  return kernel
}

describe('computeRuns', () => {
  const [run] = computeRuns(sessionTrace().trace, planted)

  it('times the run, the pause and the gap the client saw', () => {
    expect(run).toMatchObject({
      status: 'completed',
      totalTimeMs: 58,
      downtimeMs: 8,
      clientGapMs: 14,
      clientGapFromNs: 56 * MS,
      clientGapToNs: 70 * MS,
    })
  })

  it("counts the wire at the source's link", () => {
    expect(run?.wireOctets).toBe(5000)
    expect(run?.diskOctets).toBe(7500)
  })

  it('measures leakage against what was planted, and keeps what else was found', () => {
    expect(run).toMatchObject({ secretsPlanted: 2, secretsFound: 1, ramOctetsRecovered: 40960 })
    expect(run?.findings.map(({ planted: isPlanted }) => isPlanted)).toEqual([true, false])
    expect(run?.leak).toEqual([
      { atNs: 20 * MS, secretsFound: 1, ramOctetsRecovered: 40960 },
      { atNs: 25 * MS, secretsFound: 1, ramOctetsRecovered: 40960 },
    ])
  })

  it('counts what is there only once it was typed where it was found', () => {
    const typed: PlantedSecret[] = [
      { ...planted[0]!, onlyOnceTyped: true },
      planted[1]!,
      { kind: 'password', name: 'bob', value: 'never-typed#1', onlyOnceTyped: true },
    ]
    expect(computeRuns(sessionTrace().trace, typed)[0]).toMatchObject({ secretsPlanted: 2, secretsFound: 1 })
    expect(computeRuns(sessionTrace().trace, typed.slice(1))[0]).toMatchObject({ secretsPlanted: 1, secretsFound: 0 })
  })

  it('gives rounds with their prediction', () => {
    expect(run?.rounds.map(({ normalPages, predictedPages, paused }) => [normalPages, predictedPages, paused])).toEqual(
      [
        [1000, null, false],
        [40, 40, true],
      ],
    )
  })

  it('gives the probes, with null for what was not answered', () => {
    expect(probeSamples(sessionTrace().trace).map(({ replyMs }) => replyMs)).toEqual([1, 1, null, 5, 1])
  })
})
