/** The trace: what happened, in columns, with a hash over every record. */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatOctets, hexOf, OctetWriter, utf8Octets } from '../base/octets.js'
import type { Nanos } from '../base/units.js'
import { traceTables, type TimedRow, type TraceKind, type TraceRow } from './trace-tables.js'

const HASH_BATCH_OCTETS = 65536

interface Table {
  readonly atNs: number[]
  readonly columns: readonly { readonly name: string; readonly values: (number | string)[] }[]
}

export class Trace {
  /** Set by the kernel before each event. */
  nowNs: Nanos = 0
  private readonly tables = new Map<TraceKind, Table>()
  private chain: Uint8Array = new Uint8Array(32)
  private readonly unhashed = new OctetWriter(HASH_BATCH_OCTETS + 4096)
  private recordCount = 0

  /** Records of every kind so far. */
  get length(): number {
    return this.recordCount
  }

  add<K extends TraceKind>(kind: K, row: TraceRow<K>): void {
    const table = this.table(kind)
    table.atNs.push(this.nowNs)
    this.unhashed.u8(kindNumbers.get(kind) ?? 0)
    this.hashNumber(this.nowNs)
    for (const { name, values } of table.columns) {
      const value = (row as Record<string, number | string>)[name] as number | string
      values.push(value)
      if (typeof value === 'number') this.hashNumber(value)
      else {
        const octets = utf8Octets(value)
        this.unhashed.u32(octets.length).octets(octets)
      }
    }
    this.recordCount++
    if (this.unhashed.length >= HASH_BATCH_OCTETS) {
      this.chain = sha256(concatOctets([this.chain, this.unhashed.written()]))
      this.unhashed.take()
    }
  }

  /** How many rows of that kind there are. */
  count(kind: TraceKind): number {
    return this.tables.get(kind)?.atNs.length ?? 0
  }

  /** Row `index` of that kind, in the order they were written. */
  row<K extends TraceKind>(kind: K, index: number): TimedRow<K> {
    const table = this.table(kind)
    const row: Record<string, number | string> = { atNs: table.atNs[index] as number }
    for (const { name, values } of table.columns) row[name] = values[index] as number | string
    return row as TimedRow<K>
  }

  /** Every row of that kind from `first` on. */
  rows<K extends TraceKind>(kind: K, first = 0): TimedRow<K>[] {
    const rows: TimedRow<K>[] = []
    for (let index = first; index < this.count(kind); index++) rows.push(this.row(kind, index))
    return rows
  }

  /** SHA-256 over every record so far, in hexadecimal. Equal hashes mean equal runs. */
  hash(): string {
    return hexOf(sha256(concatOctets([this.chain, this.unhashed.written()])))
  }

  private table(kind: TraceKind): Table {
    let table = this.tables.get(kind)
    if (table === undefined) {
      table = { atNs: [], columns: Object.keys(traceTables[kind]).map((name) => ({ name, values: [] })) }
      this.tables.set(kind, table)
    }
    return table
  }

  /** Binary64, big-endian: every number a record can hold has one form. */
  private hashNumber(value: number): void {
    const octets = new Uint8Array(8)
    new DataView(octets.buffer).setFloat64(0, value)
    this.unhashed.octets(octets)
  }
}

const kindNumbers: ReadonlyMap<TraceKind, number> = new Map(
  (Object.keys(traceTables) as TraceKind[]).map((kind, index) => [kind, index]),
)
