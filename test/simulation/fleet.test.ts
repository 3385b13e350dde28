import { describe, expect, it } from 'vitest'
import { copyGraph } from '../../core/base/snapshot.js'
import { milliseconds, seconds } from '../../core/base/units.js'
import { ADVERT_PORT } from '../../core/hypervisor/wire/adverts.js'
import { computeFleet } from '../../core/metrics/fleet-metrics.js'
import type { Fleet } from '../../core/session/fleet/fleet.js'
import { parseIpv4 } from '../../core/net/wire/addresses.js'
import { expectAllAlive, expectConsoleUnbroken, fleetOf, runFleetWatched } from '../support/watched-fleet.js'

/** Instants of a move at which either host fails; more of them by the environment. */
const INSTANTS = Number(process.env['FLEET_INSTANTS'] ?? 4)

const quick = { orchestrator: { adverts: '500ms', decisions: '1s' } }
/** Two guests on the first of four hosts: the first decision, at 1 s, moves one of them. */
const uneven = {
  ...quick,
  duration: '6s',
  hosts: { count: 4, cores: 1 },
  guests: [{ name: 'web', count: 2, load: '18%', on: 'host-01' }],
}
/** Until a machine is on its way. */
function untilMoving(fleet: Fleet): void {
  while (!fleet.guests.some(({ desk }) => desk.crossingUnderWay !== null)) {
    expect(fleet.nowNs).toBeLessThan(seconds(5))
    fleet.kernel.step()
  }
}
const moves = (fleet: Fleet) => computeFleet(fleet.kernel.trace, fleet.nowNs).moves
const place = (fleet: Fleet): (string | null)[] => fleet.guests.map((guest) => fleet.hostOf(guest))

describe('a fleet', () => {
  it('of 40 hosts and 40 guests: every guest lives exactly once all the time, and its console shows no gap', () => {
    const fleet = fleetOf({
      ...quick,
      policy: 'evacuate',
      hosts: { count: 40, cores: 1, ram: '4MiB' },
      guests: [{ count: 40, load: '2%' }],
      events: Array.from({ length: 16 }, (_, index) => ({
        at: `${1500 + 100 * (index % 4)}ms`,
        host: `host-${String(index + 1).padStart(2, '0')}`,
        health: index % 3 === 0 ? 'failing' : 'warning',
      })),
    })
    runFleetWatched(fleet, seconds(4))
    // More than the hosts that warned: some were the refuge of others.
    expect(moves(fleet).length).toBeGreaterThanOrEqual(16)
    expect(moves(fleet).filter(({ outcome }) => outcome !== 'completed')).toEqual([])
    expectAllAlive(fleet)
    expectConsoleUnbroken(fleet)
    expect(place(fleet).filter((host) => Number(host?.slice(5)) <= 16)).toEqual([])
  })

  it('does the same again, also from a state that was kept in the middle of a move', () => {
    const fleet = fleetOf(uneven)
    untilMoving(fleet)
    const copy = copyGraph(fleet)
    const again = fleetOf(uneven)
    for (const one of [fleet, copy, again]) one.runUntil(seconds(4))
    expect(copy.kernel.trace.hash()).toBe(fleet.kernel.trace.hash())
    expect(again.kernel.trace.hash()).toBe(fleet.kernel.trace.hash())
    expect(place(copy)).toEqual(place(fleet))
    expect(new Set(place(fleet)).size).toBe(2)
  })

  it('tries another host when a move is broken off', () => {
    const fleet = fleetOf(uneven)
    untilMoving(fleet)
    for (const { desk } of fleet.guests) desk.crossingUnderWay?.cancel()
    runFleetWatched(fleet, seconds(5))
    const [first, second] = moves(fleet)
    expect(first).toMatchObject({ outcome: 'failed', destination: 'host-02' })
    expect(second).toMatchObject({ outcome: 'completed' })
    expect([second?.vm, second?.destination]).not.toEqual([first?.vm, first?.destination])
    expectAllAlive(fleet)
    expectConsoleUnbroken(fleet)
  })

  it('is told by the source when the destination does not admit the machine', () => {
    const fleet = fleetOf(uneven)
    while (fleet.kernel.trace.count('fleet-decision') === 0) fleet.kernel.step()
    const filler = { name: 'filler', mac: new Uint8Array(6), ramOctets: 16 * 1024 ** 2, hartHz: 1e6 }
    const host = fleet.hosts.find(({ name }) => name === fleet.kernel.trace.row('fleet-decision', 0).destination)?.host
    const blocking = host?.create(filler)
    while (fleet.kernel.trace.count('fleet-move') === 0) fleet.kernel.step()
    if (blocking !== undefined) host?.remove(blocking)
    expect(moves(fleet)[0]).toMatchObject({
      outcome: 'failed',
      reason: expect.stringMatching(/octets of memory free, web-\d needs 1048576/) as string,
    })
    runFleetWatched(fleet, seconds(5))
    expect(moves(fleet)[1]).toMatchObject({ outcome: 'completed' })
    expectAllAlive(fleet)
  })

  it('leaves a guest at its source when the destination fails', () => {
    const fleet = fleetOf(uneven)
    untilMoving(fleet)
    const { destination } = fleet.kernel.trace.row('fleet-decision', 0)
    fleet.hosts.find(({ name }) => name === destination)?.fail()
    runFleetWatched(fleet, seconds(6))
    expect(moves(fleet)[0]).toMatchObject({ outcome: 'failed' })
    expect(place(fleet)).not.toContain(destination)
    expectAllAlive(fleet)
    expectConsoleUnbroken(fleet)
  })

  it('starts the guests of a host anew that failed in the middle of a move, each once', () => {
    const fleet = fleetOf({
      ...uneven,
      policy: 'evacuate',
      events: [{ at: '1s', host: 'host-01', health: 'warning' }],
    })
    untilMoving(fleet)
    fleet.hosts[0]?.fail()
    runFleetWatched(fleet, seconds(22))
    expectAllAlive(fleet)
    expectConsoleUnbroken(fleet)
    const { restarts } = computeFleet(fleet.kernel.trace, fleet.nowNs)
    expect(restarts.map(({ vm, outcome }) => `${vm} ${outcome}`).sort()).toEqual(['web-1 started', 'web-2 started'])
    expect(fleet.hosts[0]?.state).toBe('off')
  })

  it('loses no guest and doubles none, whichever host fails at whichever instant of a move', () => {
    const fleet = fleetOf({
      ...quick,
      policy: 'evacuate',
      hosts: { count: 3, cores: 1 },
      guests: [{ count: 1, load: '2%' }],
      events: [{ at: '1500ms', host: 'host-01', health: 'warning' }],
    })
    untilMoving(fleet)
    const startNs = fleet.nowNs
    const whole = copyGraph(fleet)
    let completedNs = 0
    for (const { desk } of whole.guests)
      while (desk.crossingUnderWay !== null) {
        whole.kernel.step()
        if (completedNs === 0 && desk.crossing?.source.status === 'completed') completedNs = whole.nowNs
      }
    expect(completedNs).toBeGreaterThan(startNs)
    const spanNs = whole.nowNs - startNs
    const instants = Array.from({ length: INSTANTS }, (_, index) => startNs + Math.floor((index * spanNs) / INSTANTS))
    for (const atNs of [...instants, completedNs, whole.nowNs])
      for (const end of ['source', 'destination'] as const) {
        const branch = copyGraph(fleet)
        branch.runUntil(atNs)
        const name = branch.kernel.trace.row('fleet-decision', 0)[end]
        branch.hosts.find((host) => host.name === name)?.fail()
        runFleetWatched(branch, atNs + seconds(18))
        expectAllAlive(branch)
        expectConsoleUnbroken(branch)
      }
  })

  it('does not switch a host off that only its adverts were lost of', () => {
    const fleet = fleetOf({
      ...uneven,
      policy: 'evacuate',
      events: [
        { at: '1500ms', host: 'host-01', adverts: 'lost' },
        { at: '5s', host: 'host-01', adverts: 'sent' },
      ],
    })
    fleet.runUntil(seconds(6))
    const standings = fleet.kernel.trace.rows('host-standing').filter(({ host }) => host === 'host-01')
    expect(standings.map(({ standing }) => standing)).toEqual(['up', 'silent', 'up'])
    expect(fleet.kernel.trace.rows('fleet-decision').map(({ kind }) => kind)).toContain('fence')
    expect(fleet.hosts[0]?.state).toBe('on')
    expect(place(fleet)).toEqual(['host-01', 'host-01'])
    expectConsoleUnbroken(fleet)
  })

  it('stands cables that lose, double and reorder, and adverts that come late', () => {
    const fleet = fleetOf(uneven)
    for (const link of fleet.links)
      link.configure({ loss: 0.02, duplication: 0.02, reordering: 0.05, jitterNs: milliseconds(2) })
    runFleetWatched(fleet, seconds(5))
    expect(fleet.orchestrator.dropped.stale).toBeGreaterThan(0)
    expect(moves(fleet).some(({ outcome }) => outcome === 'completed')).toBe(true)
    expectAllAlive(fleet)
    expectConsoleUnbroken(fleet)
  })

  it('drops what is no advert, and counts it', () => {
    const fleet = fleetOf(uneven)
    const socket = fleet.hosts[3]?.stack.udp.open({ datagramReceived: () => undefined })
    for (const octets of [[], [1, 2, 3], [0x4d, 0x41, 0x44, 0x56, 9]])
      socket?.sendTo(parseIpv4('10.0.3.1'), ADVERT_PORT, Uint8Array.from(octets))
    fleet.runUntil(milliseconds(100))
    expect(fleet.orchestrator.dropped).toEqual({ malformed: 3, unverified: 0, stale: 0 })
  })
})
