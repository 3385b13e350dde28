/**
 * Where stations are, by VLAN and MAC address: the filtering database of IEEE 802.1Q §8.8, which the trade calls CAM table.
 *
 * Looked at twice for every frame, so it is a hash table in typed arrays with linear probing: no garbage, and a slot that
 * was right last time can be tried before any hashing (`slotOf`). Addresses come in two parts, 16 and 32 bits.
 */
import type { Nanos } from '../../base/units.js'
import type { MacAddress } from '../wire/addresses.js'

/**
 * How an address came in. Only `dynamic` ones age and move. `secure` and `sticky` ones were learned by port security,
 * and `static` ones are configured.
 */
export const MAC_TYPES = ['dynamic', 'secure', 'sticky', 'static'] as const
export type MacType = (typeof MAC_TYPES)[number]
export const DYNAMIC = 0

const NO_PORT = -1
const SLOTS_FIRST = 16

export class MacTable {
  /** VLAN and the first 16 bits of the address. */
  private highs = new Uint32Array(SLOTS_FIRST)
  private lows = new Uint32Array(SLOTS_FIRST)
  private ports = new Int16Array(SLOTS_FIRST).fill(NO_PORT)
  private types = new Uint8Array(SLOTS_FIRST)
  private seenNs = new Float64Array(SLOTS_FIRST)
  private entryCount = 0

  get size(): number {
    return this.entryCount
  }

  /** One past the last slot. */
  get slotCount(): number {
    return this.ports.length
  }

  /** The slot of that address, or -1. `hint` is a slot that may be right: any number. */
  slotOf(vlan: number, high: number, low: number, hint: number): number {
    const key = ((vlan << 16) | high) >>> 0
    if (this.lows[hint] === low && this.highs[hint] === key && this.ports[hint] !== NO_PORT) return hint
    const mask = this.ports.length - 1
    for (let slot = hashOf(key, low) & mask; ; slot = (slot + 1) & mask) {
      if (this.ports[slot] === NO_PORT) return -1
      if (this.lows[slot] === low && this.highs[slot] === key) return slot
    }
  }

  /** -1 when the slot is empty. */
  portAt(slot: number): number {
    return this.ports[slot] as number
  }
  /** Index in `MAC_TYPES`. */
  typeAt(slot: number): number {
    return this.types[slot] as number
  }
  seenAt(slot: number): Nanos {
    return this.seenNs[slot] as number
  }
  vlanAt(slot: number): number {
    return (this.highs[slot] as number) >>> 16
  }
  macAt(slot: number): MacAddress {
    return ((this.highs[slot] as number) & 0xffff) * 0x1_0000_0000 + (this.lows[slot] as number)
  }

  touch(slot: number, nowNs: Nanos): void {
    this.seenNs[slot] = nowNs
  }

  set(slot: number, port: number, type: number, nowNs: Nanos): void {
    this.ports[slot] = port
    this.types[slot] = type
    this.seenNs[slot] = nowNs
  }

  /** The address must not be in the table. */
  add(vlan: number, high: number, low: number, port: number, type: number, nowNs: Nanos): void {
    if (2 * (this.entryCount + 1) > this.ports.length) this.rebuild(2 * this.ports.length, null)
    this.place(((vlan << 16) | high) >>> 0, low, port, type, nowNs)
  }

  /** Keep only the slots that `keeps` says. */
  retain(keeps: (slot: number) => boolean): void {
    this.rebuild(this.ports.length, keeps)
  }

  private place(key: number, low: number, port: number, type: number, nowNs: Nanos): void {
    const mask = this.ports.length - 1
    let slot = hashOf(key, low) & mask
    while (this.ports[slot] !== NO_PORT) slot = (slot + 1) & mask
    this.highs[slot] = key
    this.lows[slot] = low
    this.set(slot, port, type, nowNs)
    this.entryCount++
  }

  private rebuild(slotCount: number, keeps: ((slot: number) => boolean) | null): void {
    const { highs, lows, ports, types, seenNs } = this
    const kept: number[] = []
    for (let slot = 0; slot < ports.length; slot++)
      if (ports[slot] !== NO_PORT && (keeps === null || keeps(slot))) kept.push(slot)
    this.highs = new Uint32Array(slotCount)
    this.lows = new Uint32Array(slotCount)
    this.ports = new Int16Array(slotCount).fill(NO_PORT)
    this.types = new Uint8Array(slotCount)
    this.seenNs = new Float64Array(slotCount)
    this.entryCount = 0
    for (const slot of kept)
      this.place(
        highs[slot] as number,
        lows[slot] as number,
        ports[slot] as number,
        types[slot] as number,
        seenNs[slot] as number,
      )
  }
}

/** Multiplicative, with the high bits brought down: addresses of one maker differ in their last bits only. */
function hashOf(key: number, low: number): number {
  const mixed = Math.imul(low ^ Math.imul(key, 0x85eb_ca6b), 0x9e37_79b1)
  return (mixed ^ (mixed >>> 15)) >>> 0
}
