import { describe, expect, it } from 'vitest'
import { InputError } from '../../../../core/base/errors.js'
import type { FleetEvent } from '../../../../core/session/fleet/fleet-scenario.js'
import { expectAllAlive, fleetOf, runFleetWatched } from '../../../support/watched-fleet.js'

const scenario = {
  policy: 'evacuate',
  hosts: { count: 3 },
  guests: [{ name: 'shop', count: 3, load: '2%' }],
  orchestrator: { adverts: '200ms', decisions: '500ms' },
}
const written = ({ at, ...what }: FleetEvent): object => ({ at: `${at}ns`, ...what })

describe('Fleet', () => {
  it('does what it is told, and the same as events of its scenario is the same run', () => {
    const fleet = fleetOf(scenario)
    fleet.runUntil(1e9)
    fleet.do({ host: 'host-01', health: 'warning' })
    fleet.do({ host: 'host-03', adverts: 'lost' })
    runFleetWatched(fleet, 3e9)
    fleet.do({ host: 'host-02', fails: true })
    runFleetWatched(fleet, 6e9)
    expect(fleet.done.map(({ at }) => at)).toEqual([1e9 + 1, 1e9 + 2, 3e9 + 1])
    expect(fleet.kernel.trace.count('fleet-move')).toBe(1)

    const again = fleetOf({ ...scenario, events: fleet.done.map(written) })
    again.runUntil(6e9)
    expect(again.kernel.trace.hash()).toBe(fleet.kernel.trace.hash())
  })

  it('mends a host that failed: it boots, is heard again, and has nothing on it', () => {
    const fleet = fleetOf({ ...scenario, hosts: { count: 3, bootTime: '1s' } })
    runFleetWatched(fleet, 1e9)
    fleet.do({ host: 'host-02', fails: true })
    runFleetWatched(fleet, 8e9)
    expect(fleet.kernel.trace.rows('fleet-restart')).toMatchObject([{ source: 'host-02', outcome: 'started' }])
    fleet.do({ host: 'host-02', mended: true })
    expect(fleet.hosts[1]?.state).toBe('booting')
    runFleetWatched(fleet, 10e9)
    expect(fleet.hosts[1]).toMatchObject({ state: 'on', health: 'ok' })
    expect(fleet.orchestrator.view().hosts[1]).toMatchObject({ standing: 'up', vms: [] })
    expectAllAlive(fleet)
  })

  it('starts the guests elsewhere of a host that fails before it was ever heard', () => {
    const fleet = fleetOf(scenario)
    fleet.do({ host: 'host-02', fails: true })
    runFleetWatched(fleet, 8e9)
    const standings = fleet.kernel.trace.rows('host-standing').filter(({ host }) => host === 'host-02')
    expect(standings.map(({ standing, reason }) => `${standing}: ${reason}`)).toEqual([
      'silent: its adverts never came',
      'dead: its management controller says that it is off',
    ])
    expect(fleet.kernel.trace.rows('fleet-restart')).toMatchObject([{ source: 'host-02', outcome: 'started' }])
    expectAllAlive(fleet)
  })

  it('meters the guests that stay while one leaves', () => {
    const guests = [{ name: 'shop', count: 2, load: '40%', on: 'host-01' }]
    const fleet = fleetOf({ ...scenario, hosts: { count: 2, cores: 1 }, guests })
    fleet.runUntil(3e9)
    fleet.do({ host: 'host-01', health: 'failing' })
    const moves = () => fleet.kernel.trace.count('fleet-move')
    while (moves() === 0) fleet.kernel.step()
    const metered = fleet.kernel.trace.count('host-power')
    fleet.runUntil(5e9)
    expect(moves()).toBe(2)
    const [first] = fleet.kernel.trace.rows('host-power', metered).filter(({ host }) => host === 'host-01')
    expect(first?.busyShare).toBeGreaterThan(0.1)
  })

  it('mends a host that warns', () => {
    const fleet = fleetOf(scenario)
    fleet.do({ host: 'host-01', health: 'failing' })
    fleet.do({ host: 'host-01', mended: true })
    expect(fleet.hosts[0]).toMatchObject({ state: 'on', health: 'ok' })
  })

  it('refuses what cannot be done, and notes nothing', () => {
    const fleet = fleetOf(scenario)
    expect(() => fleet.do({ host: 'host-04', fails: true })).toThrow(new InputError('there is no host-04'))
    fleet.do({ host: 'host-01', fails: true })
    expect(() => fleet.do({ host: 'host-01', health: 'warning' })).toThrow('host-01 is failed')
    expect(fleet.done).toHaveLength(1)
  })
})
