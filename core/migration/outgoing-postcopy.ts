/**
 * The source's part in post-copy (QEMU migration/migration.c `postcopy_start` and `postcopy_do_resume`, migration/ram.c
 * `ram_postcopy_send_discard_bitmap`): what tells the destination to run, the pages it asks for, and what is needed to go on
 * when the connection broke.
 */
import { WireError } from '../base/errors.js'
import type { MigratableVm, RamBlock } from './guest-memory.js'
import { writeDevices } from './outgoing-devices.js'
import type { OutgoingRam } from './outgoing-ram.js'
import { RequestedPages } from './requested-pages.js'
import { bitmapOfOctets, DISCARDS_PER_COMMAND_MAX, encodeBlockName, encodeDiscard } from './wire/postcopy.js'
import { MIG_CMD } from './wire/qevm.js'
import { StreamWriter } from './wire/stream-writer.js'

/** QEMU's QEMU_VM_PING_* (migration/savevm.h): after the discards, at the end of the package, after the package. */
const PING_DISCARDED = 2
const PING_PACKAGE_LOADED = 3
const PING_PACKAGE_SENT = 4

export class OutgoingPostcopy {
  readonly requested: RequestedPages
  /** Blocks whose bitmap was asked for on this connection and has not come. */
  private readonly awaited = new Set<string>()

  constructor(
    private readonly vm: MigratableVm,
    private readonly ram: OutgoingRam,
    private readonly writer: StreamWriter,
    prepagingPages: number,
  ) {
    this.requested = new RequestedPages(vm.memory, prepagingPages)
  }

  /** The guest stands still and the log was read: forget what is old, load the devices, run. */
  writeSwitch(): void {
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
  }
}
