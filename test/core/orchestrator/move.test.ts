import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { QmpError } from '../../../core/hypervisor/wire/qmp.js'
import { Move } from '../../../core/orchestrator/move.js'
import { NetworkFixture } from '../../support/network-fixture.js'
import { ScriptedMonitor, type MonitorAnswer } from '../../support/scripted-monitor.js'

const monitorPort = 4500
type Script = Readonly<Record<string, readonly MonitorAnswer[]>>

/** The orchestrator is at 10.0.0.1, the source at .2, the destination at .3. */
function moved(source: Script, destination: Script = {}) {
  const net = new NetworkFixture({ hostCount: 3 })
  const monitors = { source: new ScriptedMonitor(source), destination: new ScriptedMonitor(destination) }
  net.host(1).listen(monitorPort, monitors.source)
  net.host(2).listen(monitorPort, monitors.destination)
  const end = (host: string, index: number) => ({ host, address: net.host(index).address })
  const order = { decision: 1, vm: 'web', from: end('host-01', 1), to: end('host-02', 2), monitorPort }
  const ends: string[] = []
  const owner = { moveEnded: ({ outcome, reason }: Move) => ends.push(`${outcome}: ${reason}`) }
  const move = new Move(net.kernel, net.host(0), order, owner)
  const run = (span: number): readonly string[] => {
    net.kernel.runUntil(seconds(span))
    return ends
  }
  return { net, monitors, move, run }
}
const incoming = 'migrate-incoming {"uri":"tcp:0:49152"}'
const migrate = 'migrate {"uri":"tcp:10.0.0.3:49152"}'
const active = { status: 'active' }

describe('Move', () => {
  it('lets the destination listen, then the source migrate, and asks until that is over', () => {
    const { run, monitors, move } = moved({ 'query-migrate': [active, { status: 'completed', downtime: 7n }] })
    expect(run(20)).toEqual(['completed: '])
    expect(move.downtimeNs).toBe(milliseconds(7))
    expect(monitors.destination.asked).toEqual([incoming])
    expect(monitors.source.asked).toEqual([migrate, 'query-migrate', 'query-migrate'])
  })

  it('takes a destination that listens already for one that listens', () => {
    const listens = new QmpError('The incoming migration has already been started')
    const { run } = moved({ 'query-migrate': [{ status: 'completed' }] }, { 'migrate-incoming': [listens] })
    expect(run(20)).toEqual(['completed: '])
  })

  it.each<[string, Script, Script, string]>([
    ['the destination does not listen', {}, { 'migrate-incoming': [new QmpError('no port')] }, 'failed: no port'],
    ['the source refuses', { migrate: [new QmpError('no such VM')] }, {}, 'failed: no such VM'],
    ['the migration fails', { 'query-migrate': [{ status: 'failed', 'error-desc': 'why' }] }, {}, 'failed: why'],
    ['somebody cancels it', { 'query-migrate': [{ status: 'cancelled' }] }, {}, 'failed: cancelled'],
    ['a monitor goes', {}, { 'migrate-incoming': ['close'] }, 'failed: host-02: the monitor closed the connection'],
    ['the source goes', { migrate: ['close'] }, {}, 'unknown: host-01: the monitor closed the connection'],
    ['the destination is silent', {}, { 'migrate-incoming': ['nothing'] }, 'timed-out: a monitor did not answer'],
    ['the source is silent', { 'query-migrate': ['nothing'] }, {}, 'unknown: host-01 does not answer'],
  ])('ends when %s', (_, source, destination, end) => {
    expect(moved(source, destination).run(20)).toEqual([end])
  })

  it('cancels once what takes longer than ten seconds', () => {
    const answers = [...Array<MonitorAnswer>(100).fill(active), { status: 'cancelled' }]
    const { run, monitors } = moved({ 'query-migrate': answers })
    expect(run(9.9)).toEqual([])
    expect(monitors.source.asked).not.toContain('migrate_cancel')
    expect(run(20)).toEqual(['timed-out: it took too long'])
    expect(monitors.source.asked.filter((command) => command === 'migrate_cancel')).toHaveLength(1)
  })
})
