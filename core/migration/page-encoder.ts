/**
 * How a page goes onto the main stream (QEMU 7.2 migration/ram.c, `ram_save_target_page`): as nothing but its place when it is
 * all zero, compressed, as the difference to what was sent of it before, or whole.
 */
import { PAGE_OCTETS, type Nanos } from '../base/units.js'
import type { HostCores } from '../kernel/cores.js'
import { MIGRATION_COSTS } from './costs.js'
import type { RamBlock } from './guest-memory.js'
import type { MigrationOptions } from './migration.js'
import type { MultifdSender } from './multifd-sender.js'
import type { SentPages } from './sent-pages.js'
import type { MigrationCounters } from './statistics.js'
import { deflatePage } from './wire/page-zlib.js'
import { RECORD_HEADER_OCTETS } from './wire/qevm.js'
import type { StreamWriter } from './wire/stream-writer.js'
import { encodeXbzrle } from './wire/xbzrle.js'
import { WorkerLanes } from './worker-lanes.js'
import { XbzrleCache } from './xbzrle-cache.js'

/** QEMU's default `compress-threads`. */
const COMPRESS_THREADS = 8
const zeroPage = new Uint8Array(PAGE_OCTETS)

type EncoderOptions = Pick<
  MigrationOptions,
  'zeroPageDetection' | 'xbzrle' | 'xbzrleCacheOctets' | 'compression' | 'multifdChannels'
>

export class PageEncoder {
  /** The guest stands still: what is sent now is never sent again, so the cache is left as it is. */
  isLastStage = false
  private readonly compressors: WorkerLanes | null
  private compresses: boolean
  private readonly looksForZeros: boolean
  private cache: XbzrleCache | null
  /** Only from the second round on: the first finds nothing in the cache and would only fill it. */
  private usesCache = false
  private readonly encoded = new Uint8Array(PAGE_OCTETS)

  constructor(
    private readonly writer: StreamWriter,
    private readonly counters: MigrationCounters,
    options: EncoderOptions,
    cores: HostCores,
    private readonly multifd: MultifdSender | null,
    private readonly sent: SentPages | null,
  ) {
    this.compresses = options.compression === 'zlib' && options.multifdChannels === 0
    this.compressors = this.compresses ? new WorkerLanes(cores, 'compress', COMPRESS_THREADS) : null
    this.cache = options.xbzrle ? new XbzrleCache(options.xbzrleCacheOctets) : null
    const { zeroPageDetection } = options
    this.looksForZeros = zeroPageDetection === 'legacy' || (zeroPageDetection === 'multifd' && multifd === null)
    counters.counts.xbzrle.cacheSize = this.cache?.octets ?? 0
  }

  /** When the threads that compress will have done what they were given. */
  get compressedNs(): Nanos {
    return this.compressors?.doneNs ?? 0
  }

  /** All of memory has been walked once: from here on differences are sent, if they are to be. */
  firstRoundDone(): void {
    this.usesCache = this.cache !== null
  }

  /** In post-copy no page is sent as a difference or compressed: each one is put in its place in one go. */
  sendWholePages(): void {
    this.usesCache = false
    this.cache = null
    this.compresses = false
  }

  /**
   * Write the record of a page as it is at this instant: a store after it is one that the dirty log must catch. `ramPage` is
   * its number among the pages of all blocks. Returns the core time it took on the migration thread.
   */
  send(block: RamBlock, page: number, ramPage: number): Nanos {
    if (this.looksForZeros && block.memory.isZero(page)) return this.sendZero(block, page, ramPage)
    if (this.multifd !== null) return this.multifd.queue(block, page)
    const octets = block.memory.page(page)
    // What the first record of a block holds besides is its name, which compressed records lack in QEMU.
    if (this.compresses && !this.usesCache && this.writer.blockName === block.name)
      return this.sendCompressed(block, page, octets)
    if (this.usesCache) return this.sendDifference(block, page, ramPage)
    return this.sendWhole(block, page, octets)
  }

  private sendZero(block: RamBlock, page: number, ramPage: number): Nanos {
    const { writer, counters } = this
    const startOctets = writer.octetsWritten
    writer.zeroPage(block.name, page * PAGE_OCTETS)
    counters.counts.duplicate++
    counters.sent(writer.octetsWritten - startOctets)
    // The destination has zeros now, so that is what a later difference is to.
    if (this.usesCache) this.cache?.insert(ramPage, zeroPage, counters.counts.dirtySyncCount)
    return MIGRATION_COSTS.zeroPageNs
  }

  private sendWhole(block: RamBlock, page: number, octets: Uint8Array): Nanos {
    const { writer, counters } = this
    const startOctets = writer.octetsWritten
    writer.page(block.name, page * PAGE_OCTETS, octets)
    this.sent?.wrote(octets, writer.octetsWritten)
    counters.counts.normal++
    counters.sent(writer.octetsWritten - startOctets)
    return MIGRATION_COSTS.normalPageNs
  }

  private sendCompressed(block: RamBlock, page: number, octets: Uint8Array): Nanos {
    const { writer, counters, compressors } = this
    const { compression } = counters.counts
    const startOctets = writer.octetsWritten
    writer.compressedPage(block.name, page * PAGE_OCTETS, deflatePage(octets))
    const written = writer.octetsWritten - startOctets
    compression.pages++
    compression.compressedOctets += written - RECORD_HEADER_OCTETS
    counters.sent(written)
    compressors?.book(MIGRATION_COSTS.compressPageNs)
    return MIGRATION_COSTS.zeroPageNs
  }

  /** migration/ram.c `save_xbzrle_page`. */
  private sendDifference(block: RamBlock, page: number, ramPage: number): Nanos {
    const { writer, counters, encoded, cache } = this
    const octets = block.memory.page(page)
    if (cache === null) return this.sendWhole(block, page, octets)
    const { dirtySyncCount, xbzrle } = counters.counts
    const sent = cache.find(ramPage, dirtySyncCount)
    if (sent === null) {
      xbzrle.cacheMiss++
      if (!this.isLastStage) cache.insert(ramPage, octets, dirtySyncCount)
      return this.sendWhole(block, page, octets)
    }
    xbzrle.pages++
    const length = encodeXbzrle(sent, octets, encoded)
    if (length === 0) return MIGRATION_COSTS.xbzrlePageNs
    if (!this.isLastStage) sent.set(octets)
    if (length < 0) {
      xbzrle.overflow++
      xbzrle.octets += PAGE_OCTETS
      return MIGRATION_COSTS.xbzrlePageNs + this.sendWhole(block, page, octets)
    }
    const startOctets = writer.octetsWritten
    writer.xbzrlePage(block.name, page * PAGE_OCTETS, encoded.subarray(0, length))
    const written = writer.octetsWritten - startOctets
    xbzrle.octets += written - RECORD_HEADER_OCTETS
    counters.sent(written)
    return MIGRATION_COSTS.xbzrlePageNs
  }
}
