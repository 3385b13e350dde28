/** TCP (RFC 9293 §3.1) with its options (RFC 7323, RFC 2018). What the segments before say comes from the capture's index. */
import { WireError } from '../../base/errors.js'
import { readU16be, readU32be } from '../../base/octets.js'
import { need, type Dissection } from '../dissection.js'
import { anyOf, field, protocol, type FieldDefinition } from '../field.js'
import { TCP_ANALYSIS } from '../tcp-analysis-bits.js'
import { dissectData } from './data.js'
import type { TransportRange } from './transport.js'
import { CHECKSUM_STATUS, CHECKSUM_WORDS, isTransportSumGood, putChecksum } from './transport-checksum.js'

const sourcePort = field('tcp.srcport', 'Source port', 'uint16')
const destinationPort = field('tcp.dstport', 'Destination port', 'uint16')
const analysis = (name: string, label: string): FieldDefinition => field(`tcp.analysis.${name}`, label, 'none')

export const tcpFields = {
  tcp: protocol('tcp', 'Transmission Control Protocol'),
  sourcePort,
  destinationPort,
  port: anyOf('tcp.port', 'Source or destination port', [sourcePort, destinationPort]),
  stream: field('tcp.stream', 'Stream', 'uint32'),
  length: field('tcp.len', 'Segment length', 'uint32'),
  sequence: field('tcp.seq', 'Sequence number (relative)', 'uint32'),
  sequenceRaw: field('tcp.seq_raw', 'Sequence number', 'uint32'),
  nextSequence: field('tcp.nxtseq', 'Next sequence number (relative)', 'uint32'),
  acknowledgment: field('tcp.ack', 'Acknowledgment number (relative)', 'uint32'),
  acknowledgmentRaw: field('tcp.ack_raw', 'Acknowledgment number', 'uint32'),
  headerLength: field('tcp.hdr_len', 'Header length', 'uint8'),
  flags: field('tcp.flags', 'Flags', 'uint16', { base: 'hex' }),
  cwr: field('tcp.flags.cwr', 'Congestion window reduced', 'bool'),
  ece: field('tcp.flags.ece', 'ECN-echo', 'bool'),
  urg: field('tcp.flags.urg', 'Urgent', 'bool'),
  ack: field('tcp.flags.ack', 'Acknowledgment', 'bool'),
  push: field('tcp.flags.push', 'Push', 'bool'),
  reset: field('tcp.flags.reset', 'Reset', 'bool'),
  syn: field('tcp.flags.syn', 'Syn', 'bool'),
  fin: field('tcp.flags.fin', 'Fin', 'bool'),
  window: field('tcp.window_size_value', 'Window', 'uint16'),
  windowScaled: field('tcp.window_size', 'Calculated window size', 'uint32'),
  checksum: field('tcp.checksum', 'Checksum', 'uint16', { base: 'hex' }),
  checksumStatus: field('tcp.checksum.status', 'Checksum status', 'uint8', { words: CHECKSUM_WORDS }),
  urgentPointer: field('tcp.urgent_pointer', 'Urgent pointer', 'uint16'),
  options: field('tcp.options', 'Options', 'octets'),
  optionKind: field('tcp.option_kind', 'Kind', 'uint8', {
    words: {
      0: 'End of option list',
      1: 'No-operation',
      2: 'Maximum segment size',
      3: 'Window scale',
      4: 'SACK permitted',
      5: 'SACK',
      8: 'Timestamps',
    },
  }),
  optionLength: field('tcp.option_len', 'Length', 'uint8'),
  mss: field('tcp.options.mss_val', 'Maximum segment size', 'uint16'),
  windowShift: field('tcp.options.wscale.shift', 'Shift count', 'uint8'),
  sackPermitted: field('tcp.options.sack_perm', 'SACK permitted', 'none'),
  sackLeft: field('tcp.options.sack_le', 'Left edge (relative)', 'uint32'),
  sackRight: field('tcp.options.sack_re', 'Right edge (relative)', 'uint32'),
  sackCount: field('tcp.options.sack.count', 'SACK blocks', 'uint8'),
  tsVal: field('tcp.options.timestamp.tsval', 'Timestamp value', 'uint32'),
  tsEcr: field('tcp.options.timestamp.tsecr', 'Timestamp echo reply', 'uint32'),
  payload: field('tcp.payload', 'Payload', 'octets'),
  analysisFlags: field('tcp.analysis.flags', 'Analysis of sequence numbers', 'none'),
  retransmission: analysis('retransmission', 'This segment is a retransmission'),
  fastRetransmission: analysis('fast_retransmission', 'This segment is a fast retransmission'),
  spuriousRetransmission: analysis('spurious_retransmission', 'This retransmission was not needed'),
  outOfOrder: analysis('out_of_order', 'This segment is out of order'),
  reusedPorts: analysis('reused_ports', 'A new connection with the ports of an old one'),
  lostSegment: analysis('lost_segment', 'A segment before this one was not captured'),
  ackLostSegment: analysis('ack_lost_segment', 'Acknowledges a segment that was not captured'),
  windowUpdate: analysis('window_update', 'Window update'),
  windowFull: analysis('window_full', 'This segment fills the receiver’s window'),
  keepAlive: analysis('keep_alive', 'Keep-alive'),
  keepAliveAck: analysis('keep_alive_ack', 'Acknowledges a keep-alive'),
  zeroWindow: analysis('zero_window', 'The receiver’s window is closed'),
  zeroWindowProbe: analysis('zero_window_probe', 'Probe of a closed window'),
  zeroWindowProbeAck: analysis('zero_window_probe_ack', 'Acknowledges a probe of a closed window'),
  duplicateAck: analysis('duplicate_ack', 'Duplicate acknowledgment'),
  duplicateAckNumber: field('tcp.analysis.duplicate_ack_num', 'Duplicate acknowledgment number', 'uint32'),
  duplicateAckPacket: field('tcp.analysis.duplicate_ack_frame', 'Duplicate of the acknowledgment in packet', 'uint32'),
}

const { retransmission: retransmitted, spuriousRetransmission: spurious, fastRetransmission: fast } = TCP_ANALYSIS

/** Which bits make which field. Fast and spurious retransmissions are retransmissions as well, as in Wireshark. */
export const ANALYSIS_FIELDS: readonly (readonly [FieldDefinition, number])[] = [
  [tcpFields.retransmission, retransmitted | spurious | fast],
  [tcpFields.fastRetransmission, fast],
  [tcpFields.spuriousRetransmission, spurious],
  [tcpFields.outOfOrder, TCP_ANALYSIS.outOfOrder],
  [tcpFields.reusedPorts, TCP_ANALYSIS.reusedPorts],
  [tcpFields.lostSegment, TCP_ANALYSIS.lostSegment],
  [tcpFields.ackLostSegment, TCP_ANALYSIS.ackLostSegment],
  [tcpFields.windowUpdate, TCP_ANALYSIS.windowUpdate],
  [tcpFields.windowFull, TCP_ANALYSIS.windowFull],
  [tcpFields.keepAlive, TCP_ANALYSIS.keepAlive],
  [tcpFields.keepAliveAck, TCP_ANALYSIS.keepAliveAck],
  [tcpFields.zeroWindow, TCP_ANALYSIS.zeroWindow],
  [tcpFields.zeroWindowProbe, TCP_ANALYSIS.zeroWindowProbe],
  [tcpFields.zeroWindowProbeAck, TCP_ANALYSIS.zeroWindowProbeAck],
  [tcpFields.duplicateAck, TCP_ANALYSIS.duplicateAck],
]

/** Each bit of the header's flags, most significant first. */
export const FLAG_FIELDS: readonly (readonly [FieldDefinition, number, string])[] = [
  [tcpFields.cwr, 0x80, 'CWR'],
  [tcpFields.ece, 0x40, 'ECE'],
  [tcpFields.urg, 0x20, 'URG'],
  [tcpFields.ack, 0x10, 'ACK'],
  [tcpFields.push, 0x08, 'PSH'],
  [tcpFields.reset, 0x04, 'RST'],
  [tcpFields.syn, 0x02, 'SYN'],
  [tcpFields.fin, 0x01, 'FIN'],
]

/** `SYN, ACK`, in the order in which Wireshark names them. */
export function flagsText(flags: number): string {
  const names = FLAG_FIELDS.filter(([, bit]) => (flags & bit) !== 0).map(([, , name]) => name)
  return names.length === 0 ? '<None>' : names.toReversed().join(', ')
}

export function dissectTcp(dissection: Dissection, range: TransportRange): void {
  const { octets, sink } = dissection
  const { start, end } = range
  // An error may quote no more than the first 8 octets.
  need('tcp', start, dissection.depth > 0 ? 8 : 20, end)
  const from = readU16be(octets, start)
  const to = readU16be(octets, start + 2)
  const sequence = readU32be(octets, start + 4)
  const facts = dissection.depth > 0 ? null : (dissection.facts?.tcp ?? null)
  const isCut = end - start < 20
  const headerOctets = isCut ? end - start : ((octets[start + 12] ?? 0) >>> 4) * 4
  const length = Math.max(0, end - start - headerOctets)
  const relative = (sequence - (facts?.sequenceBase ?? 0)) >>> 0
  const text = sink.wantsText
    ? `Transmission Control Protocol, Src Port: ${from}, Dst Port: ${to}, Seq: ${relative}, Len: ${length}`
    : ''
  sink.open(tcpFields.tcp, start, Math.min(end - start, Math.max(8, headerOctets)), null, text)
  sink.field(sourcePort, start, 2, from)
  sink.field(destinationPort, start + 2, 2, to)
  if (facts !== null) sink.field(tcpFields.stream, start, 0, facts.stream)
  if (dissection.depth === 0) sink.field(tcpFields.length, start + 12, 0, length)
  sink.field(tcpFields.sequence, start + 4, 4, relative)
  if (isCut) return sink.close()
  sink.field(tcpFields.sequenceRaw, start + 4, 4, sequence)
  putControl(dissection, range, headerOctets, length)
  if (headerOctets < 20 || start + headerOctets > end)
    throw new WireError('tcp', start + 12, `header of ${headerOctets} octets in a segment of ${end - start}`)
  if (headerOctets > 20) putOptions(dissection, start + 20, start + headerOctets)
  if (facts !== null && facts.analysis !== 0) putAnalysis(dissection, start)
  if (length > 0) sink.field(tcpFields.payload, end - length, length, null)
  sink.close()
  if (sink.isDone || length === 0) return
  if (facts?.units) facts.units.dissectUnits(dissection, end - length, end)
  else dissectData(dissection, end - length, end)
}

function putControl(
  dissection: Dissection,
  { start, end, isWhole }: TransportRange,
  headerOctets: number,
  length: number,
): void {
  const { octets, sink, facts } = dissection
  const tcp = dissection.depth > 0 ? null : (facts?.tcp ?? null)
  const flags = readU16be(octets, start + 12) & 0xfff
  const sequence = readU32be(octets, start + 4)
  const acknowledgment = readU32be(octets, start + 8)
  const phantoms = (flags & 3) === 0 ? 0 : 1
  const next = (sequence + length + phantoms - (tcp?.sequenceBase ?? 0)) >>> 0
  sink.field(tcpFields.nextSequence, start + 4, 0, next)
  const ackBase = (flags & 0x10) === 0 ? acknowledgment : (tcp?.acknowledgmentBase ?? 0)
  sink.field(tcpFields.acknowledgment, start + 8, 4, (acknowledgment - ackBase) >>> 0)
  sink.field(tcpFields.acknowledgmentRaw, start + 8, 4, acknowledgment)
  sink.field(tcpFields.headerLength, start + 12, 1, headerOctets)
  const text = sink.wantsText ? `Flags: 0x${flags.toString(16).padStart(3, '0')} (${flagsText(flags)})` : ''
  sink.open(tcpFields.flags, start + 12, 2, flags, text)
  for (const [definition, bit] of FLAG_FIELDS) sink.field(definition, start + 13, 1, (flags & bit) === 0 ? 0 : 1)
  sink.close()
  const window = readU16be(octets, start + 14)
  sink.field(tcpFields.window, start + 14, 2, window)
  const shift = (flags & 2) !== 0 ? 0 : Math.max(0, tcp?.windowShift ?? 0)
  sink.field(tcpFields.windowScaled, start + 14, 2, window * 2 ** shift)
  const status =
    !isWhole || dissection.depth > 0 || !sink.wants(tcpFields.checksumStatus)
      ? CHECKSUM_STATUS.unverified
      : isTransportSumGood(dissection, start, end, 6)
        ? CHECKSUM_STATUS.good
        : CHECKSUM_STATUS.bad
  putChecksum(dissection, tcpFields, start + 16, readU16be(octets, start + 16), status)
  sink.field(tcpFields.urgentPointer, start + 18, 2, readU16be(octets, start + 18))
}

function putOptions(dissection: Dissection, start: number, end: number): void {
  const { octets, sink } = dissection
  sink.open(tcpFields.options, start, end - start, null, sink.wantsText ? `Options: ${end - start} octets` : '')
  for (let at = start; at < end;) {
    const kind = octets[at] ?? 0
    sink.field(tcpFields.optionKind, at, 1, kind)
    if (kind === 0) break
    if (kind === 1) {
      at++
      continue
    }
    need('tcp', at, 2, end)
    const length = octets[at + 1] ?? 0
    if (length < 2 || at + length > end) throw new WireError('tcp', at, `option ${kind} has length ${length}`)
    sink.field(tcpFields.optionLength, at + 1, 1, length)
    putOption(dissection, kind, at, length)
    at += length
  }
  sink.close()
}

function putOption(dissection: Dissection, kind: number, at: number, length: number): void {
  const { octets, sink } = dissection
  if (kind === 2 && length === 4) sink.field(tcpFields.mss, at + 2, 2, readU16be(octets, at + 2))
  else if (kind === 3 && length === 3) sink.field(tcpFields.windowShift, at + 2, 1, octets[at + 2] ?? 0)
  else if (kind === 4 && length === 2) sink.field(tcpFields.sackPermitted, at, 2, null)
  else if (kind === 8 && length === 10) {
    sink.field(tcpFields.tsVal, at + 2, 4, readU32be(octets, at + 2))
    sink.field(tcpFields.tsEcr, at + 6, 4, readU32be(octets, at + 6))
  } else if (kind === 5 && length % 8 === 2) {
    const base = dissection.depth > 0 ? 0 : (dissection.facts?.tcp?.acknowledgmentBase ?? 0)
    for (let edge = at + 2; edge < at + length; edge += 8) {
      sink.field(tcpFields.sackLeft, edge, 4, (readU32be(octets, edge) - base) >>> 0)
      sink.field(tcpFields.sackRight, edge + 4, 4, (readU32be(octets, edge + 4) - base) >>> 0)
    }
    sink.field(tcpFields.sackCount, at, 0, (length - 2) / 8)
  }
}

function putAnalysis({ sink, facts }: Dissection, start: number): void {
  const tcp = facts?.tcp
  if (!tcp) return
  sink.open(tcpFields.analysisFlags, start, 0, null)
  for (const [definition, bits] of ANALYSIS_FIELDS)
    if ((tcp.analysis & bits) !== 0) sink.field(definition, start, 0, null)
  if ((tcp.analysis & TCP_ANALYSIS.duplicateAck) !== 0) {
    sink.field(tcpFields.duplicateAckNumber, start, 0, tcp.duplicateAckNumber)
    sink.field(tcpFields.duplicateAckPacket, start, 0, tcp.duplicateAckPacket)
  }
  sink.close()
}
