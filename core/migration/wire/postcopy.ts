/**
 * Bodies of the commands of post-copy (QEMU migration/savevm.c), and page bitmaps as they cross in a recovery.
 *
 *     POSTCOPY_ADVISE       u64 page sizes of all blocks, u64 target page size
 *     POSTCOPY_RAM_DISCARD  u8 version, u8 length, block name, u8 0, (u64 start, u64 length)+
 *     RECV_BITMAP           u8 length, block name
 */
import { assert, WireError } from '../../base/errors.js'
import { OctetReader, OctetWriter } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'

/** Octets of a block, whole pages. */
export interface PageRange {
  readonly offset: number
  readonly octets: number
}

export interface DiscardCommand {
  readonly block: string
  readonly ranges: readonly PageRange[]
}

/** `postcopy_ram_discard_version`. */
const DISCARD_VERSION = 0
/** QEMU's MAX_DISCARDS_PER_COMMAND. */
export const DISCARDS_PER_COMMAND_MAX = 12

export function encodeAdvise(): Uint8Array {
  return new OctetWriter().u64(PAGE_OCTETS).u64(PAGE_OCTETS).take()
}

/** Throws `WireError` unless both sides have pages of 4096 octets. */
export function checkAdvise(data: Uint8Array): void {
  const reader = new OctetReader(data, 'qevm POSTCOPY_ADVISE')
  const blockPages = reader.u64()
  const targetPage = reader.u64()
  if (blockPages !== PAGE_OCTETS || targetPage !== PAGE_OCTETS)
    throw new WireError(reader.protocol, 0, `pages of ${blockPages} and ${targetPage} octets, not ${PAGE_OCTETS}`)
  expectEnd(reader)
}

/** At most `DISCARDS_PER_COMMAND_MAX` ranges. */
export function encodeDiscard({ block, ranges }: DiscardCommand): Uint8Array {
  assert(ranges.length > 0 && ranges.length <= DISCARDS_PER_COMMAND_MAX, `${ranges.length} ranges in one command`)
  const writer = new OctetWriter().u8(DISCARD_VERSION).u8(block.length).latin1(block).u8(0)
  for (const { offset, octets } of ranges) writer.u64(offset).u64(octets)
  return writer.take()
}

/** Throws `WireError`. The ranges are whole pages, but may lie outside any block. */
export function decodeDiscard(data: Uint8Array): DiscardCommand {
  const reader = new OctetReader(data, 'qevm POSTCOPY_RAM_DISCARD')
  const version = reader.u8('version')
  if (version !== DISCARD_VERSION) throw new WireError(reader.protocol, 0, `version ${version}`)
  const block = reader.latin1(reader.u8('name length'), 'block')
  if (reader.u8('end of name') !== 0) throw new WireError(reader.protocol, reader.offset - 1, 'a name without its end')
  if (reader.remaining === 0) throw new WireError(reader.protocol, reader.offset, 'nothing to discard')
  const ranges: PageRange[] = []
  while (reader.remaining > 0) {
    const at = reader.offset
    const offset = reader.u64('start')
    const octets = reader.u64('length')
    if (offset % PAGE_OCTETS !== 0 || octets % PAGE_OCTETS !== 0)
      throw new WireError(reader.protocol, at, `${octets} octets from ${offset} are not whole pages`)
    ranges.push({ offset, octets })
  }
  return { block, ranges }
}

/** The body of RECV_BITMAP. */
export function encodeBlockName(block: string): Uint8Array {
  return new OctetWriter().u8(block.length).latin1(block).take()
}

/** Throws `WireError`. */
export function decodeBlockName(data: Uint8Array): string {
  const reader = new OctetReader(data, 'qevm RECV_BITMAP')
  const block = reader.latin1(reader.u8('name length'), 'block')
  expectEnd(reader)
  return block
}

/** The runs of set bits of a bitmap (one bit a page, page 0 the lowest bit of word 0), in order. */
export function rangesOf(bits: Uint32Array, pageCount: number): PageRange[] {
  const ranges: PageRange[] = []
  for (let page = 0; page < pageCount; page++) {
    if (!hasBit(bits, page)) continue
    const first = page
    while (page < pageCount && hasBit(bits, page)) page++
    ranges.push({ offset: first * PAGE_OCTETS, octets: (page - first) * PAGE_OCTETS })
  }
  return ranges
}

function hasBit(bits: Uint32Array, page: number): boolean {
  return (((bits[page >>> 5] ?? 0) >>> (page & 31)) & 1) === 1
}

/** Octets of the bitmap of a block as it crosses: a bit a page, in whole words of 64. */
export function bitmapOctets(pageCount: number): number {
  return 8 * Math.ceil(pageCount / 64)
}

/** A bitmap as it crosses: little-endian. */
export function bitmapToOctets(bits: Uint32Array, pageCount: number): Uint8Array {
  const octets = new Uint8Array(bitmapOctets(pageCount))
  for (let at = 0; at < octets.length; at++) octets[at] = (bits[at >>> 2] ?? 0) >>> (8 * (at & 3))
  return octets
}

/** The inverse. Throws `WireError` when it is not as long as that of `pageCount` pages. */
export function bitmapOfOctets(octets: Uint8Array, pageCount: number): Uint32Array {
  if (octets.length !== bitmapOctets(pageCount))
    throw new WireError('return path', 0, `a bitmap of ${octets.length} octets for ${pageCount} pages`)
  const bits = new Uint32Array(Math.ceil(pageCount / 32))
  for (let page = 0; page < pageCount; page++)
    if ((((octets[page >>> 3] ?? 0) >>> (page & 7)) & 1) === 1)
      bits[page >>> 5] = ((bits[page >>> 5] ?? 0) | (1 << (page & 31))) >>> 0
  return bits
}

function expectEnd(reader: OctetReader): void {
  if (reader.remaining > 0) throw new WireError(reader.protocol, reader.offset, `${reader.remaining} octets too many`)
}
