/** The window before the first loss, and the part of growing that every congestion control here shares. */

/** "Arbitrarily high" (RFC 5681 §3.1). */
export const SSTHRESH_UNSET = Number.MAX_SAFE_INTEGER

/** In octets (RFC 6928 §2). */
export function initialWindow(mss: number): number {
  return Math.min(10 * mss, Math.max(2 * mss, 14600))
}

/** By how many octets the window grows in slow start: what was acknowledged, two segments at most (RFC 3465 §2.3, L = 2). */
export function slowStartGrowth(ackedOctets: number, mss: number): number {
  return Math.min(ackedOctets, 2 * mss)
}

/**
 * A window that was not used says nothing about the network, and does not grow (RFC 7661 §4, RFC 9438 §5.8). In slow start
 * half of it in use is enough, since it doubles.
 */
export function isWindowUsed(cwnd: number, ssthresh: number, flightOctets: number, mss: number): boolean {
  return cwnd < ssthresh ? 2 * flightOctets >= cwnd : flightOctets + mss >= cwnd
}
