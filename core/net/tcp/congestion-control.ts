/** How much may be in flight: what NewReno and CUBIC have in common. Noticing losses and repairing them is not their matter. */
import type { Nanos } from '../../base/units.js'
import { Cubic } from './cubic.js'
import { NewReno } from './new-reno.js'

export type CongestionControlName = 'cubic' | 'newreno'

export interface CongestionControl {
  readonly name: CongestionControlName
  /** The congestion window, in octets. */
  readonly cwnd: number
  /** In octets; `SSTHRESH_UNSET` before the first loss. */
  readonly ssthresh: number
  /** The peer's MSS became known, or the path's smaller: the window begins anew. */
  setMss(mss: number): void
  /** `ackedOctets` new octets were acknowledged outside of loss recovery, `flightOctets` having been outstanding. */
  acknowledged(ackedOctets: number, flightOctets: number, clock: CongestionClock): void
  /** Duplicate acknowledgments told of a loss: once for what belongs together. */
  lossNoticed(flightOctets: number): void
  /** Loss recovery is over. Without SACK a burst is avoided by a window no larger than what is in flight and one segment. */
  recovered(windowOctetsMax: number): void
  /** The retransmission timer expired, for the first time since something was acknowledged or not. */
  timedOut(flightOctets: number, isFirst: boolean): void
  /** Nothing was sent for `idleNs`, which is longer than a timeout (RFC 5681 §4.1). */
  restartAfterIdle(idleNs: Nanos): void
}

/** The time and the smoothed round-trip time, for a window that grows with time. */
export interface CongestionClock {
  readonly nowNs: Nanos
  readonly srttNs: Nanos
}

export function createCongestionControl(name: CongestionControlName, mss: number): CongestionControl {
  switch (name) {
    case 'cubic':
      return new Cubic(mss)
    case 'newreno':
      return new NewReno(mss)
  }
}
