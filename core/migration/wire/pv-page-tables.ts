/**
 * The page tables of a paravirtualised guest, as Xen's stream has them (docs/specs/libxc-migration-stream.pandoc: PAGE_DATA
 * and x86 PV; xg_sr_common_x86_pv.c).
 *
 * Such a guest keeps tables with the numbers of real frames, so the source turns every entry into the guest's own number
 * before it sends the table, and the destination back. Toy guests have no tables: those made here map their memory page by
 * page, as a kernel would, in frames beyond it.
 */
import { WireError } from '../../base/errors.js'
import { readU32le, writeU32le } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'
import { encodeLibxcRecord, LIBXC_RECORD, PAGE_TYPE, type LibxcPage } from './libxc.js'

const LEVELS = 4
const ENTRY_OCTETS = 8
const ENTRIES = PAGE_OCTETS / ENTRY_OCTETS
/** Present, writable, of the user, accessed, dirty. */
const ENTRY_FLAGS = 0x67
/** Of an entry: the frame's number begins here. */
const ENTRY_SHIFT = 12
/** Page numbers that an entry's low word can name: 4 GiB. */
const PAGES_MAX = 2 ** (32 - ENTRY_SHIFT)

/** Of a guest whose memory has `pageCount` pages: level 1 first, each level in the frames after the one below. */
export function pvPageTables(pageCount: number): readonly LibxcPage[] {
  const tables: LibxcPage[] = []
  let [from, count] = [0, pageCount]
  for (let level = 1; level <= LEVELS; level++) {
    const first = pageCount + tables.length
    for (let entry = 0; entry < count; entry += ENTRIES) {
      const octets = new Uint8Array(PAGE_OCTETS)
      for (let index = 0; index < Math.min(ENTRIES, count - entry); index++)
        writeU32le(octets, index * ENTRY_OCTETS, ((from + entry + index) << ENTRY_SHIFT) | ENTRY_FLAGS)
      tables.push({ pfn: pageCount + tables.length, type: PAGE_TYPE.L1TAB + level - 1, octets })
    }
    from = first
    count = pageCount + tables.length - first
  }
  return tables
}

/** Width of the guest's words in octets, levels of its tables. */
export function encodePvInfo(): Uint8Array {
  return encodeLibxcRecord({ type: LIBXC_RECORD.X86_PV_INFO, body: Uint8Array.of(8, LEVELS, 0, 0, 0, 0, 0, 0) })
}

/** First and last page number, u32 each, then a u64 for each frame of the list that gives every page its real frame. */
export function encodeP2mFrames(pageCount: number): Uint8Array {
  const frames = Math.ceil(pageCount / ENTRIES)
  const body = new Uint8Array(8 + 8 * frames)
  writeU32le(body, 4, pageCount - 1)
  const first = pageCount + pvPageTableCount(pageCount)
  for (let frame = 0; frame < frames; frame++) writeU32le(body, 8 + 8 * frame, first + frame)
  return encodeLibxcRecord({ type: LIBXC_RECORD.X86_PV_P2M_FRAMES, body })
}

/** How many pages the guest has. Throws `WireError`. */
export function decodeP2mFrames(body: Uint8Array): number {
  if (body.length < 8) throw new WireError('libxc', 0, 'X86_PV_P2M_FRAMES without its range')
  const [first, last] = [readU32le(body, 0), readU32le(body, 4)]
  const frames = Math.ceil((last + 1) / ENTRIES)
  if (first !== 0 || last >= PAGES_MAX) throw new WireError('libxc', 0, `P2M frames of pages ${first} to ${last}`)
  if (body.length !== 8 + 8 * frames)
    throw new WireError('libxc', 8, `P2M frames of ${last + 1} pages have ${body.length} octets, not ${8 + 8 * frames}`)
  return last + 1
}

/** Every entry names a page that the guest has. Throws `WireError` with offsets inside the table. */
export function checkPageTable({ pfn, octets }: LibxcPage, pageCount: number): void {
  const end = pageCount + pvPageTableCount(pageCount)
  if (pfn < pageCount || pfn >= end)
    throw new WireError('libxc', 0, `a page table as page ${pfn}, outside ${pageCount} to ${end}`)
  for (let at = 0; at < octets.length; at += ENTRY_OCTETS) {
    const low = readU32le(octets, at)
    if ((low & 1) === 0) continue
    if (readU32le(octets, at + 4) !== 0 || low >>> ENTRY_SHIFT >= end)
      throw new WireError('libxc', at, `an entry of page table ${pfn} names a page that the guest has not`)
  }
}

function pvPageTableCount(pageCount: number): number {
  let tables = 0
  for (let level = 1, count = pageCount; level <= LEVELS; level++) {
    count = Math.ceil(count / ENTRIES)
    tables += count
  }
  return tables
}
