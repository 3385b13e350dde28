/** What a fleet has come to so far, as a plain value. */
import type { FleetMetrics } from '../../metrics/fleet-metrics.js'
import type { Fleet } from './fleet.js'

export function fleetResult(fleet: Fleet, metrics: FleetMetrics): object {
  const { title, policy } = fleet.scenario
  const { trace, seed } = fleet.kernel
  return {
    ...{ title, policy, seed, durationNs: fleet.nowNs, traceHash: trace.hash() },
    placement: Object.fromEntries(fleet.guests.map((guest) => [guest.name, fleet.hostOf(guest)])),
    hosts: fleet.hosts.map(({ name, state, health }) => ({ name, state, health })),
    decisions: trace.rows('fleet-decision'),
    ...metrics,
    dropped: fleet.orchestrator.dropped,
  }
}
