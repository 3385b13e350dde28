import type { SelfCopying } from '../base/snapshot.js'
import { PAGE_OCTETS } from '../base/units.js'
import { DECODED_WORDS, decodeInto, OP } from './decode.js'
import { ATTENTION_CODE, type HartMemory, RAM_BASE } from './memory.js'

const INSTRUCTIONS_PER_PAGE = PAGE_OCTETS / 4
/** Words of the pool that one page takes: its instructions and the `pageEnd` after them. */
const SLOT_WORDS = (INSTRUCTIONS_PER_PAGE + 1) * DECODED_WORDS
const SLOTS_AT_FIRST = 8
const SLOTS_MAX = 512

/**
 * Decoded instructions of the pages that were executed, one slot of the pool a page.
 *
 * Entries are decoded when first reached and forgotten when their word is stored to, so running from here always gives
 * what running from RAM would give. It is a cache: a copied hart starts with an empty one.
 */
export class DecodedCode implements SelfCopying {
  /** Replaced when it grows: reread after every `entryOf`. */
  pool = new Int32Array(0)
  private slotOfPage: Int32Array
  /** Page of each slot in use. */
  private pages: number[] = []

  constructor(private readonly memory: HartMemory) {
    this.slotOfPage = new Int32Array(memory.attention.length).fill(-1)
  }

  /** Index in the pool of the first entry of the page at `offset` octets into RAM. */
  pageEntry(offset: number): number {
    const page = offset >>> 12
    const slot = this.slotOfPage[page] ?? -1
    return (slot >= 0 ? slot : this.allocate(page)) * SLOT_WORDS
  }

  /** Decode the instruction at `offset` octets into RAM into its entry at `index`. */
  decodeAt(index: number, offset: number): void {
    decodeInto(this.pool, index, this.memory.words[offset >>> 2] ?? 0, (RAM_BASE + offset) | 0)
  }

  /** The word at `offset` was stored to. */
  forgetWord(offset: number): void {
    const slot = this.slotOfPage[offset >>> 12] ?? -1
    if (slot >= 0) this.pool[slot * SLOT_WORDS + ((offset & 0xffc) >>> 1)] = OP.undecoded
  }

  /** Anything in the page may have changed. */
  forgetPage(page: number): void {
    const slot = this.slotOfPage[page] ?? -1
    if (slot >= 0) this.clearSlot(slot)
  }

  forgetAll(): void {
    for (const page of this.pages) {
      this.slotOfPage[page] = -1
      this.memory.attention[page]! &= ~ATTENTION_CODE
    }
    this.pages = []
  }

  copySelf(copy: <T>(value: T) => T, register: (copied: object) => void): object {
    const copied = Object.create(DecodedCode.prototype) as DecodedCode
    register(copied)
    // The copied RAM keeps its attention bits: with no slot behind them they only cost a call.
    return Object.assign(copied, {
      memory: copy(this.memory),
      pool: new Int32Array(0),
      slotOfPage: new Int32Array(this.slotOfPage.length).fill(-1),
      pages: [],
    })
  }

  private allocate(page: number): number {
    if (this.pages.length === SLOTS_MAX) this.forgetAll()
    const slot = this.pages.length
    this.pages.push(page)
    if ((slot + 1) * SLOT_WORDS > this.pool.length) {
      const grown = new Int32Array(Math.max(SLOTS_AT_FIRST, slot * 2) * SLOT_WORDS)
      grown.set(this.pool)
      this.pool = grown
    }
    this.clearSlot(slot)
    this.slotOfPage[page] = slot
    this.memory.attention[page]! |= ATTENTION_CODE
    return slot
  }

  private clearSlot(slot: number): void {
    const start = slot * SLOT_WORDS
    this.pool.fill(OP.undecoded, start, start + SLOT_WORDS)
    this.pool[start + SLOT_WORDS - DECODED_WORDS] = OP.pageEnd
  }
}
