import { isInPrefix, prefixOf, type IpAddress } from '../../core/net/wire/addresses.js'

/** The obvious twin of core/net/prefix-map.ts: a list that is searched from end to end. */
export class SlowPrefixMap<V> {
  private readonly entries: { prefix: IpAddress; prefixLength: number; value: V }[] = []

  set(prefix: IpAddress, prefixLength: number, value: V): void {
    this.delete(prefix, prefixLength)
    this.entries.push({ prefix: prefixOf(prefix, prefixLength), prefixLength, value })
  }

  delete(prefix: IpAddress, prefixLength: number): void {
    const index = this.entries.findIndex(
      (entry) => entry.prefixLength === prefixLength && entry.prefix === prefixOf(prefix, prefixLength),
    )
    if (index >= 0) this.entries.splice(index, 1)
  }

  find(address: IpAddress): V | undefined {
    return this.entries
      .filter(({ prefix, prefixLength }) => isInPrefix(address, prefix, prefixLength))
      .toSorted((a, b) => b.prefixLength - a.prefixLength)[0]?.value
  }
}
