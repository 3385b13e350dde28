/** What the hosts of a fleet drew, as far as a trace has been read: in all, and second by second. */
import { seconds, type Nanos } from '../base/units.js'
import type { TimedRow } from '../kernel/trace-tables.js'
import type { Trace } from '../kernel/trace.js'

export const JOULES_PER_KWH = 3.6e6
/** Of a sample. Hosts read their meters as often. */
const SAMPLE_NS: Nanos = seconds(1)

export interface FleetEnergy {
  /** Drawn by all hosts together. */
  readonly joules: number
  /** What the same hosts, never switched off, would have drawn for the same work. */
  readonly joulesAllOn: number
  readonly byHost: readonly { readonly host: string; readonly joules: number; readonly offNs: Nanos }[]
}

/** The second that ended at `atNs`. */
export interface FleetSample {
  readonly atNs: Nanos
  /** Drawn by all hosts together, on average. */
  readonly watts: number
  /** From the beginning. */
  readonly joules: number
  /** In their order: what each was at the end, and the part of its cores that was busy. */
  readonly hosts: readonly { readonly state: string; readonly busyShare: number }[]
}

interface Meter {
  /** Its last row: what was drawn, on average, since the row before. */
  row: TimedRow<'host-power'>
  /** At rest: what its first row says. */
  readonly idleWatts: number
  joules: number
  joulesAllOn: number
  offNs: Nanos
}

export class EnergyMeter {
  private readonly meters = new Map<string, Meter>()
  private rowsRead = 0
  private sampled = { atNs: 0, joules: 0 }

  constructor(private readonly trace: Trace) {}

  /** The seconds that ended since the last time. */
  samples(untilNs: Nanos): FleetSample[] {
    const samples: FleetSample[] = []
    for (let atNs = this.sampled.atNs + SAMPLE_NS; atNs <= untilNs; atNs += SAMPLE_NS) {
      const { joules } = this.energy(atNs)
      const watts = ((joules - this.sampled.joules) * 1e9) / SAMPLE_NS
      const hosts = [...this.meters.values()].map(({ row: { state, busyShare } }) => ({ state, busyShare }))
      samples.push({ atNs, watts, joules, hosts })
      this.sampled = { atNs, joules }
    }
    return samples
  }

  /** Up to `untilNs`, which is not before the last time that was asked about. */
  energy(untilNs: Nanos): FleetEnergy {
    this.read(untilNs)
    const meters = [...this.meters].map(([host, meter]) => {
      const { joules, joulesAllOn, offNs } = advanced(meter, untilNs, meter.row.watts)
      return { host, joules, joulesAllOn, offNs }
    })
    return {
      joules: meters.reduce((sum, { joules }) => sum + joules, 0),
      joulesAllOn: meters.reduce((sum, { joulesAllOn }) => sum + joulesAllOn, 0),
      byHost: meters.map(({ host, joules, offNs }) => ({ host, joules, offNs })),
    }
  }

  /** What was read last, host by host. */
  latest(): readonly TimedRow<'host-power'>[] {
    return [...this.meters.values()].map(({ row }) => row)
  }

  private read(untilNs: Nanos): void {
    const { trace, meters } = this
    for (; this.rowsRead < trace.count('host-power'); this.rowsRead++) {
      const row = trace.row('host-power', this.rowsRead)
      if (row.atNs > untilNs) return
      const meter = meters.get(row.host)
      if (meter === undefined) meters.set(row.host, { row, idleWatts: row.watts, joules: 0, joulesAllOn: 0, offNs: 0 })
      else {
        // The row that says it is off says nothing of what it drew until then: as before.
        const watts = row.state === 'off' && meter.row.state !== 'off' ? meter.row.watts : row.watts
        Object.assign(meter, advanced(meter, row.atNs, watts), { row })
      }
    }
  }
}

function advanced(meter: Meter, toNs: Nanos, watts: number): Pick<Meter, 'joules' | 'joulesAllOn' | 'offNs'> {
  const { row, idleWatts, joules, joulesAllOn, offNs } = meter
  const spanNs = Math.max(0, toNs - row.atNs)
  const isOff = row.state === 'off'
  return {
    joules: joules + ((isOff ? 0 : watts) * spanNs) / 1e9,
    joulesAllOn: joulesAllOn + (Math.max(watts, idleWatts) * spanNs) / 1e9,
    offNs: offNs + (isOff ? spanNs : 0),
  }
}
