/**
 * Congestion control of RFC 5681: slow start and congestion avoidance, counted in acknowledged octets (RFC 3465, L = 2);
 * initial window of ten segments (RFC 6928).
 */
import type { CongestionControl } from './congestion-control.js'
import { initialWindow, isWindowUsed, slowStartGrowth, SSTHRESH_UNSET } from './slow-start.js'

export class NewReno implements CongestionControl {
  readonly name = 'newreno'
  cwnd: number
  ssthresh = SSTHRESH_UNSET
  /** Octets acknowledged in congestion avoidance since `cwnd` grew. */
  private countedOctets = 0

  constructor(private mss: number) {
    this.cwnd = initialWindow(mss)
  }

  setMss(mss: number): void {
    this.mss = mss
    this.cwnd = initialWindow(mss)
  }

  acknowledged(ackedOctets: number, flightOctets: number): void {
    if (!isWindowUsed(this.cwnd, this.ssthresh, flightOctets, this.mss)) return
    if (this.cwnd < this.ssthresh) {
      this.cwnd += slowStartGrowth(ackedOctets, this.mss)
      return
    }
    this.countedOctets += ackedOctets
    if (this.countedOctets >= this.cwnd) {
      this.countedOctets -= this.cwnd
      this.cwnd += this.mss
    }
  }

  /** RFC 5681 §3.1, equation 4, and §3.2 step 3 without the inflation. */
  lossNoticed(flightOctets: number): void {
    this.ssthresh = this.halfOf(flightOctets)
    this.cwnd = this.ssthresh
    this.countedOctets = 0
  }

  recovered(windowOctetsMax: number): void {
    this.cwnd = Math.min(this.ssthresh, windowOctetsMax)
  }

  timedOut(flightOctets: number, isFirst: boolean): void {
    if (isFirst) this.ssthresh = this.halfOf(flightOctets)
    this.cwnd = this.mss
    this.countedOctets = 0
  }

  restartAfterIdle(): void {
    this.cwnd = Math.min(this.cwnd, initialWindow(this.mss))
  }

  private halfOf(flightOctets: number): number {
    return Math.max(Math.floor(flightOctets / 2), 2 * this.mss)
  }
}
