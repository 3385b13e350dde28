/** `sweep`: a grid of channels, strategies and workloads on all cores of this machine; what each paid, and what it let out. */
import { existsSync, unlinkSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { basename, extname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { InputError } from '../core/base/errors.js'
import { printable } from '../core/capture/value-text.js'
import { makeFolder, openOutput, writeOutputFile } from './output.js'
import { keyOf, type SweepRow } from './sweep-cell.js'
import { sweepSvg } from './sweep-chart-file.js'
import { runCells } from './sweep-pool.js'
import { sweepCsv, SweepResults } from './sweep-results.js'
import { readSweep, type SweepCell } from './sweep-spec.js'

const JOBS_MAX = 256
/** As a shell counts a program that Ctrl+C ended. */
const INTERRUPTED = 130

/** @param worker the bundled worker; beside this file, if it is not said */
export async function sweepCommand(args: string[], worker?: URL): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      jobs: { type: 'string', default: String(availableParallelism()) },
      output: { type: 'string' },
      fresh: { type: 'boolean', default: false },
    },
  })
  const [name, ...others] = positionals
  if (name === undefined || others.length > 0) throw new InputError('name one file or example: sweep channels')
  const jobs = Number(values.jobs)
  if (!Number.isInteger(jobs) || jobs < 1 || jobs > JOBS_MAX)
    throw new InputError(`--jobs ${values.jobs}: a whole number from 1 to ${JOBS_MAX}`)
  const { title, about, cells } = readSweep(name)
  const folder = values.output ?? `${basename(name, extname(name))}-sweep`
  await makeFolder(folder)
  const path = join(folder, 'results.jsonl')
  if (values.fresh && existsSync(path)) unlinkSync(path)
  const results = new SweepResults(path)

  const output = openOutput(undefined)
  output.line(printable(title))
  for (const line of about.trimEnd().split('\n')) if (line !== '') output.line(`  ${printable(line)}`)
  const keys = new Map(cells.map((cell) => [cell, keyOf(cell)]))
  const missing = cells.filter((cell) => results.row(keys.get(cell) ?? '') === undefined)
  const known = cells.length - missing.length
  output.line(`${cells.length} migrations, ${jobs} at a time${known === 0 ? '' : `; ${known} are known from ${path}`}`)

  let done = known
  const onRow = (cell: SweepCell, row: SweepRow): void => {
    results.add(keys.get(cell) ?? '', row)
    output.line(`${String(++done).padStart(String(cells.length).length)} of ${cells.length}  ${inWords(cell, row)}`)
  }
  const interrupt = new AbortController()
  const stop = (): void => interrupt.abort()
  // May come twice, from the terminal and from who started this program: what is kept is written all the same.
  process.on('SIGINT', stop)
  process.on('SIGTERM', stop)
  try {
    await runCells(missing, { jobs, signal: interrupt.signal, onRow, ...(worker === undefined ? {} : { worker }) })
    const finished = cells.flatMap((cell) => {
      const row = results.row(keys.get(cell) ?? '')
      return row === undefined ? [] : [{ cell, row }]
    })
    await writeOutputFile(join(folder, 'results.csv'), sweepCsv(finished))
    await writeOutputFile(join(folder, 'downtime-leakage.svg'), sweepSvg(title, finished))
    output.line(`wrote ${join(folder, 'results.csv')} and downtime-leakage.svg beside it`)
    if (finished.length === cells.length) return 0
    output.line(`stopped: ${finished.length} of ${cells.length} are kept, and the same command goes on`)
    return INTERRUPTED
  } finally {
    process.off('SIGINT', stop)
    process.off('SIGTERM', stop)
  }
}

function inWords({ place }: SweepCell, row: SweepRow): string {
  const where = Object.values(place).join(' ')
  if (row.downtimeMs === null) return `${where}: ${row.status}${row.cause === '' ? '' : `, ${printable(row.cause)}`}`
  const converged = row.converged === false ? ', not converging' : ''
  const share = row.ramOctets === null ? 0 : (100 * (row.ramOctetsRecovered ?? 0)) / row.ramOctets
  return `${where}: downtime ${row.downtimeMs.toFixed(2)} ms${converged}, ${share.toFixed(0)} % of RAM recovered`
}
