/**
 * The section of a disk that is moved in the stream (QEMU 7.2 migration/block.c; removed in 9.1). Its START holds no record but the
 * end; PARTs carry the whole disk once, the END what was written meanwhile, guest stopped. A record is
 *
 *     u64  sector << 9 | flags          or   percent << 9 | PROGRESS   or   EOS
 *     u8   length of the drive's name \
 *     name                             } with DEVICE_BLOCK
 *     2^20 octets                      / and not with ZERO_BLOCK
 *
 * A chunk that the disk's end cuts is filled up; what is there is not the disk's.
 */
import { assert, WireError } from '../../base/errors.js'
import { latin1Octets, latin1Text, readU32be, writeU64be } from '../../base/octets.js'
import { NAME_OCTETS_MAX } from './qevm.js'

/** Octets of a chunk; the last one of a disk may be shorter (BLK_MIG_BLOCK_SIZE). */
export const DISK_CHUNK_OCTETS = 1024 * 1024
export const DISK_SECTOR_OCTETS = 512

export const BLOCK_SECTION = { idstr: 'block', instanceId: 0, version: 1 } as const

export const BLK_MIG_FLAG = {
  DEVICE_BLOCK: 0x01,
  EOS: 0x02,
  PROGRESS: 0x04,
  ZERO_BLOCK: 0x08,
} as const

export type BlockRecord =
  | {
      readonly kind: 'chunk'
      readonly device: string
      readonly sector: number
      /** A view of 1 MiB, or null for zeros. */
      readonly octets: Uint8Array | null
    }
  | { readonly kind: 'progress'; readonly percent: number }
  | { readonly kind: 'end' }

/** Octets of a record's opening word. */
const WORD_OCTETS = 8

/** `octets` is the chunk, 1 MiB or less at the disk's end; null for zeros. */
export function encodeDiskChunk(device: string, sector: number, octets: Uint8Array | null): Uint8Array {
  assert(device.length > 0 && device.length <= NAME_OCTETS_MAX, `name of ${device.length} characters`)
  const headerOctets = WORD_OCTETS + 1 + device.length
  const record = new Uint8Array(headerOctets + (octets === null ? 0 : DISK_CHUNK_OCTETS))
  const zero = octets === null ? BLK_MIG_FLAG.ZERO_BLOCK : 0
  writeU64be(record, 0, sector * DISK_SECTOR_OCTETS + BLK_MIG_FLAG.DEVICE_BLOCK + zero)
  record[WORD_OCTETS] = device.length
  record.set(latin1Octets(device), WORD_OCTETS + 1)
  if (octets !== null) record.set(octets, headerOctets)
  return record
}

/** Percent of the disk that the chunks before this record made up. */
export function encodeDiskProgress(percent: number): Uint8Array {
  return word(percent * DISK_SECTOR_OCTETS + BLK_MIG_FLAG.PROGRESS)
}

export function encodeDiskEnd(): Uint8Array {
  return word(BLK_MIG_FLAG.EOS)
}

/**
 * The record at `start` and the octets it takes; or how many octets from `start` on are needed to tell. Throws `WireError`, whose
 * offset counts from `start`.
 */
export function decodeBlockRecord(
  octets: Uint8Array,
  start: number,
  end: number,
): { readonly record: BlockRecord; readonly octets: number } | { readonly needed: number } {
  if (end - start < WORD_OCTETS) return { needed: WORD_OCTETS }
  const low = readU32be(octets, start + 4)
  const flags = low % DISK_SECTOR_OCTETS
  const value = readU32be(octets, start) * (0x1_0000_0000 / DISK_SECTOR_OCTETS) + (low - flags) / DISK_SECTOR_OCTETS
  switch (flags) {
    case BLK_MIG_FLAG.EOS:
      if (value !== 0) throw refused(0, 'an end of records that has a sector')
      return { record: { kind: 'end' }, octets: WORD_OCTETS }
    case BLK_MIG_FLAG.PROGRESS:
      if (value > 100) throw refused(0, `${value} per cent of a disk`)
      return { record: { kind: 'progress', percent: value }, octets: WORD_OCTETS }
    case BLK_MIG_FLAG.DEVICE_BLOCK:
    case BLK_MIG_FLAG.DEVICE_BLOCK | BLK_MIG_FLAG.ZERO_BLOCK:
      break
    default:
      throw refused(0, `flags 0x${flags.toString(16)} of a record of a disk`)
  }
  if (end - start < WORD_OCTETS + 1) return { needed: WORD_OCTETS + 1 }
  const nameOctets = octets[start + WORD_OCTETS] ?? 0
  const bodyAt = WORD_OCTETS + 1 + nameOctets
  const bodyOctets = (flags & BLK_MIG_FLAG.ZERO_BLOCK) === 0 ? DISK_CHUNK_OCTETS : 0
  if (end - start < bodyAt + bodyOctets) return { needed: bodyAt + bodyOctets }
  const device = latin1Text(octets.subarray(start + WORD_OCTETS + 1, start + bodyAt))
  const body = bodyOctets === 0 ? null : octets.subarray(start + bodyAt, start + bodyAt + bodyOctets)
  return { record: { kind: 'chunk', device, sector: value, octets: body }, octets: bodyAt + bodyOctets }
}

function word(value: number): Uint8Array {
  const octets = new Uint8Array(WORD_OCTETS)
  writeU64be(octets, 0, value)
  return octets
}

function refused(offset: number, reason: string): WireError {
  return new WireError('qevm', offset, reason)
}
