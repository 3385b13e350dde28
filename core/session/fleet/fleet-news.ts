/** What happens in a fleet, in words, as the trace has it. */
import type { Nanos } from '../../base/units.js'
import type { TimedRow, TraceKind } from '../../kernel/trace-tables.js'
import type { Trace } from '../../kernel/trace.js'

export interface NewsItem {
  readonly atNs: Nanos
  readonly text: string
}

const words: { readonly [K in TraceKind]?: (row: TimedRow<K>) => string | null } = {
  'host-health': ({ host, health }) => `${host} reports of its hardware: ${health}`,
  'host-standing': ({ host, standing, reason }) => (standing === 'up' ? null : `${host} is ${standing}: ${reason}`),
  'fleet-decision': ({ kind, vm, source, destination, reason }) =>
    vm === '' ? `${kind} ${source}: ${reason}` : `${kind} ${vm} from ${source} to ${destination}: ${reason}`,
  'fleet-move': ({ atNs, vm, source, destination, outcome, reason, startNs, downtimeNs }) =>
    outcome === 'completed'
      ? `${vm} moved from ${source} to ${destination} in ${(atNs - startNs) / 1e6} ms, downtime ${downtimeNs / 1e6} ms`
      : `${vm} did not move from ${source} to ${destination}: ${outcome}: ${reason}`,
  'fleet-restart': ({ vm, source, destination, outcome, reason }) =>
    outcome === 'started'
      ? `${vm} started anew on ${destination}: what it had in memory on ${source} is lost`
      : `${vm} could not be started on ${destination}: ${outcome}${reason === '' ? '' : `: ${reason}`}`,
}
const kinds = Object.keys(words) as TraceKind[]

export class FleetNews {
  private readonly told = new Map<TraceKind, number>()

  constructor(private readonly trace: Trace) {}

  /** What happened since the last time, in its order. */
  take(): NewsItem[] {
    const items: NewsItem[] = []
    for (const kind of kinds) {
      const count = this.trace.count(kind)
      for (let index = this.told.get(kind) ?? 0; index < count; index++) {
        const row = this.trace.row(kind, index)
        const text = (words[kind] as (row: TimedRow<TraceKind>) => string | null)(row)
        if (text !== null) items.push({ atNs: row.atNs, text })
      }
      this.told.set(kind, count)
    }
    return items.sort((a, b) => a.atNs - b.atNs)
  }
}
