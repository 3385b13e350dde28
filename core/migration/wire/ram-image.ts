/**
 * Guest RAM rebuilt from the page records of a stream by someone who only watches: which pages were seen, what they
 * hold now, how often each was sent, and where rounds seem to begin.
 */
import { WireError } from '../../base/errors.js'
import { PAGE_OCTETS } from '../../base/units.js'
import { inflatePage } from './page-zlib.js'
import type { RamBlockSize } from './qevm.js'
import { SilentObserver } from './stream-observer.js'
import { applyXbzrle } from './xbzrle.js'

/** Pages that are stored together. */
const SLAB_PAGES = 256
/** RAM in all; the tables take 7 octets a page. */
const RAM_OCTETS_MAX = 64 * 1024 ** 3

/** How a page was last sent. `delta`: as a difference to a page that was never seen. */
export type PageKind = 'unseen' | 'zero' | 'normal' | 'xbzrle' | 'delta'
const PAGE_KINDS: readonly PageKind[] = ['unseen', 'zero', 'normal', 'xbzrle', 'delta']
const UNSEEN = 0
const ZERO = 1
const NORMAL = 2
const XBZRLE = 3
const DELTA = 4

/** Pages of one pass over memory. Nothing in the stream says where one begins, so it is always inferred. */
export interface ImageRound {
  zero: number
  normal: number
  xbzrle: number
  readonly inferred: true
}

export class ImageBlock {
  /** Pages whose content is known. */
  pagesRecovered = 0
  private slots: Int32Array
  private kinds: Uint8Array
  private counts: Uint16Array
  private readonly slabs: Uint8Array[] = []
  private slotsUsed = 0

  constructor(
    readonly name: string,
    public octets: number,
  ) {
    this.slots = new Int32Array(this.pageCount).fill(-1)
    this.kinds = new Uint8Array(this.pageCount)
    this.counts = new Uint16Array(this.pageCount)
  }

  get pageCount(): number {
    return this.octets / PAGE_OCTETS
  }

  /** More of it came to light than was announced. */
  growTo(octets: number): void {
    if (octets <= this.octets) return
    this.octets = octets
    if (this.pageCount <= this.kinds.length) return
    const capacity = Math.max(this.pageCount, 2 * this.kinds.length)
    const { slots, kinds, counts } = this
    this.slots = new Int32Array(capacity).fill(-1)
    this.slots.set(slots)
    this.kinds = new Uint8Array(capacity)
    this.kinds.set(kinds)
    this.counts = new Uint16Array(capacity)
    this.counts.set(counts)
  }

  /** A view of the page as it is known now, or null when it is all zero or unknown. */
  page(page: number): Uint8Array | null {
    const slot = this.slots[page] ?? -1
    if (slot < 0 || this.kinds[page] === ZERO) return null
    return this.slotOctets(slot)
  }

  kind(page: number): PageKind {
    return PAGE_KINDS[this.kinds[page] ?? UNSEEN] ?? 'unseen'
  }

  /** How many records there were of a page (65535 stands for more). */
  recordCount(page: number): number {
    return this.counts[page] ?? 0
  }

  /** The whole block, what is unknown as zeros: for hashing, dumping and searching. Allocates all of it. */
  assemble(): Uint8Array {
    const whole = new Uint8Array(this.octets)
    for (let page = 0; page < this.pageCount; page++) {
      const octets = this.page(page)
      if (octets !== null) whole.set(octets, page * PAGE_OCTETS)
    }
    return whole
  }

  setPage(page: number, octets: Uint8Array): void {
    this.writablePage(page).set(octets)
    this.recorded(page, NORMAL)
  }

  fillPage(page: number, fill: number): void {
    if (fill !== 0) this.writablePage(page).fill(fill)
    this.recorded(page, fill === 0 ? ZERO : NORMAL)
  }

  /** A delta to a page never seen cannot be applied: the page stays unknown. */
  changePage(page: number, encoded: Uint8Array): void {
    const known = this.kinds[page] === ZERO || this.kinds[page] === NORMAL || this.kinds[page] === XBZRLE
    if (!known) return this.recorded(page, DELTA)
    const octets = this.writablePage(page)
    if (this.kinds[page] === ZERO) octets.fill(0)
    applyXbzrle(octets, encoded)
    this.recorded(page, XBZRLE)
  }

  private recorded(page: number, kind: number): void {
    const known = kind <= XBZRLE ? 1 : 0
    const before = this.kinds[page] ?? UNSEEN
    const wasKnown = before !== UNSEEN && before <= XBZRLE ? 1 : 0
    this.pagesRecovered += known - wasKnown
    this.kinds[page] = kind
    this.counts[page] = Math.min(0xffff, (this.counts[page] ?? 0) + 1)
  }

  private writablePage(page: number): Uint8Array {
    let slot = this.slots[page] ?? -1
    if (slot < 0) {
      slot = this.slotsUsed++
      if (slot % SLAB_PAGES === 0) this.slabs.push(new Uint8Array(SLAB_PAGES * PAGE_OCTETS))
      this.slots[page] = slot
    }
    return this.slotOctets(slot)
  }

  private slotOctets(slot: number): Uint8Array {
    const at = (slot % SLAB_PAGES) * PAGE_OCTETS
    return (this.slabs[Math.floor(slot / SLAB_PAGES)] as Uint8Array).subarray(at, at + PAGE_OCTETS)
  }
}

/** Give it to a `StreamReader`, or extend it to see more of the stream. */
export class RamImage extends SilentObserver {
  readonly blocks: ImageBlock[] = []
  readonly rounds: ImageRound[] = []
  private round: ImageRound | null = null
  private lastBlock = -1
  private lastOffset = -1
  private inEnd = false

  override memorySize(blocks: readonly RamBlockSize[]): void {
    let total = 0
    for (const { octets } of blocks) total += octets
    if (total > RAM_OCTETS_MAX)
      throw new WireError('qevm', 0, `RAM of ${total} octets: more than 64 GiB is not rebuilt`)
    for (const { name, octets } of blocks) this.blocks.push(new ImageBlock(name, octets))
  }

  /** The guest has stopped and the dirty log was read a last time: all that is left is one pass. */
  override sectionEnd(_sectionId: number): void {
    this.round = null
    this.inEnd = true
  }

  override page(block: number, offset: number, octets: Uint8Array): void {
    this.passing(block, offset).normal++
    this.blocks[block]?.setPage(offset / PAGE_OCTETS, octets)
  }

  override filledPage(block: number, offset: number, fill: number): void {
    this.passing(block, offset).zero++
    this.blocks[block]?.fillPage(offset / PAGE_OCTETS, fill)
  }

  override xbzrlePage(block: number, offset: number, encoded: Uint8Array): void {
    this.passing(block, offset).xbzrle++
    this.blocks[block]?.changePage(offset / PAGE_OCTETS, encoded)
  }

  override compressedPage(block: number, offset: number, compressed: Uint8Array): void {
    this.passing(block, offset).normal++
    this.blocks[block]?.setPage(offset / PAGE_OCTETS, inflatePage(compressed))
  }

  /** The round this record belongs to: a sender passes over memory in order, so going back means a new pass. */
  private passing(block: number, offset: number): ImageRound {
    const goesBack = block < this.lastBlock || (block === this.lastBlock && offset <= this.lastOffset)
    this.lastBlock = block
    this.lastOffset = offset
    if (this.round === null || (goesBack && !this.inEnd)) {
      this.round = { zero: 0, normal: 0, xbzrle: 0, inferred: true }
      this.rounds.push(this.round)
    }
    return this.round
  }
}
