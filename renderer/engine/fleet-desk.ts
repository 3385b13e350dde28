/** Runs an example fleet for the window: one at a time, at the speed that was asked for. */
import { InputError, LabError } from '../../core/base/errors.js'
import { computeFleet } from '../../core/metrics/fleet-metrics.js'
import { Fleet } from '../../core/session/fleet/fleet.js'
import { fleetResult } from '../../core/session/fleet/fleet-result.js'
import { parseFleetScenario, type FleetEvent, type FleetScenario } from '../../core/session/fleet/fleet-scenario.js'
import type { Answer, ExportKind, Request } from './contract.js'
import type { FleetChoice, FleetRequest, FleetSummary } from './fleet-contract.js'
import { FleetPresenter } from './fleet-view.js'
import { REST_MS, type Pace } from './pace.js'
import type { PacketDesk } from './packet-desk.js'

/** Wall time between two foldings of what takes longer to find out. */
const FOLD_MS = 120
/** A guest of a fleet is small: its move takes some milliseconds. */
const SLOW_MOTION = 0.002
/** A step is looked for so far ahead. */
const STEP_NS = 10e9
/** No scenario may last longer. */
const LONGEST_NS = 3600e9
const SHORTEST_NS = 1e9
const IMAGE = 'stress'

export interface FleetDeskHost {
  /** Scenarios as plain values, by name. */
  readonly fleets: Readonly<Record<string, unknown>>
  readonly images: Readonly<Record<string, Uint8Array>>
  answer(answer: Answer): void
  wallMs(): number
  later(turn: () => void, delayMs: number): void
}

interface OpenFleet {
  readonly id: string
  readonly choice: FleetChoice
  readonly fleet: Fleet
  readonly presenter: FleetPresenter
  /** Where it stops by itself. */
  endNs: number
}

/** What a fleet is asked as any session is. */
export type RunRequest = Extract<Request, { kind: 'play' | 'pause' | 'step' | 'reset' | 'export' }>

export class FleetDesk {
  private open: OpenFleet | null = null
  private playing = false
  private turnIsDue = false
  private lastFoldMs = 0
  private readonly scenarios: ReadonlyMap<string, FleetScenario>

  constructor(
    private readonly host: FleetDeskHost,
    private readonly pace: Pace,
    private readonly packets: PacketDesk,
  ) {
    this.scenarios = new Map(Object.entries(host.fleets).map(([id, values]) => [id, parseFleetScenario(values)]))
  }

  list(): FleetSummary[] {
    return [...this.scenarios].map(([id, { title, about }]) => ({ id, title, about }))
  }

  get isOpen(): boolean {
    return this.open !== null
  }

  /** Throws `InputError`. */
  carryOut(request: FleetRequest | RunRequest): void {
    switch (request.kind) {
      case 'open-fleet':
        return this.openFleet(request.id, request.choice)
      case 'close-fleet':
        this.open = null
        this.playing = false
        return this.packets.closeTaps()
      case 'command-fleet':
        this.current().fleet.do(request.command)
        return this.show(true)
      case 'play':
        return this.play()
      case 'pause':
        this.playing = false
        return this.show(true)
      case 'step':
        return this.step(request.to)
      case 'reset': {
        const { id, choice } = this.current()
        return this.openFleet(id, choice)
      }
      case 'export':
        return this.export(request.what)
    }
  }

  show(isFolding: boolean): void {
    const { open, host, pace } = this
    if (open === null) return
    const nowMs = host.wallMs()
    const isFoldDue = isFolding || nowMs - this.lastFoldMs >= FOLD_MS
    if (isFoldDue) this.lastFoldMs = nowMs
    const { fleet, presenter, endNs } = open
    const speed = pace.speed(naturalSpeed(fleet))
    host.answer(presenter.view({ playing: this.playing, speed, endNs }, isFoldDue))
    this.packets.refresh()
    if (!this.playing || this.turnIsDue) return
    this.turnIsDue = true
    host.later(() => this.turn(), REST_MS)
  }

  private current(): OpenFleet {
    if (this.open === null) throw new InputError('no fleet is open')
    return this.open
  }

  private openFleet(id: string, choice: FleetChoice): void {
    const { fleets, images } = this.host
    const values = this.scenarios.has(id) ? (fleets[id] as object) : undefined
    const image = images[IMAGE]
    if (values === undefined || image === undefined) throw new InputError(`there is no fleet "${id}" in this version`)
    this.playing = false
    const fleet = new Fleet(checked({ ...values, ...choice }), image)
    this.open = { id, choice, fleet, presenter: new FleetPresenter(fleet, id), endNs: fleet.scenario.duration }
    this.packets.open('tap orchestrator', fleet.tap)
    this.show(true)
  }

  /** What has come to its end goes on for as long again. */
  private play(): void {
    const open = this.current()
    const { nowNs, scenario } = open.fleet
    if (nowNs >= LONGEST_NS) throw new InputError('a fleet runs for an hour at most: begin again')
    if (nowNs >= open.endNs) open.endNs = Math.min(LONGEST_NS, open.endNs + scenario.duration)
    this.playing = true
    this.pace.start()
    this.show(true)
  }

  private turn(): void {
    this.turnIsDue = false
    const { open } = this
    if (open === null || !this.playing) return
    const { fleet } = open
    this.pace.turn(
      () => naturalSpeed(fleet),
      (spanNs) => fleet.runUntil(Math.max(fleet.nowNs, Math.min(open.endNs, fleet.nowNs + spanNs))),
    )
    this.playing = fleet.nowNs < open.endNs
    this.show(!this.playing)
  }

  private step(to: Extract<Request, { kind: 'step' }>['to']): void {
    const { fleet } = this.current()
    const { trace } = fleet.kernel
    const counted = (): number =>
      to === 'packet' ? fleet.tap.lastPacket : to === 'decision' ? trace.count('fleet-decision') : trace.length
    this.playing = false
    const [before, untilNs] = [counted(), Math.min(LONGEST_NS, fleet.nowNs + STEP_NS)]
    while (counted() === before && (fleet.kernel.nextEventNs() ?? Infinity) <= untilNs) fleet.kernel.step()
    if (counted() === before) {
      const message = `no ${to} came within ${STEP_NS / 1e9} seconds of virtual time`
      this.host.answer({ kind: 'error', what: 'Nothing to step to', message })
    }
    this.show(true)
  }

  private export(what: ExportKind): void {
    const { id, fleet } = this.current()
    const stem = `midstream-fleet-${id}-${fleet.kernel.seed.replace(/[^\w-]/g, '_')}`
    const answer = (name: string, octets: Uint8Array) => this.host.answer({ kind: 'exported', what, name, octets })
    switch (what) {
      case 'pcapng':
        return answer(stem, fleet.tap.toPcapng())
      case 'fleet-result':
        return answer(stem, jsonOctets(fleetResult(fleet, computeFleet(fleet.kernel.trace, fleet.nowNs))))
      case 'fleet-file':
        return answer(`${stem}-as-played`, jsonOctets(this.asPlayed()))
      case 'report-data':
        throw new InputError('a fleet has no report: export its result')
    }
  }

  /** A scenario of which `midstream fleet` makes the same run up to this instant. JSON is YAML. */
  private asPlayed(): object {
    const { id, choice, fleet } = this.current()
    const values = this.host.fleets[id] as { readonly events?: readonly unknown[] }
    const duration = `${Math.max(SHORTEST_NS, fleet.nowNs)}ns`
    return { ...values, ...choice, duration, events: [...(values.events ?? []), ...fleet.done.map(written)] }
  }
}

const naturalSpeed = (fleet: Fleet): number => (fleet.isMigrating ? SLOW_MOTION : 1)

const written = ({ at, ...what }: FleetEvent): object => ({ at: `${at}ns`, ...what })

const jsonOctets = (value: unknown): Uint8Array => new TextEncoder().encode(`${JSON.stringify(value, undefined, 2)}\n`)

function checked(values: unknown): FleetScenario {
  try {
    return parseFleetScenario(values)
  } catch (error) {
    if (error instanceof LabError) throw new InputError(`${error.path}: ${error.reason}`)
    throw error
  }
}
