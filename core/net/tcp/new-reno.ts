/**
 * Congestion control: slow start and congestion avoidance (RFC 5681), counted in acknowledged octets (RFC 3465, L = 2), fast
 * recovery (RFC 6582), initial window of ten segments (RFC 6928).
 */
import { seqDiff, seqLeq, seqLt } from './sequence.js'

const DUPLICATE_ACKS = 3

export class NewReno {
  cwnd: number
  ssthresh = Number.MAX_SAFE_INTEGER
  isRecovering = false
  private duplicateAcks = 0
  /** What was sent before the last loss was noticed ends here: until it is acknowledged, losses belong together. */
  private recover: number
  /** Octets acknowledged in congestion avoidance since `cwnd` grew. */
  private countedOctets = 0

  constructor(
    private mss: number,
    iss: number,
  ) {
    this.cwnd = initialWindow(mss)
    this.recover = iss
  }

  /** The peer's MSS became known. */
  setMss(mss: number): void {
    this.mss = mss
    this.cwnd = initialWindow(mss)
  }

  /**
   * `acked` new octets were acknowledged up to `ack` while `flightOctets` were outstanding. True when the segment at `ack` must
   * be sent again: a partial acknowledgment (RFC 6582 §3.2 step 3).
   */
  acknowledged(ack: number, acked: number, flightOctets: number): boolean {
    this.duplicateAcks = 0
    if (this.isRecovering) {
      if (seqLt(ack, this.recover)) {
        this.cwnd = Math.max(this.mss, this.cwnd - acked + (acked >= this.mss ? this.mss : 0))
        return true
      }
      this.isRecovering = false
      this.cwnd = Math.min(this.ssthresh, Math.max(flightOctets - acked, this.mss) + this.mss)
      return false
    }
    this.grow(acked, flightOctets)
    return false
  }

  /** A duplicate acknowledgment of `ack`. True when the segment there must be sent again: a fast retransmit. */
  duplicate(ack: number, sndMax: number, flightOctets: number): boolean {
    if (this.isRecovering) {
      this.cwnd += this.mss
      return false
    }
    this.duplicateAcks++
    if (this.duplicateAcks !== DUPLICATE_ACKS || seqLeq(ack, this.recover)) return false
    this.isRecovering = true
    this.recover = sndMax
    this.ssthresh = Math.max(Math.floor(flightOctets / 2), 2 * this.mss)
    this.cwnd = this.ssthresh + DUPLICATE_ACKS * this.mss
    return true
  }

  /** The retransmission timer expired: RFC 5681 §3.1 (equation 4), RFC 6582 §4.2. */
  timedOut(sndMax: number, flightOctets: number, isFirst: boolean): void {
    if (isFirst) this.ssthresh = Math.max(Math.floor(flightOctets / 2), 2 * this.mss)
    this.cwnd = this.mss
    this.isRecovering = false
    this.duplicateAcks = 0
    this.countedOctets = 0
    if (seqDiff(sndMax, this.recover) > 0) this.recover = sndMax
  }

  /** Nothing was sent for longer than a timeout (RFC 5681 §4.1). */
  restartAfterIdle(): void {
    this.cwnd = Math.min(this.cwnd, initialWindow(this.mss))
  }

  /** A window that was not used says nothing about the network, and does not grow (RFC 7661 §4). */
  private grow(acked: number, flightOctets: number): void {
    if (this.cwnd < this.ssthresh) {
      if (2 * flightOctets >= this.cwnd) this.cwnd += Math.min(acked, 2 * this.mss)
      return
    }
    if (flightOctets + this.mss < this.cwnd) return
    this.countedOctets += acked
    if (this.countedOctets >= this.cwnd) {
      this.countedOctets -= this.cwnd
      this.cwnd += this.mss
    }
  }
}

/** RFC 6928 §2. */
function initialWindow(mss: number): number {
  return Math.min(10 * mss, Math.max(2 * mss, 14600))
}
