/**
 * The RAM section of an outgoing stream (QEMU migration/ram.c, the `ram_save_*` handlers): which pages are still to be
 * sent, the START, PARTs and END they go out in, the rounds, and the counters.
 */
import { milliseconds, PAGE_OCTETS, type Nanos } from '../base/units.js'
import type { HostCores } from '../kernel/cores.js'
import type { Trace } from '../kernel/trace.js'
import { MIGRATION_COSTS } from './costs.js'
import type { RamBlock } from './guest-memory.js'
import type { MigrationOptions, MigrationRound } from './migration.js'
import type { MultifdSender } from './multifd-sender.js'
import { PageEncoder } from './page-encoder.js'
import { PendingPages } from './pending-pages.js'
import type { RequestedPages } from './requested-pages.js'
import type { SentPages } from './sent-pages.js'
import type { MigrationCounters } from './statistics.js'
import { RAM_SECTION } from './wire/qevm.js'
import type { StreamWriter } from './wire/stream-writer.js'

/** Pages looked at in one event. */
const BURST_PAGES = 64
/** A PART is closed after this time (QEMU's MAX_WAIT). */
const PART_NS = milliseconds(50)
/** QEMU numbers sections in order of registration: RAM is usually 2. */
export const RAM_SECTION_ID = 2

interface RamParts {
  readonly cores: HostCores
  readonly multifd: MultifdSender | null
  readonly sent: SentPages | null
}

export class OutgoingRam {
  /** Those of pre-copy, the last one included. */
  readonly rounds: MigrationRound[] = []
  readonly pending: PendingPages
  readonly encoder: PageEncoder
  private readonly multifd: MultifdSender | null
  /** Of each block, the number of its first page among those of all blocks. */
  private readonly firstPages: number[] = []
  private partOpenedNs: Nanos | null = null
  private roundStartOctets = 0
  /** What is being sent: the last of `rounds`, or what follows the guest in post-copy. */
  private batch: MigrationRound | null = null

  constructor(
    private readonly blocks: readonly RamBlock[],
    private readonly writer: StreamWriter,
    options: MigrationOptions,
    { cores, multifd, sent }: RamParts,
    readonly counters: MigrationCounters,
  ) {
    this.multifd = multifd
    this.pending = new PendingPages(blocks)
    this.encoder = new PageEncoder(writer, this.counters, options, cores, multifd, sent)
    let pages = 0
    for (const { memory } of blocks) {
      this.firstPages.push(pages)
      pages += memory.pageCount
    }
  }

  /** Octets written so far, on the main stream and the extra connections. */
  get octetsWritten(): number {
    return this.writer.octetsWritten + (this.multifd?.octetsWritten ?? 0)
  }

  /** Whether a page can be taken now, apart from what the main stream takes. */
  get hasRoom(): boolean {
    return this.multifd?.hasRoom !== false
  }

  /** What reading the dirty log costs in core time. */
  get logNs(): Nanos {
    return this.pending.pageCount * MIGRATION_COSTS.logPageNs
  }

  /** START with the list of blocks; the log begins, and every page is to be sent. */
  start(): void {
    const { writer, blocks } = this
    writer.sectionStart({ sectionId: RAM_SECTION_ID, ...RAM_SECTION })
    writer.memorySize(blocks.map(({ name, memory }) => ({ name, octets: memory.pageCount * PAGE_OCTETS })))
    this.multifd?.sync()
    writer.endOfRecords()
    writer.footer(RAM_SECTION_ID)
    for (const { memory } of blocks) memory.startDirtyLog()
    this.pending.markAll()
    this.counters.counts.dirtySyncCount++
  }

  get isInPart(): boolean {
    return this.partOpenedNs !== null
  }

  openPart(nowNs: Nanos): void {
    this.writer.sectionPart(RAM_SECTION_ID)
    this.partOpenedNs = nowNs
  }

  /** Nothing is left to be sent, or the PART has been open for as long as one may be. */
  isPartOver(nowNs: Nanos): boolean {
    return this.pending.count === 0 || (this.partOpenedNs !== null && nowNs - this.partOpenedNs >= PART_NS)
  }

  closePart(): void {
    if (this.partOpenedNs === null) return
    this.endRecords()
    this.partOpenedNs = null
  }

  /** END: what is written from now on are the last pages. */
  openEnd(): void {
    this.writer.sectionEnd(RAM_SECTION_ID)
  }

  endRecords(): void {
    this.multifd?.sync()
    const startOctets = this.writer.octetsWritten
    this.writer.endOfRecords()
    this.counters.sent(this.writer.octetsWritten - startOctets)
    this.writer.footer(RAM_SECTION_ID)
  }

  /**
   * Write records until the burst is full, `room` octets of the stream are used up, or the stream has grown to `limitOctets`.
   * Pages that were asked for come first, whatever the limit. Returns the core time it took.
   */
  sendPages(room: number, limitOctets: number, requested: RequestedPages | null = null): Nanos {
    const { writer, pending, encoder, blocks } = this
    const { counts } = this.counters
    const { duplicate } = counts
    const whole = counts.normal + counts.compression.pages
    const found = counts.xbzrle.pages - counts.xbzrle.overflow
    let workNs = 0
    for (let pages = 0; pages < BURST_PAGES && writer.pendingOctets < room && this.hasRoom; pages++) {
      const isAskedFor = requested?.next(pending) === true
      if (!isAskedFor && (this.octetsWritten >= limitOctets || !pending.next())) break
      if (pending.laps > 0) encoder.firstRoundDone()
      workNs += encoder.send(
        blocks[pending.block] as RamBlock,
        pending.page,
        (this.firstPages[pending.block] as number) + pending.page,
      )
    }
    const batch = this.batch as MigrationRound
    batch.zeroPages += counts.duplicate - duplicate
    batch.normalPages += counts.normal + counts.compression.pages - whole
    batch.xbzrlePages += counts.xbzrle.pages - counts.xbzrle.overflow - found
    return workNs
  }

  /** Pages sent so far, in all rounds. */
  get pagesSent(): number {
    let pages = 0
    for (const round of this.rounds) pages += pagesOf(round)
    return pages
  }

  /** What is sent from now on follows the guest. */
  openPostcopy(nowNs: Nanos): MigrationRound {
    this.counters.phase = 'postcopy'
    this.encoder.sendWholePages()
    this.batch = emptyRound(nowNs, false)
    return this.batch
  }

  /** A connection broke: what was open on it is not closed any more. */
  breakOff(): void {
    this.partOpenedNs = null
    this.writer.breakOff()
  }

  /** Read the dirty log. Returns how many pages were added to what is to be sent. */
  sync(): number {
    this.counters.counts.dirtySyncCount++
    return this.pending.sync()
  }

  openRound(nowNs: Nanos, paused: boolean): void {
    this.batch = emptyRound(nowNs, paused)
    this.rounds.push(this.batch)
  }

  /** The round at hand is over; what the guest dirtied meanwhile was just read from the log. */
  closeRound(trace: Trace, migration: number, dirtiedPages: number): void {
    const round = this.rounds[this.rounds.length - 1] as MigrationRound
    round.octets = this.octetsWritten - this.roundStartOctets
    round.endNs = trace.nowNs
    round.dirtiedPages = dirtiedPages
    this.roundStartOctets = this.octetsWritten
    const { paused, ...counts } = round
    trace.add('migration-round', { migration, round: this.rounds.length, ...counts, paused: paused ? 1 : 0 })
  }

  /** So many octets of the stream were not this section's: no round counts them. */
  leaveOut(octets: number): void {
    this.roundStartOctets += octets
  }

  /** How much of the round at hand is sent: 0 to 1. */
  get roundProgress(): number {
    const { batch } = this
    if (batch === null) return 0
    const sent = pagesOf(batch)
    return sent === 0 ? 0 : sent / (sent + this.pending.count)
  }

  /** Pages sent in round `index`; 0 for one that never was. */
  pagesOfRound(index: number): number {
    const round = this.rounds[index]
    return round === undefined ? 0 : pagesOf(round)
  }

  stopLog(): void {
    for (const { memory } of this.blocks) memory.stopDirtyLog()
  }
}

function pagesOf({ zeroPages, normalPages, xbzrlePages }: MigrationRound): number {
  return zeroPages + normalPages + xbzrlePages
}

function emptyRound(startNs: Nanos, paused: boolean): MigrationRound {
  const none = { zeroPages: 0, normalPages: 0, xbzrlePages: 0, octets: 0, dirtiedPages: 0 }
  return { ...none, startNs, endNs: startNs, paused }
}
