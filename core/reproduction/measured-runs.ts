/**
 * Migrations of a real QEMU, measured, from a file of comma-separated values with a header: one line a run. Columns that are
 * not named here may be there and are not looked at.
 */
import { InputError } from '../base/errors.js'

/** What the operator did. `stopcopy` stops the guest first; `postcopy` begins when the dirty log has been read three times. */
export const measuredModes = ['precopy', 'stopcopy', 'postcopy', 'xbzrle'] as const
export type MeasuredMode = (typeof measuredModes)[number]

/** What was chosen. Runs in which all of it is the same are repeats of each other. */
export interface MeasuredChoice {
  readonly mode: MeasuredMode
  /** The guest writes one word a page, page after page over so many, at the rate that was asked for. */
  readonly workingSetPages: number
  readonly targetPagesPerSecond: number
  /** Of `max-bandwidth`, in MiB a second. */
  readonly bandwidthMiBps: number
  readonly downtimeLimitMs: number
  readonly fillMiB: number
  readonly memoryMiB: number
}

export interface MeasuredRun {
  readonly completed: boolean
  /** When a run that did not converge was cancelled; null when it completed. */
  readonly cancelledAfterMs: number | null
  readonly totalTimeMs: number
  /** Of `query-migrate`: `ram.transferred`, `ram.dirty-sync-count`. */
  readonly transferredOctets: number
  readonly dirtySyncCount: number
  /** Pages a second that the guest did write while it ran. */
  readonly writtenPagesPerSecond: number
}

export interface MeasuredGroup {
  readonly choice: MeasuredChoice
  readonly runs: readonly MeasuredRun[]
}

/** Groups in the order in which they first come up. Throws `InputError` naming the line that cannot be used. */
export function parseMeasuredRuns(text: string): MeasuredGroup[] {
  const [header = '', ...lines] = text.trim().split(/\r?\n/)
  const columns = header.split(',').map((name) => name.trim())
  const groups = new Map<string, { choice: MeasuredChoice; runs: MeasuredRun[] }>()
  lines.forEach((line, index) => {
    if (line.trim() === '') return
    const cells = line.split(',')
    const row = new MeasuredRow(columns, cells, index + 2)
    const choice = choiceOf(row)
    const key = Object.values(choice).join()
    const group = groups.get(key) ?? { choice, runs: [] }
    groups.set(key, group)
    group.runs.push(runOf(row))
  })
  if (groups.size === 0) throw new InputError('there is no measured run: a header and a line for each run are expected')
  return [...groups.values()]
}

/** The cells of a line by the names of their columns. */
class MeasuredRow {
  constructor(
    private readonly columns: readonly string[],
    private readonly cells: readonly string[],
    /** Counts from 1. */
    private readonly line: number,
  ) {}

  text(column: string): string {
    const index = this.columns.indexOf(column)
    if (index < 0) throw new InputError(`the column ${column} is missing`)
    return (this.cells[index] ?? '').trim()
  }

  number(column: string): number {
    const text = this.text(column)
    const value = Number(text)
    if (text === '' || !Number.isFinite(value) || value < 0) throw this.problem(column, 'a number that is not negative')
    return value
  }

  problem(column: string, expected: string): InputError {
    return new InputError(`line ${this.line}: ${column} is "${this.text(column)}" and should be ${expected}`)
  }
}

function choiceOf(row: MeasuredRow): MeasuredChoice {
  const mode = measuredModes.find((name) => name === row.text('mode'))
  if (mode === undefined) throw row.problem('mode', `one of ${measuredModes.join(', ')}`)
  const bandwidthMiBps = row.number('bw_MiBps')
  if (bandwidthMiBps === 0) throw row.problem('bw_MiBps', 'more than 0')
  return {
    mode,
    workingSetPages: row.number('ws_pages'),
    targetPagesPerSecond: row.number('target_pps'),
    bandwidthMiBps,
    downtimeLimitMs: row.number('downtime_limit_ms'),
    fillMiB: row.number('fill_MiB'),
    memoryMiB: row.number('guest_mem_MiB'),
  }
}

function runOf(row: MeasuredRow): MeasuredRun {
  const status = row.text('status')
  const cancelled = /^not-converged(?:\(cancelled at (\d+)s\))?$/.exec(status)
  if (status !== 'completed' && cancelled === null)
    throw row.problem('status', 'completed or not-converged(cancelled at 12s)')
  const totalTimeMs = row.number('total_time_ms')
  return {
    completed: cancelled === null,
    cancelledAfterMs:
      cancelled === null ? null : cancelled[1] === undefined ? totalTimeMs : Number(cancelled[1]) * 1000,
    totalTimeMs,
    transferredOctets: row.number('ram_transferred'),
    dirtySyncCount: row.number('ram_dirty_sync_count'),
    writtenPagesPerSecond: row.number('guest_write_pps_during') * (totalTimeMs / runningMs(row, totalTimeMs)),
  }
}

/** Pages were counted over the whole migration, the time included in which the guest stood still for the switch-over. */
function runningMs(row: MeasuredRow, totalTimeMs: number): number {
  const blackout = row.text('blackout_ms_STOP_to_RESUME')
  const blackoutMs = blackout === '' ? 0 : row.number('blackout_ms_STOP_to_RESUME')
  return blackoutMs < totalTimeMs ? totalTimeMs - blackoutMs : totalTimeMs
}
