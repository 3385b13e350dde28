import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readGuestImage } from '../../../cli/guest-images.js'
import { projectRoot } from '../../../cli/lab-files.js'
import { YamlFile } from '../../../cli/yaml-file.js'
import { computeFleet } from '../../../core/metrics/fleet-metrics.js'
import { Fleet } from '../../../core/session/fleet/fleet.js'
import { fleetResult } from '../../../core/session/fleet/fleet-result.js'
import { parseFleetScenario } from '../../../core/session/fleet/fleet-scenario.js'
import type { ExportKind } from '../../../renderer/engine/contract.js'
import type { FleetChoice, FleetView } from '../../../renderer/engine/fleet-contract.js'
import { EngineBench } from '../../support/engine-bench.js'

const small = {
  title: 'Three hosts',
  policy: 'evacuate',
  duration: '6s',
  hosts: { count: 3 },
  guests: [{ name: 'shop', count: 3, load: '2%' }],
  orchestrator: { adverts: '200ms', decisions: '500ms' },
  events: [{ at: '1s', host: 'host-01', health: 'warning' }],
}
const evacuate = new YamlFile(join(projectRoot(), 'labs', 'fleets', 'evacuate.yaml')).values()

class FleetBench extends EngineBench {
  constructor() {
    super(0.2, { fleets: { small, evacuate }, images: { stress: readGuestImage('stress') } })
  }
  open(id: string, choice: FleetChoice = {}): this {
    this.send({ kind: 'speed', speed: Infinity })
    this.send({ kind: 'open-fleet', id, choice })
    return this
  }
  get fleet(): FleetView {
    return this.last('fleet')!
  }
  /** All that came to a list. */
  all<K extends 'newSamples' | 'newMoves' | 'newEvents'>(list: K): FleetView[K][number][] {
    return this.answers.flatMap((answer) => (answer.kind === 'fleet' ? [...answer[list]] : []))
  }
  playTo(nowNs: number): void {
    this.send({ kind: 'play' })
    this.playUntil((fleet) => fleet.nowNs >= nowNs || !fleet.playing)
  }
  exported(what: ExportKind): unknown {
    this.send({ kind: 'export', what })
    return JSON.parse(new TextDecoder().decode(this.last('exported')!.octets))
  }
  playUntil(isDone: (fleet: FleetView) => boolean): void {
    this.runUntil(() => isDone(this.fleet))
  }
}

/** As `midstream fleet` runs it. */
function runOf(values: unknown): Fleet {
  const scenario = parseFleetScenario(values)
  const fleet = new Fleet(scenario, readGuestImage('stress'))
  fleet.runUntil(scenario.duration)
  return fleet
}

describe('FleetDesk', () => {
  it('lists the fleets', () => {
    const bench = new FleetBench()
    bench.send({ kind: 'list-labs' })
    expect(bench.last('labs')?.fleets.map(({ id, title }) => `${id} ${title}`)).toEqual([
      'small Three hosts',
      'evacuate Tolerate faults',
    ])
  })

  it('runs one to its end, to the same trace as the command line, and tells everything once', () => {
    const bench = new FleetBench().open('evacuate', { seed: '7' })
    expect(bench.fleet).toMatchObject({ fresh: true, nowNs: 0, playing: false, policy: 'evacuate', seed: '7' })
    bench.playTo(Infinity)
    const fleet = runOf({ ...(evacuate as object), seed: '7' })
    expect(bench.fleet).toMatchObject({ fresh: false, nowNs: 20e9, traceHash: fleet.kernel.trace.hash() })
    const metrics = computeFleet(fleet.kernel.trace, fleet.nowNs)
    expect(bench.exported('fleet-result')).toEqual(JSON.parse(JSON.stringify(fleetResult(fleet, metrics))))
    expect(bench.fleet.joules).toBeCloseTo(metrics.energy.joules, 6)
    expect(bench.all('newSamples').map(({ atNs }) => atNs)).toEqual(
      Array.from({ length: 20 }, (_, at) => (at + 1) * 1e9),
    )
    const moves = bench.all('newMoves')
    expect(moves.map(({ vm, outcome, isRestart }) => `${vm} ${outcome} ${isRestart}`)).toEqual([
      'shop-2 completed false',
      'shop-7 completed false',
      'shop-4 started true',
      'shop-9 started true',
    ])
    expect(moves[0]).toMatchObject({ source: 'host-02', why: 'host-02 is warning', reason: '' })
    expect(moves[0]?.octets).toBeGreaterThan(100_000)
    expect(moves[0]?.downtimeNs).toBeGreaterThan(0)
    expect(bench.all('newEvents').filter(({ source }) => source === 'Decision').length).toBe(
      fleet.kernel.trace.count('fleet-decision'),
    )
  })

  it('does to a host what is asked, and its file makes the same run', () => {
    const bench = new FleetBench().open('small', { policy: 'balance' })
    bench.playTo(0.5e9)
    bench.send({ kind: 'command-fleet', command: { host: 'host-02', fails: true } })
    expect(bench.fleet.hosts[1]).toMatchObject({ state: 'failed' })
    expect(bench.fleet.guests[1]).toMatchObject({ name: 'shop-2', host: 'host-02', state: 'lost' })
    bench.send({ kind: 'command-fleet', command: { host: 'host-03', adverts: 'lost' } })
    expect(bench.fleet.hosts[2]).toMatchObject({ isSending: false })
    bench.playTo(3e9)
    expect(bench.fleet.hosts.map(({ standing }) => standing)).toEqual(['up', 'silent', 'silent'])
    bench.send({ kind: 'command-fleet', command: { host: 'host-02', mended: true } })
    bench.playTo(6e9)
    const { traceHash } = bench.fleet
    expect(traceHash).not.toBeNull()
    const file = bench.exported('fleet-file')
    expect(file).toMatchObject({ policy: 'balance', duration: '6000000000ns' })
    expect(runOf(file).kernel.trace.hash()).toBe(traceHash)
  })

  it('shows a guest on its way, slowly when the speed is left to it', () => {
    const bench = new FleetBench().open('small')
    bench.send({ kind: 'speed', speed: 'auto' })
    bench.send({ kind: 'play' })
    bench.playUntil((fleet) => fleet.guests.some(({ state }) => state === 'stopped'))
    const ways = bench.answers.flatMap((answer) =>
      answer.kind === 'fleet' ? answer.guests.filter(({ destination }) => destination !== null) : [],
    )
    expect(bench.fleet.speed).toBeLessThan(0.01)
    expect(ways.length).toBeGreaterThan(20)
    expect(ways.every(({ host, destination }) => host === 'host-01' && destination !== 'host-01')).toBe(true)
    const progress = ways.map((guest) => guest.progress)
    expect(progress).toEqual(progress.toSorted((a, b) => a - b))
    bench.playUntil((fleet) => fleet.guests.every(({ destination }) => destination === null))
    expect(bench.fleet.guests.filter(({ cameFrom }) => cameFrom === 'host-01')).toHaveLength(1)
  })

  it('steps from decision to decision, goes on after its end, begins again, and gives its capture', () => {
    const bench = new FleetBench().open('small')
    bench.send({ kind: 'step', to: 'decision' })
    expect(bench.all('newEvents').at(-1)).toMatchObject({ source: 'Decision', atNs: bench.fleet.nowNs })
    bench.playTo(Infinity)
    expect(bench.fleet).toMatchObject({ nowNs: 6e9, endNs: 6e9, playing: false })
    bench.playTo(7e9)
    expect(bench.fleet).toMatchObject({ endNs: 12e9, playing: true })
    bench.send({ kind: 'export', what: 'pcapng' })
    expect(bench.last('exported')?.octets.length).toBeGreaterThan(5000)
    bench.send({
      kind: 'watch-packets',
      watch: { capture: 'tap orchestrator', filter: '', first: 0, count: 5, reveal: null },
    })
    expect(bench.last('packets')?.rows).toHaveLength(5)
    bench.send({ kind: 'reset' })
    expect(bench.fleet).toMatchObject({ fresh: true, nowNs: 0, playing: false })
    bench.send({ kind: 'close-fleet' })
    bench.send({ kind: 'play' })
    expect(bench.last('error')?.message).toBe('no session is open')
  })

  it('says what cannot be done', () => {
    const bench = new FleetBench().open('small')
    const refused = (request: Parameters<FleetBench['send']>[0]): string => {
      bench.send(request)
      return bench.last('error')!.message
    }
    expect(refused({ kind: 'open-fleet', id: 'none', choice: {} })).toMatch(/no fleet "none"/)
    expect(refused({ kind: 'open-fleet', id: 'small', choice: { policy: 'luck' as 'balance' } })).toMatch(/^policy: /)
    expect(refused({ kind: 'command-fleet', command: { host: 'host-09', fails: true } })).toBe('there is no host-09')
    expect(refused({ kind: 'export', what: 'report-data' })).toBe('a fleet has no report: export its result')
    bench.send({ kind: 'close-fleet' })
    expect(refused({ kind: 'command-fleet', command: { host: 'host-01', fails: true } })).toBe('no fleet is open')
  })
})
