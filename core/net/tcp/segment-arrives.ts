/**
 * What a TCP connection does with a segment.
 *
 * @implements RFC 9293 §3.10.7.3 (SYN-SENT), §3.10.7.4 (other states), RFC 5961 §3 to §5 (challenge ACKs), RFC 7323 §5,
 * RFC 2883 §4 (duplicates are reported)
 */
import { milliseconds } from '../../base/units.js'
import { TCP_FLAG, type TcpHeader } from '../wire/tcp.js'
import { seqAdd, seqDiff, seqLeq, seqLt, seqMax } from './sequence.js'
import type { TcpConnection } from './tcp-connection.js'
import { armTimers, startKeepAlive } from './arm-timers.js'
import { refuse, retransmitFirst, sendAck, sendSegment, transmit } from './transmit.js'

/** Octets of the timestamps option with its padding, in every segment. */
const TIMESTAMPS_OCTETS = 12
/** Between two answers to segments that cannot be right. */
const CHALLENGE_NS = milliseconds(500)

/** `segment` was read from `frame`, of which nothing is kept. */
export function segmentArrives(c: TcpConnection, segment: Readonly<TcpHeader>, frame: Uint8Array): void {
  if (c.tcpState === 'SYN-SENT') segmentArrivesInSynSent(c, segment)
  else if (c.tcpState !== 'CLOSED') segmentArrivesSynchronized(c, segment, frame)
}

/** Learn from a SYN what the peer can do and where it begins. */
export function synchronize(c: TcpConnection, segment: Readonly<TcpHeader>): void {
  c.rcvNxt = seqAdd(segment.sequence, 1)
  c.rcvAdv = seqAdd(c.rcvNxt, segment.windowScale === null ? Math.min(0xffff, receiveMax(c)) : receiveMax(c))
  c.hasTimestamps = c.hasTimestamps && segment.hasTimestamps
  if (c.hasTimestamps) c.tsRecent = segment.tsVal
  c.hasSack = c.hasSack && segment.sackPermitted
  if (segment.windowScale === null) c.rcvWndShift = 0
  else c.sndWndShift = Math.min(14, segment.windowScale)
  // Without the option the peer takes 536 octets (RFC 9293 §3.7.1); less than 64 would be an attack on us.
  const mss = Math.min(c.layer.options.mss, Math.max(64, segment.mss ?? 536))
  c.sndMss = mss - (c.hasTimestamps ? TIMESTAMPS_OCTETS : 0)
  c.congestion.setMss(c.sndMss)
  c.sndWnd = segment.window
  c.maxSndWnd = segment.window
  c.sndWl1 = segment.sequence
  c.sndWl2 = segment.acknowledgment
}

function receiveMax(c: TcpConnection): number {
  return c.layer.options.receiveBufferOctets
}

function segmentArrivesInSynSent(c: TcpConnection, segment: Readonly<TcpHeader>): void {
  const { flags, acknowledgment } = segment
  const hasAck = (flags & TCP_FLAG.ack) !== 0
  if (hasAck && (seqLeq(acknowledgment, c.iss) || seqLt(c.sndMax, acknowledgment))) {
    refuse(c.layer, segment, { source: c.remoteAddress, destination: c.localAddress })
    return
  }
  if ((flags & TCP_FLAG.rst) !== 0) {
    if (hasAck) c.fail('connection refused')
    return
  }
  if ((flags & TCP_FLAG.syn) === 0) return
  synchronize(c, segment)
  if (!hasAck) {
    c.retries = 0
    // Both ends opened at once (§3.5, figure 8).
    c.enter('SYN-RECEIVED')
    sendSegment(c, c.iss, 0, 'SYN-ACK')
    return
  }
  c.sndUna = acknowledgment
  measure(c, segment)
  establish(c)
  c.ackNow = true
  transmit(c)
}

function establish(c: TcpConnection): void {
  c.enter('ESTABLISHED')
  c.retries = 0
  startKeepAlive(c)
  c.rtt.opened()
  c.retransmissionTimer.stop()
  c.tellOpened()
}

function segmentArrivesSynchronized(c: TcpConnection, segment: Readonly<TcpHeader>, frame: Uint8Array): void {
  const { flags, acknowledgment } = segment
  if (!isAcceptable(c, segment)) {
    if ((flags & TCP_FLAG.rst) !== 0) return
    if (c.tcpState === 'TIME-WAIT' && (flags & TCP_FLAG.fin) !== 0) c.enterTimeWait()
    // The first SYN again: our answer was lost. The SYN-ACK of a simultaneous open gets the usual acknowledgment.
    const isSynAgain = (flags & (TCP_FLAG.syn | TCP_FLAG.ack)) === TCP_FLAG.syn
    if (c.tcpState === 'SYN-RECEIVED' && isSynAgain) sendSegment(c, c.iss, 0, 'SYN-ACK')
    else {
      const length = segment.payloadEnd - segment.payloadStart
      const stop = seqAdd(segment.sequence, length)
      // All of it was received before (RFC 2883 §4.1). A probe of our closed window was not.
      if (length > 0 && seqLt(segment.sequence, c.rcvNxt) && seqLeq(stop, c.rcvNxt))
        reportDuplicate(c, segment.sequence, stop)
      challenge(c, segment)
    }
    return
  }
  if ((flags & TCP_FLAG.rst) !== 0) {
    // Only the exact sequence resets; anything else in the window is asked back (RFC 5961 §3.2).
    if (segment.sequence !== c.rcvNxt) challenge(c, segment)
    else if (c.tcpState === 'TIME-WAIT' || c.tcpState === 'CLOSING' || c.tcpState === 'LAST-ACK') c.close()
    else c.fail(c.tcpState === 'SYN-RECEIVED' ? 'connection refused' : 'connection reset by the peer')
    return
  }
  if ((flags & TCP_FLAG.syn) !== 0 && !(c.tcpState === 'SYN-RECEIVED' && seqAdd(segment.sequence, 1) === c.rcvNxt)) {
    challenge(c, segment) // RFC 5961 §4.2
    return
  }
  if ((flags & TCP_FLAG.ack) === 0) return
  c.lastHeardNs = c.kernel.nowNs
  c.windowProbesUnanswered = 0
  c.keepAliveProbes = 0
  // RFC 7323 §4.3: echo the time stamp of the segment that covers what we acknowledged last.
  if (c.hasTimestamps && segment.hasTimestamps && seqLeq(segment.sequence, c.lastAckSent)) c.tsRecent = segment.tsVal

  if (c.tcpState === 'SYN-RECEIVED') {
    if (seqLeq(acknowledgment, c.sndUna) || seqLt(c.sndMax, acknowledgment)) {
      refuse(c.layer, segment, { source: c.remoteAddress, destination: c.localAddress })
      return
    }
    // Nobody takes what is already open: the peer will say this again, or answer our next SYN-ACK.
    if (c.listening !== null && !c.listening.hasAcceptRoom) return
    c.sndWnd = segment.window << c.sndWndShift
    c.maxSndWnd = Math.max(c.maxSndWnd, c.sndWnd)
    c.sndWl1 = segment.sequence
    c.sndWl2 = acknowledgment
    c.sndUna = seqAdd(c.iss, 1)
    measure(c, segment)
    establish(c)
  }
  if (!acknowledge(c, segment)) return
  if (segment.payloadEnd > segment.payloadStart) receiveText(c, segment, frame)
  if ((flags & TCP_FLAG.fin) !== 0) receiveFin(c, segment)
  else if (c.finBeyondHole === c.rcvNxt) acceptFin(c)
  transmit(c)
}

/**
 * Answer what cannot be right by saying where we stand. Two ends that disagree about that (somebody forged data) would
 * answer each other for ever, so segments without data get such an answer twice a second at most, as in Linux.
 */
function challenge(c: TcpConnection, segment: Readonly<TcpHeader>): void {
  const isLoopLikely = isBare(segment) || (segment.flags & TCP_FLAG.syn) !== 0
  if (isLoopLikely && c.kernel.nowNs < c.nextChallengeNs) return
  if (isLoopLikely) c.nextChallengeNs = c.kernel.nowNs + CHALLENGE_NS
  sendAck(c)
}

/** §3.10.7.4 first check, with PAWS (RFC 7323 §5.3). */
function isAcceptable(c: TcpConnection, segment: Readonly<TcpHeader>): boolean {
  if (c.hasTimestamps && segment.hasTimestamps && seqLt(segment.tsVal, c.tsRecent)) return false
  const length =
    segment.payloadEnd - segment.payloadStart + ((segment.flags & (TCP_FLAG.syn | TCP_FLAG.fin)) !== 0 ? 1 : 0)
  const windowOctets = Math.max(0, seqDiff(c.rcvAdv, c.rcvNxt))
  const after = seqDiff(segment.sequence, c.rcvNxt)
  if (length === 0) return windowOctets === 0 ? after === 0 : after >= 0 && after < windowOctets
  return after < windowOctets && after + length > 0
}

/** §3.10.7.4 fifth check. False when the segment is to be dropped. */
function acknowledge(c: TcpConnection, segment: Readonly<TcpHeader>): boolean {
  const { acknowledgment: ack, sequence } = segment
  // Neither what was never sent nor what was acknowledged a whole window ago (RFC 5961 §5.2).
  if (seqLt(c.sndMax, ack) || seqLt(ack, seqAdd(c.sndUna, -c.maxSndWnd))) {
    challenge(c, segment)
    return false
  }
  const windowOctets = segment.window << c.sndWndShift
  const outstanding = seqDiff(c.sndMax, c.sndUna)
  const isAdvance = seqLt(c.sndUna, ack)
  let isDuplicate =
    !c.hasSack && ack === c.sndUna && c.flightOctets() > 0 && windowOctets === c.sndWnd && isBare(segment)
  if (isAdvance) acceptAck(c, segment, outstanding)
  // RFC 6675 §2: with SACK a duplicate is what tells of octets that were not known to have arrived.
  if (c.hasSack && segment.sackBlocks.length > 0 && seqLeq(c.sndUna, ack))
    isDuplicate = c.recovery.update(segment.sackBlocks, c)
  if (isDuplicate && c.recovery.duplicate(c, c.hasSack, outstanding)) {
    c.congestion.lossNoticed(c.recovery.flightBeforeOctets)
    retransmitFirst(c)
  }
  if (seqLeq(c.sndUna, ack) && (seqLt(c.sndWl1, sequence) || (c.sndWl1 === sequence && seqLeq(c.sndWl2, ack)))) {
    c.sndWnd = windowOctets
    c.maxSndWnd = Math.max(c.maxSndWnd, windowOctets)
    c.sndWl1 = sequence
    c.sndWl2 = ack
  }
  return c.tcpState !== 'CLOSED'
}

/** Neither data nor FIN: RFC 5681 §2, "duplicate acknowledgment". */
function isBare(segment: Readonly<TcpHeader>): boolean {
  return segment.payloadEnd === segment.payloadStart && (segment.flags & TCP_FLAG.fin) === 0
}

function acceptAck(c: TcpConnection, segment: Readonly<TcpHeader>, outstanding: number): void {
  const ack = segment.acknowledgment
  const acked = seqDiff(ack, c.sndUna)
  const isFinAcked = c.finSent && ack === seqAdd(c.finSeq, 1)
  const dataAcked = Math.min(c.sendBuffer.length, seqDiff(ack, c.dataSeq))
  c.sendBuffer.release(dataAcked)
  c.dataSeq = seqAdd(c.dataSeq, dataAcked)
  c.sndUna = ack
  c.sndNxt = seqMax(c.sndNxt, ack)
  measure(c, segment)
  c.retries = 0
  c.retransmissionTimer.stop() // and begins anew: RFC 6298 §5.3
  switch (c.recovery.acknowledged(acked, c)) {
    case 'outside':
      c.congestion.acknowledged(acked, outstanding, c)
      break
    case 'partial':
      if (!c.hasSack) retransmitFirst(c)
      break
    case 'over':
      // RFC 6582 §3.2 step 3, full acknowledgments, option 1. With SACK there is no burst to be avoided.
      c.congestion.recovered(c.hasSack ? Infinity : Math.max(outstanding - acked, c.sndMss) + c.sndMss)
  }
  armTimers(c)
  c.tellRoom()
  if (!isFinAcked) return
  if (c.tcpState === 'FIN-WAIT-1') c.enter('FIN-WAIT-2')
  else if (c.tcpState === 'CLOSING') c.enterTimeWait()
  else if (c.tcpState === 'LAST-ACK') c.close()
}

/**
 * One octet at a time is timed, and never one that was sent twice (RFC 6298 §3, Karn's algorithm). After a timeout nothing
 * is left to time, so the echoed time stamp says which copy was answered (RFC 7323 §4): on a path that is longer than the
 * first timeout there would else never be a measurement.
 */
function measure(c: TcpConnection, { acknowledgment, hasTimestamps, tsEcr }: Readonly<TcpHeader>): void {
  if (c.timedSeq !== null) {
    if (seqLt(acknowledgment, c.timedSeq)) return
    c.rtt.sample(Math.max(1, c.kernel.nowNs - c.timedAtNs))
    c.timedSeq = null
  } else if (c.retries > 0 && c.hasTimestamps && hasTimestamps) {
    const elapsedMs = seqDiff(c.layer.timestamp(), tsEcr)
    if (elapsedMs >= 0) c.rtt.sample(milliseconds(Math.max(1, elapsedMs)))
  }
}

/** §3.10.7.4 seventh: what is new and in the window. */
function receiveText(c: TcpConnection, segment: Readonly<TcpHeader>, frame: Uint8Array): void {
  if (!c.canReceive()) return
  const skip = Math.max(0, -seqDiff(segment.sequence, c.rcvNxt))
  const windowEnd = segment.payloadStart + Math.max(0, seqDiff(c.rcvAdv, segment.sequence))
  const end = Math.min(segment.payloadEnd, windowEnd)
  const start = segment.payloadStart + skip
  if (skip > 0)
    reportDuplicate(c, segment.sequence, seqAdd(segment.sequence, Math.min(skip, end - segment.payloadStart)))
  if (start >= end) {
    c.ackNow = true
    return
  }
  const { receiveBuffer, rcvNxt } = c
  const sequence = seqAdd(segment.sequence, skip)
  const hadHole = receiveBuffer.hasHole
  if (hadHole && sequence !== rcvNxt) {
    const known = receiveBuffer.beyond.rangeOf(sequence)
    if (known !== null) {
      const stop = seqAdd(sequence, end - start)
      reportDuplicate(c, sequence, seqLt(known.right, stop) ? known.right : stop)
    }
  }
  c.rcvNxt = receiveBuffer.insert(rcvNxt, sequence, frame, start, end)
  // What comes beyond a hole, or into one, is answered at once: a duplicate acknowledgment tells the sender of the hole, and
  // the other ends its recovery (RFC 5681 §4.2).
  if (hadHole || c.rcvNxt === rcvNxt || ++c.segmentsUnacknowledged >= 2) c.ackNow = true
  else c.delayAck()
  if (c.rcvNxt !== rcvNxt) c.tellReadable()
}

/** The next acknowledgment says that these came twice, unless it already has something to say. */
function reportDuplicate(c: TcpConnection, left: number, right: number): void {
  if (!c.hasSack || c.duplicateLeft !== c.duplicateRight) return
  c.duplicateLeft = left
  c.duplicateRight = right
}

function receiveFin(c: TcpConnection, segment: Readonly<TcpHeader>): void {
  const finSeq = seqAdd(segment.sequence, segment.payloadEnd - segment.payloadStart)
  if (finSeq === c.rcvNxt) acceptFin(c)
  else {
    if (c.canReceive() && seqLt(c.rcvNxt, finSeq)) c.finBeyondHole = finSeq
    c.ackNow = true
  }
}

/** §3.10.7.4 eighth. */
function acceptFin(c: TcpConnection): void {
  if (!c.canReceive()) return
  c.finBeyondHole = null
  c.rcvNxt = seqAdd(c.rcvNxt, 1)
  c.ackNow = true
  c.tellEnded()
  if (c.tcpState === 'ESTABLISHED') c.enter('CLOSE-WAIT')
  else if (c.tcpState === 'FIN-WAIT-2') c.enterTimeWait()
  else c.enter('CLOSING') // FIN-WAIT-1: had our FIN been acknowledged, this were FIN-WAIT-2
}
