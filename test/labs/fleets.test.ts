import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readGuestImage } from '../../cli/guest-images.js'
import { projectRoot } from '../../cli/lab-files.js'
import { YamlFile } from '../../cli/yaml-file.js'
import { computeFleet, type FleetMetrics } from '../../core/metrics/fleet-metrics.js'
import { Fleet } from '../../core/session/fleet/fleet.js'
import { parseFleetScenario } from '../../core/session/fleet/fleet-scenario.js'
import { expectAllAlive, expectConsoleUnbroken } from '../support/watched-fleet.js'

const folder = join(projectRoot(), 'labs', 'fleets')

function played(name: string, untilNs = Infinity): { fleet: Fleet; metrics: FleetMetrics } {
  const scenario = parseFleetScenario(new YamlFile(join(folder, `${name}.yaml`)).values())
  expect(scenario.about).not.toBe('')
  const fleet = new Fleet(scenario, readGuestImage('stress'))
  fleet.runUntil(Math.min(untilNs, scenario.duration))
  expectAllAlive(fleet)
  expectConsoleUnbroken(fleet)
  return { fleet, metrics: computeFleet(fleet.kernel.trace, fleet.nowNs) }
}

describe('the example fleets', () => {
  it('are there', () => {
    expect(readdirSync(folder).filter((file) => file.endsWith('.yaml'))).toEqual([
      'balance.yaml',
      'consolidate.yaml',
      'evacuate.yaml',
      'hall.yaml',
    ])
  })

  it('balance: the load is evened out, twice, and then it is quiet', () => {
    const { fleet, metrics } = played('balance')
    expect(metrics.completed).toBe(metrics.moves.length)
    expect(metrics.moves.some(({ atNs }) => atNs < 7e9)).toBe(true)
    expect(metrics.moves.some(({ atNs }) => atNs > 7e9)).toBe(true)
    const shares = fleet.orchestrator.view().hosts.map(({ busyCores, cores }) => busyCores / cores)
    expect(Math.max(...shares) - Math.min(...shares)).toBeLessThan(0.3)
    expect(metrics.moves.filter(({ downtimeNs }) => downtimeNs <= 0 || downtimeNs > 20e6)).toEqual([])
  })

  it('consolidate: hosts go off, one comes on again, and energy is saved', () => {
    const { fleet, metrics } = played('consolidate')
    const decided = fleet.kernel.trace.rows('fleet-decision').map(({ kind }) => kind)
    expect(decided).toContain('power-off')
    expect(decided).toContain('power-on')
    expect(metrics.energy.joules).toBeLessThan(0.7 * metrics.energy.joulesAllOn)
    expect(metrics.restarts).toEqual([])
  })

  it('evacuate: who was warned loses nothing, who was not loses memory', () => {
    const { metrics } = played('evacuate')
    expect(metrics.moves.map(({ source, outcome }) => `${source} ${outcome}`)).toEqual([
      'host-02 completed',
      'host-02 completed',
    ])
    expect(metrics.restarts.map(({ source, outcome }) => `${source} ${outcome}`)).toEqual([
      'host-04 started',
      'host-04 started',
    ])
  })

  it('hall: many moves at a time, and hosts go off, one after another', () => {
    const { fleet, metrics } = played('hall', 5e9)
    expect(fleet.hosts).toHaveLength(40)
    expect(metrics.completed).toBe(metrics.moves.length)
    const moments = metrics.moves.map(({ atNs }) => Math.floor(atNs / 1e9))
    expect(moments.filter((second) => second === moments[0]).length).toBeGreaterThan(2)
    expect(fleet.hosts.filter(({ state }) => state === 'off').length).toBeGreaterThan(5)
  })
})
