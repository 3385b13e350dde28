/**
 * TCP segments (RFC 9293 §3.1) with the options MSS (§3.7.1), window scale and timestamps (RFC 7323), SACK-permitted and
 * SACK (RFC 2018). Other options are skipped. The urgent pointer is kept but means nothing here.
 *
 *   source port 2 | destination port 2 | sequence 4 | acknowledgment 4 | offset 4 bits, 0, flags 8 bits | window 2
 *   | checksum 2 | urgent pointer 2 | options | payload
 */
import { WireError } from '../../base/errors.js'
import { readU16be, readU32be, writeU16be, writeU32be } from '../../base/octets.js'
import { transportChecksum } from './checksum.js'
import { IP_PROTOCOL } from './ipv4.js'
import type { AddressPair } from './udp.js'

export const TCP_HEADER_OCTETS = 20
export const TCP_FLAG = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 } as const
const OPTION = { end: 0, nop: 1, mss: 2, windowScale: 3, sackPermitted: 4, sack: 5, timestamps: 8 } as const
const ALIGNED_TIMESTAMPS = (OPTION.nop << 24) | (OPTION.nop << 16) | (OPTION.timestamps << 8) | 10

export interface SackBlock {
  readonly left: number
  readonly right: number
}
const noBlocks: readonly SackBlock[] = Object.freeze([])

/** A header's fields. Reusable, so that reading one makes no garbage. */
export class TcpHeader {
  sourcePort = 0
  destinationPort = 0
  sequence = 0
  acknowledgment = 0
  /** `TCP_FLAG` bits. */
  flags = 0
  /** As it stands in the header: not scaled. */
  window = 0
  urgentPointer = 0
  /** Octets, or null when the option is absent. */
  mss: number | null = null
  /** The shift count as sent, or null when the option is absent. */
  windowScale: number | null = null
  sackPermitted = false
  hasTimestamps = false
  tsVal = 0
  tsEcr = 0
  /** At most 4. */
  sackBlocks: readonly SackBlock[] = noBlocks
  /** The payload is `octets[payloadStart, payloadEnd)` of what was read. */
  payloadStart = 0
  payloadEnd = 0
}

export interface TcpSegment extends Readonly<TcpHeader> {
  readonly payload: Uint8Array
}

/** Reads the segment at `octets[start, end)`. The caller verifies the checksum: it covers the addresses. */
export function readTcpHeader(octets: Uint8Array, start: number, end: number, into: TcpHeader): void {
  if (end - start < TCP_HEADER_OCTETS) throw new WireError('tcp', start, 'shorter than its 20-octet header')
  const headerOctets = ((octets[start + 12] ?? 0) >>> 4) * 4
  if (headerOctets < TCP_HEADER_OCTETS || start + headerOctets > end)
    throw new WireError('tcp', start + 12, `data offset is ${headerOctets} octets of ${end - start}`)
  into.sourcePort = readU16be(octets, start)
  into.destinationPort = readU16be(octets, start + 2)
  into.sequence = readU32be(octets, start + 4)
  into.acknowledgment = readU32be(octets, start + 8)
  into.flags = octets[start + 13] ?? 0
  into.window = readU16be(octets, start + 14)
  into.urgentPointer = readU16be(octets, start + 18)
  into.payloadStart = start + headerOctets
  into.payloadEnd = end
  into.mss = null
  into.windowScale = null
  into.sackPermitted = false
  into.sackBlocks = noBlocks
  into.hasTimestamps = false
  into.tsVal = 0
  into.tsEcr = 0
  // Almost every segment has the timestamps alone, aligned as RFC 7323, appendix A, suggests.
  if (headerOctets === 32 && readU32be(octets, start + TCP_HEADER_OCTETS) === ALIGNED_TIMESTAMPS) {
    into.hasTimestamps = true
    into.tsVal = readU32be(octets, start + 24)
    into.tsEcr = readU32be(octets, start + 28)
  } else if (headerOctets > TCP_HEADER_OCTETS)
    readOptions(octets, start + TCP_HEADER_OCTETS, start + headerOctets, into)
}

function readOptions(octets: Uint8Array, start: number, end: number, into: TcpHeader): void {
  for (let at = start; at < end;) {
    const kind = octets[at] ?? 0
    if (kind === OPTION.end) return
    if (kind === OPTION.nop) {
      at++
      continue
    }
    const length = at + 1 < end ? (octets[at + 1] ?? 0) : 0
    if (length < 2 || at + length > end) throw new WireError('tcp', at, `option ${kind} has length ${length}`)
    if (kind === OPTION.mss && length === 4) into.mss = readU16be(octets, at + 2)
    else if (kind === OPTION.windowScale && length === 3) into.windowScale = octets[at + 2] ?? 0
    else if (kind === OPTION.sackPermitted && length === 2) into.sackPermitted = true
    else if (kind === OPTION.sack && length > 2 && length % 8 === 2) {
      const blocks: SackBlock[] = []
      for (let edge = at + 2; edge < at + length; edge += 8)
        blocks.push({ left: readU32be(octets, edge), right: readU32be(octets, edge + 4) })
      into.sackBlocks = blocks
    } else if (kind === OPTION.timestamps && length === 10) {
      into.hasTimestamps = true
      into.tsVal = readU32be(octets, at + 2)
      into.tsEcr = readU32be(octets, at + 6)
    }
    at += length
  }
}

/** Octets of the header with its options: a multiple of 4. */
export function tcpHeaderOctets(header: Readonly<TcpHeader>): number {
  let octets = TCP_HEADER_OCTETS
  if (header.mss !== null) octets += 4
  if (header.sackPermitted) octets += 4
  if (header.hasTimestamps) octets += 12
  if (header.windowScale !== null) octets += 4
  if (header.sackBlocks.length > 0) octets += 4 + 8 * header.sackBlocks.length
  return octets
}

/**
 * Writes the header at `start` with a checksum of zero, each option padded to a multiple of 4 octets by leading NOPs, in
 * the order in which Linux writes them. Returns where the payload begins.
 */
export function writeTcpHeader(octets: Uint8Array, start: number, header: Readonly<TcpHeader>): number {
  const headerOctets = tcpHeaderOctets(header)
  writeU16be(octets, start, header.sourcePort)
  writeU16be(octets, start + 2, header.destinationPort)
  writeU32be(octets, start + 4, header.sequence)
  writeU32be(octets, start + 8, header.acknowledgment)
  octets[start + 12] = (headerOctets / 4) << 4
  octets[start + 13] = header.flags
  writeU16be(octets, start + 14, header.window)
  writeU16be(octets, start + 16, 0)
  writeU16be(octets, start + 18, header.urgentPointer)
  let at = start + TCP_HEADER_OCTETS
  if (header.mss !== null) {
    writeU32be(octets, at, (OPTION.mss << 24) | (4 << 16) | header.mss)
    at += 4
  }
  if (header.sackPermitted) {
    writeU32be(octets, at, (OPTION.nop << 24) | (OPTION.nop << 16) | (OPTION.sackPermitted << 8) | 2)
    at += 4
  }
  if (header.hasTimestamps) {
    writeU32be(octets, at, ALIGNED_TIMESTAMPS)
    writeU32be(octets, at + 4, header.tsVal)
    writeU32be(octets, at + 8, header.tsEcr)
    at += 12
  }
  if (header.windowScale !== null) {
    writeU32be(octets, at, (OPTION.nop << 24) | (OPTION.windowScale << 16) | (3 << 8) | header.windowScale)
    at += 4
  }
  const blockCount = header.sackBlocks.length
  if (blockCount > 0) {
    writeU32be(octets, at, (OPTION.nop << 24) | (OPTION.nop << 16) | (OPTION.sack << 8) | (2 + 8 * blockCount))
    at += 4
    for (const { left, right } of header.sackBlocks) {
      writeU32be(octets, at, left)
      writeU32be(octets, at + 4, right)
      at += 8
    }
  }
  return at
}

/** Fill in the checksum of the segment at `octets[start, end)`, whose checksum field must be zero. */
export function writeTcpChecksum(octets: Uint8Array, start: number, end: number, pair: AddressPair): void {
  const sum = transportChecksum(octets, start, end, IP_PROTOCOL.tcp, pair.source, pair.destination)
  writeU16be(octets, start + 16, sum)
}

/** `payload` is a view. Throws `WireError` on a wrong checksum. */
export function decodeTcp(octets: Uint8Array, { source, destination }: AddressPair): TcpSegment {
  const header = new TcpHeader()
  readTcpHeader(octets, 0, octets.length, header)
  if (transportChecksum(octets, 0, octets.length, IP_PROTOCOL.tcp, source, destination) !== 0)
    throw new WireError('tcp', 16, 'checksum is wrong')
  return { ...header, payload: octets.subarray(header.payloadStart) }
}

/** Throws `WireError` when the options do not fit into 40 octets. */
export function encodeTcp(segment: Omit<TcpSegment, 'payloadStart' | 'payloadEnd'>, pair: AddressPair): Uint8Array {
  const header = { ...segment, payloadStart: 0, payloadEnd: 0 }
  const headerOctets = tcpHeaderOctets(header)
  if (headerOctets > 60) throw new WireError('tcp', TCP_HEADER_OCTETS, 'options are over 40 octets')
  const octets = new Uint8Array(headerOctets + segment.payload.length)
  octets.set(segment.payload, writeTcpHeader(octets, 0, header))
  writeTcpChecksum(octets, 0, octets.length, pair)
  return octets
}
