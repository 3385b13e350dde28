/**
 * What the extra connections of a multifd migration carry (QEMU 7.2 migration/multifd.c and multifd-zlib.c, version 1):
 *
 *     connection := magic 0x11223344 (4) version (4) uuid (16) channel id (1) zeros (39), then packets
 *     packet     := magic (4) version (4) flags (4) pages allocated (4) normal pages (4) octets of pages (4)
 *                   number (8) zero pages (4) zeros (28) block name (256) ‖ an offset (8) for each page allocated ‖ normal pages
 *
 * The offsets are those of the normal pages, then those of zero pages, which nothing follows. The octets of pages compressed by
 * zlib are one stream for the whole connection, flushed at the end of each packet.
 */
import { Deflate, inflateSync } from 'fflate'
import { assert, WireError } from '../../base/errors.js'
import { concatOctets, latin1Octets, writeU32be, writeU64be } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'
import { MULTIFD_MAGIC } from './qevm.js'

export const MULTIFD_HELLO_OCTETS = 64
export const MULTIFD_HEADER_OCTETS = 320
export const MULTIFD_NAME_AT = 64
/** MULTIFD_PACKET_SIZE, 512 KiB, in pages. */
export const MULTIFD_PACKET_PAGES = 128
/** Everything of a packet before its pages. */
export const MULTIFD_PAGES_AT = MULTIFD_HEADER_OCTETS + 8 * MULTIFD_PACKET_PAGES

export const MULTIFD_VERSION = 1
export const MULTIFD_FLAG = { SYNC: 1, ZLIB: 1 << 1 } as const
/** Which compression, in the flags. */
export const MULTIFD_COMPRESSION_MASK = 0x3e

/** QEMU's default `multifd-zlib-level`. */
const ZLIB_LEVEL = 1
/** Deflate with a window of 32 KiB, fastest; the window is also what a receiver keeps. */
const ZLIB_HEADER = Uint8Array.of(0x78, 0x01)
const WINDOW_OCTETS = 32 * 1024
/** An empty last block: ends a stream that goes on at its sender's. */
const FINAL_BLOCK = Uint8Array.of(0x01, 0x00, 0x00, 0xff, 0xff)

/** What opens a connection. Without a UUID of the VM, QEMU sends zeros. */
export function encodeMultifdHello(channel: number): Uint8Array {
  const octets = new Uint8Array(MULTIFD_HELLO_OCTETS)
  writeU32be(octets, 0, MULTIFD_MAGIC)
  writeU32be(octets, 4, MULTIFD_VERSION)
  octets[24] = channel
  return octets
}

export interface MultifdPacket {
  readonly flags: number
  readonly number: number
  /** '' when there are no pages. */
  readonly block: string
  readonly normalOffsets: readonly number[]
  readonly zeroOffsets: readonly number[]
  /** Octets after the offsets. */
  readonly pagesOctets: number
}

/** Write everything before the pages, `MULTIFD_PAGES_AT` octets, into `octets`, which hold zeros there. */
export function encodeMultifdHeader(octets: Uint8Array, packet: MultifdPacket): void {
  const { normalOffsets, zeroOffsets } = packet
  assert(normalOffsets.length + zeroOffsets.length <= MULTIFD_PACKET_PAGES, 'too many pages for a packet')
  writeU32be(octets, 0, MULTIFD_MAGIC)
  writeU32be(octets, 4, MULTIFD_VERSION)
  writeU32be(octets, 8, packet.flags)
  writeU32be(octets, 12, MULTIFD_PACKET_PAGES)
  writeU32be(octets, 16, normalOffsets.length)
  writeU32be(octets, 20, packet.pagesOctets)
  writeU64be(octets, 24, packet.number)
  writeU32be(octets, 32, zeroOffsets.length)
  octets.set(latin1Octets(packet.block), MULTIFD_NAME_AT)
  let at = MULTIFD_HEADER_OCTETS
  for (const offset of normalOffsets) at = putOffset(octets, at, offset)
  for (const offset of zeroOffsets) at = putOffset(octets, at, offset)
}

function putOffset(octets: Uint8Array, at: number, offset: number): number {
  writeU64be(octets, at, offset)
  return at + 8
}

/**
 * The pages of a packet as the next piece of their connection's zlib stream. It refers to nothing before it, so that a sender
 * keeps nothing; whoever reads it as one stream sees no difference.
 */
export function deflatePages(pages: Uint8Array, isFirst: boolean): Uint8Array {
  const parts: Uint8Array[] = isFirst ? [ZLIB_HEADER] : []
  const deflate = new Deflate({ level: ZLIB_LEVEL }, (part) => parts.push(part))
  deflate.push(pages)
  deflate.flush()
  deflate.push(new Uint8Array(0), true)
  return goingOn(concatOctets(parts))
}

/** The marks of a synchronisation: an empty stored block's length and its complement, at an octet boundary. */
const SYNC_MARK = Uint8Array.of(0x00, 0x00, 0xff, 0xff)
/** An empty block of fixed codes: whether it is the last (1 bit), its type 01 (2), the end of the block, all zeros (7). */
const EMPTY_BLOCK_BITS = 10
/** What opens a stored block: three zeros. */
const STORED_BLOCK_BITS = 3

/**
 * A deflate stream that ends with an empty block of fixed codes, so that another can follow: the block is no longer marked as
 * the last, and an empty stored block follows (RFC 1951 §3.2, zlib's Z_SYNC_FLUSH).
 */
function goingOn(octets: Uint8Array): Uint8Array {
  // The last bit that is set is the type's; the one before it is the mark.
  let at = octets.length - 1
  while (octets[at] === 0) at--
  const lastBit = 8 * at + 31 - Math.clz32(octets[at] ?? 0) - 1
  octets[lastBit >>> 3] = (octets[lastBit >>> 3] ?? 0) & ~(1 << (lastBit & 7))
  const stream = new Uint8Array(Math.ceil((lastBit + EMPTY_BLOCK_BITS + STORED_BLOCK_BITS) / 8) + SYNC_MARK.length)
  stream.set(octets)
  stream.set(SYNC_MARK, stream.length - SYNC_MARK.length)
  return stream
}

/** The receiving end of such a stream: what it keeps between two packets is the last 32 KiB. */
export class PagesInflater {
  private window = new Uint8Array(0)
  private hasHeader = false

  /** The pages of one packet. Throws `WireError` for what is no part of a zlib stream, or not so many pages. */
  inflate(octets: Uint8Array, pageCount: number): Uint8Array {
    const body = this.hasHeader ? octets : this.withoutHeader(octets)
    const length = pageCount * PAGE_OCTETS
    let pages: Uint8Array
    try {
      // One octet more than there should be, to see that there is no more.
      const out = new Uint8Array(length + 1)
      pages = inflateSync(concatOctets([body, FINAL_BLOCK]), { out, dictionary: this.window })
    } catch {
      throw new WireError('multifd', 0, 'compressed pages that do not inflate')
    }
    if (pages.length !== length) throw new WireError('multifd', 0, `compressed pages of other than ${length} octets`)
    this.window = concatOctets([this.window, pages]).slice(-WINDOW_OCTETS)
    return pages
  }

  private withoutHeader(octets: Uint8Array): Uint8Array {
    const [method = 0, flags = 0] = octets
    if ((method & 0x0f) !== 8 || (256 * method + flags) % 31 !== 0 || (flags & 0x20) !== 0)
      throw new WireError('multifd', 0, 'compressed pages without a zlib header')
    this.hasHeader = true
    return octets.subarray(2)
  }
}
