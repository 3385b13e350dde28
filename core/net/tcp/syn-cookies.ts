/**
 * SYN cookies: a SYN-ACK whose sequence number says all that must be known to go on, so that nothing need be kept until the
 * peer answers, and a flood of SYNs fills nothing (RFC 4987 §3.6; D. J. Bernstein, 1997). The layout is Bernstein's:
 *
 *   5 bits: a counter of 64-second spans, modulo 32 | 3 bits: which MSS | 24 bits: a keyed hash of both ends and the counter
 *
 * What else the SYN offered (window scale, SACK) comes back in the low 6 bits of the time stamp, as in Linux; without
 * timestamps it is lost.
 */
import { seconds, type Nanos } from '../../base/units.js'
import { keyedHash } from './initial-sequence.js'
import type { ConnectionEnds } from './tcp-connection.js'

const SPAN_NS: Nanos = seconds(64)
/** A cookie is good in its span and the next. */
export const COOKIE_LIFE_NS: Nanos = 2 * SPAN_NS
/** The greatest that is not more than the peer's is used. */
const MSS_TABLE = [64, 216, 536, 1024, 1220, 1340, 1440, 1460] as const
/** No window scale was offered. */
const NO_SCALE = 15

export interface OfferedOptions {
  readonly windowScale: number | null
  readonly sackPermitted: boolean
}

export function makeCookie(key: Uint8Array, ends: ConnectionEnds, mss: number, nowNs: Nanos): number {
  const span = Math.floor(nowNs / SPAN_NS)
  let index = MSS_TABLE.length - 1
  while (index > 0 && (MSS_TABLE[index] ?? 0) > mss) index--
  return assemble(key, ends, index, span)
}

/** The MSS that the cookie says, or null when it is none of ours, or is too old. */
export function checkCookie(key: Uint8Array, ends: ConnectionEnds, cookie: number, nowNs: Nanos): number | null {
  const index = (cookie >>> 24) & 7
  const newest = Math.floor(nowNs / SPAN_NS)
  for (let span = newest; span >= Math.max(0, newest - 1); span--)
    if (assemble(key, ends, index, span) === cookie) return MSS_TABLE[index] ?? null
  return null
}

function assemble(key: Uint8Array, ends: ConnectionEnds, mssIndex: number, span: number): number {
  const hash = keyedHash(key, ends, `cookie ${mssIndex} ${span}`) >>> 8
  return (((span & 31) << 27) | (mssIndex << 24) | hash) >>> 0
}

/** The latest time stamp, not after `now`, whose low bits say what was offered. */
export function stampOptions(now: number, { windowScale, sackPermitted }: OfferedOptions): number {
  const bits = (windowScale === null ? NO_SCALE : Math.min(14, windowScale)) | (sackPermitted ? 16 : 0)
  const stamped = ((now & ~63) | bits) >>> 0
  return ((now - stamped) | 0) >= 0 ? stamped : (stamped - 64) >>> 0
}

export function stampedOptions(stamp: number): OfferedOptions {
  const scale = stamp & 15
  return { windowScale: scale === NO_SCALE ? null : Math.min(14, scale), sackPermitted: (stamp & 16) !== 0 }
}
