/** What the trace of a fleet amounts to: moves, machines that were lost, and energy. */
import type { Nanos } from '../base/units.js'
import type { TimedRow } from '../kernel/trace-tables.js'
import type { Trace } from '../kernel/trace.js'

export interface FleetMove {
  readonly atNs: Nanos
  readonly vm: string
  readonly source: string
  readonly destination: string
  readonly outcome: string
  readonly reason: string
  readonly durationNs: Nanos
  /** From the guest's last slice at the source to its first at the destination; 0 when it did not move. */
  readonly downtimeNs: Nanos
}

/** Of a row of `fleet-move`. The monitor's own figure, which the row has, is in whole milliseconds. */
export function downtimeOf(trace: Trace, { vm, source, destination, startNs, outcome }: TimedRow<'fleet-move'>): Nanos {
  if (outcome !== 'completed') return 0
  const states = trace.rows('vm-state').filter((row) => row.vm === vm && row.atNs >= startNs)
  const resumed = states.find(({ host, state }) => host === destination && state === 'running')
  const stopped = states.findLast(
    ({ atNs, host, state }) => host === source && state === 'finish-migrate' && atNs <= (resumed?.atNs ?? 0),
  )
  return resumed === undefined || stopped === undefined ? 0 : resumed.atNs - stopped.atNs
}

export interface FleetEnergy {
  /** Drawn by all hosts together. */
  readonly joules: number
  /** What the same hosts, never switched off, would have drawn for the same work. */
  readonly joulesAllOn: number
  readonly byHost: readonly { readonly host: string; readonly joules: number; readonly offNs: Nanos }[]
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

export const JOULES_PER_KWH = 3.6e6

/** Of everything up to `untilNs`. */
export function computeFleet(trace: Trace, untilNs: Nanos): FleetMetrics {
  const moves = trace.rows('fleet-move').map((row): FleetMove => {
    const { atNs, startNs, vm, source, destination, outcome, reason } = row
    const durationNs = atNs - startNs
    return { atNs, vm, source, destination, outcome, reason, durationNs, downtimeNs: downtimeOf(trace, row) }
  })
  const downtimes = moves.map(({ downtimeNs }) => downtimeNs)
  return {
    moves,
    completed: moves.filter(({ outcome }) => outcome === 'completed').length,
    downtimeNs: { max: Math.max(0, ...downtimes), sum: downtimes.reduce((sum, one) => sum + one, 0) },
    restarts: trace.rows('fleet-restart'),
    energy: fleetEnergy(trace, untilNs),
  }
}

/** A row of `host-power` says what was drawn, on average, since the row before. */
function fleetEnergy(trace: Trace, untilNs: Nanos): FleetEnergy {
  interface Meter {
    atNs: Nanos
    watts: number
    state: string
    /** At rest: what its first row says. */
    readonly idleWatts: number
    joules: number
    joulesAllOn: number
    offNs: Nanos
  }
  const meters = new Map<string, Meter>()
  const advance = (meter: Meter, toNs: Nanos, watts: number): void => {
    const spanNs = Math.max(0, toNs - meter.atNs)
    const isOff = meter.state === 'off'
    meter.joules += ((isOff ? 0 : watts) * spanNs) / 1e9
    meter.joulesAllOn += (Math.max(watts, meter.idleWatts) * spanNs) / 1e9
    if (isOff) meter.offNs += spanNs
    meter.atNs = toNs
  }
  for (const { atNs, host, state, watts } of trace.rows('host-power')) {
    const meter = meters.get(host)
    if (meter === undefined) {
      meters.set(host, { atNs, watts, state, idleWatts: watts, joules: 0, joulesAllOn: 0, offNs: 0 })
      continue
    }
    // The row that says it is off says nothing of what it drew until then: as before.
    advance(meter, atNs, state === 'off' && meter.state !== 'off' ? meter.watts : watts)
    meter.state = state
    meter.watts = watts
  }
  for (const meter of meters.values()) advance(meter, untilNs, meter.watts)
  const byHost = [...meters].map(([host, { joules, offNs }]) => ({ host, joules, offNs }))
  const total = (of: (meter: Meter) => number): number =>
    [...meters.values()].reduce((sum, meter) => sum + of(meter), 0)
  return { joules: total(({ joules }) => joules), joulesAllOn: total(({ joulesAllOn }) => joulesAllOn), byHost }
}
