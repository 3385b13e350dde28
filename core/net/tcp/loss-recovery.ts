/**
 * Noticing that segments were lost, and deciding what is sent again: by selective acknowledgments when both ends have them,
 * else by duplicate acknowledgments alone. What is remembered is the sender's; the segments themselves are sent by
 * transmit.ts.
 *
 * @implements RFC 6675 (scoreboard, pipe, NextSeg, rescue), RFC 6582 (NewReno), RFC 3042 (limited transmit), RFC 2018 §5, §8
 */
import type { SackBlock } from '../wire/tcp.js'
import { seqAdd, seqDiff, seqLeq, seqLt, seqMax } from './sequence.js'
import { SequenceRanges } from './sequence-ranges.js'

/** DupThresh. */
const DUPLICATE_ACKS = 3

/** Where the send sequence space stands. */
export interface SendSpace {
  readonly sndUna: number
  readonly sndNxt: number
  readonly sndMax: number
  /** SMSS. */
  readonly sndMss: number
}

export class LossRecovery {
  /** Between the noticing of a loss and the acknowledgment of all that was in flight then. */
  isRecovering = false
  /** By how much more than the congestion window may be in flight: segments that left the network without SACK saying so. */
  inflationOctets = 0
  /** What the peer said that it holds beyond SND.UNA. */
  readonly scoreboard = new SequenceRanges()
  /** Segments sent again on suspicion, by NextSeg rule 4. */
  rescues = 0
  /** FlightSize when the first duplicate came: limited transmit does not count (RFC 5681 §3.2 step 2). */
  flightBeforeOctets = 0
  private duplicateAcks = 0
  /** What was sent before the last loss was noticed ends here (RecoveryPoint): until it is acknowledged, losses belong together. */
  private recoveryPoint: number
  /** Up to here everything that was lost has been sent again (HighRxt). */
  private highRxt: number
  private isRescued = false
  /** From a timeout until all that was sent before it is acknowledged: SND.NXT has gone back, and says what is in flight. */
  private hasTimedOut = false

  constructor(iss: number) {
    this.recoveryPoint = iss
    this.highRxt = iss
  }

  /** Take in the blocks of an acknowledgment. True when one of them tells of something new. */
  update(blocks: readonly SackBlock[], space: SendSpace): boolean {
    const outstanding = seqDiff(space.sndMax, space.sndUna)
    let isNews = false
    for (const { left, right } of blocks) {
      const begin = seqDiff(left, space.sndUna)
      const end = seqDiff(right, space.sndUna)
      // What was never sent is a lie, and what is acknowledged tells of a duplicate (RFC 2883 §4).
      if (begin <= 0 || end <= begin || end > outstanding) continue
      if (this.scoreboard.add(left, right) > 0) isNews = true
    }
    return isNews
  }

  /**
   * New octets were acknowledged, up to `space.sndUna`: outside of loss recovery; or only a part of what recovery is about,
   * which without SACK says that the segment there is the next that was lost (RFC 6582 §3.2 step 3); or all of it.
   */
  acknowledged(ackedOctets: number, space: SendSpace): 'outside' | 'partial' | 'over' {
    const { sndUna, sndMss } = space
    this.duplicateAcks = 0
    this.scoreboard.removeBefore(sndUna)
    this.highRxt = seqMax(this.highRxt, sndUna)
    const isPast = seqLeq(this.recoveryPoint, sndUna)
    if (isPast) this.hasTimedOut = false
    if (!this.isRecovering) {
      this.inflationOctets = 0
      return 'outside'
    }
    if (!isPast) {
      this.inflationOctets += (ackedOctets >= sndMss ? sndMss : 0) - ackedOctets
      return 'partial'
    }
    this.isRecovering = false
    this.inflationOctets = 0
    return 'over'
  }

  /**
   * An acknowledgment that acknowledged nothing, but told of a segment that came after a hole. True when loss recovery
   * begins: the segment at SND.UNA is to be sent again. `outstandingOctets` were outstanding before it came.
   */
  duplicate(space: SendSpace, hasSack: boolean, outstandingOctets: number): boolean {
    if (this.isRecovering) {
      if (!hasSack) this.inflationOctets += space.sndMss
      return false
    }
    if (this.duplicateAcks++ === 0) this.flightBeforeOctets = outstandingOctets
    // RFC 6582 §3.2 step 1, RFC 6675 §5: not again for what was in flight when the last loss was noticed.
    if (hasSack ? seqLt(space.sndUna, this.recoveryPoint) : seqLeq(space.sndUna, this.recoveryPoint)) return false
    const isLost = this.duplicateAcks >= DUPLICATE_ACKS || (hasSack && seqLt(space.sndUna, this.lostEdge(space)))
    if (!isLost) {
      // RFC 3042: the segment that caused this left the network; another may go in its place.
      if (!hasSack) this.inflationOctets = this.duplicateAcks * space.sndMss
      return false
    }
    this.isRecovering = true
    this.isRescued = false
    this.recoveryPoint = space.sndMax
    this.highRxt = space.sndUna
    this.inflationOctets = hasSack ? 0 : DUPLICATE_ACKS * space.sndMss
    return true
  }

  /**
   * The retransmission timer expired. What the peer said that it holds is still believed, unless it cannot be true: it does
   * not hold what it does not acknowledge, or did not after a second timeout (RFC 2018 §8, RFC 6675 §5.1).
   */
  timedOut(space: SendSpace, isFirst: boolean): void {
    const hasReneged = this.scoreboard.length > 0 && seqLeq(this.scoreboard.at(0).left, space.sndUna)
    if (hasReneged || !isFirst) this.scoreboard.clear()
    this.isRecovering = false
    this.hasTimedOut = true
    this.duplicateAcks = 0
    this.inflationOctets = 0
    this.recoveryPoint = seqMax(this.recoveryPoint, space.sndMax)
  }

  /** Octets thought to be in the network (RFC 6675 §4, SetPipe). */
  pipeOctets(space: SendSpace): number {
    const { scoreboard } = this
    const { sndUna, sndNxt } = space
    if (scoreboard.length === 0) return seqDiff(sndNxt, sndUna)
    if (this.hasTimedOut) return seqDiff(sndNxt, sndUna) - scoreboard.octetsBefore(sndNxt)
    const outstanding = seqDiff(space.sndMax, sndUna) - scoreboard.octets
    const lostEdge = this.lostEdge(space)
    if (!seqLt(sndUna, lostEdge)) return outstanding
    const lost = seqDiff(lostEdge, sndUna) - scoreboard.octetsBefore(lostEdge)
    const again = this.isRecovering ? seqDiff(this.highRxt, sndUna) - scoreboard.octetsBefore(this.highRxt) : 0
    return outstanding - lost + again
  }

  /** NextSeg rule 1: where the first octet is that was lost and not yet sent again, or null. */
  nextLost(space: SendSpace): number | null {
    const next = this.scoreboard.skip(this.highRxt)
    return seqLt(next, this.lostEdge(space)) ? next : null
  }

  /** NextSeg rule 3: what may be lost, when nothing new can be sent; or null. */
  nextDoubtful(): number | null {
    if (this.scoreboard.length === 0) return null
    const next = this.scoreboard.skip(this.highRxt)
    return seqLt(next, this.scoreboard.highest) ? next : null
  }

  /**
   * NextSeg rule 4: the last segment sent, when nothing was heard of it, once in each recovery; or null. Its loss would else
   * cost a timeout. HighRxt stays where it is.
   */
  nextRescue(space: SendSpace): number | null {
    if (this.isRescued) return null
    const next = this.scoreboard.skip(this.highRxt)
    if (!seqLt(next, space.sndMax)) return null
    this.isRescued = true
    this.rescues++
    return seqMax(next, seqAdd(space.sndMax, -space.sndMss))
  }

  /** What ends at `end` was sent again, by rule 1 or 3 or when recovery began. */
  sentAgain(end: number): void {
    this.highRxt = seqMax(this.highRxt, end)
  }

  /** Everything before this that the peer does not hold is lost (RFC 6675 §4, IsLost): enough is held beyond it. */
  private lostEdge({ sndUna, sndMss }: SendSpace): number {
    const { scoreboard } = this
    let heldOctets = 0
    for (let index = scoreboard.length - 1; index >= 0; index--) {
      const { left, right } = scoreboard.at(index)
      heldOctets += seqDiff(right, left)
      if (scoreboard.length - index >= DUPLICATE_ACKS || heldOctets > (DUPLICATE_ACKS - 1) * sndMss) return left
    }
    return sndUna
  }
}
