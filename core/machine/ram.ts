/** Guest RAM with its dirty log. */
import { InputError } from '../base/errors.js'
import { differingOctets, isZeroPage } from '../base/page-scan.js'
import { shallowCopy, type CopyPurpose, type SelfCopying } from '../base/snapshot.js'
import { PAGE_OCTETS } from '../base/units.js'
import type { DecodedCode } from '../cpu/decoded-code.js'
import { ATTENTION_CODE, ATTENTION_KEPT, ATTENTION_LOG, ATTENTION_WATCH, type HartMemory } from '../cpu/memory.js'
import { giveMemory, takeMemory } from './spare-memory.js'

export const RAM_OCTETS_MIN = 1024 ** 2
export const RAM_OCTETS_MAX = 1024 ** 3

/**
 * RAM, addressed by octets or pages from its start (guest address less `RAM_BASE`). The operating system gives memory to
 * the buffer as it is touched, so pages that stay zero cost nothing.
 *
 * The dirty log works like write protection: each first store to a page after a read of the log takes the slow path,
 * the others cost one comparison. Whoever writes to `octets` other than through `write` calls `markDirty` for the page.
 */
export class Ram implements HartMemory, SelfCopying {
  octets: Uint8Array<ArrayBuffer>
  halves: Uint16Array
  words: Int32Array
  readonly attention: Uint8Array
  readonly pageCount: number
  /** Decoded code that must hear of stores to its pages. Set by the machine. */
  code: DecodedCode | null = null

  /** Pages that have not arrived: see `expectPages`. */
  missingPages = 0

  /** Stores of the hart so far that were the first to their page since the dirty log was read. */
  loggedStores = 0

  private isReleased = false
  private readonly dirtyBits: Uint32Array
  private logging = false
  private readonly missingBits: Uint32Array
  /** Index of the watched word, or -1. */
  private watched = -1
  /** Pages as they were when a state was last kept, null for zeros; those changed since have no `ATTENTION_KEPT`. */
  private keptPages: readonly (Uint8Array | null)[] | null = null

  /** `octets` is a multiple of 4096 from 1 MiB to 1 GiB; otherwise `InputError`. */
  constructor(octets: number) {
    if (!(octets >= RAM_OCTETS_MIN && octets <= RAM_OCTETS_MAX) || octets % PAGE_OCTETS !== 0)
      throw new InputError(`${octets} octets of RAM: choose whole 4 KiB pages, from 1MiB to 1GiB`)
    const buffer = takeMemory(octets)
    this.octets = new Uint8Array(buffer)
    this.halves = new Uint16Array(buffer)
    this.words = new Int32Array(buffer)
    this.pageCount = octets / PAGE_OCTETS
    this.attention = new Uint8Array(this.pageCount)
    this.dirtyBits = new Uint32Array(Math.ceil(this.pageCount / 32))
    this.missingBits = new Uint32Array(this.dirtyBits.length)
  }

  /** The machine is gone: its memory may become another's. What is left here is empty. */
  release(): void {
    if (this.isReleased) return
    this.isReleased = true
    giveMemory(this.octets.buffer)
    this.octets = new Uint8Array(0)
    this.halves = new Uint16Array(0)
    this.words = new Int32Array(0)
    this.keptPages = null
  }

  /** A view of one page. */
  page(index: number): Uint8Array {
    return this.octets.subarray(index * PAGE_OCTETS, (index + 1) * PAGE_OCTETS)
  }

  isZero(page: number): boolean {
    return isZeroPage(this.words, page)
  }

  /** Octets that differ from those of another machine's RAM. */
  differingOctets(other: unknown): number {
    return other instanceof Ram ? differingOctets(this.words, other.words) : this.octets.length
  }

  /** Write from outside the hart: an image, a device, a migration. */
  write(offset: number, octets: Uint8Array): void {
    if (octets.length === 0) return
    this.octets.set(octets, offset)
    const last = (offset + octets.length - 1) >>> 12
    for (let page = offset >>> 12; page <= last; page++) this.markDirty(page)
  }

  /** The page was, or is about to be, written from outside the hart. */
  markDirty(page: number): void {
    this.logDirty(page)
    if ((this.attention[page]! & ATTENTION_CODE) !== 0) this.code?.forgetPage(page)
  }

  noteStore(offset: number): boolean {
    const page = offset >>> 12
    if ((this.attention[page]! & ATTENTION_LOG) !== 0) this.loggedStores++
    this.logDirty(page)
    if ((this.attention[page]! & ATTENTION_CODE) !== 0) this.code?.forgetWord(offset)
    return offset >>> 2 === this.watched && this.watchedValue !== 0
  }

  /** What the watched word holds, unsigned; 0 while none is watched. */
  get watchedValue(): number {
    return this.watched < 0 ? 0 : this.words[this.watched]! >>> 0
  }

  /** End the hart's run after an instruction that leaves the word at `offset`, a multiple of 4, other than 0. */
  watch(offset: number): void {
    this.watched = offset >>> 2
    this.attention[offset >>> 12]! |= ATTENTION_WATCH
  }

  /** From now on every page written is in the log, which starts empty. */
  startDirtyLog(): void {
    this.logging = true
    this.dirtyBits.fill(0)
    for (let page = 0; page < this.pageCount; page++) this.attention[page]! |= ATTENTION_LOG
  }

  stopDirtyLog(): void {
    this.logging = false
    this.dirtyBits.fill(0)
    for (let page = 0; page < this.pageCount; page++) this.attention[page]! &= ~ATTENTION_LOG
  }

  /**
   * Move the log into `into`, one bit a page, page 0 the lowest bit of word 0, and empty it. Returns how many bits of
   * `into` were not set before.
   */
  takeDirty(into: Uint32Array): number {
    let newlySet = 0
    for (let index = 0; index < this.dirtyBits.length; index++) {
      const bits = this.dirtyBits[index]!
      if (bits === 0) continue
      newlySet += countBits(bits & ~into[index]!)
      into[index]! |= bits
      this.dirtyBits[index] = 0
      for (let rest = bits; rest !== 0; rest &= rest - 1)
        this.attention[32 * index + 31 - Math.clz32(rest & -rest)]! |= ATTENTION_LOG
    }
    return newlySet
  }

  /**
   * The pages set in `bits` (one bit a page, page 0 the lowest bit of word 0) are still elsewhere: whoever needs one
   * waits until `pageArrived`. What they hold here is forgotten.
   */
  expectPages(bits: Uint32Array): void {
    for (let page = 0; page < this.pageCount; page++) {
      if (((bits[page >>> 5]! >>> (page & 31)) & 1) === 0 || this.isMissing(page)) continue
      this.missingBits[page >>> 5]! |= 1 << (page & 31)
      this.missingPages++
      this.page(page).fill(0)
      this.markDirty(page)
    }
  }

  isMissing(page: number): boolean {
    return ((this.missingBits[page >>> 5]! >>> (page & 31)) & 1) !== 0
  }

  /** The first missing page that `octets` from `offset` on touch, or -1. */
  firstMissing(offset: number, octets: number): number {
    if (this.missingPages === 0) return -1
    for (let page = offset >>> 12; page <= (offset + octets - 1) >>> 12; page++) if (this.isMissing(page)) return page
    return -1
  }

  /**
   * A missing page came. False, and nothing changes, when it was not missing: what is here may be newer. The dirty log has
   * only what the guest wrote since.
   */
  pageArrived(page: number, octets: Uint8Array): boolean {
    if (!this.isMissing(page)) return false
    this.missingBits[page >>> 5]! &= ~(1 << (page & 31))
    this.missingPages--
    this.write(page * PAGE_OCTETS, octets)
    if (this.logging) {
      this.dirtyBits[page >>> 5]! &= ~(1 << (page & 31))
      this.attention[page]! |= ATTENTION_LOG
    }
    return true
  }

  /** Copied to be kept, it becomes its pages alone; copied from there, it is whole again. */
  copySelf(copy: <T>(value: T) => T, register: (copied: object) => void, purpose: CopyPurpose): object | null {
    if (this.isReleased) return this
    const isWhole = this.octets.length > 0
    if (isWhole && purpose === 'live') return null
    if (!isWhole && purpose === 'kept') return this
    const pages = isWhole ? this.keep() : this.keptPages!
    const octets = new Uint8Array(isWhole ? 0 : this.pageCount * PAGE_OCTETS)
    const copied: Ram = Object.assign(shallowCopy<Ram>(this), {
      octets,
      halves: new Uint16Array(octets.buffer),
      words: new Int32Array(octets.buffer),
      attention: this.attention.slice(),
      dirtyBits: this.dirtyBits.slice(),
      missingBits: this.missingBits.slice(),
      code: null,
    })
    register(copied)
    copied.code = copy(this.code)
    if (!isWhole)
      for (const [page, contents] of pages.entries()) if (contents !== null) octets.set(contents, page * PAGE_OCTETS)
    return copied
  }

  /** Every page now; those not written since they were last kept are the same objects as then. */
  private keep(): readonly (Uint8Array | null)[] {
    const last = this.keptPages
    const pages = Array.from({ length: this.pageCount }, (_, page) => {
      if (last !== null && (this.attention[page]! & ATTENTION_KEPT) !== 0) return last[page]!
      this.attention[page]! |= ATTENTION_KEPT
      return this.isZero(page) ? null : this.page(page).slice()
    })
    return (this.keptPages = Object.freeze(pages))
  }

  private logDirty(page: number): void {
    this.attention[page]! &= ~ATTENTION_KEPT
    if (!this.logging) return
    this.dirtyBits[page >>> 5]! |= 1 << (page & 31)
    this.attention[page]! &= ~ATTENTION_LOG
  }
}

function countBits(word: number): number {
  let bits = word - ((word >>> 1) & 0x5555_5555)
  bits = (bits & 0x3333_3333) + ((bits >>> 2) & 0x3333_3333)
  return Math.imul((bits + (bits >>> 4)) & 0x0f0f_0f0f, 0x0101_0101) >>> 24
}
