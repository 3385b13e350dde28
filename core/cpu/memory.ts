/** What a hart sees of the board: RAM it may touch directly, and a bus for everything else. */

/** First physical address of RAM on QEMU's `virt` board (hw/riscv/virt.c, VIRT_DRAM). */
export const RAM_BASE = 0x8000_0000

/** What an access outside the fast path gives instead of a value. */
export const TRAPPED = -1
export const PAGE_MISSING = -2

/** Bits of an attention octet: why a store to that page must call `noteStore`. */
export const ATTENTION_LOG = 1
export const ATTENTION_CODE = 2
export const ATTENTION_WATCH = 4
export const ATTENTION_KEPT = 8

/** RAM as seen by the hart: views of one buffer, index 0 is `RAM_BASE`, little-endian. */
export interface HartMemory {
  readonly octets: Uint8Array
  readonly halves: Uint16Array
  readonly words: Int32Array
  /** One octet a page. Not 0: a store to the page must call `noteStore` afterwards. */
  readonly attention: Uint8Array
  /**
   * A store of 1 to 4 octets, within one word, was made at `offset` octets from the start of RAM. True: somebody watches
   * that word, and the run ends after this instruction.
   */
  noteStore(offset: number): boolean
  /** Pages that have not arrived yet: nothing may read or write them. */
  readonly missingPages: number
  isMissing(page: number): boolean
}

/** Everything that is not RAM. `width` is 1, 2 or 4 octets, `address` is aligned to it. */
export interface HartBus {
  /** The value, zero-extended, or -1 when nothing answers (load access fault). */
  load(address: number, width: number): number
  /** False when nothing answers (store access fault). `value` is an unsigned 32-bit number. */
  store(address: number, width: number, value: number): boolean
  /** `mtime`, as two unsigned halves, at the instruction now executing. */
  timeLow(): number
  timeHigh(): number
}
