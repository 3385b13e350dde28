/** How fast pages may go out, and how fast they do: QEMU's windows of 100 ms, or the slots in which Xen 3.1 paced itself. */
import type { Nanos } from '../base/units.js'
import type { MigrationOptions, MigrationRound } from './migration.js'
import { RateWindow } from './rate-window.js'
import type { MigrationCounters } from './statistics.js'
import { XenRate } from './xen-rate.js'

export class Pacing {
  private readonly window: RateWindow
  private readonly xenRate: XenRate | null
  /** Pages sent before the present window. */
  private pagesBefore: number

  constructor(
    { maxBandwidth, stopRule }: Pick<MigrationOptions, 'maxBandwidth' | 'stopRule'>,
    private readonly counters: MigrationCounters,
  ) {
    this.window = new RateWindow(maxBandwidth)
    this.pagesBefore = counters.pages
    this.xenRate = stopRule === 'xen-legacy' ? new XenRate(maxBandwidth) : null
  }

  /** Begin the first window. `octets` counts those of the stream so far, here and below. */
  start(nowNs: Nanos, octets: number): void {
    this.limitAsXen()
    this.pagesBefore = this.counters.pages
    this.window.start(nowNs, octets)
  }

  /** Begin the next window if this one is over. */
  advance(nowNs: Nanos, octets: number): void {
    const { window, counters } = this
    const octetsBefore = window.windowStartOctets
    const spanNs = window.advance(nowNs, octets)
    if (spanNs === 0) return
    const pages = counters.pages
    counters.windowOver(spanNs, pages - this.pagesBefore, octets - octetsBefore)
    this.pagesBefore = pages
  }

  /** The dirty log was read at the end of a round. */
  roundOver({ dirtiedPages, startNs, endNs }: MigrationRound): void {
    this.xenRate?.adapt(dirtiedPages, endNs - startNs)
    this.limitAsXen()
  }

  /** The stream may grow to this many octets in the present window. */
  get limitOctets(): number {
    return this.window.limitOctets
  }

  /** When the present window ends. */
  get endNs(): Nanos {
    return this.window.endNs
  }

  /** Octets a second in the last whole window, or 0 while there was none. */
  get lastWindow(): number {
    return this.window.lastWindow
  }

  /** Octets a second: of the last window, or since the start in the first. */
  measured(nowNs: Nanos, octets: number): number {
    return this.window.measured(nowNs, octets)
  }

  /** Xen 3.1's own rate can grow no further. */
  get isRateMax(): boolean {
    return this.xenRate?.isMax ?? false
  }

  private limitAsXen(): void {
    if (this.xenRate !== null) this.window.limit(this.xenRate.slotOctets, this.xenRate.slotNs)
  }
}
