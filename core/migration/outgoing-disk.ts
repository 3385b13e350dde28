/**
 * The disk's section of an outgoing stream (QEMU 7.2 migration/block.c): all of it before memory, then, guest stopped, the chunks that
 * were written meanwhile.
 */
import { PAGE_OCTETS, type Nanos } from '../base/units.js'
import type { Trace } from '../kernel/trace.js'
import { MIGRATION_COSTS } from './costs.js'
import { DISK_CHUNK_OCTETS, DISK_SECTOR_OCTETS, diskChunkOctets, diskChunks, type GuestDisk } from './guest-disk.js'
import { BLOCK_SECTION, encodeDiskChunk, encodeDiskEnd, encodeDiskProgress } from './wire/block-section.js'
import type { MigrationOptions } from './migration.js'
import type { StreamWriter } from './wire/stream-writer.js'

/** QEMU registers it between its clock (0) and RAM (2). */
const BLOCK_SECTION_ID = 1
const CHUNK_PAGES = DISK_CHUNK_OCTETS / PAGE_OCTETS
const NO_OCTETS = new Uint8Array(0)

/** Sizes are octets of the disk. */
export interface DiskStatistics {
  /** Sent so far, chunks that were sent again counted again. */
  readonly transferred: number
  /** Not sent, or written since. */
  readonly remaining: number
  readonly total: number
}

/** What one stretch of sending came to. */
interface DiskPass {
  readonly startNs: Nanos
  readonly startOctets: number
  chunks: number
  zeroChunks: number
}

export class OutgoingDisk {
  private transferred = 0
  /** The chunk that the bulk goes on with. */
  private next = 0
  /** Written since they were sent, as far as the log was read. */
  private readonly dirty = new Set<number>()
  private lastPercent = -1
  private isInPart = false
  private pass: DiskPass | null = null
  private isOver = false

  constructor(
    private readonly disk: GuestDisk,
    private readonly writer: StreamWriter,
    private readonly options: Pick<MigrationOptions, 'zeroBlocks'>,
  ) {}

  /** START. The log begins; every chunk is to be sent. */
  start(): void {
    this.writer.sectionStart({ sectionId: BLOCK_SECTION_ID, ...BLOCK_SECTION })
    this.endRecords()
    this.disk.startDirtyLog()
  }

  /** Part of the disk was not sent at all. */
  get hasBulk(): boolean {
    return this.next < diskChunks(this.disk)
  }

  get statistics(): DiskStatistics {
    const { disk, dirty, next } = this
    let remaining = Math.max(0, disk.octets - next * DISK_CHUNK_OCTETS)
    for (const index of dirty) if (index < next) remaining += diskChunkOctets(disk, index)
    return { transferred: this.transferred, remaining: this.isOver ? 0 : remaining, total: disk.octets }
  }

  /** Write one chunk of the bulk, in a PART; the last one ends it. Returns the core time it took. */
  sendBulk(nowNs: Nanos): Nanos {
    if (!this.isInPart) this.writer.sectionPart(BLOCK_SECTION_ID)
    this.isInPart = true
    this.pass ??= this.openPass(nowNs)
    const percent = Math.floor((100 * this.next * DISK_CHUNK_OCTETS) / this.disk.octets)
    if (percent !== this.lastPercent) this.writer.octets(encodeDiskProgress(percent))
    this.lastPercent = percent
    return this.sendChunk(this.next++)
  }

  /** The bandwidth limit holds, or the bulk is sent: let the other end act on what it has. */
  closePart(): void {
    if (!this.isInPart) return
    this.isInPart = false
    this.endRecords()
  }

  /** END: the guest stands still. All that is left of the disk. Returns the core time it took. */
  end(nowNs: Nanos): Nanos {
    this.closePart()
    this.writer.sectionEnd(BLOCK_SECTION_ID)
    this.pass ??= this.openPass(nowNs)
    let workNs = 0
    while (this.hasBulk) workNs += this.sendChunk(this.next++)
    for (const index of this.disk.takeDirty()) this.dirty.add(index)
    for (const index of [...this.dirty].sort((a, b) => a - b)) workNs += this.sendChunk(index)
    this.writer.octets(encodeDiskProgress(100))
    this.endRecords()
    this.isOver = true
    return workNs
  }

  /** Say in the trace what was sent since the last time; `isPaused`: while the guest stood still. Returns the octets of the stream. */
  tracePass(trace: Trace, migration: number, isPaused: boolean): number {
    const { pass } = this
    if (pass === null) return 0
    this.pass = null
    const octets = this.writer.octetsWritten - pass.startOctets
    trace.add('migration-disk', {
      migration,
      device: this.disk.name,
      chunks: pass.chunks,
      zeroChunks: pass.zeroChunks,
      octets,
      startNs: pass.startNs,
      endNs: trace.nowNs,
      paused: isPaused ? 1 : 0,
    })
    return octets
  }

  stopLog(): void {
    this.disk.stopDirtyLog()
  }

  private openPass(startNs: Nanos): DiskPass {
    return { startNs, startOctets: this.writer.octetsWritten, chunks: 0, zeroChunks: 0 }
  }

  private sendChunk(index: number): Nanos {
    const { disk, pass } = this
    const octets = disk.chunk(index) ?? (this.options.zeroBlocks ? null : NO_OCTETS) // what is not there goes as zeros
    this.dirty.delete(index)
    this.writer.octets(encodeDiskChunk(disk.name, (index * DISK_CHUNK_OCTETS) / DISK_SECTOR_OCTETS, octets))
    this.transferred += diskChunkOctets(disk, index)
    if (pass !== null && octets === null) pass.zeroChunks++
    else if (pass !== null) pass.chunks++
    return CHUNK_PAGES * (octets === null ? MIGRATION_COSTS.zeroPageNs : MIGRATION_COSTS.normalPageNs)
  }

  private endRecords(): void {
    this.writer.octets(encodeDiskEnd())
    this.writer.footer(BLOCK_SECTION_ID)
  }
}
