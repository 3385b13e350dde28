/**
 * The retransmission timeout (RFC 6298). As in Linux it is at least 200 ms more than the round-trip time, instead of 1 s at
 * least (§2.4): on a long path that never varies it would else come together with the acknowledgment.
 */
import { milliseconds, seconds, type Nanos } from '../../base/units.js'

export const RTO_INITIAL_NS = seconds(1)
/** §5.7: when the SYN itself had to be sent again and nothing could be measured. */
const RTO_AFTER_LOST_SYN_NS = seconds(3)
const RTO_MARGIN_MIN_NS = milliseconds(200)
const RTO_MAX_NS = seconds(60)

export class RttEstimator {
  /** Smoothed round-trip time; 0 before the first measurement. */
  srttNs: Nanos = 0
  rttvarNs: Nanos = 0
  private timeoutNs: Nanos = RTO_INITIAL_NS
  private backoffShift = 0

  /** §2.2 and §2.3, in whole nanoseconds. A measurement also ends the backing off (§5.5, last paragraph). */
  sample(rttNs: Nanos): void {
    if (this.srttNs === 0) {
      this.srttNs = rttNs
      this.rttvarNs = Math.floor(rttNs / 2)
    } else {
      this.rttvarNs = Math.floor((3 * this.rttvarNs + Math.abs(this.srttNs - rttNs)) / 4)
      this.srttNs = Math.floor((7 * this.srttNs + rttNs) / 8)
    }
    this.timeoutNs = this.srttNs + Math.max(RTO_MARGIN_MIN_NS, 4 * this.rttvarNs)
    this.backoffShift = 0
  }

  get rtoNs(): Nanos {
    return Math.min(RTO_MAX_NS, this.timeoutNs * 2 ** this.backoffShift)
  }

  /** §5.5: the timer expired. */
  backOff(): void {
    if (this.backoffShift < 16) this.backoffShift++
  }

  /** The connection is open and its data begin. */
  opened(): void {
    if (this.srttNs === 0 && this.backoffShift > 0) {
      this.timeoutNs = RTO_AFTER_LOST_SYN_NS
      this.backoffShift = 0
    }
  }
}
