/** What the window is shown of a fleet: each view holds its state, and what came to its lists since the view before. */
import { EnergyMeter } from '../../core/metrics/fleet-energy.js'
import { moveOf } from '../../core/metrics/fleet-metrics.js'
import type { TraceKind } from '../../core/kernel/trace-tables.js'
import type { HostStanding } from '../../core/orchestrator/placement-policy.js'
import { policyNames } from '../../core/orchestrator/policies/policies.js'
import type { Crossing } from '../../core/session/crossing.js'
import type { Fleet } from '../../core/session/fleet/fleet.js'
import { FleetNews } from '../../core/session/fleet/fleet-news.js'
import type { EventView } from './contract.js'
import type { FleetGuestView, FleetHostView, FleetMoveView, FleetView } from './fleet-contract.js'

/** For so much virtual time after a move it is told where a guest came from. */
const ARRIVAL_NS = 600e6

const eventSources: Partial<Record<TraceKind, string>> = {
  'host-health': 'Hardware',
  'host-standing': 'Adverts',
  'fleet-decision': 'Decision',
  'fleet-move': 'Move',
  'fleet-restart': 'Restart',
}

/** Where a guest was last seen alive, and where before. */
interface Whereabouts {
  readonly guest: Fleet['guests'][number]
  host: string
  before: string | null
  sinceNs: number
}

export class FleetPresenter {
  private readonly meter: EnergyMeter
  private readonly news: FleetNews
  private readonly whereabouts: readonly Whereabouts[]
  private readonly read = { moves: 0, restarts: 0 }
  private standings: ReadonlyMap<string, HostStanding> = new Map()
  private isFresh = true

  constructor(
    private readonly fleet: Fleet,
    private readonly id: string,
  ) {
    this.meter = new EnergyMeter(fleet.kernel.trace)
    this.news = new FleetNews(fleet.kernel.trace)
    this.whereabouts = fleet.guests.map((guest) => ({
      guest,
      host: fleet.hostOf(guest) ?? '',
      before: null,
      sinceNs: 0,
    }))
  }

  /** `isFolding`: also what takes longer to find out. */
  view(run: Pick<FleetView, 'playing' | 'speed' | 'endNs'>, isFolding: boolean): FleetView {
    const { fleet, id, meter } = this
    const { nowNs, orchestrator, scenario } = fleet
    const { title, about, policy } = scenario
    if (isFolding) this.standings = new Map(orchestrator.view().hosts.map(({ name, standing }) => [name, standing]))
    const newSamples = meter.samples(nowNs)
    const { joules, joulesAllOn } = meter.energy(nowNs)
    const fresh = this.isFresh
    this.isFresh = false
    return {
      kind: 'fleet',
      ...{ id, title, about, policy, policies: policyNames, seed: fleet.kernel.seed, nowNs, ...run },
      hosts: this.hosts(),
      guests: this.guests(),
      ...{ joules, joulesAllOn, newSamples },
      newMoves: this.newMoves(),
      newEvents: this.news.take().map(({ atNs, kind, text }): EventView => {
        return { atNs, source: eventSources[kind] ?? '', text }
      }),
      traceHash: run.playing ? null : fleet.kernel.trace.hash(),
      fresh,
    }
  }

  private hosts(): FleetHostView[] {
    const read = this.meter.latest()
    return this.fleet.hosts.map(({ name, state, health, agent, host }, index) => ({
      ...{ name, state, health, standing: this.standings.get(name) ?? null },
      ...{ isSending: agent.isSending, cores: host.options.coreCount },
      busyShare: read[index]?.busyShare ?? 0,
      watts: read[index]?.watts ?? 0,
    }))
  }

  private guests(): FleetGuestView[] {
    const { fleet } = this
    const { nowNs } = fleet
    return this.whereabouts.map((place): FleetGuestView => {
      const { guest } = place
      const host = fleet.hostOf(guest)
      const crossing = guest.desk.crossingUnderWay
      if (host !== null && host !== place.host) {
        place.before = place.host
        place.host = host
        place.sinceNs = nowNs
      }
      const isArriving = crossing === null && nowNs - place.sinceNs < ARRIVAL_NS
      return {
        ...{ name: guest.name, host: place.host, load: guest.load },
        state:
          host === null
            ? 'lost'
            : crossing === null
              ? 'running'
              : crossing.liveVm.state === 'running'
                ? 'moving'
                : 'stopped',
        destination: crossing?.parts.to.host.name ?? null,
        progress: crossing === null ? 0 : progressOf(crossing),
        cameFrom: isArriving ? place.before : null,
      }
    })
  }

  private newMoves(): FleetMoveView[] {
    const { read } = this
    const { trace } = this.fleet.kernel
    const moves = trace.rows('fleet-move', read.moves).map((row): FleetMoveView => {
      const { atNs, vm, source, destination, outcome, reason, downtimeNs, octets } = moveOf(trace, row)
      return {
        ...{ startNs: row.startNs, atNs, vm, source, destination, outcome, reason, octets },
        why: trace.row('fleet-decision', row.decision - 1).reason,
        isRestart: false,
        downtimeNs: row.outcome === 'completed' ? downtimeNs : null,
      }
    })
    const restarts = trace.rows('fleet-restart', read.restarts).map((row): FleetMoveView => {
      const decision = trace
        .rows('fleet-decision')
        .findLast(({ kind, vm, atNs }) => kind === 'restart' && vm === row.vm && atNs <= row.atNs)
      const { atNs, ...restart } = row
      const startNs = decision?.atNs ?? atNs
      return { ...restart, atNs, startNs, why: decision?.reason ?? '', isRestart: true, downtimeNs: null, octets: 0 }
    })
    read.moves += moves.length
    read.restarts += restarts.length
    return [...moves, ...restarts].sort((a, b) => a.atNs - b.atNs)
  }
}

/** Of the way: connecting, its memory, the rest with the guest stopped, the hand-over. */
function progressOf({ source: { status, roundProgress } }: Crossing): number {
  if (status === 'setup') return 0.1
  if (status === 'active') return 0.15 + 0.45 * roundProgress
  return status === 'device' ? 0.75 : 0.95
}
