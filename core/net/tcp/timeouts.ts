/**
 * What a TCP connection does when nothing comes: it sends again, probes a closed window, asks whether the peer is still there,
 * and gives up at last.
 *
 * @implements RFC 6298 §5, RFC 9293 §3.8.3 (failures), §3.8.4 (keep-alive), §3.8.6.1 (zero-window probes), RFC 6429
 */
import { seconds, type Nanos } from '../../base/units.js'
import { armTimers, setRetransmissionTimer } from './arm-timers.js'
import { seqAdd } from './sequence.js'
import type { TcpConnection } from './tcp-connection.js'
import { sendSegment, transmitAgain, windowProbe } from './transmit.js'

/** Twice the maximum segment lifetime, taken as 30 s like Linux. */
export const TIME_WAIT_NS: Nanos = seconds(60)
const SYN_RETRIES_MAX = 6
/** R2 of RFC 9293 §3.8.3: about a quarter of an hour. */
const RETRIES_MAX = 15
const PROBE_INTERVAL_NS_MAX: Nanos = seconds(60)

export function retransmissionTimedOut(c: TcpConnection): void {
  const { tcpState } = c
  const { synAckRetriesMax, userTimeoutNs } = c.layer.options
  const retriesMax =
    tcpState === 'SYN-SENT' ? SYN_RETRIES_MAX : tcpState === 'SYN-RECEIVED' ? synAckRetriesMax : RETRIES_MAX
  const isImpatient = userTimeoutNs !== null && c.kernel.nowNs - c.waitingSinceNs >= userTimeoutNs
  if (++c.retries > retriesMax || isImpatient) {
    c.fail(`no answer: timed out${c.softError === null ? '' : `, ${c.softError.replaceAll('-', ' ')}`}`)
    return
  }
  c.rtt.backOff()
  c.timedSeq = null
  if (tcpState === 'SYN-SENT') sendSegment(c, c.iss, 0, 'SYN')
  else if (tcpState === 'SYN-RECEIVED') sendSegment(c, c.iss, 0, 'SYN-ACK')
  else transmitAgain(c)
  // Had the window closed in the meantime, nothing would have been sent.
  if (c.flightOctets() > 0) setRetransmissionTimer(c)
  else armTimers(c)
}

/** As long as probes are answered the connection lives, however long the window stays closed (RFC 6429 §3). */
export function persistTimedOut(c: TcpConnection): void {
  const { userTimeoutNs } = c.layer.options
  const isImpatient =
    userTimeoutNs !== null && c.windowProbesUnanswered > 0 && c.kernel.nowNs - c.lastHeardNs >= userTimeoutNs
  if (c.windowProbesUnanswered >= RETRIES_MAX || isImpatient) {
    c.fail('no answer to window probes: timed out')
    return
  }
  c.windowProbes++
  c.windowProbesUnanswered++
  windowProbe(c)
  // A small window that was used after all leaves something outstanding.
  if (c.flightOctets() > 0) armTimers(c)
  else c.persistTimer.set(Math.min(PROBE_INTERVAL_NS_MAX, c.rtt.rtoNs * 2 ** Math.min(16, c.windowProbes)))
}

/** RFC 9293 §3.8.4: a segment without data, from before the window, which the peer must answer. */
export function keepAliveTimedOut(c: TcpConnection): void {
  const { keepAlive } = c.layer.options
  if (keepAlive === null) return
  const silentNs = c.kernel.nowNs - c.lastHeardNs
  // What is outstanding, or waits for a window, has timers of its own.
  const isBusy = c.flightOctets() > 0 || c.unsentOctets() > 0
  if (isBusy || (silentNs < keepAlive.idleNs && c.keepAliveProbes === 0)) {
    c.keepAliveTimer.set(isBusy ? keepAlive.idleNs : keepAlive.idleNs - silentNs)
    return
  }
  if (c.keepAliveProbes >= keepAlive.probes) {
    c.fail('no answer to keep-alive probes: timed out')
    return
  }
  c.keepAliveProbes++
  sendSegment(c, seqAdd(c.sndNxt, -1), 0, null)
  c.keepAliveTimer.set(keepAlive.intervalNs)
}
