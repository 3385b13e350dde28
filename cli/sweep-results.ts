/** What is known of a sweep: a line of JSON for each finished migration, appended as it ends, so that a sweep can go on. */
import { appendFileSync, existsSync, readFileSync, truncateSync } from 'node:fs'
import { InputError } from '../core/base/errors.js'
import { rowColumns, type SweepRow } from './sweep-cell.js'
import type { SweepCell } from './sweep-spec.js'

export class SweepResults {
  private readonly rows = new Map<string, SweepRow>()

  /** Reads what is there. A last line that was cut off in the middle of writing is taken away. Throws `InputError`. */
  constructor(private readonly path: string) {
    if (!existsSync(path)) return
    const text = readFileSync(path, 'utf8')
    const lines = text.split('\n')
    const cut = lines.pop() ?? ''
    lines.forEach((line, index) => {
      const result = resultOf(line)
      if (result === null)
        throw new InputError(
          `${path}:${index + 1}: not a result of a sweep: remove this file, or choose another --output`,
        )
      this.rows.set(result.key, result.row)
    })
    if (cut !== '') truncateSync(path, Buffer.byteLength(text) - Buffer.byteLength(cut))
  }

  row(key: string): SweepRow | undefined {
    return this.rows.get(key)
  }

  add(key: string, row: SweepRow): void {
    this.rows.set(key, row)
    appendFileSync(this.path, `${JSON.stringify({ key, row })}\n`)
  }
}

function resultOf(line: string): { readonly key: string; readonly row: SweepRow } | null {
  try {
    const { key, row } = JSON.parse(line) as { key: unknown; row: unknown }
    const isRow = typeof row === 'object' && row !== null && rowColumns.every((column) => column in row)
    return typeof key === 'string' && isRow ? { key, row: row as SweepRow } : null
  } catch {
    return null // said by the caller, with the line's number
  }
}

/** RFC 4180, with a line feed at the end of a line; in the grid's order. */
export function sweepCsv(results: readonly { readonly cell: SweepCell; readonly row: SweepRow }[]): string {
  const axes = Object.keys(results[0]?.cell.place ?? {})
  const lines = results.map(({ cell, row }) => [
    ...axes.map((axis) => cell.place[axis] ?? ''),
    ...rowColumns.map((column) => row[column] ?? ''),
  ])
  return [[...axes, ...rowColumns], ...lines].map((line) => `${line.map(field).join(',')}\n`).join('')
}

function field(given: string | number | boolean): string {
  const text = String(given)
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
