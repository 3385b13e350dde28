/** The trace: what happened, in columns, with a hash over every record. */
import { sha256 } from '@noble/hashes/sha2.js'
import { assert } from '../base/errors.js'
import { concatOctets, hexOf, OctetWriter, utf8Octets } from '../base/octets.js'
import type { Nanos } from '../base/units.js'
import { TraceTable, type TraceColumn } from './trace-table.js'
import {
  traceTables,
  type NumberColumn,
  type TextColumn,
  type TimedRow,
  type TraceKind,
  type TraceRow,
} from './trace-tables.js'

const HASH_BATCH_OCTETS = 65536

/** Told of every row of the kinds it watches, from inside the event in which it is written. */
export interface TraceWatcher {
  rowAdded(kind: TraceKind, row: TimedRow<TraceKind>): void
}

export class Trace {
  /** Set by the kernel before each event. */
  nowNs: Nanos = 0
  private readonly tables = new Map<TraceKind, TraceTable>()
  /** Every text once. Few differ (names, states); what a guest or a person wrote is there as often as it was written. */
  private readonly texts: string[] = []
  private readonly codes = new Map<string, number>()
  private chain: Uint8Array = new Uint8Array(32)
  private readonly unhashed = new OctetWriter(HASH_BATCH_OCTETS + 4096)
  private recordCount = 0
  private readonly watchers = new Map<TraceKind, TraceWatcher[]>()

  /** Records of every kind so far. */
  get length(): number {
    return this.recordCount
  }

  add<K extends TraceKind>(kind: K, row: TraceRow<K>): void {
    const table = this.table(kind)
    const index = table.rowCount
    table.atNs.set(index, this.nowNs)
    this.unhashed.u8(kindNumbers.get(kind) ?? 0).f64(this.nowNs)
    for (const column of table.columns) {
      const value = (row as Record<string, number | string>)[column.name] as number | string
      if (typeof value === 'number') {
        column.set(index, value)
        this.unhashed.f64(value)
      } else {
        column.set(index, this.encode(value))
        const octets = utf8Octets(value)
        this.unhashed.u32(octets.length).octets(octets)
      }
    }
    table.rowCount++
    this.recordCount++
    if (this.unhashed.length >= HASH_BATCH_OCTETS) {
      this.chain = sha256(concatOctets([this.chain, this.unhashed.written()]))
      this.unhashed.clear()
    }
    for (const watcher of this.watchers.get(kind) ?? []) watcher.rowAdded(kind, this.row(kind, index))
  }

  /** Tell `watcher` of every row of that kind from now on. For kinds that are written seldom. */
  watch(kind: TraceKind, watcher: TraceWatcher): void {
    const watchers = this.watchers.get(kind)
    if (watchers === undefined) this.watchers.set(kind, [watcher])
    else watchers.push(watcher)
  }

  /** How many rows of that kind there are. */
  count(kind: TraceKind): number {
    return this.tables.get(kind)?.rowCount ?? 0
  }

  /** Row `index` of that kind, in the order they were written. */
  row<K extends TraceKind>(kind: K, index: number): TimedRow<K> {
    const table = this.table(kind)
    const row: Record<string, number | string> = { atNs: table.atNs.at(index) }
    for (const column of table.columns) {
      const value = column.at(index)
      row[column.name] = column.type === 'number' ? value : (this.texts[value] ?? '')
    }
    return row as TimedRow<K>
  }

  /** Every row of that kind from `first` on. For tables that grow with every frame, read columns instead. */
  rows<K extends TraceKind>(kind: K, first = 0): TimedRow<K>[] {
    const rows: TimedRow<K>[] = []
    for (let index = first; index < this.count(kind); index++) rows.push(this.row(kind, index))
    return rows
  }

  /** Index of the first row of that kind written at `atNs` or later; `count(kind)` when there is none. */
  firstAt(kind: TraceKind, atNs: Nanos): number {
    return this.table(kind).firstAt(atNs)
  }

  /** When each row of that kind was written. Like all columns, a view that is valid until the next `add`. */
  times(kind: TraceKind): Float64Array {
    const table = this.table(kind)
    return table.atNs.view(table.rowCount) as Float64Array
  }

  /** A column of numbers. */
  numbers<K extends TraceKind>(kind: K, column: NumberColumn<K>): Float64Array {
    return this.column(kind, column).view(this.count(kind)) as Float64Array
  }

  /** A column of texts, each as its code: compare with `codeOf`. */
  textCodes<K extends TraceKind>(kind: K, column: TextColumn<K>): Uint32Array {
    return this.column(kind, column).view(this.count(kind)) as Uint32Array
  }

  /** The code of a text; -1 when no record has it. */
  codeOf(text: string): number {
    return this.codes.get(text) ?? -1
  }

  /** SHA-256 over every record so far, in hexadecimal. Equal hashes mean equal runs. */
  hash(): string {
    return hexOf(sha256(concatOctets([this.chain, this.unhashed.written()])))
  }

  private encode(text: string): number {
    let code = this.codes.get(text)
    if (code === undefined) {
      code = this.texts.push(text) - 1
      this.codes.set(text, code)
    }
    return code
  }

  private column(kind: TraceKind, name: string): TraceColumn {
    const column = this.table(kind).column(name)
    assert(column !== undefined, `table ${kind} has no column ${name}`)
    return column
  }

  private table(kind: TraceKind): TraceTable {
    let table = this.tables.get(kind)
    if (table === undefined) {
      table = new TraceTable(traceTables[kind])
      this.tables.set(kind, table)
    }
    return table
  }
}

const kindNumbers: ReadonlyMap<TraceKind, number> = new Map(
  (Object.keys(traceTables) as TraceKind[]).map((kind, index) => [kind, index]),
)
