import { constants, createInflate, deflateSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { concatOctets, hexOf } from '../../../../core/base/octets.js'
import { PAGE_OCTETS } from '../../../../core/base/units.js'
import {
  deflatePages,
  encodeMultifdHeader,
  encodeMultifdHello,
  MULTIFD_FLAG,
  MULTIFD_PAGES_AT,
  PagesInflater,
} from '../../../../core/migration/wire/multifd.js'
import { MultifdReader, type MultifdObserver } from '../../../../core/migration/wire/multifd-reader.js'

class Heard implements MultifdObserver {
  readonly pages: string[] = []
  syncs = 0
  multifdPage(block: string, offset: number, octets: Uint8Array): void {
    this.pages.push(`${block} ${offset} ${octets.length} ${hexOf(octets.subarray(0, 4))}`)
  }
  multifdZeroPage(block: string, offset: number): void {
    this.pages.push(`${block} ${offset} zero`)
  }
  multifdSync(): void {
    this.syncs++
  }
}

interface Sent {
  readonly values: readonly number[]
  readonly zeros: number
  readonly isSync: boolean
  readonly isZlib: boolean
}

/** A connection as a sender writes it, and what a reader should say of it. */
function connectionOf(packets: readonly Sent[]): { octets: Uint8Array; heard: string[] } {
  const parts = [encodeMultifdHello(3)]
  const heard: string[] = []
  let isFirst = true
  for (const [number, { values, zeros, isSync, isZlib }] of packets.entries()) {
    const pages = concatOctets(values.map((value) => new Uint8Array(PAGE_OCTETS).fill(value)))
    const body: Uint8Array = isZlib && values.length > 0 ? deflatePages(pages, isFirst) : pages
    isFirst &&= body === pages
    const flags = (isSync ? MULTIFD_FLAG.SYNC : 0) | (body === pages ? 0 : MULTIFD_FLAG.ZLIB)
    const normalOffsets = values.map((_, index) => (index + number) * PAGE_OCTETS)
    const zeroOffsets = Array.from({ length: zeros }, (_, index) => (1000 + index) * PAGE_OCTETS)
    const header = new Uint8Array(MULTIFD_PAGES_AT)
    encodeMultifdHeader(header, { flags, number, block: 'ram', pagesOctets: body.length, normalOffsets, zeroOffsets })
    parts.push(header, body)
    heard.push(...zeroOffsets.map((offset) => `ram ${offset} zero`))
    heard.push(
      ...values.map((value, i) => `ram ${normalOffsets[i]} 4096 ${hexOf(Uint8Array.of(value, value, value, value))}`),
    )
  }
  return { octets: concatOctets(parts), heard }
}

const packets = fc.array(
  fc.record({
    values: fc.array(fc.integer({ min: 1, max: 255 }), { maxLength: 5 }),
    zeros: fc.nat(3),
    isSync: fc.boolean(),
    isZlib: fc.boolean(),
  }),
  { minLength: 1, maxLength: 6 },
)

describe('a multifd connection', () => {
  it('is read as it was written, in whatever pieces it comes', () => {
    fc.assert(
      fc.property(packets, fc.integer({ min: 1, max: 9000 }), (sent, pieceOctets) => {
        const { octets, heard } = connectionOf(sent)
        const reader = new MultifdReader()
        const observer = new Heard()
        for (let at = 0; at < octets.length;) at += reader.push(octets.subarray(at, at + pieceOctets), observer)
        expect(observer.pages).toEqual(heard)
        expect(observer.syncs).toBe(sent.filter(({ isSync }) => isSync).length)
        expect(reader.channel).toBe(3)
        expect(reader.isBetweenPackets).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  it('is read no further than a synchronisation at a time', () => {
    const one = { values: [7], zeros: 0, isSync: true, isZlib: false }
    const { octets } = connectionOf([one, one])
    const observer = new Heard()
    const read = new MultifdReader().push(octets, observer)
    expect(read).toBe(octets.length - MULTIFD_PAGES_AT - PAGE_OCTETS)
    expect(observer.syncs).toBe(1)
  })

  it('gives a WireError or goes on, whatever octet is changed', () => {
    const { octets } = connectionOf([
      { values: [1, 2], zeros: 1, isSync: false, isZlib: true },
      { values: [3], zeros: 0, isSync: true, isZlib: false },
    ])
    const headers = [...Array(400).keys(), ...Array.from({ length: 60 }, (_, index) => 64 + MULTIFD_PAGES_AT + index)]
    for (const at of headers) {
      const changed = octets.slice()
      changed[at]! ^= 1 << (at % 8)
      try {
        const reader = new MultifdReader()
        for (let from = 0; from < changed.length;) from += reader.push(changed.subarray(from), new Heard())
      } catch (error) {
        expect(error).toBeInstanceOf(WireError)
        expect((error as WireError).protocol).toBe('multifd')
      }
    }
  })
})

describe('compressed pages of a connection', () => {
  const pieces = fc.array(fc.array(fc.nat(255), { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 4 })
  const pagesOf = (values: readonly number[]): Uint8Array =>
    concatOctets(
      values.map((value, page) => Uint8Array.from({ length: PAGE_OCTETS }, (_, i) => (i * value + page) & 255)),
    )

  it('are one zlib stream, as zlib itself reads it', async () => {
    const inputs = [pagesOf([3, 5]), pagesOf([3, 9, 200]), pagesOf([0])]
    const stream = concatOctets(inputs.map((pages, index) => deflatePages(pages, index === 0)))
    const inflate = createInflate({ finishFlush: constants.Z_SYNC_FLUSH })
    inflate.end(stream)
    const out: Buffer[] = []
    for await (const part of inflate) out.push(part as Buffer)
    expect(new Uint8Array(Buffer.concat(out))).toEqual(concatOctets(inputs))
  })

  it('are read back, packet by packet', () => {
    fc.assert(
      fc.property(pieces, (all) => {
        const inflater = new PagesInflater()
        for (const [index, values] of all.entries()) {
          const pages = pagesOf(values)
          expect(inflater.inflate(deflatePages(pages, index === 0), values.length)).toEqual(pages)
        }
      }),
      { numRuns: 30 },
    )
  })

  it('may refer to the packets before them, as QEMU’s do', () => {
    const [first, second] = [pagesOf([77, 99]), pagesOf([77, 99])]
    const whole = new Uint8Array(deflateSync(first, { finishFlush: constants.Z_SYNC_FLUSH }))
    const both = new Uint8Array(
      deflateSync(concatOctets([first, second]), { finishFlush: constants.Z_SYNC_FLUSH, dictionary: undefined }),
    )
    expect(both.length).toBeLessThan(2 * whole.length)
    const inflater = new PagesInflater()
    expect(inflater.inflate(both, 4)).toEqual(concatOctets([first, second]))
  })

  it.each([
    ['no header', Uint8Array.of(1, 2, 3, 4), 1],
    ['too few pages', deflatePages(pagesOf([1]), true), 2],
    ['too many pages', deflatePages(pagesOf([1, 2, 3]), true), 2],
  ])('are refused with %s', (_name, octets, count) => {
    expect(() => new PagesInflater().inflate(octets, count)).toThrow(WireError)
  })
})
