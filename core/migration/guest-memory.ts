/** What a migration needs of a VM: its memory with a dirty log, its devices, and a way to stop it. */
import type { StatefulDevice } from '../machine/device-state.js'

/** One block of guest memory, by pages of 4096 octets. */
export interface GuestMemory {
  /** The whole block, `pageCount` pages. Read here, written only through `write`. */
  readonly octets: Uint8Array
  /** The same memory by words, to scan it fast. */
  readonly words: Int32Array
  readonly pageCount: number
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

export interface MigratableVm {
  readonly name: string
  /** Blocks in the order of the stream. */
  readonly memory: readonly RamBlock[]
  readonly devices: readonly StatefulDevice[]
  /** QEMU's machine type, such as `virt`. */
  readonly machineType: string
  /** Stop for the switch-over: no store after this. */
  pause(): void
  /** Undo `pause`: the migration came to nothing and this copy is the one that lives. */
  resume(): void
}

const WORDS_PER_PAGE = 1024

/** Whether page `page` of a block holds only zeros. */
export function isZeroPage(words: Int32Array, page: number): boolean {
  const end = (page + 1) * WORDS_PER_PAGE
  for (let at = page * WORDS_PER_PAGE; at < end; at += 8)
    if (
      (words[at]! |
        words[at + 1]! |
        words[at + 2]! |
        words[at + 3]! |
        words[at + 4]! |
        words[at + 5]! |
        words[at + 6]! |
        words[at + 7]!) !==
      0
    )
      return false
  return true
}
