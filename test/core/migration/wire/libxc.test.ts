import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { concatOctets, equalOctets, hexOf, writeU32be, writeU32le } from '../../../../core/base/octets.js'
import { PAGE_OCTETS } from '../../../../core/base/units.js'
import {
  encodeLibxcHeaders,
  encodeLibxcRecord,
  encodePageData,
  LIBXC_PAGES_MAX,
  LIBXC_RECORD,
  LibxcReader,
  type LibxcRecord,
} from '../../../../core/migration/wire/libxc.js'
import { encodeLibxcRuns, LibxcUnframer } from '../../../../core/migration/wire/libxc-runs.js'

const page = (fill: number): Uint8Array => new Uint8Array(PAGE_OCTETS).fill(fill)
const run = (...octets: readonly number[]): Uint8Array => new Uint8Array(octets)
const END = encodeLibxcRecord({ type: LIBXC_RECORD.END, body: run() })

/** Two pages in three runs, then one run alone. */
const stream = concatOctets([
  encodeLibxcHeaders(),
  encodePageData([
    { pfn: 3, type: 0, octets: page(1) },
    { pfn: 9, type: 0, octets: page(2) },
  ]),
  encodeLibxcRuns([run(10, 11), run(), run(12)]),
  encodeLibxcRuns([run(13)]),
  END,
])
const inside = concatOctets([run(10, 11), page(1), page(2), run(12, 13)])

describe('Xen’s migration stream', () => {
  it('opens as its specification says', () => {
    expect(hexOf(encodeLibxcHeaders())).toBe(
      `${'ff'.repeat(8)}58454e4600000003${'00'.repeat(8)}01000000${'0c000000'}04000000${'11000000'}`,
    )
    expect(hexOf(encodeLibxcRecord({ type: 13, body: run(7) }))).toBe('0d0000000100000007' + '00'.repeat(7))
  })

  it('gives back what was framed, however it is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 12 }), (cuts) => {
        const unframer = new LibxcUnframer()
        const edges = [0, ...cuts.sort((a, b) => a - b), stream.length]
        const pieces = edges.slice(1).flatMap((end, index) => unframer.push(stream.subarray(edges[index], end)))
        unframer.end()
        expect(concatOctets(pieces)).toEqual(inside)
      }),
      { numRuns: 30 },
    )
  })

  it('of a record as large as may be costs no more when it comes in small pieces', () => {
    const body = new Uint8Array(LIBXC_PAGES_MAX * PAGE_OCTETS).map((_, index) => index % 251)
    const octets = concatOctets([
      encodeLibxcHeaders(),
      encodeLibxcRecord({ type: LIBXC_RECORD.TOOLSTACK, body }),
      encodeLibxcRecord({ type: LIBXC_RECORD.VERIFY, body: run() }),
    ])
    const reader = new LibxcReader()
    const records: LibxcRecord[] = []
    // Copied once a piece, they would be a terabyte: no test ends in time that does so.
    for (let at = 0; at < octets.length; at += 8) records.push(...reader.push(octets.slice(at, at + 8)))
    expect(records.map(({ type }) => type)).toEqual([LIBXC_RECORD.TOOLSTACK, LIBXC_RECORD.VERIFY])
    expect(equalOctets(records[0]?.body ?? run(), body)).toBe(true)
  })

  it('passes over records that may be missing, and refuses those that may not', () => {
    const optional = encodeLibxcRecord({ type: 0x80000042, body: run(1, 2, 3) })
    const verify = encodeLibxcRecord({ type: LIBXC_RECORD.VERIFY, body: run() })
    const records = new LibxcReader().push(concatOctets([encodeLibxcHeaders(), optional, verify, END]))
    expect(records.map(({ type }) => type)).toEqual([LIBXC_RECORD.VERIFY])
    const mandatory = encodeLibxcRecord({ type: 0x42, body: run() })
    expect(() => new LibxcReader().push(concatOctets([encodeLibxcHeaders(), mandatory]))).toThrow(
      'libxc: at octet 40: unknown mandatory record 0x42',
    )
  })

  it.each([
    ['no marker', (octets: Uint8Array) => octets.fill(0, 0, 1)],
    ['not XENF', (octets: Uint8Array) => writeU32be(octets, 8, 1)],
    ['version 9', (octets: Uint8Array) => writeU32be(octets, 12, 9)],
    ['big-endian', (octets: Uint8Array) => octets.fill(1, 17, 18)],
    ['page shift 13', (octets: Uint8Array) => octets.fill(13, 28, 29)],
    ['a record of 4294967295 octets', (octets: Uint8Array) => writeU32le(octets, 44, 0xffffffff)],
    ['PAGE_DATA of 3 pages has', (octets: Uint8Array) => writeU32le(octets, 48, 3)],
    ['PAGE_DATA of 0 pages', (octets: Uint8Array) => writeU32le(octets, 48, 0)],
    ['a page number above 32 bits', (octets: Uint8Array) => writeU32le(octets, 60, 1)],
    ['a page of type 13', (octets: Uint8Array) => writeU32le(octets, 60, 0xd0000000)],
    ['a page table as page 3, outside 0 to 0', (octets: Uint8Array) => writeU32le(octets, 60, 0x10000000)],
    ['a run longer than its record', (octets: Uint8Array) => writeU32le(octets, 8272, 99)],
  ])('refuses %s', (reason, change) => {
    const octets = stream.slice()
    change(octets)
    expect(() => new LibxcUnframer().push(octets)).toThrow(reason)
  })

  it('refuses pages that stand nowhere, octets after the end, and no end', () => {
    const pages = encodePageData([{ pfn: 0, type: 0, octets: page(1) }])
    const push = (...parts: readonly Uint8Array[]): unknown =>
      new LibxcUnframer().push(concatOctets([encodeLibxcHeaders(), ...parts]))
    expect(() => push(pages, pages)).toThrow('pages without a record that places them')
    expect(() => push(pages, encodeLibxcRuns([run(1)]))).toThrow('1 runs cannot stand around 1 pages')
    expect(() => push(END, run(1))).toThrow('octets after END')
    expect(() => new LibxcUnframer().end()).toThrow('without an END record')
  })

  it('of any octets is read or refused', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(stream.length - 1), fc.nat(255)), { maxLength: 8 }), (changes) => {
        const octets = stream.slice()
        for (const [at, value] of changes) octets[at] = value
        try {
          new LibxcUnframer().push(octets)
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
    )
  })
})
