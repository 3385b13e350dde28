import { prefixOf, type IpAddress } from './wire/addresses.js'

/**
 * Values by address prefix, found by the longest prefix that an address begins with. One hash table for each length that
 * occurs: finding costs a look for each of these lengths, however many prefixes there are. The slow twin that it is compared
 * with is test/support/slow-prefix-map.ts.
 */
export class PrefixMap<V> {
  /** Longest first. */
  private readonly tables: { readonly prefixLength: number; readonly values: Map<IpAddress, V> }[] = []

  get(prefix: IpAddress, prefixLength: number): V | undefined {
    return this.tableOf(prefixLength)?.values.get(prefixOf(prefix, prefixLength))
  }

  set(prefix: IpAddress, prefixLength: number, value: V): void {
    let table = this.tableOf(prefixLength)
    if (table === undefined) {
      table = { prefixLength, values: new Map() }
      this.tables.push(table)
      this.tables.sort((a, b) => b.prefixLength - a.prefixLength)
    }
    table.values.set(prefixOf(prefix, prefixLength), value)
  }

  delete(prefix: IpAddress, prefixLength: number): void {
    const table = this.tableOf(prefixLength)
    if (table === undefined) return
    table.values.delete(prefixOf(prefix, prefixLength))
    if (table.values.size === 0) this.tables.splice(this.tables.indexOf(table), 1)
  }

  /** The value of the longest prefix that `address` begins with. */
  find(address: IpAddress): V | undefined {
    for (const { prefixLength, values } of this.tables) {
      const value = values.get(prefixOf(address, prefixLength))
      if (value !== undefined) return value
    }
    return undefined
  }

  /** Longest prefixes first. */
  *values(): Generator<V> {
    for (const { values } of this.tables) yield* values.values()
  }

  private tableOf(prefixLength: number): PrefixMap<V>['tables'][number] | undefined {
    return this.tables.find((table) => table.prefixLength === prefixLength)
  }
}
