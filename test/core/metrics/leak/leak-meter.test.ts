import { describe, expect, it } from 'vitest'
import { analyseFile } from '../../../../core/attack/capture-file.js'
import type { LeakQuantity } from '../../../../core/base/leak-quantities.js'
import type { RunMetrics } from '../../../../core/metrics/run-metrics.js'
import type { GuestScenario, MigrationScenario } from '../../../../core/session/scenario.js'
import { bootedSession, migrateToEnd } from '../../../support/lab-session.js'

/** Large enough for more than a window of QEMU's, so that rates mean something. */
const large = { ramOctets: 8 * 1024 ** 2, fillOctets: 5 * 1024 ** 2 }

function moved(migration: Partial<MigrationScenario>, guest: Partial<GuestScenario> = {}) {
  const session = bootedSession({ seed: 'leak', migration, guest: { ...large, ...guest } })
  migrateToEnd(session)
  const run = session.world.lastRun()!
  expect(run.status).toBe('completed')
  return { run, capture: session.world.rack.tap.toPcapng() }
}

function scoreOf({ metadata }: RunMetrics, quantity: LeakQuantity) {
  return metadata.find((score) => score.quantity === quantity)!
}

/** Error, or infinity where the attacker did not dare to say. */
const errorOf = (run: RunMetrics, quantity: LeakQuantity): number => scoreOf(run, quantity).error ?? Infinity

describe.each(['none', 'nacl', 'ssh', 'tls', 'esp', 'aes-256-cbc'] as const)('leak meter over %s', (channel) => {
  const { run, capture } = moved({ channel })

  it('has size, memory sent and stop by lengths and times alone', () => {
    expect(errorOf(run, 'sent')).toBeLessThan(0.1)
    expect(errorOf(run, 'ram')).toBe(0)
    // The client asks every 2 ms: the guest's last answer is known that well.
    expect(errorOf(run, 'stopped-at')).toBeLessThan(2e6)
    expect(errorOf(run, 'downtime')).toBeLessThan(2e6)
    expect(errorOf(run, 'rounds')).toBeLessThan(1)
  })

  it('says the same of its capture alone', () => {
    const [transfer] = analyseFile(capture).report.transfers
    for (const { quantity, said } of run.metadata)
      // Times in a file are whole microseconds or better, and count from elsewhere.
      if (quantity !== 'stopped-at') expect(transfer!.estimate[quantity]?.value ?? null).toBe(said)
  })
})

describe.each(['nacl', 'ssh'] as const)('leak meter and shaping over %s', (channel) => {
  const plain = moved({ channel }).run

  it('tells a guest that writes much from one that writes nothing', () => {
    const idle = moved({ channel }, { dirtyPagesPerSecond: 0 }).run
    const heavy = moved({ channel }, { dirtyPagesPerSecond: 20_000, workingSetPages: 512 }).run
    const said = (run: RunMetrics): number => scoreOf(run, 'dirty-rate').said ?? 0
    expect(scoreOf(heavy, 'dirty-rate').truth).toBeGreaterThan(4 * scoreOf(idle, 'dirty-rate').truth!)
    expect(said(heavy)).toBeGreaterThan(2 * said(idle))
  })

  it.each(['padding', 'constant-rate'] as const)('%s hides how much was sent, for octets and time', (shaping) => {
    const { run } = moved({ channel, shaping })
    expect(errorOf(run, 'sent')).toBeGreaterThan(0.4)
    expect(errorOf(run, 'sent')).toBeGreaterThan(4 * errorOf(plain, 'sent'))
    expect(run.wireOctets).toBeGreaterThan(1.4 * plain.wireOctets)
    expect(run.totalTimeMs).toBeGreaterThan(plain.totalTimeMs)
    // The guest's own silence tells the stop whatever the channel does.
    expect(errorOf(run, 'downtime')).toBeLessThan(2e6)
  })

  it('rounds that must be are sent, and mislead who counts them', () => {
    const { run } = moved({ channel, roundsMin: 6, roundsMax: 6 })
    expect(run.rounds.filter(({ paused }) => !paused)).toHaveLength(6)
    expect(errorOf(run, 'rounds')).toBeGreaterThan(errorOf(plain, 'rounds'))
  })
})

describe('what the meter does not claim', () => {
  it('is a dirty rate for a guest that was stopped first', () => {
    const { run } = moved({ channel: 'nacl', strategy: 'stop-and-copy' })
    expect(scoreOf(run, 'dirty-rate')).toMatchObject({ said: null, error: null })
    expect(scoreOf(run, 'rounds').said).toBe(1)
  })

  it('is anything for padding in clear, which is refused', () => {
    expect(() => bootedSession({ migration: { channel: 'none', shaping: 'padding' } })).toThrow(/anybody reads/)
  })
})
