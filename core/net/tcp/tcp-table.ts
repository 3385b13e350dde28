/** Rows of a table of connections, as `ss` shows them. */
import type { Nanos } from '../../base/units.js'
import { endpointText } from '../wire/addresses.js'
import type { ListeningPort } from './listening-port.js'
import { SSTHRESH_UNSET } from './slow-start.js'
import type { TcpConnection } from './tcp-connection.js'
import type { TcpState } from './tcp-state.js'

export interface TcpTableRow {
  /** `10.0.0.1:80`; of a listener `*:80`. */
  readonly local: string
  /** Of a listener `*:*`. */
  readonly remote: string
  readonly state: TcpState
  /** Octets that the owner has not read; of a listener, connections that wait to be taken. */
  readonly receiveQueue: number
  /** Octets written and not acknowledged; of a listener, how many connections may wait. */
  readonly sendQueue: number
  /** Octets; 0 of a listener. */
  readonly cwnd: number
  /** Octets; null before the first loss. */
  readonly ssthresh: number | null
  /** 0 before the first measurement. */
  readonly srttNs: Nanos
  readonly rtoNs: Nanos
  /** Segments sent again. */
  readonly retransmissions: number
}

export function connectionRow(c: TcpConnection): TcpTableRow {
  return {
    local: endpointText(c.localAddress, c.localPort),
    remote: endpointText(c.remoteAddress, c.remotePort),
    state: c.tcpState,
    receiveQueue: c.receiveBuffer.readableOctets,
    sendQueue: c.sendBuffer.length,
    cwnd: c.congestion.cwnd,
    ssthresh: c.congestion.ssthresh === SSTHRESH_UNSET ? null : c.congestion.ssthresh,
    srttNs: c.rtt.srttNs,
    rtoNs: c.rtt.rtoNs,
    retransmissions: c.segmentsRetransmitted,
  }
}

export function listenerRow({ port, untakenCount }: ListeningPort, acceptBacklogMax: number): TcpTableRow {
  const counters = { cwnd: 0, ssthresh: null, srttNs: 0, rtoNs: 0, retransmissions: 0 }
  const queues = { receiveQueue: untakenCount, sendQueue: acceptBacklogMax }
  return { local: `*:${port}`, remote: '*:*', state: 'LISTEN', ...queues, ...counters }
}
