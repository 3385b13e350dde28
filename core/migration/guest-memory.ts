/** What a migration needs of a VM: its memory with a dirty log, its devices, and a way to stop it. */
import type { StatefulDevice } from '../machine/device-state.js'
import type { GuestDisk } from './guest-disk.js'

/** One block of guest memory, by pages of 4096 octets. */
export interface GuestMemory {
  readonly pageCount: number
  /** The octets of a page as they are now: a view, written only through `write`. */
  page(index: number): Uint8Array
  isZero(page: number): boolean
  /** How many octets differ from those of another block of the same kind; all that only one of them has. */
  differingOctets(other: GuestMemory): number
  /** What arrives with a migration. */
  write(offset: number, octets: Uint8Array): void
  /** From now on every page written is in the log, which starts empty. */
  startDirtyLog(): void
  stopDirtyLog(): void
  /**
   * Move the log into `into`, one bit a page, page 0 the lowest bit of word 0, and empty it. Returns how many bits of
   * `into` were not set before.
   */
  takeDirty(into: Uint32Array): number
}

/** A block under the name it has on the stream, such as `riscv_virt_board.ram`. */
export interface RamBlock {
  readonly name: string
  readonly memory: GuestMemory
}

/** Pages of all blocks. */
export function pageCountOf(blocks: readonly RamBlock[]): number {
  return blocks.reduce((pages, { memory }) => pages + memory.pageCount, 0)
}

/** Who needs a page that is not there: the virtual CPU, which stands still for it, or the network device. */
export type PageWaiter = 'vcpu' | 'nic'

/** Told from outside of any call to `Userfault`, but for `placePage`. Blocks count in `memory`. */
export interface UserfaultListener {
  /** Told again and again while it waits. */
  pageMissed(block: number, page: number, waiter: PageWaiter): void
}

/**
 * Pages that come once they are needed: what Linux's userfaultfd(2) is to QEMU's post-copy. Blocks count in `memory`,
 * bitmaps have one bit a page, page 0 the lowest bit of word 0.
 */
export interface Userfault {
  faultListener: UserfaultListener | null
  /** The pages in `missing` are elsewhere: what they hold here is forgotten, whoever needs one waits. */
  expectPages(block: number, missing: Uint32Array): void
  /** A missing page came (UFFDIO_COPY). False, and nothing changes, when it was not missing: what is here may be newer. */
  placePage(block: number, page: number, octets: Uint8Array): boolean
  /** Pages of all blocks that are missing. */
  readonly missingPages: number
}

export interface MigratableVm {
  readonly name: string
  /** Blocks in the order of the stream. */
  readonly memory: readonly RamBlock[]
  readonly devices: readonly StatefulDevice[]
  /** Left out, or null, where it has none. */
  readonly disk?: GuestDisk | null
  /** How it runs before its memory has come; left out where it cannot, and post-copy is refused. */
  readonly userfault?: Userfault
  /** QEMU's machine type, such as `virt`. */
  readonly machineType: string
  /** Stop for the switch-over: no store after this. */
  pause(): void
  /** Keep the vCPU from running for so many percent of its time, 0 to 99. A VM without it is never slowed down. */
  throttle?(percent: number): void
  /** What it keeps while it is off, of `devices`: moved even where it starts anew. */
  readonly permanentDevices?: readonly StatefulDevice[]
  /** Switch it off, as before a cold migration. A VM without it only stands still. */
  powerOff?(): void
  /** Undo `pause`: the migration came to nothing and this copy is the one that lives. */
  resume(): void
}
