import { describe, expect, it } from 'vitest'
import { concatOctets, readU32le, writeU32le } from '../../../../core/base/octets.js'
import {
  encodeLibxcHeaders,
  encodeLibxcRecord,
  encodePageData,
  LIBXC_RECORD,
  type LibxcPage,
} from '../../../../core/migration/wire/libxc.js'
import { LibxcUnframer } from '../../../../core/migration/wire/libxc-runs.js'
import {
  decodeP2mFrames,
  encodeP2mFrames,
  encodePvInfo,
  pvPageTables,
} from '../../../../core/migration/wire/pv-page-tables.js'

const MIB_PAGES = 256
const bodyOf = (record: Uint8Array): Uint8Array => record.slice(8, 8 + readU32le(record, 4))

/** The pages that the highest table leads to. */
function walk(tables: readonly LibxcPage[], pfn: number): number[] {
  const table = tables.find((one) => one.pfn === pfn)
  if (table === undefined) return [pfn]
  const entries = Array.from({ length: 512 }, (_, index) => readU32le(table.octets, index * 8))
  return entries.filter((entry) => (entry & 1) === 1).flatMap((entry) => walk(tables, entry >>> 12))
}

describe('a paravirtualised guest’s page tables', () => {
  it.each([
    [1, [1, 1, 1, 1]],
    [16 * MIB_PAGES, [8, 1, 1, 1]],
    [1024 * MIB_PAGES, [512, 1, 1, 1]],
    [1026 * MIB_PAGES, [513, 2, 1, 1]],
  ])('lead from one root to each of %i pages once, by tables of levels 1 to 4: %j', (pages, counts) => {
    const tables = pvPageTables(pages)
    expect([1, 2, 3, 4].map((level) => tables.filter(({ type }) => type === level).length)).toEqual(counts)
    expect(walk(tables, tables.at(-1)!.pfn)).toEqual(Array.from({ length: pages }, (_, page) => page))
  })

  it('are introduced by the width of words, their levels, and the frames of the list of real frames', () => {
    expect([...encodePvInfo()]).toEqual([2, 0, 0, 0, 8, 0, 0, 0, 8, 4, 0, 0, 0, 0, 0, 0])
    const body = bodyOf(encodeP2mFrames(1024))
    expect([0, 4, 8, 16].map((at) => readU32le(body, at))).toEqual([0, 1023, 1024 + 5, 1024 + 6])
    expect(decodeP2mFrames(body)).toBe(1024)
  })

  it('are refused when they are not of this guest', () => {
    const [first] = pvPageTables(1024)
    const received = (table: LibxcPage): unknown =>
      new LibxcUnframer().push(
        concatOctets([encodeLibxcHeaders(), encodePvInfo(), encodeP2mFrames(1024), encodePageData([table])]),
      )
    expect(received(first!)).toEqual([])
    expect(() => received({ ...first!, pfn: 7 })).toThrow('a page table as page 7, outside 1024 to 1029')
    const octets = first!.octets.slice()
    writeU32le(octets, 16, (5000 << 12) | 1)
    expect(() => received({ ...first!, octets })).toThrow(
      'libxc: at octet 16: an entry of page table 1024 names a page that the guest has not',
    )
  })

  it.each([
    ['no range', 4, 0, 'without its range'],
    ['a range that is not from 0', 16, 1, 'P2M frames of pages 1 to'],
    ['too few frames', 8, 0, 'have 8 octets, not 16'],
  ])('%s is refused', (_, length, first, reason) => {
    const body = bodyOf(encodeP2mFrames(1)).slice(0, length)
    body[0] = first
    const record = encodeLibxcRecord({ type: LIBXC_RECORD.X86_PV_P2M_FRAMES, body })
    expect(() => new LibxcUnframer().push(concatOctets([encodeLibxcHeaders(), record]))).toThrow(reason)
  })
})
