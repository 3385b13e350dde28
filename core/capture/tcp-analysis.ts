/**
 * What the sequence numbers of a segment say after those before it: lost, sent again, out of order, window closed. The
 * words and the rules are Wireshark's ("TCP Analysis" in its User's Guide), since a capture is to look the same in both.
 * Nothing here depends on what hosts know: only on what was captured.
 */
import { TCP_FLAG } from '../net/wire/tcp.js'
import { TCP_ANALYSIS } from './tcp-analysis-bits.js'

/** Duplicate acknowledgments longer ago than this do not make a retransmission a fast one. */
const FAST_RETRANSMISSION_NS = 20e6
/** How late a segment may be to count as out of order, while the round trip time is not known. */
const OUT_OF_ORDER_NS = 3e6

/** One direction of a connection. */
export class FlowAnalysis {
  hasBase = false
  /** Relative sequence numbers count from here: the SYN, or one less than the first octet seen. */
  base = 0
  /** The highest sequence number that may come next; 0 for none, as the field's convention has it. */
  next = 0
  nextNs = 0
  maxToBeAcked = 0
  window = -1
  /** As sent; -1 for no SYN seen, -2 for a SYN without the option. */
  shift = -1
  /** The window last sent stood in a SYN, where it is not scaled. */
  isWindowOfSyn = false
  lastAck = 0
  lastAckNs = 0
  duplicateAcks = 0
  lastNewAckPacket = 0
  lastBits = 0

  /** Windows of segments that are no SYN are shifted by so much: nothing unless both sides agreed. */
  effectiveShift(other: FlowAnalysis): number {
    return this.shift < 0 || other.shift === -2 ? 0 : Math.min(14, this.shift)
  }
}

/** What is read of a segment. Reusable. */
export class SegmentNumbers {
  packet = 0
  timeNs = 0
  sequence = 0
  acknowledgment = 0
  length = 0
  flags = 0
  window = 0
}

export class ConnectionAnalysis {
  private synNs = -1
  /** From the SYN to the acknowledgment that ends the handshake; 0 before. */
  private firstRttNs = 0

  /** Take in a segment from `own`. Returns `TCP_ANALYSIS` bits. */
  add(own: FlowAnalysis, other: FlowAnalysis, segment: Readonly<SegmentNumbers>): number {
    this.setBases(own, other, segment)
    this.timeHandshake(own, other, segment)
    let bits = analyseWindow(own, other, segment)
    if ((bits & FINISHED) === 0 && isDuplicate(own, segment)) {
      own.duplicateAcks++
      bits |= TCP_ANALYSIS.duplicateAck
    }
    bits &= ~FINISHED
    const { acknowledgment, flags, packet } = segment
    if (acknowledgment !== own.lastAck) {
      own.lastNewAckPacket = packet
      own.duplicateAcks = 0
    }
    if (other.maxToBeAcked !== 0 && after(acknowledgment, other.maxToBeAcked) && (flags & TCP_FLAG.ack) !== 0) {
      bits |= TCP_ANALYSIS.ackLostSegment
      other.maxToBeAcked = other.next
    }
    if ((bits & TCP_ANALYSIS.keepAlive) === 0) bits |= this.repetition(own, other, segment)
    remember(own, segment, bits)
    return bits
  }

  private setBases(own: FlowAnalysis, other: FlowAnalysis, { sequence, acknowledgment, flags }: SegmentNumbers): void {
    if (!own.hasBase) {
      own.hasBase = true
      own.base = (flags & TCP_FLAG.syn) !== 0 ? sequence : (sequence - 1) >>> 0
    }
    if (!other.hasBase && (flags & TCP_FLAG.ack) !== 0) {
      other.hasBase = true
      other.base = (acknowledgment - 1) >>> 0
    }
  }

  private timeHandshake(own: FlowAnalysis, other: FlowAnalysis, segment: SegmentNumbers): void {
    const { flags, timeNs } = segment
    if ((flags & TCP_FLAG.syn) !== 0) {
      if (this.synNs < 0) this.synNs = timeNs
      return
    }
    const endsHandshake =
      this.firstRttNs === 0 &&
      this.synNs >= 0 &&
      (flags & TCP_FLAG.ack) !== 0 &&
      segment.sequence === (own.base + 1) >>> 0 &&
      segment.acknowledgment === (other.base + 1) >>> 0
    if (endsHandshake) this.firstRttNs = timeNs - this.synNs
  }

  /** Whether octets (or a SYN or FIN) come that came before, and why. */
  private repetition(own: FlowAnalysis, other: FlowAnalysis, segment: SegmentNumbers): number {
    const { sequence, length, flags, timeNs } = segment
    const phantom = (flags & (TCP_FLAG.syn | TCP_FLAG.fin)) !== 0 ? 1 : 0
    if (length + phantom === 0 || own.next === 0 || !before(sequence, own.next)) return 0
    // It brings more than the octet that probed a closed window.
    if (length > 1 && own.next === (sequence + 1) >>> 0) return 0
    const end = (sequence + length) >>> 0
    if (length > 0 && other.lastAck !== 0 && !after(end, other.lastAck)) return TCP_ANALYSIS.spuriousRetransmission
    const isSoon = timeNs - other.lastAckNs < FAST_RETRANSMISSION_NS && other.duplicateAcks >= 2
    if (isSoon && other.lastAck === sequence) return TCP_ANALYSIS.fastRetransmission
    const patienceNs = this.firstRttNs === 0 ? OUT_OF_ORDER_NS : this.firstRttNs
    const isLate = timeNs - own.nextNs < patienceNs && own.next !== (end + phantom) >>> 0
    if (isLate) return TCP_ANALYSIS.outOfOrder
    return TCP_ANALYSIS.retransmission
  }
}

/** Inside this file: the segment is what the bits say, and no duplicate acknowledgment. */
const FINISHED = 0x10000
const CONTROL = TCP_FLAG.syn | TCP_FLAG.fin | TCP_FLAG.rst

function analyseWindow(own: FlowAnalysis, other: FlowAnalysis, segment: SegmentNumbers): number {
  const { sequence, acknowledgment, length, flags, window } = segment
  const isControl = (flags & CONTROL) !== 0
  if (length === 1 && sequence === own.next && other.window === 0) return TCP_ANALYSIS.zeroWindowProbe | FINISHED
  let bits = 0
  if (window === 0 && !isControl) bits |= TCP_ANALYSIS.zeroWindow
  if (own.next !== 0 && after(sequence, own.next) && (flags & TCP_FLAG.rst) === 0) bits |= TCP_ANALYSIS.lostSegment
  if (isControl) return bits
  if (length <= 1 && sequence === (own.next - 1) >>> 0) bits |= TCP_ANALYSIS.keepAlive
  const repeats = length === 0 && sequence === own.next && acknowledgment === own.lastAck
  if (repeats && window !== 0 && window !== own.window) bits |= TCP_ANALYSIS.windowUpdate
  if (length > 0 && other.shift !== -1) {
    const shift = other.isWindowOfSyn ? 0 : other.effectiveShift(own)
    if ((sequence + length) >>> 0 === (other.lastAck + other.window * 2 ** shift) >>> 0) bits |= TCP_ANALYSIS.windowFull
  }
  if (repeats && window === own.window) {
    if (window !== 0 && (other.lastBits & TCP_ANALYSIS.keepAlive) !== 0)
      return bits | TCP_ANALYSIS.keepAliveAck | FINISHED
    if (window === 0 && (other.lastBits & TCP_ANALYSIS.zeroWindowProbe) !== 0)
      return bits | TCP_ANALYSIS.zeroWindowProbeAck | FINISHED
  }
  return bits
}

function isDuplicate(own: FlowAnalysis, { sequence, acknowledgment, length, flags, window }: SegmentNumbers): boolean {
  return (
    length === 0 &&
    window !== 0 &&
    window === own.window &&
    sequence === own.next &&
    acknowledgment === own.lastAck &&
    (flags & CONTROL) === 0
  )
}

function remember(own: FlowAnalysis, segment: SegmentNumbers, bits: number): void {
  const { timeNs, sequence, acknowledgment, length, flags, window } = segment
  const phantom = (flags & (TCP_FLAG.syn | TCP_FLAG.fin)) !== 0 ? 1 : 0
  const end = (sequence + length + phantom) >>> 0
  const isProbe = (bits & TCP_ANALYSIS.zeroWindowProbe) !== 0
  if ((own.next === 0 || after(end, own.next)) && !isProbe) {
    own.next = end
    own.nextNs = timeNs
  }
  if ((own.maxToBeAcked === 0 || sequence === own.maxToBeAcked) && !isProbe) own.maxToBeAcked = own.next
  own.window = window
  own.isWindowOfSyn = (flags & TCP_FLAG.syn) !== 0
  own.lastAck = acknowledgment
  own.lastAckNs = timeNs
  own.lastBits = bits
}

function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0
}
function after(a: number, b: number): boolean {
  return ((a - b) | 0) > 0
}
