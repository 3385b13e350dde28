import { describe, expect, it } from 'vitest'
import { InputError } from '../../../core/base/errors.js'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { MIGRATION_PORT } from '../../../core/secure/channels.js'
import type { Session } from '../../../core/session/session.js'
import { bootedSession, migrateToEnd, type SmallScenario } from '../../support/lab-session.js'
import { expectAlive, runWatched } from '../../support/watched-run.js'

/** Where a migration stands, in the order in which it gets there. */
const moments = {
  opening: () => true,
  'the first round': (session) => session.world.crossing?.source.status === 'active',
  'the last round': (session) => session.world.crossing?.source.status === 'device',
  'the copy was loaded': (session) => session.trace.count('migration-compare') > 0,
} satisfies Record<string, (session: Session) => boolean>
const momentNames = Object.keys(moments) as (keyof typeof moments)[]

/** A session whose migration has come to `moment`. */
function migrating(moment: keyof typeof moments, options: SmallScenario = {}): Session {
  const session = bootedSession(options)
  session.do({ kind: 'migrate' })
  expect(session.runWhile((each) => !moments[moment](each), seconds(5))).toBe(true)
  expect(session.isMigrating).toBe(true)
  return session
}

describe('Crossing', () => {
  it.each(momentNames)('cancelled at "%s": the source goes on, and the copy is gone', (moment) => {
    const session = migrating(moment)
    session.do({ kind: 'cancel-migration' })
    expect(session.isMigrating).toBe(false)
    expect(session.world.lastRun()).toMatchObject({ status: 'cancelled' })
    expect(session.world.liveVm()).toMatchObject({ hostName: 'host-a', state: 'running' })
    runWatched(session, milliseconds(100))
    expectAlive(session)
    migrateToEnd(session)
    expect(session.world.lastRun()).toMatchObject({ status: 'completed', migration: 2 })
  })

  it.each(['the last round', 'the copy was loaded'] as const)(
    'cut off for good at "%s": fails when TCP gives up, and the source goes on by itself',
    (moment) => {
      const session = migrating(moment)
      session.world.rack.links.find(({ name }) => name === 'host-a')?.cut()
      session.runWhile(({ isMigrating }) => isMigrating, seconds(2000))
      expect(session.world.lastRun()).toMatchObject({ status: 'failed', source: 'host-a' })
      expect(session.world.lastRun()?.cause).toMatch(/timed out/)
      expect(session.world.liveVm()?.hostName).toBe('host-a')
      expectAlive(session)
    },
  )

  it('cannot be cancelled once the guest lives at its destination', () => {
    const session = bootedSession()
    session.do({ kind: 'migrate' })
    session.runWhile((each) => each.world.crossing?.source.status !== 'completed', seconds(5))
    expect(session.isMigrating).toBe(true)
    expect(() => session.do({ kind: 'cancel-migration' })).toThrow(
      new InputError('too late: web lives on host-b already'),
    )
    runWatched(session, milliseconds(100))
    expect(session.world.liveVm()).toMatchObject({ hostName: 'host-b', state: 'running' })
    expectAlive(session)
  })

  it('says in the trace what differs of a copy that was changed behind the checksums: no host could tell', () => {
    const session = migrating('the last round')
    // As if a page of the destination had gone bad after it was written.
    const incoming = session.world.crossing?.incoming
    const { octets } = incoming!.machine.ram
    octets[0] = (octets[0] ?? 0) ^ 1
    runWatched(session, seconds(1))
    expect(session.world.lastRun()).toMatchObject({ status: 'completed' })
    expect(session.trace.rows('migration-compare')).toMatchObject([{ ramDifferences: 1, deviceDifferences: 0 }])
    expect(session.world.liveVm()?.hostName).toBe('host-b')
    expectAlive(session)
  })

  it('is refused where the memory is not there, and changes nothing', () => {
    const session = bootedSession()
    const [, hostB] = session.world.hosts
    hostB!.create({ name: 'tenant', mac: new Uint8Array(6), ramOctets: 1024 ** 2, hartHz: 50e6 })
    Object.assign(hostB!.options, { ramOctets: 2 * 1024 ** 2 })
    const records = session.trace.length
    expect(() => session.do({ kind: 'migrate' })).toThrow(/host-b has 1048576 octets of memory free, web needs 4194304/)
    expect(session.trace.length).toBe(records)
    expect(session.isMigrating).toBe(false)
    hostB!.remove(hostB!.vm('tenant')!)
    Object.assign(hostB!.options, { ramOctets: 8 * 1024 ** 2 })
    migrateToEnd(session)
    expect(session.world.lastRun()).toMatchObject({ status: 'completed', migration: 1 })
  })

  it('lets in the connection it has opened, and nobody else', () => {
    const session = bootedSession()
    const { rack } = session.world
    session.do({ kind: 'migrate' })
    // Somebody on the network is quicker than the source.
    const stranger = rack.client.connect(rack.hostB.stack.address, MIGRATION_PORT)
    runWatched(session, seconds(1))
    expect(stranger.state).toBe('failed')
    expect(session.world.lastRun()).toMatchObject({ status: 'completed' })
    const late = rack.client.connect(rack.hostB.stack.address, MIGRATION_PORT)
    session.runFor(seconds(1))
    expect(late.state).toBe('failed')
    expectAlive(session)
  })

  it('is not mistaken for the one that was cancelled just before', () => {
    const session = bootedSession()
    session.do({ kind: 'migrate' })
    // The last segment of the first connection's handshake is under way.
    session.runWhile((each) => each.world.crossing?.source.status !== 'active', seconds(1))
    session.do({ kind: 'cancel-migration' })
    session.do({ kind: 'migrate' })
    runWatched(session, seconds(1))
    expect(session.world.lastRun()).toMatchObject({ status: 'completed', migration: 2 })
    expectAlive(session)
  })

  it('ends when the guest switches itself off', () => {
    const session = bootedSession({ guest: { hasSecrets: false } })
    session.do({ kind: 'type', console: 'guest', text: 'alice\r' })
    session.runFor(milliseconds(300))
    session.do({ kind: 'migrate' })
    session.do({ kind: 'type', console: 'guest', text: 'poweroff\r' })
    session.runFor(milliseconds(500))
    expect(session.world.lastRun()).toMatchObject({
      status: 'failed',
      cause: 'web shut down while it was being migrated',
    })
    expect(session.world.allVms().map(({ state, hostName }) => [state, hostName])).toEqual([['shutdown', 'host-a']])
    expect(() => session.do({ kind: 'migrate' })).toThrow(new InputError('web is not running: boot it first'))
    session.do({ kind: 'type', console: 'guest', text: 'lost\r' })
    session.do({ kind: 'boot' })
    session.runFor(seconds(1))
    expect(session.world.consoles.guest.from(0)).not.toContain('lost')
    migrateToEnd(session)
    expect(session.world.lastRun()?.status).toBe('completed')
  })

  it('says so when a guest dirties its memory faster than the wire drains it', () => {
    const session = bootedSession({
      bandwidthBps: 1e7,
      guest: { workingSetPages: 100, dirtyPagesPerSecond: 100_000 },
      migration: { roundsMax: 3, downtimeLimitNs: milliseconds(20) },
    })
    migrateToEnd(session)
    const run = session.world.lastRun()!
    expect(run).toMatchObject({ status: 'completed', forced: true })
    expect(run.rounds.map(({ paused }) => paused)).toEqual([false, false, false, true])
    expect(run.pendingAtStopOctets).toBeGreaterThanOrEqual(run.rounds[2]!.dirtiedPages * 4096)
    expect(run.downtimeMs).toBeGreaterThan(run.downtimeLimitMs)
  })
})
