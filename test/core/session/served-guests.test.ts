import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { RequestProbe } from '../../../core/session/probes/request-probe.js'
import type { Session } from '../../../core/session/session.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'

function probeOf(session: Session): RequestProbe {
  const { probe } = session.world.probe
  if (!(probe instanceof RequestProbe)) throw new Error('the guest is asked by something else')
  return probe
}

/** Let time go by, and collect what the client was answered, answer by answer. */
function answersWhile(session: Session, isGoingOn: (session: Session) => boolean, spanNs: number): number[] {
  const answers: number[] = []
  let seen = session.trace.count('probe')
  session.runWhile((now) => {
    if (now.trace.count('probe') !== seen) {
      seen = now.trace.count('probe')
      const last = now.trace.rows('probe', seen - 1)[0]
      if (last?.lost === 0) answers.push(probeOf(now).lastValue!)
    }
    return isGoingOn(now)
  }, spanNs)
  return answers
}

describe('guests with a service', () => {
  it.each([
    ['web', 'precopy'],
    ['web', 'stop-and-copy'],
    ['kv', 'precopy'],
  ] as const)(
    '%s moves by %s under its client, whose connection lives on and whose counter skips nothing',
    (image, strategy) => {
      const session = bootedSession({
        image,
        guest: { dirtyPagesPerSecond: 200 },
        migration: { strategy },
        bandwidthBps: 1e8,
      })
      const before = probeOf(session).lastValue!
      expect(before).toBeGreaterThan(300)
      const connections = probeOf(session).connectionCount
      session.do({ kind: 'migrate' })
      const during = answersWhile(session, ({ isMigrating }) => isMigrating, seconds(60))
      const after = answersWhile(session, () => true, seconds(2))
      const run = session.world.lastRun()
      expect(run).toMatchObject({ status: 'completed', destination: 'host-b' })
      expect(session.trace.rows('migration-compare').at(-1)).toMatchObject({ ramDifferences: 0, deviceDifferences: 0 })
      expect(run?.clientGapMs).toBeGreaterThan(run?.downtimeMs ?? Infinity)

      const answers = [...during, ...after]
      expect(after.length).toBeGreaterThan(300)
      expect(answers).toEqual(Array.from({ length: answers.length }, (_, i) => before + 1 + i))
      expect(probeOf(session).connectionCount).toBe(connections)
    },
  )

  it('what the client asks counts as probes on the links', () => {
    const session = bootedSession({ image: 'web' })
    const rows = session.trace.rows('link-traffic').filter(({ link }) => link === 'client')
    expect(rows.reduce((sum, { probeOctets }) => sum + probeOctets, 0)).toBeGreaterThan(50_000)
  })

  it("the attacker reads the client's cookie out of an unprotected move of web, and nothing out of a sealed one", () => {
    const found = (['none', 'nacl', 'ssh', 'tls'] as const).map((channel) => {
      const session = bootedSession({ image: 'web', migration: { channel } })
      const { value } = session.planted[0]!
      session.do({ kind: 'type', console: 'guest', text: 'sessions\r' })
      migrateToEnd(session)
      expect(session.world.consoles.guest.from(0)).toContain(`${value}  1 visits`)
      const run = session.world.lastRun()
      expect(run).toMatchObject({ status: 'completed', secretsPlanted: 1 })
      return [run?.secretsFound, run?.findings.filter((each) => each.planted).map(({ kind }) => kind)]
    })
    expect(found).toEqual([
      [1, ['cookie']],
      [0, []],
      [0, []],
      [0, []],
    ])
  })

  it("the attacker reads kv's cards out of an unprotected move", () => {
    const session = bootedSession({ image: 'kv' })
    session.do({ kind: 'migrate' })
    session.runWhile(({ isMigrating }) => isMigrating, seconds(60))
    session.runFor(milliseconds(300))
    expect(session.planted).toHaveLength(24)
    expect(session.world.lastRun()).toMatchObject({ secretsPlanted: 24, secretsFound: 24 })
  })

  it('can be kept while its client waits, and goes on the same', () => {
    const session = bootedSession({ image: 'web', bandwidthBps: 1e8 })
    session.do({ kind: 'migrate' })
    session.runFor(milliseconds(37.3))
    const kept = session.fork()
    const endNs = session.nowNs + seconds(1)
    for (const each of [session, kept]) each.runUntil(endNs)
    expect(kept.trace.hash()).toBe(session.trace.hash())
  })

  it("kv's load follows the workload that is set while it runs", () => {
    const session = bootedSession({ image: 'kv' })
    session.do({ kind: 'configure-workload', workload: { workingSetPages: 16, dirtyPagesPerSecond: 0 } })
    session.runFor(milliseconds(500))
    const writes = (): number => {
      session.do({ kind: 'type', console: 'guest', text: 'stats\r' })
      session.runFor(milliseconds(50))
      const counts = session.world.consoles.guest.from(0).match(/writes of the load +\d+/g)
      return Number(/\d+/.exec(counts!.at(-1)!))
    }
    const idle = writes()
    session.runFor(seconds(1))
    expect(writes()).toBe(idle)
    session.do({ kind: 'configure-workload', workload: { workingSetPages: 128, dirtyPagesPerSecond: 500 } })
    session.runFor(seconds(2))
    expect(Math.abs(writes() - idle - 1000)).toBeLessThan(100)
  })

  it('a guest that was started anew resets the connection to the old one, and is asked over another', () => {
    const session = bootedSession({ image: 'web' })
    const connections = probeOf(session).connectionCount
    const before = probeOf(session).lastValue!
    session.do({ kind: 'type', console: 'guest', text: 'poweroff\r' })
    session.runFor(milliseconds(100))
    session.do({ kind: 'boot' })
    session.runFor(seconds(1))
    expect(probeOf(session).connectionCount).toBe(connections + 1)
    expect(probeOf(session).lastValue).toBeGreaterThan(100)
    expect(probeOf(session).lastValue).toBeLessThan(before)
  })
})
