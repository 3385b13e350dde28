/** What can be chosen for the TCP of a host. */
import { assert } from '../../base/errors.js'
import type { Nanos } from '../../base/units.js'
import type { CongestionControlName } from './congestion-control.js'

export interface TcpOptions {
  /** Octets that a stream takes before `writableOctets` is 0: 2 MiB. */
  readonly sendBufferOctets?: number
  /** Octets that wait for the reader before the window is closed: 2 MiB; at most 1 GiB (RFC 7323 §2.3). */
  readonly receiveBufferOctets?: number
  /** Octets of a segment without options: 1460, for Ethernet. */
  readonly mss?: number
  readonly hasTimestamps?: boolean
  /** Selective acknowledgments (RFC 2018): true. */
  readonly hasSack?: boolean
  /** `cubic`, as in Linux. */
  readonly congestionControl?: CongestionControlName
  /** Nagle's algorithm (RFC 9293 §3.7.4): false. What is written in one instant leaves together in any case. */
  readonly hasNagle?: boolean
  /** Ask a peer that is silent whether it is still there (RFC 9293 §3.8.4): null, which is never. */
  readonly keepAlive?: KeepAliveOptions | null
  /** How long the peer may leave unanswered what was sent before the connection fails (RFC 9293 §3.8.3): null, which is as long
   * as 15 retransmissions take. */
  readonly userTimeoutNs?: Nanos | null
  /** How connections get their first sequence number; see initial-sequence.ts. */
  readonly isn?: InitialSequenceKind
  /** Connections that may be half open for one listener: 128. */
  readonly synBacklogMax?: number
  /** Connections that may wait for one listener to take them, by setting their owner: 128. */
  readonly acceptBacklogMax?: number
  /** How often a SYN-ACK is sent again before its connection is given up: 5, as in Linux; 63 s in all. */
  readonly synAckRetriesMax?: number
  /** Answer SYNs that find no room in the backlog with a cookie (syn-cookies.ts) instead of not at all: false. */
  readonly synCookies?: boolean
}

/** Linux has 2 hours, 75 seconds and 9 probes. */
export interface KeepAliveOptions {
  /** Silence before the first probe. */
  readonly idleNs: Nanos
  /** Between two probes. */
  readonly intervalNs: Nanos
  /** So many without an answer end the connection. */
  readonly probes: number
}

/** `hashed`: by RFC 6528. `predictable`: as 4.4BSD did, for a lab. */
export type InitialSequenceKind = 'hashed' | 'predictable'

const defaults: Required<TcpOptions> = Object.freeze({
  sendBufferOctets: 2 * 1024 * 1024,
  receiveBufferOctets: 2 * 1024 * 1024,
  mss: 1460,
  hasTimestamps: true,
  hasSack: true,
  congestionControl: 'cubic',
  hasNagle: false,
  keepAlive: null,
  userTimeoutNs: null,
  isn: 'hashed',
  synBacklogMax: 128,
  acceptBacklogMax: 128,
  synAckRetriesMax: 5,
  synCookies: false,
})

export function completeTcpOptions(options: TcpOptions): Required<TcpOptions> {
  const complete = { ...defaults, ...options }
  const { receiveBufferOctets, sendBufferOctets } = complete
  assert(receiveBufferOctets >= 1 && receiveBufferOctets <= 2 ** 30 && sendBufferOctets >= 1, 'TCP buffer sizes')
  return complete
}
