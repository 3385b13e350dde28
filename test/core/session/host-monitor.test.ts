import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { HMP_PORT } from '../../../core/hypervisor/monitor/monitor-ports.js'
import type { Session } from '../../../core/session/session.js'
import { bootedSession, smallSession } from '../../support/lab-session.js'
import { messagesOf, MonitorClient } from '../../support/monitor-client.js'
import { expectAlive, runWatched } from '../../support/watched-run.js'

const TO_B = { uri: 'tcp:10.0.0.2:49152' }
const ANYWHERE = { uri: 'tcp:0:49152' }

describe('the monitors of the hosts', () => {
  it('greet whoever connects, and want to negotiate first', () => {
    const client = new MonitorClient(smallSession())
    expect(messagesOf(client.take())).toEqual([
      { QMP: { version: { qemu: { micro: 0, minor: 2, major: 7 }, package: 'Midstream' }, capabilities: ['oob'] } },
    ])
    expect(client.execute('query-status')).toEqual({
      class: 'CommandNotFound',
      desc: "Expecting capabilities negotiation with 'qmp_capabilities'",
    })
    expect(client.ask({ execute: 'qmp_capabilities', id: { a: [1] } })).toEqual([{ return: {}, id: { a: [1] } }])
    expect(client.execute('query-status')).toEqual({ status: 'inmigrate', singlestep: false, running: false })
  })

  it('move a guest, tell both ends what happens, and answer query-migrate', () => {
    const session = bootedSession()
    const [a, b] = [MonitorClient.negotiated(session), MonitorClient.negotiated(session, 'hostB')]
    const events = { capabilities: [{ capability: 'events', state: true }] }
    expect([a, b].map((client) => client.execute('migrate-set-capabilities', events))).toEqual([{}, {}])
    expect(a.execute('query-migrate')).toEqual({})
    expect(b.execute('migrate-incoming', ANYWHERE)).toEqual({})
    expect(b.execute('query-migrate')).toMatchObject({ 'socket-address': [{ port: '49152' }] })
    expect(a.execute('migrate', TO_B)).toEqual({})
    expect(a.execute('query-migrate')).toMatchObject({
      status: 'active',
      'expected-downtime': 2,
      ram: { total: 4 * 1024 ** 2, 'page-size': 4096, 'dirty-sync-count': 1 },
    })
    expect(a.execute('migrate', TO_B)).toMatchObject({ desc: "There's a migration process in progress" })
    session.runFor(seconds(1))
    const words = (client: MonitorClient): unknown[] =>
      messagesOf(client.text).flatMap(({ event, data }) =>
        event === 'MIGRATION' ? [(data as { status: string }).status] : event === undefined ? [] : [event],
      )
    expect(words(a).slice(0, 3)).toEqual(['setup', 'MIGRATION_PASS', 'active'])
    expect(words(a).slice(-3)).toEqual(['STOP', 'device', 'completed'])
    expect(words(b)).toEqual(['setup', 'active', 'completed', 'RESUME'])
    expect(a.execute('query-migrate')).toMatchObject({ status: 'completed', ram: { remaining: 0 } })
    expect(b.execute('query-status')).toMatchObject({ status: 'running' })
    expect(session.world.liveVm()?.hostName).toBe('host-b')
  })

  it('move a disk too when the command asks for it, that once', () => {
    const session = bootedSession({ bandwidthBps: 1e8, guest: { diskOctets: 1024 ** 2 } })
    const [a, b] = [MonitorClient.negotiated(session), MonitorClient.negotiated(session, 'hostB')]
    const block = { capability: 'block', state: true }
    b.execute('migrate-incoming', ANYWHERE)
    expect(a.execute('migrate', { ...TO_B, inc: true })).toMatchObject({ class: 'GenericError' })
    expect(a.execute('migrate', { ...TO_B, blk: true })).toEqual({})
    expect(a.execute('query-migrate-capabilities')).toContainEqual(block)
    expect(a.execute('query-migrate')).toMatchObject({ status: 'active', disk: { total: 1024 ** 2 } })
    const line = { 'command-line': 'info migrate' }
    expect(a.execute('human-monitor-command', line)).toContain('total disk: 1024 kbytes\r\n')
    session.runFor(seconds(2))
    expect(session.trace.rows('migration-disk')[0]).toMatchObject({ chunks: 1 })
    expect(a.execute('query-migrate-capabilities')).toContainEqual({ ...block, state: false })
    expect(b.execute('migrate-set-capabilities', { capabilities: [block] })).toEqual({})
    expect(b.execute('migrate', { uri: 'tcp:10.0.0.1:49152', blk: true })).toMatchObject({
      desc: 'Command options are incompatible with current migration capabilities',
    })
  })

  it('fail a migration to where nobody listens, and leave the guest', () => {
    const session = bootedSession()
    const client = MonitorClient.negotiated(session)
    for (const uri of [TO_B.uri, 'tcp:10.0.0.66:49152', 'tcp:nowhere:49152'])
      expect(client.execute('migrate', { uri })).toEqual({})
    expect(client.execute('query-migrate')).toEqual({
      status: 'failed',
      'error-desc': 'address resolution failed for nowhere:49152: Name or service not known',
    })
    expect(session.world.liveVm()?.state).toBe('running')
  })

  it('cancel a migration; stop, let go on and end the guest', () => {
    const session = bootedSession({ bandwidthBps: 1e7 })
    const [a, b] = [MonitorClient.negotiated(session), MonitorClient.negotiated(session, 'hostB')]
    b.execute('migrate-incoming', ANYWHERE)
    a.execute('migrate', TO_B)
    expect(a.execute('migrate_cancel')).toEqual({})
    expect(a.execute('query-migrate')).toEqual({ status: 'cancelled' })
    expect(a.execute('stop')).toEqual({})
    expect(a.execute('query-status')).toMatchObject({ status: 'paused', running: false })
    expect(a.execute('cont')).toEqual({})
    expect(a.execute('quit')).toEqual({})
    expect(messagesOf(a.text).at(-2)).toMatchObject({
      event: 'SHUTDOWN',
      data: { guest: false, reason: 'host-qmp-quit' },
    })
    expect(session.world.liveVm()?.state).toBe('shutdown')
  })

  it('go over to post-copy, pause it and recover it', () => {
    const session = bootedSession({ bandwidthBps: 1e7 })
    const [a, b] = [MonitorClient.negotiated(session), MonitorClient.negotiated(session, 'hostB')]
    const postcopy = { capabilities: [{ capability: 'postcopy-ram', state: true }] }
    expect(a.execute('migrate-set-capabilities', postcopy)).toEqual({})
    b.execute('migrate-incoming', ANYWHERE)
    a.execute('migrate', TO_B)
    expect(a.execute('migrate-recover', ANYWHERE)).toMatchObject({
      desc: 'Migrate recover can only be run when postcopy is paused.',
    })
    expect(a.execute('migrate-start-postcopy')).toEqual({})
    session.runWhile(({ world }) => world.crossing?.incoming.state !== 'running', seconds(10))
    expect(a.execute('query-migrate')).toMatchObject({ status: 'postcopy-active' })
    expect(a.execute('migrate-pause')).toEqual({})
    expect(a.execute('query-migrate')).toMatchObject({ status: 'postcopy-paused' })
    expect(a.execute('migrate', { ...TO_B, resume: true })).toMatchObject({ class: 'GenericError' })
    expect(b.execute('migrate-recover', ANYWHERE)).toEqual({})
    expect(a.execute('migrate', { ...TO_B, resume: true })).toEqual({})
    session.runWhile(({ isMigrating }) => isMigrating, seconds(20))
    expect(a.execute('query-migrate')).toMatchObject({ status: 'completed' })
    expect(session.world.liveVm()?.hostName).toBe('host-b')
    expect(session.world.liveVm()?.state).toBe('running')
  })

  it('ending either hypervisor during a migration never leaves two copies', () => {
    for (const host of ['hostA', 'hostB'] as const) {
      const session = bootedSession({ bandwidthBps: 1e7 })
      MonitorClient.negotiated(session, 'hostB').execute('migrate-incoming', ANYWHERE)
      MonitorClient.negotiated(session).execute('migrate', TO_B)
      session.runFor(milliseconds(50))
      MonitorClient.negotiated(session, host).execute('quit')
      session.runFor(seconds(1))
      expect(session.world.allVms().map(({ hostName, state }) => [hostName, state])).toEqual([
        ['host-a', host === 'hostA' ? 'shutdown' : 'running'],
      ])
    }
  })

  /** The copy was loaded, and its source has not heard of it: at that instant both stand still. */
  function loadedSession(): Session {
    const session = bootedSession()
    session.do({ kind: 'migrate' })
    session.runWhile(({ world }) => world.crossing?.incoming.state !== 'paused', seconds(10))
    expect(session.world.liveVm()).toMatchObject({ hostName: 'host-a', state: 'finish-migrate' })
    return session
  }

  it('let no copy go on while it is not settled which one lives', () => {
    const session = loadedSession()
    const [a, b] = session.world.guestDesk.monitoredHosts
    expect(() => b!.cont()).toThrow('web is not alive on host-b')
    expect(() => a!.cont()).toThrow('Migration is not finalized yet')
    session.runWhile(({ world }) => world.crossing?.source.status !== 'completed', seconds(1))
    expect(() => a!.cont()).toThrow('web is not alive on host-a')
    expect(() => b!.cont()).toThrow('Migration is not finalized yet')
    runWatched(session, seconds(1))
    expect(session.world.allVms().map(({ hostName, state }) => [hostName, state])).toEqual([['host-b', 'running']])
  })

  it('end the copy that has just been loaded, and the guest goes on at its source', () => {
    const session = loadedSession()
    session.world.guestDesk.monitoredHosts[1]!.quit()
    expect(session.world.lastRun()).toMatchObject({
      status: 'failed',
      cause: 'the hypervisor on host-b was ended',
    })
    expect(session.world.allVms().map(({ hostName, state }) => [hostName, state])).toEqual([['host-a', 'running']])
  })

  it('end a source that is not needed any more', () => {
    const session = loadedSession()
    session.runWhile(({ world }) => world.crossing?.source.status !== 'completed', seconds(1))
    session.world.guestDesk.monitoredHosts[0]!.quit()
    session.runFor(seconds(1))
    expect(session.world.allVms().map(({ hostName, state }) => [hostName, state])).toEqual([['host-b', 'running']])
  })

  it.each(['cancelled', 'completed', 'post-copy'] as const)(
    'a guest that was stopped during a migration stands still after it, until it is let go on: %s',
    (outcome) => {
      const strategy = outcome === 'post-copy' ? 'hybrid' : 'precopy'
      const session = bootedSession({ bandwidthBps: 1e8, migration: { strategy, postcopyAfterRounds: 0 } })
      session.do({ kind: 'migrate' })
      session.runFor(milliseconds(20))
      const [a, b] = session.world.guestDesk.monitoredHosts
      a!.stop()
      if (outcome === 'cancelled') session.do({ kind: 'cancel-migration' })
      if (outcome === 'post-copy') session.do({ kind: 'start-postcopy' })
      session.runFor(seconds(2))
      const [vm, ...others] = session.world.allVms()
      expect(others).toEqual([])
      expect(session.world.lastRun()?.status).toBe(outcome === 'cancelled' ? 'cancelled' : 'completed')
      expect(vm).toMatchObject({ hostName: outcome === 'cancelled' ? 'host-a' : 'host-b', state: 'paused' })
      const stoppedAfter = vm!.instructions
      session.runFor(milliseconds(50))
      expect(vm!.instructions).toBe(stoppedAfter)
      ;(outcome === 'cancelled' ? a! : b!).cont()
      expectAlive(session)
    },
  )

  it('move a guest that was stopped and let go on again while pages were sent, and it runs', () => {
    const session = bootedSession({ bandwidthBps: 1e8 })
    session.do({ kind: 'migrate' })
    session.runFor(milliseconds(20))
    const [a] = session.world.guestDesk.monitoredHosts
    a!.stop()
    session.runFor(milliseconds(5))
    a!.cont()
    session.runFor(seconds(2))
    expect(session.world.lastRun()?.status).toBe('completed')
    expectAlive(session)
  })

  it('forget a migration that was refused once there is another', () => {
    const session = bootedSession({ bandwidthBps: 1e7 })
    const client = MonitorClient.negotiated(session)
    client.execute('migrate', TO_B)
    expect(client.execute('query-migrate')).toMatchObject({ status: 'failed' })
    session.do({ kind: 'migrate' })
    session.runFor(milliseconds(20))
    expect(client.execute('query-migrate')).toMatchObject({ status: 'active' })
  })

  it('speak to people on the next port', () => {
    const session = bootedSession()
    const person = new MonitorClient(session, { port: HMP_PORT })
    expect(person.take()).toBe("QEMU 7.2.0 monitor - type 'help' for more information\r\n(qemu) ")
    expect(person.send('info status\r\n')).toBe('VM status: running\r\n(qemu) ')
    expect(person.send('migrate -d tcp:10.0.0.2:49152\ninfo migrate\n')).toContain(
      "Migration status: failed (Failed to connect to '10.0.0.2:49152': Connection refused)",
    )
  })

  it('are the same after the session was kept and gone on with', () => {
    const session = bootedSession()
    const client = MonitorClient.negotiated(session)
    client.execute('migrate-set-parameters', { 'downtime-limit': 77 })
    const fork = session.fork()
    expect(fork.world.monitors[0]?.humanCommand('info migrate_parameters')).toContain('downtime-limit: 77 ms')
    expect(client.execute('query-migrate-parameters')).toMatchObject({ 'downtime-limit': 77 })
  })

  it('set all that is asked for together, or nothing of it', () => {
    const session = bootedSession()
    const client = MonitorClient.negotiated(session)
    expect(client.execute('migrate-set-parameters', { 'multifd-channels': 7, 'max-bandwidth': 1 })).toMatchObject({
      desc: expect.stringContaining('64KiB/s or more') as string,
    })
    const parameters = { 'multifd-channels': 2, 'max-bandwidth': 128 * 2 ** 20 }
    expect(client.execute('query-migrate-parameters')).toMatchObject(parameters)
    const capabilities = ['events', 'auto-converge', 'x-colo'].map((capability) => ({ capability, state: true }))
    expect(client.execute('migrate-set-capabilities', { capabilities })).toMatchObject({ class: 'GenericError' })
    expect(session.world.monitors[0]?.settings.events).toBe(false)
    const throttle = { 'cpu-throttle-initial': 60, 'max-cpu-throttle': 70 }
    expect(client.execute('migrate-set-parameters', throttle)).toEqual({})
    const lower = { 'cpu-throttle-initial': 10, 'max-cpu-throttle': 50 }
    expect(client.execute('migrate-set-parameters', lower)).toEqual({})
    expect(client.execute('migrate-set-parameters', { 'max-cpu-throttle': 5 })).toMatchObject({
      desc: "Parameter 'max_cpu_throttle' expects an integer in the range of cpu_throttle_initial to 99",
    })
    expect(client.execute('query-migrate-parameters')).toMatchObject(lower)
  })

  it('refuse more connections than there is room for', () => {
    const session = smallSession()
    const clients = Array.from({ length: 9 }, () => new MonitorClient(session))
    expect(clients.map(({ hasFailed }) => hasFailed)).toEqual([...Array.from({ length: 8 }, () => false), true])
    clients[0]?.close()
    session.runFor(milliseconds(5))
    expect(new MonitorClient(session).take()).toContain('QMP')
  })
})
