/** Migrations that are disturbed at random: whatever happens, one copy lives, and it is the right one. */
import { describe, expect, it } from 'vitest'
import { InputError } from '../../core/base/errors.js'
import { PAGE_OCTETS, milliseconds, seconds } from '../../core/base/units.js'
import { RandomStream } from '../../core/kernel/random.js'
import { MIGRATION_PORT, SSH_PORT } from '../../core/secure/channels.js'
import { channelNames, linkNames, strategies } from '../../core/session/scenario.js'
import type { Session, SessionCommand } from '../../core/session/session.js'
import { FrameTamper } from '../support/frame-tamper.js'
import { bootedSession } from '../support/lab-session.js'
import { simulationSeeds, withSeed } from '../support/seeds.js'
import { expectAlive, expectOneLife, runWatched } from '../support/watched-run.js'

const seeds = simulationSeeds(6)

function cableOf(session: Session, host: string) {
  const cable = session.world.rack.links.find(({ name }) => name === host)
  if (cable === undefined) throw new Error(`no cable of ${host}`)
  return cable
}

describe('a disturbed migration', () => {
  it.each(seeds)(
    'flipping any octet of a sealed stream: refused, with the cause, and the source runs on (%s)',
    (seed) => {
      withSeed(seed, () => {
        const random = new RandomStream(`flip ${seed}`)
        const channel = random.pick(['nacl', 'ssh'] as const)
        const session = bootedSession({ seed, migration: { channel } })
        // A stream of this guest is some 1.2 MiB long; the first hundreds of octets are the handshake.
        const offset = random.below(random.below(2) === 0 ? 3000 : 1_200_000)
        const tamper = new FrameTamper(cableOf(session, 'host-b').a, [MIGRATION_PORT, SSH_PORT], offset)
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

  it.each(seeds)(
    'flipping any octet in clear, either way: refused, or the copy differs by a page at most (%s)',
    (seed) => {
      withSeed(seed, () => {
        const random = new RandomStream(`clear flip ${seed}`)
        const session = bootedSession({ seed })
        const isReturnPath = random.below(4) === 0
        const offset = random.below(isReturnPath ? 16 : random.pick([300, 1_200_000]))
        // What a host's cable delivers to the host: the stream at host-b, the return path at host-a.
        const tamper = new FrameTamper(
          cableOf(session, isReturnPath ? 'host-a' : 'host-b').a,
          [MIGRATION_PORT],
          offset,
          {
            isFromPort: isReturnPath,
          },
        )
        session.do({ kind: 'migrate' })
        runWatched(session, seconds(3))
        expect(tamper.done).toBe(true)
        const { status, cause } = session.world.lastRun()!
        expect(['completed', 'failed']).toContain(status)
        if (status === 'failed') expect(cause).not.toBe('')
        else {
          // Nothing in the stream protects it: what was changed is there, and the trace says how much that is.
          const [compared] = session.trace.rows('migration-compare')
          expect(compared?.ramDifferences).toBeLessThanOrEqual(PAGE_OCTETS)
        }
        expect(session.world.liveVm()?.hostName).toBe(status === 'completed' ? 'host-b' : 'host-a')
        expectAlive(session)
      })
    },
  )

  it.each(seeds)('cut at a random instant: one copy lives, and can be moved later (%s)', (seed) => {
    withSeed(seed, () => {
      const random = new RandomStream(`cut ${seed}`)
      const channel = random.pick(channelNames)
      const session = bootedSession({ seed, migration: { channel } })
      session.do({ kind: 'migrate' })
      runWatched(session, random.below(25_000_000))
      const cable = cableOf(session, random.pick(['host-a', 'host-b']))
      cable.cut()
      runWatched(session, milliseconds(random.below(500)))
      if (session.isMigrating) session.do({ kind: 'cancel-migration' })
      cable.restore()
      runWatched(session, seconds(2))
      expectAlive(session)
      session.do({ kind: 'migrate' })
      runWatched(session, seconds(2))
      expect(session.world.lastRun()?.status).toBe('completed')
      expectAlive(session)
    })
  })

  it.each(seeds)('cancelled at a random instant: the guest runs where it should (%s)', (seed) => {
    withSeed(seed, () => {
      const random = new RandomStream(`cancel ${seed}`)
      const session = bootedSession({ seed, migration: { channel: random.pick(channelNames) } })
      session.do({ kind: 'migrate' })
      runWatched(session, random.below(30_000_000))
      const isLate = session.world.crossing?.source.status === 'completed'
      if (session.isMigrating && !isLate) session.do({ kind: 'cancel-migration' })
      runWatched(session, milliseconds(300))
      const { status } = session.world.lastRun()!
      expect(session.world.liveVm()?.hostName).toBe(status === 'completed' ? 'host-b' : 'host-a')
      expectAlive(session)
    })
  })

  it.each(seeds)('switched off from inside at a random instant: it stays off, and boots again (%s)', (seed) => {
    withSeed(seed, () => {
      const random = new RandomStream(`off ${seed}`)
      // A cold migration has switched it off already: nobody is there who could do it from inside.
      const strategy = random.pick(strategies.filter((name) => name !== 'cold'))
      const migration = { channel: random.pick(channelNames), strategy }
      const session = bootedSession({ seed, guest: { hasSecrets: false }, migration })
      session.do({ kind: 'type', console: 'guest', text: 'alice\r' })
      session.runFor(milliseconds(200))
      if (random.below(2) === 0) session.do({ kind: 'type', console: 'guest', text: 'poweroff\r' })
      runWatched(session, random.below(3_000_000))
      if (session.world.liveVm()?.state === 'running') {
        session.do({ kind: 'migrate' })
        runWatched(session, random.below(15_000_000))
        session.do({ kind: 'type', console: 'guest', text: 'poweroff\r' })
      }
      runWatched(session, seconds(2))
      expect(session.world.allVms().map(({ state }) => state)).toEqual(['shutdown'])
      const run = session.world.lastRun()
      if (run?.status === 'failed') expect(run.cause).toBe('web shut down while it was being migrated')
      const host = session.world.liveVm()?.hostName
      session.do({ kind: 'boot' })
      expect(session.world.liveVm()).toMatchObject({ state: 'running', hostName: host }) // where its disk is
      runWatched(session, seconds(1))
      session.do({ kind: 'migrate' })
      runWatched(session, seconds(2))
      const destination = host === 'host-a' ? 'host-b' : 'host-a'
      expect(session.world.lastRun()).toMatchObject({ status: 'completed', source: host, destination })
      expectAlive(session)
    })
  })

  it.each(seeds)('anything at any time: one life, and at last it moves (%s)', (seed) => {
    withSeed(seed, () => {
      const random = new RandomStream(`anything ${seed}`)
      const session = bootedSession({ seed, guest: { hasSecrets: false } })
      const cables = ['host-a', 'host-b'].map((host) => cableOf(session, host))
      const commands: readonly (() => SessionCommand)[] = [
        () => ({ kind: 'boot' }),
        () => ({ kind: 'migrate' }),
        () => ({ kind: 'migrate' }),
        () => ({ kind: 'migrate' }),
        () => ({ kind: 'cancel-migration' }),
        () => ({ kind: 'configure-migration', settings: { channel: random.pick(channelNames) } }),
        () => ({ kind: 'configure-migration', settings: { strategy: random.pick(strategies) } }),
        () => ({ kind: 'configure-network', bandwidthBps: random.pick([1e8, 1e9, 1e10]) }),
        () => ({ kind: 'configure-link', link: random.pick(linkNames), conditions: { loss: random.below(20) / 1000 } }),
        () => ({ kind: 'configure-switch', defences: { arpInspection: random.below(2) === 0 } }),
        () => ({ kind: 'configure-switch', defences: { portSecurity: random.below(2) === 0 } }),
        () => ({ kind: 'type', console: 'operator', text: 'virsh suspend web\r' }),
        () => ({ kind: 'type', console: 'operator', text: 'virsh resume web\r' }),
        () => ({ kind: 'type', console: 'guest', text: random.pick(['alice\r', 'poweroff\r', 'ps\r', 'exit\r']) }),
        () => ({ kind: 'type', console: 'attacker', text: 'search\r' }),
      ]
      for (let round = 0; round < 25; round++) {
        if (random.below(6) === 0) {
          const cable = random.pick(cables)
          if (cable.isCut) cable.restore()
          else cable.cut()
        } else
          try {
            session.do(random.pick(commands)())
          } catch (error) {
            if (!(error instanceof InputError)) throw error
          }
        expectOneLife(session)
        runWatched(session, random.pick([100_000, 2_000_000, 20_000_000, 100_000_000]) + random.below(1_000_000))
      }
      for (const cable of cables) cable.restore()
      for (const link of linkNames) session.do({ kind: 'configure-link', link, conditions: { loss: 0 } })
      if (session.isMigrating && session.world.crossing?.source.status !== 'completed')
        session.do({ kind: 'cancel-migration' })
      runWatched(session, milliseconds(10))
      if (session.world.liveVm()?.state === 'paused')
        session.do({ kind: 'type', console: 'operator', text: 'virsh resume web\r' })
      session.do({ kind: 'configure-network', bandwidthBps: 1e9 })
      // It may have been told to switch itself off, and do so only now.
      runWatched(session, seconds(2))
      if (session.world.liveVm()?.state === 'shutdown') session.do({ kind: 'boot' })
      runWatched(session, seconds(1))
      session.do({ kind: 'migrate' })
      runWatched(session, seconds(3))
      expect(session.world.lastRun()?.status).toBe('completed')
      expectAlive(session)
    })
  })
})
