/**
 * Xen's migration stream, version 3 (docs/specs/libxc-migration-stream.pandoc, xg_sr_stream_format.h), as much of it as this
 * lab's guests need:
 *
 *     image header    marker u64 (all ones)  id u32 "XENF"  version u32  options u16  reserved, 6 octets    big-endian
 *     domain header   type u32  page shift u16  reserved u16  Xen major u32  minor u32                      little-endian
 *     records         type u32  length u32  body, padded to 8 octets                                        little-endian
 *
 * PAGE_DATA holds pages with their numbers and types; page tables are in pv-page-tables.ts. What Xen has X86 records of
 * registers and a device model's blob for is here the machine's state in QEMU's sections, in a record of type TOOLSTACK;
 * those records, VERIFY and CHECKPOINT are known and passed over.
 */
import { WireError } from '../../base/errors.js'
import { readU16be, readU32be, readU32le, writeU16be, writeU32be, writeU32le } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'

export const LIBXC_ID = 0x58454e46
export const LIBXC_VERSION = 3
const VERSION_MIN = 2
export const LIBXC_IMAGE_HEADER_OCTETS = 24
export const LIBXC_DOMAIN_HEADER_OCTETS = 16
export const LIBXC_RECORD_HEADER_OCTETS = 8

export const LIBXC_RECORD = {
  END: 0,
  PAGE_DATA: 1,
  X86_PV_INFO: 2,
  X86_PV_P2M_FRAMES: 3,
  X86_PV_VCPU_BASIC: 4,
  X86_PV_VCPU_EXTENDED: 5,
  X86_PV_VCPU_XSAVE: 6,
  SHARED_INFO: 7,
  X86_TSC_INFO: 8,
  HVM_CONTEXT: 9,
  HVM_PARAMS: 10,
  TOOLSTACK: 11,
  X86_PV_VCPU_MSRS: 12,
  VERIFY: 13,
  CHECKPOINT: 14,
  CHECKPOINT_DIRTY_PFN_LIST: 15,
  STATIC_DATA_END: 16,
  X86_CPUID_POLICY: 17,
  X86_MSR_POLICY: 18,
} as const

/** A record that a reader may pass over when it does not know it. */
const OPTIONAL = 0x80000000
const knownTypes: readonly number[] = Object.values(LIBXC_RECORD)

/** DHDR_TYPE_X86_PV: Xen has no number for the lab's processor. */
const DOMAIN_TYPE = 1
const PAGE_SHIFT = 12
const XEN_MAJOR = 4
const XEN_MINOR = 17

/** MAX_BATCH_SIZE: pages of one PAGE_DATA record. */
export const LIBXC_PAGES_MAX = 1024
/** In the upper word of a page's number. */
const TYPE_SHIFT = 28
const RECORD_OCTETS_MAX = LIBXC_PAGES_MAX * (PAGE_OCTETS + 8) + 4096

/** Of a page, in the highest four bits of its number: the level of a page table (xen/public/domctl.h, XEN_DOMCTL_PFINFO). */
export const PAGE_TYPE = { NOTAB: 0, L1TAB: 1, L4TAB: 4 } as const

export interface LibxcRecord {
  readonly type: number
  readonly body: Uint8Array
}

export interface LibxcPage {
  /** Number of the page in its block of memory. */
  readonly pfn: number
  /** `PAGE_TYPE`. */
  readonly type: number
  readonly octets: Uint8Array
}

/** Both headers. */
export function encodeLibxcHeaders(): Uint8Array {
  const octets = new Uint8Array(LIBXC_IMAGE_HEADER_OCTETS + LIBXC_DOMAIN_HEADER_OCTETS)
  octets.fill(0xff, 0, 8)
  writeU32be(octets, 8, LIBXC_ID)
  writeU32be(octets, 12, LIBXC_VERSION)
  writeU16be(octets, 16, 0) // what follows is little-endian
  writeU32le(octets, 24, DOMAIN_TYPE)
  octets[28] = PAGE_SHIFT
  writeU32le(octets, 32, XEN_MAJOR)
  writeU32le(octets, 36, XEN_MINOR)
  return octets
}

const padded = (length: number): number => Math.ceil(length / 8) * 8

export function encodeLibxcRecord({ type, body }: LibxcRecord): Uint8Array {
  const octets = new Uint8Array(LIBXC_RECORD_HEADER_OCTETS + padded(body.length))
  writeU32le(octets, 0, type)
  writeU32le(octets, 4, body.length)
  octets.set(body, LIBXC_RECORD_HEADER_OCTETS)
  return octets
}

/** count u32, reserved u32, then a u64 for each page (its number, its type in the upper four bits), then the pages. */
export function encodePageData(pages: readonly LibxcPage[]): Uint8Array {
  const listOctets = 8 + 8 * pages.length
  const body = new Uint8Array(listOctets + PAGE_OCTETS * pages.length)
  writeU32le(body, 0, pages.length)
  pages.forEach(({ pfn, type, octets }, index) => {
    writeU32le(body, 8 + 8 * index, pfn)
    writeU32le(body, 12 + 8 * index, type << TYPE_SHIFT)
    body.set(octets, listOctets + PAGE_OCTETS * index)
  })
  return encodeLibxcRecord({ type: LIBXC_RECORD.PAGE_DATA, body })
}

/** Throws `WireError` with offsets inside the body. */
export function decodePageData(body: Uint8Array): readonly LibxcPage[] {
  if (body.length < 8) throw new WireError('libxc', 0, 'PAGE_DATA without a count')
  const count = readU32le(body, 0)
  if (count < 1 || count > LIBXC_PAGES_MAX) throw new WireError('libxc', 0, `PAGE_DATA of ${count} pages`)
  const listOctets = 8 + 8 * count
  if (body.length !== listOctets + PAGE_OCTETS * count)
    throw new WireError('libxc', 0, `PAGE_DATA of ${count} pages has ${body.length} octets`)
  return Array.from({ length: count }, (_, index) => {
    const at = 8 + 8 * index
    const high = readU32le(body, at + 4)
    const type = high >>> TYPE_SHIFT
    if (type > PAGE_TYPE.L4TAB) throw new WireError('libxc', at, `a page of type ${type}`)
    if (high << 4 !== 0) throw new WireError('libxc', at, 'a page number above 32 bits')
    const from = listOctets + PAGE_OCTETS * index
    return { pfn: readU32le(body, at), type, octets: body.subarray(from, from + PAGE_OCTETS) }
  })
}

/** Reads headers and records out of pieces of any size. Everything throws `WireError`. */
export class LibxcReader {
  /** What came and was not read is `store[start, end)`. What was read is not written over: records are views. */
  private store = new Uint8Array(0)
  private start = 0
  private end = 0
  private position = 0
  private hasHeaders = false
  /** The END record was read. */
  isDone = false

  /** The records that end within `octets`, but for those that are passed over. */
  push(octets: Uint8Array): LibxcRecord[] {
    this.keep(octets)
    const records: LibxcRecord[] = []
    if (!this.hasHeaders && !this.readHeaders()) return records
    while (this.readRecord(records)) if (this.isDone && this.start < this.end) throw this.refused('octets after END')
    return records
  }

  /** A new store has twice the room that is needed, so that a record in many pieces is copied a few times at most. */
  private keep(octets: Uint8Array): void {
    const { held } = this
    if (this.end + octets.length > this.store.length) {
      this.store = new Uint8Array(2 * (held.length + octets.length))
      this.store.set(held)
      this.start = 0
      this.end = held.length
    }
    this.store.set(octets, this.end)
    this.end += octets.length
  }

  /** What was not read: a view. */
  private get held(): Uint8Array {
    return this.store.subarray(this.start, this.end)
  }

  private readHeaders(): boolean {
    const { held } = this
    if (held.length < LIBXC_IMAGE_HEADER_OCTETS + LIBXC_DOMAIN_HEADER_OCTETS) return false
    if (held.subarray(0, 8).some((octet) => octet !== 0xff)) throw this.refused('no marker')
    if (readU32be(held, 8) !== LIBXC_ID) throw this.refused('the id is not XENF', 8)
    const version = readU32be(held, 12)
    if (version < VERSION_MIN || version > LIBXC_VERSION) throw this.refused(`version ${version}`, 12)
    if ((readU16be(held, 16) & 1) !== 0) throw this.refused('a big-endian stream', 16)
    if (held[28] !== PAGE_SHIFT) throw this.refused(`page shift ${held[28] ?? 0}`, 28)
    this.drop(LIBXC_IMAGE_HEADER_OCTETS + LIBXC_DOMAIN_HEADER_OCTETS)
    this.hasHeaders = true
    return true
  }

  private readRecord(records: LibxcRecord[]): boolean {
    const { held } = this
    if (this.isDone || held.length < LIBXC_RECORD_HEADER_OCTETS) return false
    const type = readU32le(held, 0)
    const length = readU32le(held, 4)
    if (length > RECORD_OCTETS_MAX) throw this.refused(`a record of ${length} octets`, 4)
    const isKnown = knownTypes.includes(type)
    if (!isKnown && type < OPTIONAL) throw this.refused(`unknown mandatory record 0x${type.toString(16)}`)
    const end = LIBXC_RECORD_HEADER_OCTETS + padded(length)
    if (held.length < end) return false
    if (type === LIBXC_RECORD.END) this.isDone = true
    else if (isKnown)
      records.push({ type, body: held.subarray(LIBXC_RECORD_HEADER_OCTETS, LIBXC_RECORD_HEADER_OCTETS + length) })
    this.drop(end)
    return true
  }

  private drop(length: number): void {
    this.start += length
    this.position += length
  }

  private refused(reason: string, offset = 0): WireError {
    return new WireError('libxc', this.position + offset, reason)
  }
}
