/** When the timers of a TCP connection run. What happens when they expire is in timeouts.ts. */
import type { TcpConnection } from './tcp-connection.js'

/**
 * The retransmission timer runs while something is outstanding; the persist timer while nothing is, and yet something waits
 * for a larger window.
 */
export function armTimers(c: TcpConnection): void {
  if (c.flightOctets() > 0) {
    stopPersisting(c)
    if (!c.retransmissionTimer.isSet) {
      c.waitingSinceNs = c.kernel.nowNs
      setRetransmissionTimer(c)
    }
    return
  }
  c.retransmissionTimer.stop()
  if (c.unsentOctets() === 0) stopPersisting(c)
  else if (!c.persistTimer.isSet) c.persistTimer.set(c.rtt.rtoNs)
}

/** After the RTO, or when the user's patience ends. */
export function setRetransmissionTimer(c: TcpConnection): void {
  const { userTimeoutNs } = c.layer.options
  const leftNs = userTimeoutNs === null ? Infinity : c.waitingSinceNs + userTimeoutNs - c.kernel.nowNs
  c.retransmissionTimer.set(Math.max(1, Math.min(c.rtt.rtoNs, leftNs)))
}

function stopPersisting(c: TcpConnection): void {
  if (!c.persistTimer.isSet) return
  c.persistTimer.stop()
  c.windowProbes = 0
  c.windowProbesUnanswered = 0
}

/** The connection is open: ask after so much silence, if that was chosen. */
export function startKeepAlive(c: TcpConnection): void {
  const { keepAlive } = c.layer.options
  c.lastHeardNs = c.kernel.nowNs
  if (keepAlive !== null) c.keepAliveTimer.set(keepAlive.idleNs)
}
