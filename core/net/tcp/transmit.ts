/**
 * What a TCP connection sends: as much as the peer's window, the congestion window and the link's queue allow.
 *
 * @implements RFC 9293 §3.8.6 (sender's silly window avoidance, zero-window probes), RFC 7323 §3, RFC 6675 §5 (loss
 * recovery with SACK), RFC 2018 §4 (what is reported)
 */
import { microseconds, type Nanos } from '../../base/units.js'
import { messageOffset } from '../ip.js'
import type { IpAddress } from '../wire/addresses.js'
import { IP_PROTOCOL } from '../wire/ipv4.js'
import { TCP_FLAG, TcpHeader, tcpHeaderOctets, writeTcpChecksum, writeTcpHeader, type SackBlock } from '../wire/tcp.js'
import type { AddressPair } from '../wire/udp.js'
import { seqAdd, seqDiff, seqLt, seqMax } from './sequence.js'
import { stampOptions } from './syn-cookies.js'
import type { TcpConnection } from './tcp-connection.js'
import type { TcpLayer } from './tcp-layer.js'
import { armTimers } from './arm-timers.js'

/** How much of a link's time a host may have queued before TCP waits ("small queues"). */
const BACKLOG_NS_MAX: Nanos = microseconds(100)

type Control = 'SYN' | 'SYN-ACK' | 'FIN' | null

/** Send everything that may be sent now, then an acknowledgment if one is due and nothing carried it. */
export function transmit(c: TcpConnection): void {
  // Who only receives has nothing outstanding either, and is done here.
  if ((c.sendBuffer.length > 0 || c.finRequested) && c.state !== 'opening' && c.tcpState !== 'CLOSED') {
    const idleNs = c.kernel.nowNs - c.lastSentNs
    if (idleNs > c.rtt.rtoNs && c.flightOctets() === 0 && c.unsentOctets() > 0) c.congestion.restartAfterIdle(idleNs)
    if (c.recovery.isRecovering && c.hasSack) repair(c)
    else while (sendNext(c));
    armTimers(c)
  }
  if (c.ackNow && c.tcpState !== 'CLOSED' && c.tcpState !== 'SYN-SENT') sendAck(c)
}

/** An acknowledgment alone. After a timeout SND.NXT lies behind what the peer has, and it would not look at it. */
export function sendAck(c: TcpConnection): void {
  sendSegment(c, c.sndWnd === 0 ? c.sndNxt : c.sndMax, 0, null)
}

/**
 * Loss recovery with SACK: as much as leaves no more in the network than the congestion window says, first what is lost, then
 * what is new, then what may be lost (RFC 6675 §5 step C, §4 NextSeg).
 */
function repair(c: TcpConnection): void {
  const { recovery } = c
  while (c.congestion.cwnd - recovery.pipeOctets(c) >= c.sndMss) {
    if (isBacklogged(c)) return
    const lost = recovery.nextLost(c)
    if (lost === null && sendNext(c)) continue
    const again = lost ?? recovery.nextDoubtful()
    if (again !== null) recovery.sentAgain(sendAgain(c, again))
    else {
      const rescue = recovery.nextRescue(c)
      if (rescue === null) return
      sendAgain(c, rescue)
    }
  }
}

/** Whether the link has enough to do for now; it is looked at again when it has not. */
function isBacklogged(c: TcpConnection): boolean {
  const backlogNs = c.layer.host.backlogNs()
  if (backlogNs <= BACKLOG_NS_MAX) return false
  c.scheduleOutput(backlogNs - BACKLOG_NS_MAX / 2)
  return true
}

/** One segment at SND.NXT, or the FIN. False when nothing more may go. */
function sendNext(c: TcpConnection): boolean {
  const { scoreboard } = c.recovery
  // After a timeout SND.NXT went back: what the peer holds is not sent again.
  const isAgain = c.sndNxt !== c.sndMax && scoreboard.length > 0
  if (isAgain) c.sndNxt = scoreboard.skip(c.sndNxt)
  const unsent = c.unsentOctets()
  const isFinDue = c.finRequested && seqDiff(c.sndNxt, c.finSeq) <= 0
  if (unsent === 0 && !isFinDue) return false
  if (isBacklogged(c)) return false
  const flight = c.flightOctets()
  const full = payloadMax(c)
  const room = c.congestion.cwnd + c.recovery.inflationOctets - c.recovery.pipeOctets(c)
  const usable = Math.min(c.sndWnd - flight, room)
  let length = Math.min(unsent, full, Math.max(0, usable))
  if (unsent > 0) {
    if (length === 0) return false
    // Sender's silly window avoidance (RFC 9293 §3.8.6.2.1): a full segment, the rest, or half of the largest window.
    if (length < full && length < unsent && (flight > 0 || length < c.maxSndWnd / 2)) return false
    // Nagle (§3.7.4): less than a segment waits until all that was sent is acknowledged.
    if (c.layer.options.hasNagle && length < full && flight > 0 && !c.finRequested) return false
  }
  if (isAgain) length = scoreboard.gapAt(c.sndNxt, length)
  sendSegment(c, c.sndNxt, length, isFinDue && length === unsent ? 'FIN' : null)
  return true
}

/** Send the segment at SND.UNA again: a fast retransmit. */
export function retransmitFirst(c: TcpConnection): void {
  c.recovery.sentAgain(sendAgain(c, c.sndUna))
}

/** Send what begins at `sequence` again, up to what the peer holds. Returns where it ended. */
function sendAgain(c: TcpConnection, sequence: number): number {
  const held = c.sendBuffer.length - seqDiff(sequence, c.dataSeq)
  const lengthMax = Math.min(held, payloadMax(c), seqDiff(c.sndMax, sequence))
  const length = c.recovery.scoreboard.gapAt(sequence, lengthMax)
  const isFin = c.finSent && length === held
  c.timedSeq = null
  sendSegment(c, sequence, length, isFin ? 'FIN' : null)
  return seqAdd(sequence, length + (isFin ? 1 : 0))
}

/** The timer expired: go back to SND.UNA and begin with one segment (RFC 6298 §5.4). */
export function transmitAgain(c: TcpConnection): void {
  const isFirst = c.retries === 1
  c.congestion.timedOut(seqDiff(c.sndMax, c.sndUna), isFirst)
  c.recovery.timedOut(c, isFirst)
  c.sndNxt = c.sndUna
  while (sendNext(c));
}

/**
 * Nothing is outstanding and yet something waits: the window is small, and is used after all, or closed, and one octet
 * beyond it makes the peer say how large it is now (RFC 9293 §3.8.6.1).
 */
export function windowProbe(c: TcpConnection): void {
  const unsent = c.unsentOctets()
  if (unsent === 0 || c.sndWnd > 0) {
    sendSegment(c, c.sndNxt, Math.min(unsent, c.sndWnd, c.sndMss), null)
    return
  }
  const { sndNxt } = c
  sendSegment(c, sndNxt, 1, null)
  c.sndNxt = sndNxt // what does not fit does not count as outstanding
  c.timedSeq = null // nor says its acknowledgment how long the path is
}

const header = new TcpHeader() // filled in and used up inside one call
const pair: { source: IpAddress; destination: IpAddress } = { source: 0, destination: 0 }
const noBlocks: readonly SackBlock[] = Object.freeze([])

/** With timestamps the 40 octets of options hold one block less. */
function sackBlocksMax(c: TcpConnection): number {
  return c.hasTimestamps ? 3 : 4
}

/** Octets of a full segment that goes now: what is reported beside the data takes its place. */
function payloadMax(c: TcpConnection): number {
  if (!c.hasSack) return c.sndMss
  const blocks = c.receiveBuffer.beyond.length + (c.duplicateLeft === c.duplicateRight ? 0 : 1)
  return blocks === 0 ? c.sndMss : c.sndMss - 4 - 8 * Math.min(blocks, sackBlocksMax(c))
}

/** What came twice (RFC 2883 §4), then what is held beyond holes, the latest first (RFC 2018 §4). */
function sackBlocks(c: TcpConnection): readonly SackBlock[] {
  const { beyond } = c.receiveBuffer
  const blocks: SackBlock[] = []
  if (c.duplicateLeft !== c.duplicateRight) blocks.push({ left: c.duplicateLeft, right: c.duplicateRight })
  for (let range = beyond.latestBefore(Infinity); range !== null; range = beyond.latestBefore(range.touched)) {
    if (blocks.length === sackBlocksMax(c)) break
    blocks.push({ left: range.left, right: range.right })
  }
  return blocks
}

/** Build one segment and give it to IP. SND.NXT moves when the segment begins there. */
export function sendSegment(c: TcpConnection, sequence: number, length: number, control: Control): void {
  const isSyn = control === 'SYN' || control === 'SYN-ACK'
  const { options } = c.layer
  const windowOctets = control === 'SYN' ? options.receiveBufferOctets : c.updateWindow()
  header.sourcePort = c.localPort
  header.destinationPort = c.remotePort
  header.sequence = sequence
  header.acknowledgment = control === 'SYN' ? 0 : c.rcvNxt
  header.flags = (isSyn ? TCP_FLAG.syn : 0) | (control === 'SYN' ? 0 : TCP_FLAG.ack)
  if (control === 'FIN') header.flags |= TCP_FLAG.fin
  const end = seqAdd(sequence, length + (isSyn || control === 'FIN' ? 1 : 0))
  if (length > 0 && seqAdd(sequence, length) === c.finSeq) header.flags |= TCP_FLAG.psh
  header.window = isSyn ? Math.min(0xffff, windowOctets) : Math.min(0xffff, windowOctets >>> c.rcvWndShift)
  header.mss = isSyn ? c.layer.mssTo(c.remoteAddress) : null
  header.windowScale = isSyn && (control === 'SYN' || c.rcvWndShift > 0) ? c.rcvWndShift : null
  header.sackPermitted = isSyn && c.hasSack
  header.sackBlocks = noBlocks
  if (c.hasSack && !isSyn && (c.receiveBuffer.hasHole || c.duplicateLeft !== c.duplicateRight)) {
    header.sackBlocks = sackBlocks(c)
    c.duplicateLeft = c.duplicateRight
  }
  header.hasTimestamps = c.hasTimestamps
  header.tsVal = c.layer.timestamp()
  header.tsEcr = control === 'SYN' ? 0 : c.tsRecent

  const frame = c.layer.ip.allocate(c.remoteAddress, tcpHeaderOctets(header) + length)
  const payloadStart = writeTcpHeader(frame, messageOffset(c.remoteAddress), header)
  if (length > 0) c.sendBuffer.copyTo(frame, payloadStart, seqDiff(sequence, c.dataSeq), length)

  if (control === 'FIN') {
    c.finSent = true
    if (c.tcpState === 'ESTABLISHED' || c.tcpState === 'SYN-RECEIVED') c.enter('FIN-WAIT-1')
    else if (c.tcpState === 'CLOSE-WAIT') c.enter('LAST-ACK')
  }
  if (sequence === c.sndNxt) c.sndNxt = end
  if (seqLt(sequence, c.sndMax) && end !== sequence) c.segmentsRetransmitted++
  else if (end !== sequence && c.timedSeq === null) {
    c.timedSeq = end
    c.timedAtNs = c.kernel.nowNs
  }
  c.sndMax = seqMax(c.sndMax, end)
  if (end !== sequence) c.lastSentNs = c.kernel.nowNs
  if (control !== 'SYN') {
    c.lastAckSent = c.rcvNxt
    c.ackNow = false
    c.segmentsUnacknowledged = 0
    c.delayedAckTimer.stop()
  }
  finish(c.layer, frame, c.localAddress, c.remoteAddress)
}

export function sendReset(c: TcpConnection): void {
  clear()
  header.sourcePort = c.localPort
  header.destinationPort = c.remotePort
  header.sequence = c.sndMax
  header.acknowledgment = c.rcvNxt
  header.flags = TCP_FLAG.rst | TCP_FLAG.ack
  const frame = c.layer.ip.allocate(c.remoteAddress, tcpHeaderOctets(header))
  writeTcpHeader(frame, messageOffset(c.remoteAddress), header)
  finish(c.layer, frame, c.localAddress, c.remoteAddress)
}

/** Refuse a segment that belongs to no connection (RFC 9293 §3.10.7.1). `addresses` are those of the refused segment. */
export function refuse(layer: TcpLayer, segment: Readonly<TcpHeader>, addresses: AddressPair): void {
  if ((segment.flags & TCP_FLAG.rst) !== 0) return
  const { sourcePort, destinationPort, sequence, acknowledgment, flags, payloadStart, payloadEnd } = segment
  const { source, destination } = addresses
  clear()
  header.sourcePort = destinationPort
  header.destinationPort = sourcePort
  if ((flags & TCP_FLAG.ack) !== 0) {
    header.sequence = acknowledgment
    header.flags = TCP_FLAG.rst
  } else {
    const isSyn = (flags & TCP_FLAG.syn) !== 0 ? 1 : 0
    const isFin = (flags & TCP_FLAG.fin) !== 0 ? 1 : 0
    header.acknowledgment = seqAdd(sequence, payloadEnd - payloadStart + isSyn + isFin)
    header.flags = TCP_FLAG.rst | TCP_FLAG.ack
  }
  const frame = layer.ip.allocate(source, tcpHeaderOctets(header))
  writeTcpHeader(frame, messageOffset(source), header)
  finish(layer, frame, destination, source)
}

/** Answer a SYN with a cookie, keeping nothing. `addresses` are those of the SYN. */
export function sendCookie(layer: TcpLayer, syn: Readonly<TcpHeader>, addresses: AddressPair, cookie: number): void {
  const { options } = layer
  clear()
  header.sourcePort = syn.destinationPort
  header.destinationPort = syn.sourcePort
  header.sequence = cookie
  header.acknowledgment = seqAdd(syn.sequence, 1)
  header.flags = TCP_FLAG.syn | TCP_FLAG.ack
  header.window = Math.min(0xffff, options.receiveBufferOctets)
  header.mss = layer.mssTo(addresses.source)
  header.hasTimestamps = options.hasTimestamps && syn.hasTimestamps
  if (header.hasTimestamps) {
    header.sackPermitted = options.hasSack && syn.sackPermitted
    header.windowScale = syn.windowScale === null ? null : layer.windowShift
    header.tsVal = stampOptions(layer.timestamp(), syn)
    header.tsEcr = syn.tsVal
  }
  const frame = layer.ip.allocate(addresses.source, tcpHeaderOctets(header))
  writeTcpHeader(frame, messageOffset(addresses.source), header)
  finish(layer, frame, addresses.destination, addresses.source)
}

function clear(): void {
  header.sequence = 0
  header.acknowledgment = 0
  header.window = 0
  header.mss = null
  header.windowScale = null
  header.sackPermitted = false
  header.sackBlocks = noBlocks
  header.hasTimestamps = false
}

function finish(layer: TcpLayer, frame: Uint8Array, source: IpAddress, destination: IpAddress): void {
  pair.source = source
  pair.destination = destination
  writeTcpChecksum(frame, messageOffset(destination), frame.length, pair)
  layer.ip.send(frame, IP_PROTOCOL.tcp, source, destination)
}
