/**
 * What a migration has sent so far, with the meaning of QEMU's `MigrationStats`, `XBZRLECacheStats` and
 * `CompressionStats` (qapi/migration.json, migration/ram.c `ram_counters`). Sizes are octets.
 */
import { PAGE_OCTETS, type Nanos } from '../base/units.js'

export interface MigrationStatistics {
  /** Octets of RAM records, on every channel: page headers and ends of records too, but no section headers and no devices. */
  readonly transferred: number
  /** Of memory, still to be sent as far as is known; 0 once the migration is completed. */
  readonly remaining: number
  /** Of memory, all blocks. */
  readonly total: number
  /** Zero pages. */
  readonly duplicate: number
  /** Pages sent whole. */
  readonly normal: number
  /** Readings of the dirty log, the first one (all pages) included. */
  readonly dirtySyncCount: number
  /** Pages a second that the guest dirtied, in the last period of a second or more. */
  readonly dirtyPagesRate: number
  /** 10^6 bits a second in the last window of 100 ms. */
  readonly mbps: number
  /** Pages a second in the last window of 100 ms. */
  readonly pagesPerSecond: number
  /** Of `transferred`, on the main stream: while the guest ran here, while it stood still, after it ran at the destination. */
  readonly precopyOctets: number
  readonly downtimeOctets: number
  readonly postcopyOctets: number
  /** Pages that the destination asked for. */
  readonly postcopyRequests: number
  /** Octets on the extra channels. */
  readonly multifdOctets: number
  readonly xbzrle: XbzrleStatistics
  readonly compression: CompressionStatistics
}

export interface XbzrleStatistics {
  /** What the cache can hold. */
  readonly cacheSize: number
  /** Of XBZRLE records, without the 8 octets that open each; a whole page for each overflow. */
  readonly octets: number
  /** Pages found in the cache, whatever was sent of them. */
  readonly pages: number
  readonly cacheMiss: number
  /** Misses a page looked at, in the last period. */
  readonly cacheMissRate: number
  /** Octets of pages to octets of records, in the last period; 0 when there were none. */
  readonly encodingRate: number
  /** Pages whose record would have been longer than they are. */
  readonly overflow: number
}

export interface CompressionStatistics {
  readonly pages: number
  /** Pages that were sent whole because no lane was free. */
  readonly busy: number
  readonly busyRate: number
  /** Of compressed pages, without the 8 octets that open each record. */
  readonly compressedOctets: number
  /** Octets of pages to octets of records, in the last period. */
  readonly compressionRate: number
}

/** Where the guest is alive while something is sent: it says which of three counters an octet belongs to. */
export type SendingPhase = 'precopy' | 'downtime' | 'postcopy'

type Mutable<T> = { -readonly [K in keyof T]: T[K] extends object ? Mutable<T[K]> : T[K] }

/** What the rates of a period are worked out from. */
interface PeriodStart {
  readonly cacheMiss: number
  readonly xbzrlePages: number
  readonly xbzrleOctets: number
  readonly compressedPages: number
  readonly compressedOctets: number
}

function periodStart({ xbzrle, compression }: Pick<MigrationStatistics, 'xbzrle' | 'compression'>): PeriodStart {
  return {
    cacheMiss: xbzrle.cacheMiss,
    xbzrlePages: xbzrle.pages,
    xbzrleOctets: xbzrle.octets,
    compressedPages: compression.pages,
    compressedOctets: compression.compressedOctets,
  }
}

/** The counters behind the statistics, as they are counted. Rates are worked out by whoever knows the time. */
export class MigrationCounters {
  readonly counts: Mutable<Omit<MigrationStatistics, 'remaining'>>
  /** The one that octets are counted in now. */
  phase: SendingPhase = 'precopy'
  private before: PeriodStart

  constructor(totalOctets: number) {
    this.counts = {
      transferred: 0,
      total: totalOctets,
      duplicate: 0,
      normal: 0,
      dirtySyncCount: 0,
      dirtyPagesRate: 0,
      mbps: 0,
      pagesPerSecond: 0,
      precopyOctets: 0,
      downtimeOctets: 0,
      postcopyOctets: 0,
      postcopyRequests: 0,
      multifdOctets: 0,
      xbzrle: {
        cacheSize: 0,
        octets: 0,
        pages: 0,
        cacheMiss: 0,
        cacheMissRate: 0,
        encodingRate: 0,
        overflow: 0,
      },
      compression: { pages: 0, busy: 0, busyRate: 0, compressedOctets: 0, compressionRate: 0 },
    }
    this.before = periodStart(this.counts)
  }

  /** Octets of RAM records were written (QEMU's `ram_transferred_add`). */
  sent(octets: number): void {
    const { counts } = this
    counts.transferred += octets
    if (this.phase === 'precopy') counts.precopyOctets += octets
    else if (this.phase === 'downtime') counts.downtimeOctets += octets
    else counts.postcopyOctets += octets
  }

  /** Pages looked at so far, whatever was sent of them. */
  get pages(): number {
    const { duplicate, normal, compression, xbzrle } = this.counts
    return duplicate + normal + compression.pages + xbzrle.pages - xbzrle.overflow
  }

  /** A window of the rate limit is over: pages and octets (of everything sent) that went out in it. */
  windowOver(spanNs: Nanos, pages: number, octets: number): void {
    this.counts.mbps = (8e3 * octets) / spanNs
    this.counts.pagesPerSecond = Math.floor((pages * 1e9) / spanNs)
  }

  /** A period between readings of the dirty log is over, in which `pages` were looked at (QEMU's `migration_update_rates`). */
  periodOver(pages: number): void {
    if (pages === 0) return
    const { xbzrle, compression } = this.counts
    const { before } = this
    const ratio = (pagesNow: number, pagesThen: number, octets: number): number =>
      octets === 0 ? 0 : ((pagesNow - pagesThen) * PAGE_OCTETS) / octets
    xbzrle.cacheMissRate = (xbzrle.cacheMiss - before.cacheMiss) / pages
    xbzrle.encodingRate = ratio(xbzrle.pages, before.xbzrlePages, xbzrle.octets - before.xbzrleOctets)
    compression.compressionRate = ratio(
      compression.pages,
      before.compressedPages,
      compression.compressedOctets - before.compressedOctets,
    )
    this.before = periodStart(this.counts)
  }

  /** Octets of packets went to the extra connections. */
  sentOnChannel(octets: number): void {
    this.counts.transferred += octets
    this.counts.multifdOctets += octets
  }

  /** A copy of them as they are now. */
  statistics(remaining: number): MigrationStatistics {
    const { xbzrle, compression, ...counts } = this.counts
    return { ...counts, remaining, xbzrle: { ...xbzrle }, compression: { ...compression } }
  }
}
