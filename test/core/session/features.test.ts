import { describe, expect, it } from 'vitest'
import type { TpmState } from '../../../core/machine/tpm/tpm-state.js'
import { milliseconds, seconds } from '../../../core/base/units.js'
import type { MigrationScenario } from '../../../core/session/scenario.js'
import { defaultScenario } from '../../../core/session/scenario.js'
import { Session } from '../../../core/session/session.js'
import { readGuestImage } from '../../../cli/guest-images.js'

function sessionWith(migration: Partial<MigrationScenario>): Session {
  const guest = { ...defaultScenario.guest, ramOctets: 2 * 1024 ** 2, fillOctets: 1024 ** 2 }
  const scenario = { ...defaultScenario, guest, migration: { ...defaultScenario.migration, ...migration } }
  const session = new Session({ scenario, seed: '1', image: readGuestImage('shell') })
  session.do({ kind: 'boot' })
  session.runFor(milliseconds(200))
  return session
}

function migrate(session: Session): void {
  session.do({ kind: 'migrate' })
  session.runWhile(({ isMigrating }) => isMigrating, seconds(60))
}

const runningOn = (session: Session): string[] =>
  session.world
    .allVms()
    .filter(({ state }) => state === 'running')
    .map(({ hostName }) => hostName)

describe('a cold migration', () => {
  it('starts the guest anew at the destination, and nothing of its memory crosses', () => {
    const session = sessionWith({ strategy: 'cold' })
    const booted = session.trace.count('console-line')
    expect(booted).toBeGreaterThan(0)
    migrate(session)
    expect(session.world.lastRun()?.status).toBe('completed')
    expect(runningOn(session)).toEqual(['host-b'])
    expect(session.world.allVms()).toHaveLength(1)
    // The TPM's state, and no memory.
    expect(session.world.crossing?.source.octetsWritten).toBeLessThan(2500)
    session.runFor(milliseconds(200))
    expect(session.world.lastRun()?.secretsFound).toBe(0)
    expect(session.trace.count('console-line')).toBe(2 * booted)
    expect(session.world.lastRun()?.clientGapMs).toBeGreaterThan(1)
  })

  it('leaves it off where it is when it comes to nothing, to be booted again there', () => {
    const session = sessionWith({ strategy: 'cold' })
    session.do({ kind: 'migrate' })
    session.runWhile(({ world }) => world.crossingUnderWay?.source.status !== 'device', seconds(1))
    expect(runningOn(session)).toEqual([])
    // It boots at the destination when it is there: one that booted here meanwhile would be a second one.
    expect(() => session.do({ kind: 'boot' })).toThrow('web is being migrated: wait, or cancel that first')
    session.do({ kind: 'cancel-migration' })
    expect(session.world.lastRun()).toMatchObject({
      status: 'cancelled',
      cause: 'cancelled by the operator; web is off on host-a: boot it again there',
    })
    expect(session.world.allVms().map(({ state, hostName }) => [state, hostName])).toEqual([['shutdown', 'host-a']])
    session.do({ kind: 'boot' })
    expect(runningOn(session)).toEqual(['host-a'])
  })

  it('brings what the TPM keeps, as a boot again does', () => {
    const session = sessionWith({ strategy: 'cold' })
    const tpmOf = (): TpmState => session.world.liveVm()?.machine.permanentDevices[0] as TpmState
    tpmOf().stir(Uint8Array.of(1, 2, 3))
    const { random_state: before } = tpmOf().saveState()
    migrate(session)
    expect(tpmOf().saveState()['random_state']).toEqual(before)
    session.do({ kind: 'type', console: 'operator', text: 'virsh destroy web\r' })
    session.do({ kind: 'boot' })
    expect(runningOn(session)).toEqual(['host-b'])
    expect(tpmOf().saveState()['random_state']).toEqual(before)
  })
})

describe('a pause before switch-over', () => {
  it('lasts until the operator goes on', () => {
    const session = sessionWith({ pauseBeforeSwitchover: true })
    session.do({ kind: 'migrate' })
    session.runFor(milliseconds(600))
    expect(session.world.crossingUnderWay?.source.status).toBe('pre-switchover')
    session.do({ kind: 'continue-migration' })
    session.runWhile(({ isMigrating }) => isMigrating, seconds(1))
    expect(runningOn(session)).toEqual(['host-b'])
    expect(session.world.lastRun()?.downtimeMs).toBeGreaterThan(300)
  })

  it.each(['postcopy', 'hybrid'] as const)('comes before the guest goes on at the destination, by %s', (strategy) => {
    const session = sessionWith({ strategy, pauseBeforeSwitchover: true, postcopyAfterRounds: 1, downtimeLimitNs: 0 })
    session.do({ kind: 'migrate' })
    session.runFor(seconds(1))
    expect(session.world.liveVm()).toMatchObject({ hostName: 'host-a', state: 'finish-migrate' })
    session.do({ kind: 'continue-migration' })
    session.runWhile(({ isMigrating }) => isMigrating, seconds(1))
    expect(runningOn(session)).toEqual(['host-b'])
    const statuses = session.trace.rows('migration-status').map(({ status }) => status)
    expect(statuses).toEqual(['setup', 'active', 'pre-switchover', 'postcopy-active', 'completed'])
    expect(session.trace.rows('migration-compare')).toMatchObject([{ ramDifferences: 0, deviceDifferences: 0 }])
    expect(session.world.lastRun()?.downtimeMs).toBeGreaterThan(300)
  })

  it('can be given up: the guest goes on where it is, by post-copy too', () => {
    const session = sessionWith({ strategy: 'postcopy', pauseBeforeSwitchover: true })
    session.do({ kind: 'migrate' })
    session.runFor(milliseconds(100))
    session.do({ kind: 'cancel-migration' })
    expect(runningOn(session)).toEqual(['host-a'])
  })
})

describe('multifd', () => {
  it.each(['none', 'ssh', 'tls'] as const)('opens its connections through the channel %s', (channel) => {
    const session = sessionWith({ channel, multifdChannels: 2 })
    migrate(session)
    expect(session.world.lastRun()).toMatchObject({ status: 'completed', cause: '' })
    expect(runningOn(session)).toEqual(['host-b'])
    const recovered = session.world.lastRun()?.ramOctetsRecovered
    expect(recovered).toBe(channel === 'none' ? 2 * 1024 ** 2 : 0)
  })
})

describe('a throttled vCPU', () => {
  it('executes as much less as it is told', () => {
    const session = sessionWith({})
    const vm = session.world.liveVm()!
    session.do({ kind: 'configure-workload', workload: { workingSetPages: 64, dirtyPagesPerSecond: 1e6 } })
    session.runFor(milliseconds(100))
    const executedIn = (spanNs: number): number => {
      const before = vm.instructions
      session.runFor(spanNs)
      return vm.instructions - before
    }
    const full = executedIn(milliseconds(100))
    vm.throttle(80)
    expect(executedIn(milliseconds(100)) / full).toBeCloseTo(0.2, 2)
    vm.throttle(0)
    expect(executedIn(milliseconds(100)) / full).toBeCloseTo(1, 2)
  })
})
