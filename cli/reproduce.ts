/** `reproduce`: migrations of a real QEMU that were measured, and what the engine does under the same conditions. */
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { InputError } from '../core/base/errors.js'
import { parseMeasuredRuns, type MeasuredGroup } from '../core/reproduction/measured-runs.js'
import { reproduce, type Agreement, type Reproduction } from '../core/reproduction/reproduce.js'
import { openOutput } from './output.js'

export async function reproduceCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { json: { type: 'string' } } })
  const [path, ...others] = positionals
  if (path === undefined || others.length > 0) throw new InputError('name one file of measurements')
  const groups = await readMeasuredRuns(path)
  const output = openOutput(values.json)
  const reproductions = groups.map(reproduce)
  output.table(
    ['mode', 'pages', 'pages/s', 'MiB/s', 'limit', 'runs', 'converges', 'passes', 'octets', 'total time', ''],
    reproductions.map(tableRow),
  )
  const agreeing = reproductions.filter(({ agrees }) => agrees).length
  output.line()
  output.line(`${agreeing} of ${reproductions.length} groups of repeats agree; each cell: the engine (measured)`)
  await output.json(reproductions)
  return agreeing === reproductions.length ? 0 : 1
}

async function readMeasuredRuns(path: string): Promise<MeasuredGroup[]> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    throw new InputError(`${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`)
  }
  try {
    return parseMeasuredRuns(text)
  } catch (error) {
    throw error instanceof InputError ? new InputError(`${path}: ${error.message}`) : error
  }
}

function tableRow(reproduction: Reproduction): (string | number)[] {
  const { choice, runs, writtenPagesPerSecond, engineCompleted, convergenceAgrees, agrees } = reproduction
  const word = (completed: boolean): string => (completed ? 'yes' : 'no')
  const measured = [...new Set(runs.map(({ completed }) => word(completed)))].join('/')
  return [
    choice.mode,
    choice.workingSetPages,
    Math.round(writtenPagesPerSecond),
    choice.bandwidthMiBps,
    `${choice.downtimeLimitMs} ms`,
    runs.length,
    `${word(engineCompleted)} (${measured})${mark(convergenceAgrees)}`,
    cell(reproduction.passes, String),
    cell(reproduction.octets, (octets) => `${(octets / 1e6).toFixed(2)} MB`),
    cell(reproduction.totalTimeMs, (ms) => `${ms.toFixed(0)} ms`),
    agrees ? 'pass' : 'FAIL',
  ]
}

function cell(agreement: Agreement | null, write: (value: number) => string): string {
  if (agreement === null) return '-'
  return `${write(agreement.engine)} (${agreement.measured.map(write).join(', ')})${mark(agreement.agrees)}`
}

function mark(agrees: boolean): string {
  return agrees ? '' : ' !'
}
