/**
 * CUBIC (RFC 9438): after a loss the window grows back as a cubic function of time, fast at first, slowly near where the loss
 * was, then fast again. Windows are counted in segments here, as the standard does, and times in seconds. Left out: the
 * detection of spurious losses (§4.9) and HyStart++ (RFC 9406): slow start ends with the first loss.
 *
 * @implements RFC 9438 §4.1 to §4.8
 */
import { cubeRoot } from '../../base/cube-root.js'
import type { Nanos } from '../../base/units.js'
import type { CongestionClock, CongestionControl } from './congestion-control.js'
import { initialWindow, isWindowUsed, slowStartGrowth, SSTHRESH_UNSET } from './slow-start.js'

/** §5: how fast the window grows, in segments per cubic second. */
export const CUBIC_C = 0.4
/** §4.6: what is left of the window after a loss. */
export const CUBIC_BETA = 0.7
/** §4.3: by how much Reno with that beta would grow in a round trip to be as fast as Reno with one half. */
const ALPHA = (3 * (1 - CUBIC_BETA)) / (1 + CUBIC_BETA)

export class Cubic implements CongestionControl {
  readonly name = 'cubic'
  ssthresh = SSTHRESH_UNSET
  /** The congestion window in segments, with its fraction. */
  private window: number
  /** The window before the last reduction (W_max), and the one above which Reno's estimate grows as Reno does (cwnd_prior). */
  private windowMax = 0
  private windowPrior = 0
  /** Seconds from the start of the epoch until the curve is at `windowMax` again. */
  private k = 0
  /** When the present stage of congestion avoidance began, or -1 before its first acknowledgment. */
  private epochNs: Nanos = -1
  /** What Reno's window would be (W_est). */
  private renoWindow = 0
  private hasTimedOut = false

  constructor(private mss: number) {
    this.window = initialWindow(mss) / mss
  }

  get cwnd(): number {
    return Math.floor(this.window * this.mss + 1e-6) // what was divided by the MSS comes back whole
  }

  setMss(mss: number): void {
    this.mss = mss
    this.window = initialWindow(mss) / mss
    this.windowMax = 0
    this.windowPrior = 0
    this.epochNs = -1
  }

  acknowledged(ackedOctets: number, flightOctets: number, { nowNs, srttNs }: CongestionClock): void {
    const { cwnd, mss, window } = this
    if (!isWindowUsed(cwnd, this.ssthresh, flightOctets, mss)) return
    if (cwnd < this.ssthresh) {
      this.window += slowStartGrowth(ackedOctets, mss) / mss
      return
    }
    if (this.epochNs < 0) this.beginEpoch(nowNs)
    const acked = ackedOctets / mss
    const elapsed = (nowNs - this.epochNs) / 1e9
    // §4.3: never slower than Reno would be.
    this.renoWindow += (this.renoWindow >= this.windowPrior ? 1 : ALPHA) * (acked / window)
    if (this.curve(elapsed) < this.renoWindow) {
      this.window = Math.max(window, this.renoWindow)
      return
    }
    // §4.4, §4.5: on the way to where the curve is one round trip from now, but to half as much again at most.
    const target = Math.min(this.curve(elapsed + srttNs / 1e9), 1.5 * window)
    if (target > window) this.window += ((target - window) / window) * acked
  }

  /** §4.6. */
  lossNoticed(flightOctets: number): void {
    this.reduce(flightOctets)
    this.window = this.ssthresh / this.mss
  }

  recovered(windowOctetsMax: number): void {
    this.window = Math.min(this.ssthresh, windowOctetsMax) / this.mss
  }

  /** §4.8. */
  timedOut(flightOctets: number, isFirst: boolean): void {
    if (isFirst) this.reduce(flightOctets)
    this.window = 1
    this.epochNs = -1
    this.hasTimedOut = true
  }

  /** The curve does not go on while nothing is sent. */
  restartAfterIdle(idleNs: Nanos): void {
    if (this.epochNs >= 0) this.epochNs += idleNs
    this.window = Math.min(this.window, initialWindow(this.mss) / this.mss)
  }

  /** W_cubic, §4.2, figure 1. */
  private curve(elapsed: number): number {
    const offset = elapsed - this.k
    return CUBIC_C * offset * offset * offset + this.windowMax
  }

  private beginEpoch(nowNs: Nanos): void {
    const { window } = this
    this.epochNs = nowNs
    this.renoWindow = window
    if (this.hasTimedOut || window >= this.windowMax) {
      this.k = 0
      this.windowMax = window
    } else this.k = cubeRoot((this.windowMax - window) / CUBIC_C) // figure 2
    this.hasTimedOut = false
  }

  private reduce(flightOctets: number): void {
    const { window } = this
    // §4.7: a flow whose window shrinks makes room for others sooner.
    this.windowMax = window < this.windowMax ? (window * (1 + CUBIC_BETA)) / 2 : window
    this.windowPrior = window
    this.ssthresh = Math.max(Math.round(flightOctets * CUBIC_BETA), 2 * this.mss)
    this.epochNs = -1
  }
}
