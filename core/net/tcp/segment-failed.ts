/**
 * What a TCP connection does when ICMP says that a segment of it did not arrive (RFC 1122 §4.2.3.9, RFC 5461 §4.1). Anybody can
 * send such a message, so it must quote a sequence number that is outstanding (RFC 5927 §4.1), and one that is established
 * is never ended by it.
 */
import { readU32be } from '../../base/octets.js'
import type { PacketError } from '../packet-error.js'
import { seqLeq, seqLt } from './sequence.js'
import type { TcpConnection } from './tcp-connection.js'
import { retransmitFirst } from './transmit.js'

/** Octets of the timestamps option with its padding, in every segment. */
const TIMESTAMPS_OCTETS = 12
const SEQUENCE_OFFSET = 4

/** False when the segment is none of this connection's, so that nothing of the message is believed. */
export function segmentFailed(c: TcpConnection, { kind, message }: PacketError): boolean {
  const sequence = readU32be(message, SEQUENCE_OFFSET)
  if (!seqLeq(c.sndUna, sequence) || !seqLt(sequence, c.sndMax)) return false
  const isHard = kind === 'port-unreachable' || kind === 'protocol-unreachable' || kind === 'prohibited'
  if (kind === 'packet-too-big') return true
  if (isHard && c.tcpState === 'SYN-SENT') c.fail(`connection refused: ${kind}`)
  else c.softError = kind
  return true
}

/** Longer segments do not get through: what was lost by that is sent again at once (RFC 1191 §6.4). */
export function lowerMss(c: TcpConnection, mss: number): void {
  const sndMss = mss - (c.hasTimestamps ? TIMESTAMPS_OCTETS : 0)
  if (c.tcpState === 'CLOSED' || sndMss >= c.sndMss) return
  c.sndMss = sndMss
  c.congestion.setMss(sndMss)
  if (c.state !== 'opening' && c.flightOctets() > 0) retransmitFirst(c)
}
