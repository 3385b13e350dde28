import { milliseconds, type Nanos } from '../base/units.js'

/** QEMU's BUFFER_DELAY (migration/migration.c). */
const WINDOW_NS = milliseconds(100)

/**
 * The bandwidth limit and the measured bandwidth, both by windows of 100 ms as in QEMU: what the limit leaves unused in
 * one window is lost, and the rate of the last whole window predicts what can be sent during the downtime. Before the
 * first window has passed, the average so far stands in (QEMU then knows nothing and never stops the guest early).
 */
export class RateWindow {
  private startNs: Nanos = 0
  private startOctets = 0
  private lastOctetsPerSecond: number | null = null
  private windowNs = WINDOW_NS
  private windowOctets: number

  /** `maxBandwidth` in octets a second, 0 for no limit. */
  constructor(maxBandwidth: number) {
    this.windowOctets = maxBandwidth === 0 ? Number.MAX_SAFE_INTEGER : maxBandwidth / 10
  }

  /** From the next window on: so many octets in windows of that length. */
  limit(windowOctets: number, windowNs: Nanos): void {
    this.windowOctets = windowOctets
    this.windowNs = windowNs
  }

  /** Begin the first window. `octets` counts those of the stream so far, here and below. */
  start(nowNs: Nanos, octets: number): void {
    this.startNs = nowNs
    this.startOctets = octets
  }

  /** Begin the next window if this one is over. Returns how long it was in the end, or 0 while it goes on. */
  advance(nowNs: Nanos, octets: number): Nanos {
    const spanNs = nowNs - this.startNs
    if (spanNs < this.windowNs) return 0
    this.lastOctetsPerSecond = ((octets - this.startOctets) * 1e9) / spanNs
    this.start(nowNs, octets)
    return spanNs
  }

  /** Octets of the stream when the present window began. */
  get windowStartOctets(): number {
    return this.startOctets
  }

  /** The stream may grow to this many octets in the present window. */
  get limitOctets(): number {
    return Math.min(Number.MAX_SAFE_INTEGER, this.startOctets + this.windowOctets)
  }

  /** When the present window ends. */
  get endNs(): Nanos {
    return this.startNs + this.windowNs
  }

  /** Octets a second in the last whole window, or 0 while there was none. */
  get lastWindow(): number {
    return this.lastOctetsPerSecond ?? 0
  }

  /** Octets a second: of the last window, or since the start in the first. */
  measured(nowNs: Nanos, octets: number): number {
    if (this.lastOctetsPerSecond !== null) return this.lastOctetsPerSecond
    const spanNs = nowNs - this.startNs
    return spanNs > 0 ? ((octets - this.startOctets) * 1e9) / spanNs : 0
  }
}
