/** What the trace of a fleet amounts to: moves, machines that were lost, and energy. */
import type { Nanos } from '../base/units.js'
import type { TimedRow } from '../kernel/trace-tables.js'
import type { Trace } from '../kernel/trace.js'
import { EnergyMeter, type FleetEnergy } from './fleet-energy.js'

export interface FleetMove {
  readonly atNs: Nanos
  readonly vm: string
  readonly source: string
  readonly destination: string
  readonly outcome: string
  readonly reason: string
  readonly durationNs: Nanos
  /** From the guest's last slice at the source to its first at the destination; 0 when it did not move, or stood still anyway. */
  readonly downtimeNs: Nanos
  /** Of the migration's stream, whether it was used or in vain. */
  readonly octets: number
}

/** Of a row of `fleet-move`. The monitor's own figure, which the row has, is in whole milliseconds. */
export function downtimeOf(trace: Trace, { vm, source, destination, startNs, outcome }: TimedRow<'fleet-move'>): Nanos {
  if (outcome !== 'completed') return 0
  const states = trace.rows('vm-state', trace.firstAt('vm-state', startNs)).filter((row) => row.vm === vm)
  const arrivals = trace.rows('migration-arrived-paused', trace.firstAt('migration-arrived-paused', startNs))
  const resumed = states.find(({ host, state }) => host === destination && state === 'running')
  if (arrivals.some((row) => row.vm === vm && row.host === destination && row.atNs <= (resumed?.atNs ?? Infinity)))
    return 0
  const stopped = states.findLast(
    ({ atNs, host, state }) => host === source && state === 'finish-migrate' && atNs <= (resumed?.atNs ?? 0),
  )
  return resumed === undefined || stopped === undefined ? 0 : resumed.atNs - stopped.atNs
}

export function moveOf(trace: Trace, row: TimedRow<'fleet-move'>): FleetMove {
  const { atNs, startNs, vm, source, destination, outcome, reason } = row
  const durationNs = atNs - startNs
  const [downtimeNs, octets] = [downtimeOf(trace, row), octetsOf(trace, row)]
  return { atNs, vm, source, destination, outcome, reason, durationNs, downtimeNs, octets }
}

function octetsOf(trace: Trace, { vm, startNs, atNs }: TimedRow<'fleet-move'>): number {
  const own = trace.rows('migration-status', trace.firstAt('migration-status', startNs)).find((row) => row.vm === vm)
  if (own === undefined || own.atNs > atNs) return 0
  return trace
    .rows('migration-round', trace.firstAt('migration-round', startNs))
    .filter(({ migration }) => migration === own.migration)
    .reduce((sum, { octets }) => sum + octets, 0)
}

export interface FleetMetrics {
  readonly moves: readonly FleetMove[]
  readonly completed: number
  readonly downtimeNs: { readonly max: Nanos; readonly sum: Nanos }
  /** Machines that were started anew because their host failed: what they had in memory is lost. */
  readonly restarts: readonly {
    readonly atNs: Nanos
    readonly vm: string
    readonly source: string
    readonly destination: string
    readonly outcome: string
    readonly reason: string
  }[]
  readonly energy: FleetEnergy
}

/** Of everything up to `untilNs`. */
export function computeFleet(trace: Trace, untilNs: Nanos): FleetMetrics {
  const moves = trace.rows('fleet-move').map((row) => moveOf(trace, row))
  const downtimes = moves.map(({ downtimeNs }) => downtimeNs)
  return {
    moves,
    completed: moves.filter(({ outcome }) => outcome === 'completed').length,
    downtimeNs: { max: Math.max(0, ...downtimes), sum: downtimes.reduce((sum, one) => sum + one, 0) },
    restarts: trace.rows('fleet-restart'),
    energy: new EnergyMeter(trace).energy(untilNs),
  }
}
