import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { HMP_PORT } from '../../../core/hypervisor/monitor/monitor-ports.js'
import { bootedSession, smallSession } from '../../support/lab-session.js'
import { messagesOf, MonitorClient } from '../../support/monitor-client.js'

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

  it('refuse more connections than there is room for', () => {
    const session = smallSession()
    const clients = Array.from({ length: 9 }, () => new MonitorClient(session))
    expect(clients.map(({ hasFailed }) => hasFailed)).toEqual([...Array.from({ length: 8 }, () => false), true])
    clients[0]?.close()
    session.runFor(milliseconds(5))
    expect(new MonitorClient(session).take()).toContain('QMP')
  })
})
