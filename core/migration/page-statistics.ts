/**
 * Guest memory without octets: so many zero pages, so many filled ones, and sets of pages that are written at a rate. What
 * was written is worked out from virtual time when somebody asks, so the cost does not depend on the write rate. A page's
 * octets are made from its number and its version when they are asked for, so that records, deltas and comparisons are
 * real. At rest it costs nothing a page; where a migration arrives it costs 32 bits, and a random set costs as much.
 *
 * The version of a page counts what was stored in it: 0 is a zero page, and a filled page begins at 1.
 */
import { WireError } from '../base/errors.js'
import { readU32le, writeU32le } from '../base/octets.js'
import { PAGE_OCTETS } from '../base/units.js'
import type { RandomStream } from '../kernel/random.js'
import type { GuestMemory } from './guest-memory.js'
import type { GuestTime } from './guest-time.js'
import { WriteSet, type WriteSetOptions } from './write-set.js'

export interface PageRange {
  readonly firstPage: number
  readonly pageCount: number
}

export interface PageStatistics {
  readonly pageCount: number
  /** Pages that are not zero from the beginning on. Ranges do not overlap. */
  readonly filled: readonly PageRange[]
  /** Sets of pages that the guest writes. They do not overlap. */
  readonly writes: readonly WriteSetOptions[]
  /**
   * Octets that differ from one version of a page to the next: 4 to 2048, in one run. Default 8, a word of 64 bits. XBZRLE
   * sends them and 3 octets more.
   */
  readonly deltaOctets?: number
}

/** Where in a page its number and the octets that tell its version stand. */
const NUMBER_AT = 0
const VERSION_AT = 256
/** Multiplied modulo 2^32, versions give words that differ in most octets; its inverse leads back. */
const VERSION_FACTOR = 0x9e3779b1
const VERSION_INVERSE = 0x0e8b2f51

const zeroPage = new Uint8Array(PAGE_OCTETS)

export class PageStatisticsMemory implements GuestMemory {
  readonly pageCount: number
  readonly writes: readonly WriteSet[]
  private readonly filled: readonly PageRange[]
  private readonly deltaOctets: number
  /** Versions that a migration brought. Null where the guest has run: its writes tell them. */
  private arrived: Uint32Array | null
  /** The page that was asked for last. */
  private readonly made = new Uint8Array(PAGE_OCTETS).fill(0xa5)

  /** `isEmpty`: every page is zero, and a migration is to fill it. */
  constructor(statistics: PageStatistics, time: GuestTime, random: RandomStream, isEmpty: boolean) {
    this.pageCount = statistics.pageCount
    this.filled = statistics.filled
    this.deltaOctets = statistics.deltaOctets ?? 8
    this.writes = statistics.writes.map((set) => new WriteSet(set, time, random))
    this.arrived = isEmpty ? new Uint32Array(this.pageCount) : null
  }

  /** The guest goes on here, after so many stores to each of its sets. */
  takeOver(stores: readonly number[]): void {
    const { arrived } = this
    if (arrived === null) return
    this.writes.forEach((set, index) =>
      set.takeOver(stores[index] ?? 0, (page) => Math.max(0, (arrived[page] as number) - this.versionAtFirst(page))),
    )
    this.arrived = null
  }

  version(page: number): number {
    if (this.arrived !== null) return this.arrived[page] ?? 0
    let version = this.versionAtFirst(page)
    for (const set of this.writes) version += set.writesOf(page)
    return version
  }

  isZero(page: number): boolean {
    return this.version(page) === 0
  }

  /** The octets of a page as they are now: valid until the next page is asked for. */
  page(index: number): Uint8Array {
    const { made, deltaOctets } = this
    const version = this.version(index)
    if (version === 0) return zeroPage
    writeU32le(made, NUMBER_AT, index + 1)
    writeU32le(made, VERSION_AT, Math.imul(version, VERSION_FACTOR) >>> 0)
    for (let at = 4; at < deltaOctets; at++) made[VERSION_AT + at] = version + 37 * at
    return made
  }

  /** One page, as `page` made it: of anything else nothing could be kept, and it is refused with a `WireError`. */
  write(offset: number, octets: Uint8Array): void {
    const page = offset / PAGE_OCTETS
    const number = octets.length === PAGE_OCTETS ? readU32le(octets, NUMBER_AT) : -1
    if (number !== 0 && number !== page + 1)
      throw new WireError('page-statistics', offset, `these are not the octets of page ${page} of such a guest`)
    // A guest that has been brought to life by post-copy knows what it wrote; the page is the one it had before.
    if (this.arrived !== null)
      this.arrived[page] = number === 0 ? 0 : Math.imul(readU32le(octets, VERSION_AT), VERSION_INVERSE) >>> 0
  }

  differingOctets(other: GuestMemory): number {
    if (!(other instanceof PageStatisticsMemory)) return this.pageCount * PAGE_OCTETS
    let pages = Math.abs(this.pageCount - other.pageCount)
    for (let page = 0; page < Math.min(this.pageCount, other.pageCount); page++)
      if (this.version(page) !== other.version(page)) pages++
    return pages * PAGE_OCTETS
  }

  startDirtyLog(): void {
    for (const set of this.writes) set.startLog()
  }

  stopDirtyLog(): void {
    for (const set of this.writes) set.stopLog()
  }

  takeDirty(into: Uint32Array): number {
    let newlySet = 0
    for (const set of this.writes) newlySet += set.takeDirty(into)
    return newlySet
  }

  private versionAtFirst(page: number): number {
    for (const { firstPage, pageCount } of this.filled) if (page >= firstPage && page < firstPage + pageCount) return 1
    return 0
  }
}
