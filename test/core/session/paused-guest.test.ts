/** Guests that stand still at their destination: because they did before, or because whoever moves them wants it so. */
import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { strategies } from '../../../core/session/scenario.js'
import type { Session } from '../../../core/session/session.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'
import { messagesOf, MonitorClient } from '../../support/monitor-client.js'
import { says } from '../../support/operator-says.js'
import { expectAlive, runWatched } from '../../support/watched-run.js'

const TO_B = { uri: 'tcp:10.0.0.2:49152' }
const ANYWHERE = { uri: 'tcp:0:49152' }

/** One copy, there, which executes nothing. */
function expectStill(session: Session, hostName: string): void {
  expect(session.world.allVms()).toHaveLength(1)
  const vm = session.world.liveVm()!
  expect(vm).toMatchObject({ hostName, state: 'paused' })
  const { instructions } = vm
  runWatched(session, milliseconds(100))
  expect(vm).toMatchObject({ state: 'paused', instructions })
}

function monitorsOf(session: Session): readonly [MonitorClient, MonitorClient] {
  const monitors = [MonitorClient.negotiated(session), MonitorClient.negotiated(session, 'hostB')] as const
  const events = { capabilities: [{ capability: 'events', state: true }] }
  for (const monitor of monitors) monitor.execute('migrate-set-capabilities', events)
  return monitors
}

const eventsOf = (client: MonitorClient): unknown[] => messagesOf(client.text).map(({ event }) => event)

describe('a guest that is paused', () => {
  it.each(strategies)('moves and arrives paused, and goes on when it is told to: %s', (strategy) => {
    const session = bootedSession({ migration: { strategy } })
    const [a, b] = monitorsOf(session)
    expect(a.execute('stop')).toEqual({})
    b.execute('migrate-incoming', ANYWHERE)
    expect(a.execute('migrate', TO_B)).toEqual({})
    runWatched(session, seconds(2))
    expect(a.execute('query-migrate')).toMatchObject({ status: 'completed', ram: { remaining: 0 } })
    expect(b.execute('query-status')).toEqual({ status: 'paused', singlestep: false, running: false })
    expectStill(session, 'host-b')
    const stops = eventsOf(a).filter((event) => event === 'STOP')
    expect([stops.length, eventsOf(b).includes('RESUME')]).toEqual([1, false])
    expect(a.execute('cont')).toMatchObject({ class: 'GenericError' })
    expect(b.execute('cont')).toEqual({})
    expectAlive(session)
    migrateToEnd(session)
    expect(session.world.runs()).toMatchObject([
      { status: 'completed', ownPause: 'before', clientGapMs: null },
      { status: 'completed', ownPause: 'none', destination: 'host-a' },
    ])
    expectAlive(session)
  })

  it('writes nothing: one pass, as predicted, and a last one of no page', () => {
    const session = bootedSession({ bandwidthBps: 1e8 })
    says(session, 'operator', 'virsh suspend web')
    session.do({ kind: 'configure-workload', workload: { workingSetPages: 64, dirtyPagesPerSecond: 5000 } })
    migrateToEnd(session)
    const [first, last, ...more] = session.world.lastRun()!.rounds
    expect(more).toEqual([])
    expect(first!.zeroPages + first!.normalPages).toBe((4 * 2 ** 20) / 4096)
    expect(last).toMatchObject({ zeroPages: 0, normalPages: 0, paused: true, predictedPages: 0 })
  })

  it('has the downtime of query-migrate, however long it stands still after it', () => {
    const session = bootedSession()
    const [a] = session.world.guestDesk.monitoredHosts
    a!.stop()
    migrateToEnd(session)
    runWatched(session, seconds(3))
    session.world.guestDesk.resumeVm('web')
    const run = session.world.lastRun()!
    const { downtime } = a!.migrationInfo()
    expect(run.downtimeMs).toBeGreaterThanOrEqual(downtime!)
    expect(run.downtimeMs).toBeLessThan(downtime! + 2)
  })

  it.each(['cancelled', 'failed', 'held'] as const)(
    'stays paused at its source when it does not get there: %s',
    (how) => {
      const session = bootedSession({ bandwidthBps: 1e7, migration: { pauseBeforeSwitchover: how === 'held' } })
      const [a] = session.world.guestDesk.monitoredHosts
      a!.stop()
      session.do({ kind: 'migrate' })
      if (how === 'held') session.runWhile(({ world }) => world.crossing?.isHeld === false, seconds(10))
      else session.runFor(milliseconds(30))
      if (how === 'failed') session.world.guestDesk.monitoredHosts[1]!.quit()
      else session.do({ kind: 'cancel-migration' })
      expectStill(session, 'host-a')
      const status = how === 'failed' ? 'failed' : 'cancelled'
      expect(session.world.lastRun()).toMatchObject({ status, ownPause: how === 'held' ? 'before' : 'none' })
      a!.cont()
      expectAlive(session)
    },
  )

  it('is pulled by post-copy, and goes on before its memory has followed', () => {
    const session = bootedSession({ bandwidthBps: 1e7, migration: { strategy: 'postcopy' } })
    const [a, b] = session.world.guestDesk.monitoredHosts
    a!.stop()
    session.do({ kind: 'migrate' })
    session.runWhile(({ world }) => world.crossing?.source.status !== 'postcopy-active', seconds(10))
    session.runWhile(({ world }) => world.crossing?.isPostcopy === false, seconds(10))
    session.runFor(milliseconds(20))
    expect(session.world.liveVm()).toMatchObject({ hostName: 'host-b', state: 'paused' })
    expect(session.world.liveVm()!.missingPages).toBeGreaterThan(0)
    expect(() => a!.cont()).toThrow('web is not alive on host-a')
    b!.cont()
    runWatched(session, seconds(20))
    expect(session.world.lastRun()).toMatchObject({ status: 'completed', ownPause: 'before' })
    expectAlive(session)
  })

  it('runs at its destination when it is let go on while it is sent', () => {
    const session = bootedSession({ bandwidthBps: 1e8 })
    const [a] = session.world.guestDesk.monitoredHosts
    a!.stop()
    session.do({ kind: 'migrate' })
    session.runFor(milliseconds(20))
    a!.cont()
    runWatched(session, seconds(2))
    expect(session.world.lastRun()).toMatchObject({ status: 'completed', ownPause: 'none' })
    expectAlive(session)
  })
})

describe('a guest that runs, to stand still where it arrives', () => {
  it.each([
    ['virsh migrate --live --suspend web host-b', 'kvm'],
    ['virsh migrate --suspend --strategy postcopy web host-b', 'kvm'],
    ['virsh migrate --suspend --strategy cold web host-b', 'kvm'],
    ['xl migrate -p web host-b', 'xen'],
  ] as const)('by %s', (command, profile) => {
    const session = bootedSession({ profile })
    says(session, 'operator', command)
    session.runWhile(({ isMigrating }) => isMigrating, seconds(10))
    expectStill(session, 'host-b')
    expect(session.world.lastRun()).toMatchObject({ status: 'completed', ownPause: 'after', clientGapMs: null })
    if (profile === 'kvm') {
      expect(says(session, 'operator', 'virsh domstate web')).toBe('paused\n')
      expect(says(session, 'operator', 'virsh resume web')).toBe("Domain 'web' resumed")
    } else expect(says(session, 'operator', 'xl unpause web')).toBe('')
    expectAlive(session)
    migrateToEnd(session)
    expectAlive(session) // it was said for that one alone
  })

  it.each(['before it is sent', 'while it is sent'])(
    'by a stop at its destination %s, which a cont takes back',
    (when) => {
      for (const last of ['stop', 'cont'] as const) {
        const session = bootedSession()
        const [a, b] = monitorsOf(session)
        b.execute('migrate-incoming', ANYWHERE)
        if (when === 'while it is sent') a.execute('migrate', TO_B)
        expect(b.execute('stop')).toEqual({})
        if (last === 'cont') expect(b.execute('cont')).toEqual({})
        expect(session.world.liveVm()).toMatchObject({ hostName: 'host-a', state: 'running' })
        if (when === 'before it is sent') a.execute('migrate', TO_B)
        runWatched(session, seconds(1))
        expect(session.world.allVms()).toHaveLength(1)
        expect(b.execute('query-status')).toMatchObject({ status: last === 'stop' ? 'paused' : 'running' })
      }
    },
  )

  it('goes on at its source when it does not get there', () => {
    const session = bootedSession({ bandwidthBps: 1e7 })
    says(session, 'operator', 'virsh migrate --live --suspend web host-b')
    session.runFor(milliseconds(30))
    session.do({ kind: 'cancel-migration' })
    expectAlive(session)
  })
})
