/**
 * The source's part in post-copy (QEMU migration/migration.c `postcopy_start` and `postcopy_do_resume`, migration/ram.c
 * `ram_postcopy_send_discard_bitmap`): what tells the destination to run, the pages it asks for, and what is needed to go on
 * when the connection broke.
 */
import { WireError } from '../base/errors.js'
import type { Nanos } from '../base/units.js'
import { MIGRATION_COSTS } from './costs.js'
import type { MigratableVm, RamBlock } from './guest-memory.js'
import type { MigrationOptions, MigrationRound } from './migration.js'
import { writeDevices } from './outgoing-devices.js'
import type { OutgoingRam } from './outgoing-ram.js'
import type { OutgoingStream } from './outgoing-stream.js'
import type { OutgoingStep, OutgoingWork } from './outgoing-work.js'
import { Pacing } from './pacing.js'
import { RequestedPages, type PageRequestMessage } from './requested-pages.js'
import { bitmapOfOctets, DISCARDS_PER_COMMAND_MAX, encodeBlockName, encodeDiscard } from './wire/postcopy.js'
import { MIG_CMD } from './wire/qevm.js'
import { StreamWriter } from './wire/stream-writer.js'

/** QEMU's QEMU_VM_PING_* (migration/savevm.h): after the discards, at the end of the package, after the package. */
const PING_DISCARDED = 2
const PING_PACKAGE_LOADED = 3
const PING_PACKAGE_SENT = 4

export class OutgoingPostcopy implements OutgoingWork {
  /** What was sent since the guest was told to run there, or null. */
  batch: MigrationRound | null = null
  /** When the destination said that it had loaded what it needs to run the guest. */
  loadedAtNs: Nanos | null = null
  /** Only the bandwidth limit keeps it from sending. */
  waitsForWindow = false
  /** Every page is written, and the end. */
  isAllWritten = false
  private readonly writer: StreamWriter
  private readonly requested: RequestedPages
  private readonly pacing: Pacing
  private startOctets = 0
  /** Blocks whose bitmap was asked for on this connection and has not come. */
  private readonly awaited = new Set<string>()

  constructor(
    private readonly vm: MigratableVm,
    private readonly ram: OutgoingRam,
    private readonly out: OutgoingStream,
    /** Limits among them may change. */
    private readonly options: MigrationOptions,
  ) {
    this.writer = out.writer
    this.requested = new RequestedPages(vm.memory, options.postcopyPrepagingPages)
    this.pacing = new Pacing({ maxBandwidth: options.maxPostcopyBandwidth, stopRule: 'qemu' }, ram.counters)
  }

  /**
   * At first, when the guest stands still and the log was read: what lets it run at the destination. Then what was asked for, and
   * what lies around it, and the rest; at last the end.
   */
  next(nowNs: Nanos): OutgoingStep {
    const step = this.batch === null ? this.sendSwitch(nowNs) : this.sendPages(nowNs)
    this.out.drain()
    return step
  }

  /** The limit in `options` was changed: a lower one holds from the next window on. */
  limitChanged(): void {
    this.pacing.limit(this.options.maxPostcopyBandwidth)
  }

  /** From here on, or over another connection. */
  goOn(nowNs: Nanos): void {
    this.isAllWritten = false
    this.pacing.start(nowNs, this.writer.octetsWritten)
  }

  private sendSwitch(nowNs: Nanos): OutgoingStep {
    const { ram } = this
    this.writeSwitch()
    this.batch = ram.openPostcopy(nowNs)
    this.startOctets = this.writer.octetsWritten
    this.goOn(nowNs)
    return { kind: 'worked', workNs: this.vm.devices.length * MIGRATION_COSTS.deviceNs + ram.logNs }
  }

  private sendPages(nowNs: Nanos): OutgoingStep {
    const { ram, writer, pacing, requested } = this
    this.waitsForWindow = false
    pacing.advance(nowNs, writer.octetsWritten)
    if (ram.pending.count === 0) {
      ram.closePart()
      ram.openEnd()
      ram.endRecords()
      writer.endOfState()
      this.isAllWritten = true
      return { kind: 'worked', workNs: 0 }
    }
    if (writer.octetsWritten >= pacing.limitOctets && requested.isEmpty) {
      ram.closePart()
      this.waitsForWindow = true
      return { kind: 'sleeps', untilNs: pacing.endNs }
    }
    if (ram.isPartOver(nowNs)) ram.closePart()
    if (!ram.isInPart) ram.openPart(nowNs)
    return { kind: 'worked', workNs: ram.sendPages(this.out.room, pacing.limitOctets, requested) }
  }

  /** Throws `WireError` when there are no such pages. */
  request(message: PageRequestMessage): void {
    this.ram.counters.counts.postcopyRequests++
    this.requested.add(message)
  }

  pong(value: number, nowNs: Nanos): void {
    if (value === PING_PACKAGE_LOADED) this.loadedAtNs ??= nowNs
  }

  /** The connection broke: what had not left is sent again, what was asked for will be asked for again. */
  breakOff(): void {
    this.waitsForWindow = false
    this.ram.breakOff()
    this.requested.clear()
  }

  end(nowNs: Nanos): void {
    if (this.batch === null) return
    this.batch.octets = this.writer.octetsWritten - this.startOctets
    this.batch.endNs = nowNs
  }

  /** Forget what is old, load the devices, run. */
  private writeSwitch(): void {
    const { vm, ram, writer } = this
    vm.memory.forEach(({ name }, index) => {
      const ranges = ram.pending.ranges(index)
      for (let at = 0; at < ranges.length; at += DISCARDS_PER_COMMAND_MAX)
        writer.command(
          MIG_CMD.POSTCOPY_RAM_DISCARD,
          encodeDiscard({ block: name, ranges: ranges.slice(at, at + DISCARDS_PER_COMMAND_MAX) }),
        )
    })
    writer.ping(PING_DISCARDED)
    const items = new StreamWriter()
    items.command(MIG_CMD.POSTCOPY_LISTEN)
    writeDevices(items, vm)
    items.ping(PING_PACKAGE_LOADED)
    items.command(MIG_CMD.POSTCOPY_RUN)
    writer.packaged(items.take())
    writer.ping(PING_PACKAGE_SENT)
    writer.forgetBlock()
  }

  /** On a new connection: which pages came? */
  askForBitmaps(): void {
    this.awaited.clear()
    for (const { name } of this.vm.memory) {
      this.writer.command(MIG_CMD.RECV_BITMAP, encodeBlockName(name))
      this.awaited.add(name)
    }
    this.out.drain()
  }

  get hasAllBitmaps(): boolean {
    return this.awaited.size === 0
  }

  /** A bitmap came. After the last one the destination is told to go on. Throws `WireError`. */
  takeBitmap(name: string, bitmap: Uint8Array): void {
    if (!this.awaited.delete(name))
      throw new WireError('return path', 0, `a bitmap of ${JSON.stringify(name)}, not asked for`)
    const block = this.vm.memory.findIndex((candidate) => candidate.name === name)
    const { pageCount } = (this.vm.memory[block] as RamBlock).memory
    this.ram.pending.setReceived(block, bitmapOfOctets(bitmap, pageCount))
    if (this.hasAllBitmaps) this.writer.command(MIG_CMD.POSTCOPY_RESUME)
    this.out.drain()
  }
}
