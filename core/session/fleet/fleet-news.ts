/** What happens in a fleet, in words, as the trace has it. */
import type { Nanos } from '../../base/units.js'
import type { TimedRow, TraceKind } from '../../kernel/trace-tables.js'
import type { Trace } from '../../kernel/trace.js'
import { downtimeOf } from '../../metrics/fleet-metrics.js'

export interface NewsItem {
  readonly atNs: Nanos
  /** Where it stands in the trace. */
  readonly kind: TraceKind
  readonly text: string
}

const milliseconds = (spanNs: Nanos): string => `${(spanNs / 1e6).toFixed(2)} ms`

const words: { readonly [K in TraceKind]?: (row: TimedRow<K>, trace: Trace) => string | null } = {
  'host-health': ({ host, health }) => `${host} reports of its hardware: ${health}`,
  'host-standing': ({ host, standing, reason }) =>
    // What was done to it, the decision says.
    standing === 'silent' || standing === 'dead' ? `${host} is ${standing}: ${reason}` : null,
  'attack-stage': ({ attacker, stage, text }) => `${attacker}: ${stage}: ${text}`,
  'advert-refused': ({ host, source }) => `an advert of ${host}, from ${source}, is not believed`,
  'command-refused': ({ host, reason }) => `the controller of ${host} refused a command: ${reason}`,
  'fleet-decision': ({ kind, vm, source, destination, reason }) =>
    vm === '' ? `${kind} ${source}: ${reason}` : `${kind} ${vm} from ${source} to ${destination}: ${reason}`,
  'fleet-move': (row, trace) => {
    const { atNs, vm, source, destination, outcome, reason, startNs } = row
    return outcome === 'completed'
      ? `${vm} moved from ${source} to ${destination} in ${milliseconds(atNs - startNs)}, downtime ${milliseconds(downtimeOf(trace, row))}`
      : `${vm} did not move from ${source} to ${destination}: ${outcome}: ${reason}`
  },
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
        const text = (words[kind] as (row: TimedRow<TraceKind>, trace: Trace) => string | null)(row, this.trace)
        if (text !== null) items.push({ atNs: row.atNs, kind, text })
      }
      this.told.set(kind, count)
    }
    return items.sort((a, b) => a.atNs - b.atNs)
  }
}
