import { expect } from 'vitest'
import { readGuestImage } from '../../cli/guest-images.js'
import { Fleet } from '../../core/session/fleet/fleet.js'
import { parseFleetScenario } from '../../core/session/fleet/fleet-scenario.js'

export function fleetOf(scenario: unknown): Fleet {
  return new Fleet(parseFleetScenario(scenario), readGuestImage('stress'))
}

/** Let time pass; whenever a VM's state changes, at most one copy of every guest runs, and the live copy is that one. */
export function runFleetWatched(fleet: Fleet, untilNs: number): void {
  const { kernel, hosts, guests } = fleet
  for (;;) {
    const nextNs = kernel.nextEventNs()
    if (nextNs === undefined || nextNs > untilNs) return fleet.runUntil(untilNs)
    const states = kernel.trace.count('vm-state')
    kernel.step()
    if (kernel.trace.count('vm-state') === states) continue
    const running = new Set<string>()
    for (const { host } of hosts)
      for (const vm of host.allVms()) {
        if (vm.state !== 'running') continue
        expect(running.has(vm.name), `${vm.name} runs twice`).toBe(false)
        running.add(vm.name)
        expect(guests.find(({ name }) => name === vm.name)?.desk.liveVm()).toBe(vm)
      }
  }
}

/** Every guest lives on a host that is on, whose memory holds nothing else. */
export function expectAllAlive(fleet: Fleet): void {
  for (const guest of fleet.guests) expect(fleet.hostOf(guest), guest.name).not.toBeNull()
  const copies = fleet.hosts.flatMap(({ state, host }) => {
    if (state !== 'on') expect(host.allVms()).toEqual([])
    return host.allVms().map(({ name }) => name)
  })
  expect([...copies].sort()).toEqual(fleet.guests.map(({ name }) => name).sort())
}

/** The counter that a guest shows once a second since it started last: no line lost, none twice. */
export function expectConsoleUnbroken(fleet: Fleet): void {
  for (const { name, console } of fleet.guests) {
    const text = console.from(0)
    const life = text.slice(text.lastIndexOf('stress, a guest'))
    const ticks = [...life.matchAll(/\[tick (\d+)\]/g)].map(([, tick]) => Number(tick))
    expect(ticks, name).toEqual(ticks.map((_, index) => index + 1))
    expect(ticks.length, name).toBeGreaterThan(0)
  }
}
