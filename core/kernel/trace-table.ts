/** The columns of one table of the trace. */
import type { Nanos } from '../base/units.js'

const ROWS_FIRST = 64

/** Values of one column, in a typed array that grows: a session writes a million rows and more. */
export class TraceColumn {
  private values: Float64Array | Uint32Array

  constructor(
    readonly name: string,
    /** Texts are kept as their numbers in the trace's list of texts. */
    readonly type: 'number' | 'text',
  ) {
    this.values = type === 'number' ? new Float64Array(ROWS_FIRST) : new Uint32Array(ROWS_FIRST)
  }

  set(row: number, value: number): void {
    if (row === this.values.length) {
      const { values } = this
      this.values = values instanceof Float64Array ? new Float64Array(2 * row) : new Uint32Array(2 * row)
      this.values.set(values)
    }
    this.values[row] = value
  }

  at(row: number): number {
    return this.values[row] ?? NaN
  }

  /** A view of the first `rowCount` values: valid until the column grows. */
  view(rowCount: number): Float64Array | Uint32Array {
    return this.values.subarray(0, rowCount)
  }
}

export class TraceTable {
  rowCount = 0
  /** When each row was written: never descending. */
  readonly atNs = new TraceColumn('atNs', 'number')
  readonly columns: readonly TraceColumn[]

  constructor(shape: Readonly<Record<string, 'number' | 'text'>>) {
    this.columns = Object.entries(shape).map(([name, type]) => new TraceColumn(name, type))
  }

  column(name: string): TraceColumn | undefined {
    return this.columns.find((column) => column.name === name)
  }

  /** Index of the first row that was written at `atNs` or later; `rowCount` when there is none. */
  firstAt(atNs: Nanos): number {
    let low = 0
    let high = this.rowCount
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.atNs.at(middle) < atNs) low = middle + 1
      else high = middle
    }
    return low
  }
}
