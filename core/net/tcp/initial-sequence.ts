/**
 * The sequence number that a connection begins with.
 *
 * @implements RFC 9293 §3.4.1, RFC 6528 §3
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { concatOctets, readU32be, utf8Octets } from '../../base/octets.js'
import { milliseconds, type Nanos } from '../../base/units.js'
import type { ConnectionEnds } from './tcp-connection.js'

/** The clock of RFC 9293 §3.4.1 ticks every 4 microseconds. */
const TICK_NS: Nanos = 4000

/** 32 bits that only who knows the key can compute. `use` keeps the hashes of different uses apart. */
export function keyedHash(key: Uint8Array, ends: ConnectionEnds, use: string): number {
  const { localAddress, localPort, remoteAddress, remotePort } = ends
  const text = `${use} ${localAddress} ${localPort} ${remoteAddress} ${remotePort}`
  return readU32be(sha256(concatOctets([key, utf8Octets(text)])), 0)
}

/** ISN = M + F(local address, local port, remote address, remote port, secret key): RFC 6528 §3. */
export function hashedSequence(key: Uint8Array, ends: ConnectionEnds, nowNs: Nanos): number {
  return (Math.floor(nowNs / TICK_NS) + keyedHash(key, ends, 'isn')) % 2 ** 32
}

const BSD_STEP = 64_000
const BSD_STEP_NS: Nanos = milliseconds(500)

/**
 * One number for the whole host, which is 1 when it starts and grows by 64,000 every half second and with every
 * connection, as in 4.4BSD (Stevens, TCP/IP Illustrated, volume 1, §18.2; in 4.2BSD it was 128 a second and 64 a
 * connection). Whoever opens a connection learns what the next ones will begin with (RFC 6528, appendix A.1).
 */
export function predictableSequence(connectionsBefore: number, nowNs: Nanos): number {
  return (1 + BSD_STEP * (Math.floor(nowNs / BSD_STEP_NS) + connectionsBefore)) % 2 ** 32
}
