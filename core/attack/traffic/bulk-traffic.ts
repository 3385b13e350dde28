/**
 * What a watcher keeps of a transfer that he cannot read: how many octets went each way, by time. Connections of the same two
 * ends that overlap (a migration and its extra channels) are one transfer. Bounded memory: when there are too many bins, two
 * neighbours become one.
 */
import type { Nanos } from '../../base/units.js'

const BIN_NS: Nanos = 1_000_000
const BINS_MAX = 65_536

export class BulkTraffic {
  /** Payload, without what was sent twice. */
  octetsToServer = 0
  octetsToClient = 0
  /** Of the first and the last octets. */
  firstNs: Nanos | null = null
  lastNs: Nanos = 0
  binNs = BIN_NS
  /** Connections that are still open. */
  open = 0
  /** Octets of both ways together, from `firstNs` on. */
  private bins = new Float64Array(256)

  add(isToServer: boolean, octets: number, atNs: Nanos): void {
    this.firstNs ??= atNs
    this.lastNs = Math.max(this.lastNs, atNs)
    if (isToServer) this.octetsToServer += octets
    else this.octetsToClient += octets
    let index = Math.max(0, Math.floor((atNs - this.firstNs) / this.binNs))
    while (index >= BINS_MAX) {
      this.halve()
      index = Math.floor(index / 2)
    }
    if (index >= this.bins.length) this.grow(index)
    this.bins[index] = (this.bins[index] as number) + octets
  }

  get octets(): number {
    return this.octetsToServer + this.octetsToClient
  }

  /** Octets that had passed by then; within a bin as if they came evenly. */
  octetsUntil(atNs: Nanos): number {
    const { firstNs, bins, binNs } = this
    if (firstNs === null || atNs <= firstNs) return 0
    const at = (atNs - firstNs) / binNs
    const whole = Math.min(bins.length, Math.floor(at))
    let octets = 0
    for (let index = 0; index < whole; index++) octets += bins[index] as number
    return octets + (at - whole) * (bins[whole] ?? 0)
  }

  /** When so many octets had passed: the end of that bin. */
  reachedNs(octets: number): Nanos {
    let sum = 0
    for (let index = 0; index < this.bins.length; index++) {
      sum += this.bins[index] as number
      if (sum >= octets) return Math.min(this.lastNs, (this.firstNs ?? 0) + (index + 1) * this.binNs)
    }
    return this.lastNs
  }

  private grow(index: number): void {
    const bins = new Float64Array(Math.min(BINS_MAX, Math.max(2 * this.bins.length, index + 1)))
    bins.set(this.bins)
    this.bins = bins
  }

  private halve(): void {
    const { bins } = this
    for (let index = 0; index < bins.length; index++) bins[index] = (bins[2 * index] ?? 0) + (bins[2 * index + 1] ?? 0)
    this.binNs *= 2
  }
}
