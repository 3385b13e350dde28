/** Migrations that are disturbed at random: whatever happens, one copy lives, and it is the right one. */
import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../core/base/units.js'
import { RandomStream } from '../../core/kernel/random.js'
import { MIGRATION_PORT, SSH_PORT } from '../../core/session/rack.js'
import type { Session } from '../../core/session/session.js'
import { FrameTamper } from '../support/frame-tamper.js'
import { bootedSession } from '../support/lab-session.js'
import { simulationSeeds, withSeed } from '../support/seeds.js'

const seeds = simulationSeeds(6)

/** Exactly one copy is alive at every instant at which anything happens. */
function runWatched(session: Session, spanNs: number): void {
  const untilNs = session.nowNs + spanNs
  for (;;) {
    const nextNs = session.world.kernel.nextEventNs()
    if (nextNs === undefined || nextNs > untilNs) return session.runUntil(untilNs)
    const states = session.trace.count('vm-state')
    session.world.kernel.step()
    if (session.trace.count('vm-state') === states) continue
    const running = session.world.allVms().filter(({ state }) => state === 'running')
    expect(running.length).toBeLessThanOrEqual(1)
    expect(session.world.liveVm()).toBeDefined()
  }
}

function expectAlive(session: Session): void {
  const vms = session.world.allVms()
  expect(vms.map(({ state }) => state)).toEqual(['running'])
  const before = session.world.liveVm()?.instructions ?? 0
  session.runFor(milliseconds(50))
  expect(session.world.liveVm()?.instructions ?? 0).toBeGreaterThan(before)
}

describe('a disturbed migration', () => {
  it.each(seeds)(
    'flipping any octet of a sealed stream: refused, with the cause, and the source runs on (%s)',
    (seed) => {
      withSeed(seed, () => {
        const random = new RandomStream(`flip ${seed}`)
        const channel = random.pick(['nacl', 'ssh'] as const)
        const session = bootedSession({ seed, migration: { channel } })
        const cable = session.world.rack.links.find(({ name }) => name === 'host-b')
        // A stream of this guest is some 1.2 MiB long; the first hundreds of octets are the handshake.
        const offset = random.below(random.below(2) === 0 ? 3000 : 1_200_000)
        const tamper = new FrameTamper(cable!.a, [MIGRATION_PORT, SSH_PORT], offset)
        session.do({ kind: 'migrate' })
        runWatched(session, seconds(3))
        expect(tamper.done).toBe(true)
        const run = session.world.lastRun()
        expect(run?.status).toBe('failed')
        expect(run?.cause).toMatch(channel === 'nacl' ? /nacl|connection|reset/ : /ssh|connection|reset/)
        const refused = session.trace.rows('migration-refused')
        if (offset > 5000) expect(refused).toMatchObject([{ migration: 1, host: 'host-b', protocol: channel }])
        expect(session.world.liveVm()).toMatchObject({ hostName: 'host-a' })
        expectAlive(session)
      })
    },
  )

  it.each(seeds)('cut at a random instant: one copy lives, and can be moved later (%s)', (seed) => {
    withSeed(seed, () => {
      const random = new RandomStream(`cut ${seed}`)
      const channel = random.pick(['none', 'nacl', 'ssh'] as const)
      const session = bootedSession({ seed, migration: { channel } })
      session.do({ kind: 'migrate' })
      runWatched(session, random.below(25_000_000))
      const cable = session.world.rack.links.find(({ name }) => name === random.pick(['host-a', 'host-b']))
      cable?.cut()
      runWatched(session, milliseconds(random.below(500)))
      if (session.isMigrating) session.do({ kind: 'cancel-migration' })
      cable?.restore()
      runWatched(session, seconds(2))
      expectAlive(session)
    })
  })

  it.each(seeds)('cancelled at a random instant: the guest runs where it should (%s)', (seed) => {
    withSeed(seed, () => {
      const random = new RandomStream(`cancel ${seed}`)
      const session = bootedSession({ seed, migration: { channel: random.pick(['none', 'nacl', 'ssh'] as const) } })
      session.do({ kind: 'migrate' })
      runWatched(session, random.below(30_000_000))
      const wasMigrating = session.isMigrating
      const before = session.world.crossing?.source.status
      if (wasMigrating && before !== 'completed') session.do({ kind: 'cancel-migration' })
      runWatched(session, milliseconds(300))
      const { status } = session.world.lastRun()!
      expect(session.world.liveVm()?.hostName).toBe(status === 'completed' ? 'host-b' : 'host-a')
      expectAlive(session)
    })
  })
})
