/**
 * What a TCP connection sends: as much as the peer's window, the congestion window and the link's queue allow.
 *
 * @implements RFC 9293 §3.8.6 (sender's silly window avoidance, zero-window probes), RFC 7323 §3
 */
import { microseconds, type Nanos } from '../../base/units.js'
import { messageOffset } from '../ip.js'
import type { IpAddress } from '../wire/addresses.js'
import { IP_PROTOCOL } from '../wire/ipv4.js'
import { TCP_FLAG, TcpHeader, tcpHeaderOctets, writeTcpChecksum, writeTcpHeader } from '../wire/tcp.js'
import type { AddressPair } from '../wire/udp.js'
import { seqAdd, seqDiff, seqLt, seqMax } from './sequence.js'
import type { TcpConnection } from './tcp-connection.js'
import type { TcpLayer } from './tcp-layer.js'

/** How much of a link's time a host may have queued before TCP waits ("small queues"). */
const BACKLOG_NS_MAX: Nanos = microseconds(100)

type Control = 'SYN' | 'SYN-ACK' | 'FIN' | null

/** Send everything that may be sent now, then an acknowledgment if one is due and nothing carried it. */
export function transmit(c: TcpConnection): void {
  if (c.state !== 'opening' && c.tcpState !== 'CLOSED') {
    if (c.flightOctets() === 0 && c.kernel.nowNs - c.lastSentNs > c.rtt.rtoNs) c.congestion.restartAfterIdle()
    while (sendNext(c));
    armRetransmissionTimer(c)
  }
  if (c.ackNow && c.tcpState !== 'CLOSED' && c.tcpState !== 'SYN-SENT') sendAck(c)
}

/** An acknowledgment alone. After a timeout SND.NXT lies behind what the peer has, and it would not look at it. */
export function sendAck(c: TcpConnection): void {
  sendSegment(c, c.sndWnd === 0 ? c.sndNxt : c.sndMax, 0, null)
}

/** One segment of new data, or the FIN. False when nothing more may go. */
function sendNext(c: TcpConnection): boolean {
  const unsent = c.unsentOctets()
  const isFinDue = c.finRequested && seqDiff(c.sndNxt, c.finSeq) <= 0
  if (unsent === 0 && !isFinDue) return false
  const backlogNs = c.layer.host.backlogNs()
  if (backlogNs > BACKLOG_NS_MAX) {
    c.scheduleOutput(backlogNs - BACKLOG_NS_MAX / 2)
    return false
  }
  const flight = c.flightOctets()
  const usable = Math.min(c.sndWnd, c.congestion.cwnd) - flight
  const length = Math.min(unsent, c.sndMss, Math.max(0, usable))
  if (unsent > 0) {
    if (length === 0) return false
    // Sender's silly window avoidance (RFC 9293 §3.8.6.2.1): a full segment, the rest, or half of the largest window.
    if (length < c.sndMss && length < unsent && (flight > 0 || length < c.maxSndWnd / 2)) return false
  }
  sendSegment(c, c.sndNxt, length, isFinDue && length === unsent ? 'FIN' : null)
  return true
}

/** Send the segment at SND.UNA again: a fast retransmit. */
export function retransmitFirst(c: TcpConnection): void {
  const held = c.sendBuffer.length - seqDiff(c.sndUna, c.dataSeq)
  const length = Math.min(held, c.sndMss, seqDiff(c.sndMax, c.sndUna))
  c.timedSeq = null
  sendSegment(c, c.sndUna, length, c.finSent && length === held ? 'FIN' : null)
}

/** The timer expired: go back to SND.UNA and begin with one segment (RFC 6298 §5.4). */
export function transmitAgain(c: TcpConnection): void {
  c.congestion.timedOut(c.sndMax, c.flightOctets(), c.retries === 1)
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
}

/** The timer runs while something is outstanding or kept back by a small window. */
export function armRetransmissionTimer(c: TcpConnection): void {
  const isWaiting = c.flightOctets() > 0 || c.unsentOctets() > 0
  if (!isWaiting) c.retransmissionTimer.stop()
  else if (!c.retransmissionTimer.isSet) c.retransmissionTimer.set(c.rtt.rtoNs)
}

const header = new TcpHeader() // filled in and used up inside one call
const pair: { source: IpAddress; destination: IpAddress } = { source: 0, destination: 0 }

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
  header.hasTimestamps = c.hasTimestamps
  header.tsVal = c.layer.timestamp()
  header.tsEcr = control === 'SYN' ? 0 : c.tsRecent

  const frame = c.layer.ip.allocate(c.remoteAddress, tcpHeaderOctets(header) + length)
  const payloadStart = writeTcpHeader(frame, messageOffset(c.remoteAddress), header)
  if (length > 0) c.sendBuffer.copyTo(frame, payloadStart, seqDiff(sequence, c.dataSeq), length)

  if (control === 'FIN') {
    c.finSent = true
    if (c.tcpState === 'ESTABLISHED' || c.tcpState === 'SYN-RECEIVED') c.tcpState = 'FIN-WAIT-1'
    else if (c.tcpState === 'CLOSE-WAIT') c.tcpState = 'LAST-ACK'
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

function clear(): void {
  header.sequence = 0
  header.acknowledgment = 0
  header.window = 0
  header.mss = null
  header.windowScale = null
  header.hasTimestamps = false
}

function finish(layer: TcpLayer, frame: Uint8Array, source: IpAddress, destination: IpAddress): void {
  pair.source = source
  pair.destination = destination
  writeTcpChecksum(frame, messageOffset(destination), frame.length, pair)
  layer.ip.send(frame, IP_PROTOCOL.tcp, source, destination)
}
