import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { equalOctets, writeU64be } from '../../../../core/base/octets.js'
import { DISK_CHUNK_OCTETS } from '../../../../core/migration/guest-disk.js'
import {
  decodeBlockRecord,
  encodeDiskChunk,
  encodeDiskEnd,
  encodeDiskProgress,
} from '../../../../core/migration/wire/block-section.js'

const decoded = (octets: Uint8Array): ReturnType<typeof decodeBlockRecord> =>
  decodeBlockRecord(octets, 0, octets.length)

const NOTHING = new Uint8Array()

describe('a record of a disk', () => {
  it('is laid out as QEMU does it', () => {
    const chunk = encodeDiskChunk('disk0', 2048, Uint8Array.of(7))
    expect(chunk.length).toBe(8 + 1 + 5 + DISK_CHUNK_OCTETS)
    expect([...chunk.subarray(0, 16)]).toEqual([0, 0, 0, 0, 0, 0x10, 0, 1, 5, 0x64, 0x69, 0x73, 0x6b, 0x30, 7, 0])
    expect([...encodeDiskProgress(25)]).toEqual([0, 0, 0, 0, 0, 0, 0x32, 4])
  })

  it('is read as it was written, and asks for what is missing', () => {
    const given = [fc.stringMatching(/^[a-z]{1,127}$/), fc.nat(2 ** 31 - 1), fc.boolean()] as const
    fc.assert(
      fc.property(...given, (device, sector, isZero) => {
        const octets = isZero ? null : new Uint8Array(DISK_CHUNK_OCTETS).fill(5)
        const record = encodeDiskChunk(device, sector, octets)
        const read = decoded(record)
        expect(read).toMatchObject({ record: { kind: 'chunk', device, sector }, octets: record.length })
        const body = 'record' in read && read.record.kind === 'chunk' ? read.record.octets : undefined
        expect(body === null).toBe(isZero)
        expect(equalOctets(body ?? NOTHING, octets ?? NOTHING)).toBe(true) // `toEqual` takes seconds for a chunk
        for (const length of [0, 7, 8, record.length - 1]) {
          const short = decoded(record.subarray(0, length))
          expect('needed' in short && short.needed > length && short.needed <= record.length).toBe(true)
        }
      }),
      { numRuns: 10 },
    )
  })

  it('is an end, or so many per cent', () => {
    expect(decoded(encodeDiskEnd())).toEqual({ record: { kind: 'end' }, octets: 8 })
    expect(decoded(encodeDiskProgress(100))).toEqual({ record: { kind: 'progress', percent: 100 }, octets: 8 })
  })

  it.each([
    [0x10, 'flags 0x10'],
    [3, 'flags 0x3'],
    [512 + 2, 'an end of records that has a sector'],
    [101 * 512 + 4, '101 per cent'],
  ])('is refused with the word %i', (word, reason) => {
    const octets = new Uint8Array(8)
    writeU64be(octets, 0, word)
    expect(() => decoded(octets)).toThrow(WireError)
    expect(() => decoded(octets)).toThrow(reason)
  })
})
