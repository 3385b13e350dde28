/**
 * Writing pcapng (draft-ietf-opsawg-pcapng): one section, little-endian as most tools write it, Ethernet interfaces with
 * a name and nanosecond time stamps, enhanced packet blocks with an optional comment, interface statistics, and the secrets
 * that a reader needs for what is sealed. Reading is in capture-reader.ts.
 *
 *   block type 4 | total length 4 | body | options | total length 4          (everything padded to 4 octets)
 */
import { concatOctets, utf8Octets, writeU32le } from '../../base/octets.js'
import type { Nanos } from '../../base/units.js'
import { LINK_TYPE } from './link-layer.js'

export const BLOCK = {
  sectionHeader: 0x0a0d0d0a,
  interfaceDescription: 1,
  packet: 2,
  simplePacket: 3,
  interfaceStatistics: 5,
  enhancedPacket: 6,
  decryptionSecrets: 10,
} as const
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d
export const OPTION_CODE = {
  end: 0,
  comment: 1,
  interfaceName: 2,
  timestampResolution: 9,
  timestampOffset: 14,
} as const
const STATISTICS_OPTION = { received: 4, dropped: 5 } as const
/** §4.7: keys in the format of NSS key logs, one line each. */
const TLS_KEY_LOG = 0x544c534b

/** Octets after which Wireshark's own writers cut a frame. */
const SNAP_LENGTH = 262144

/** Blocks are written into pieces of this size, or of their own if they are larger. */
const PIECE_OCTETS = 1024 * 1024

export class PcapngWriter {
  private pieces: Uint8Array[] = []
  private piece = new Uint8Array(4096)
  private used = 0
  private interfaceCount = 0

  constructor() {
    // Version 1.0, length of the section not given.
    const body = new Uint8Array(16)
    writeU32le(body, 0, BYTE_ORDER_MAGIC)
    writeU32le(body, 4, 1)
    writeU32le(body, 8, 0xffff_ffff)
    writeU32le(body, 12, 0xffff_ffff)
    this.block(BLOCK.sectionHeader, body, [])
  }

  /** Returns the interface's number, for `addPacket`. */
  addInterface(name: string, linkType: number = LINK_TYPE.ethernet): number {
    const body = new Uint8Array(8)
    writeU32le(body, 0, linkType)
    writeU32le(body, 4, SNAP_LENGTH)
    this.block(BLOCK.interfaceDescription, body, [
      option(OPTION_CODE.interfaceName, utf8Octets(name)),
      option(OPTION_CODE.timestampResolution, Uint8Array.of(9)),
    ])
    return this.interfaceCount++
  }

  /** `timeNs` is non-negative and below 2^53; the octets are copied. */
  addPacket(
    interfaceId: number,
    timeNs: Nanos,
    octets: Uint8Array,
    { comment }: { comment?: string | undefined } = {},
  ): void {
    const text = comment === undefined ? null : option(OPTION_CODE.comment, utf8Octets(comment).subarray(0, 0xfffc))
    const optionOctets = text === null ? 0 : text.length + END_OF_OPTIONS
    const length = 32 + padded(octets.length) + optionOctets
    const at = this.reserve(length)
    const { piece } = this
    writeU32le(piece, at, BLOCK.enhancedPacket)
    writeU32le(piece, at + 4, length)
    writeU32le(piece, at + 8, interfaceId)
    writeU32le(piece, at + 12, Math.floor(timeNs / 0x1_0000_0000))
    writeU32le(piece, at + 16, timeNs >>> 0)
    writeU32le(piece, at + 20, octets.length)
    writeU32le(piece, at + 24, octets.length)
    piece.set(octets, at + 28)
    if (text !== null) piece.set(text, at + 28 + padded(octets.length))
    writeU32le(piece, at + length - 4, length)
  }

  /** How many frames the interface had seen by `timeNs`, and how many of them are not in the capture (§4.6). */
  addStatistics(
    interfaceId: number,
    timeNs: Nanos,
    { received, dropped }: { received: number; dropped: number },
  ): void {
    const body = new Uint8Array(12)
    writeU32le(body, 0, interfaceId)
    writeU32le(body, 4, Math.floor(timeNs / 0x1_0000_0000))
    writeU32le(body, 8, timeNs >>> 0)
    this.block(BLOCK.interfaceStatistics, body, [
      option(STATISTICS_OPTION.received, littleEndian64(received)),
      option(STATISTICS_OPTION.dropped, littleEndian64(dropped)),
    ])
  }

  /**
   * TLS secrets for the packets that follow (§4.7): an NSS key log, by which Wireshark opens TLS connections. Whoever reads
   * the capture can then read them too.
   */
  addTlsSecrets(keyLog: string): void {
    const text = utf8Octets(keyLog)
    const body = new Uint8Array(8 + padded(text.length))
    writeU32le(body, 0, TLS_KEY_LOG)
    writeU32le(body, 4, text.length)
    body.set(text, 8)
    this.block(BLOCK.decryptionSecrets, body, [])
  }

  /** Everything since the last `take`, for streaming; the caller owns it. */
  take(): Uint8Array {
    const whole = concatOctets([...this.pieces, this.piece.subarray(0, this.used)])
    this.pieces = []
    this.piece.fill(0, 0, this.used)
    this.used = 0
    return whole
  }

  private block(type: number, body: Uint8Array, options: readonly Uint8Array[]): void {
    let length = 12 + body.length
    for (const each of options) length += each.length
    if (options.length > 0) length += END_OF_OPTIONS
    let at = this.reserve(length)
    const { piece } = this
    writeU32le(piece, at, type)
    writeU32le(piece, at + 4, length)
    writeU32le(piece, at + length - 4, length)
    at += 8
    for (const part of [body, ...options]) {
      piece.set(part, at)
      at += part.length
    }
  }

  /** Where `length` octets that are zero can be written in `piece`. */
  private reserve(length: number): number {
    if (this.used + length > this.piece.length) {
      this.pieces.push(this.piece.subarray(0, this.used))
      this.piece = new Uint8Array(Math.max(PIECE_OCTETS, length))
      this.used = 0
    }
    const at = this.used
    this.used += length
    return at
  }
}

/** An option of code 0 and no length. */
const END_OF_OPTIONS = 4

function littleEndian64(value: number): Uint8Array {
  const octets = new Uint8Array(8)
  writeU32le(octets, 0, value >>> 0)
  writeU32le(octets, 4, Math.floor(value / 0x1_0000_0000))
  return octets
}

function option(code: number, value: Uint8Array): Uint8Array {
  const octets = new Uint8Array(4 + padded(value.length))
  writeU32le(octets, 0, code | (value.length << 16))
  octets.set(value, 4)
  return octets
}

function padded(length: number): number {
  return (length + 3) & ~3
}
