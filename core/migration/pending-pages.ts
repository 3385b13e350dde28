import { PAGE_OCTETS } from '../base/units.js'
import { pageCountOf, type RamBlock } from './guest-memory.js'
import { rangesOf, type PageRange } from './wire/postcopy.js'

/**
 * The pages that are still to be sent, by block: QEMU's migration bitmap. It is walked in circles (migration/ram.c,
 * `find_dirty_block`): reading the dirty log in the midst of a walk does not begin a new one.
 */
export class PendingPages {
  /** Pages to be sent. */
  count = 0
  /** Where the last `next` stopped. */
  block = 0
  page = -1
  /** How often the walk came past the last page. */
  laps = 0
  private readonly bitmaps: readonly Uint32Array[]

  constructor(private readonly blocks: readonly RamBlock[]) {
    this.bitmaps = blocks.map(({ memory }) => new Uint32Array(Math.ceil(memory.pageCount / 32)))
  }

  get octets(): number {
    return this.count * PAGE_OCTETS
  }

  /** Pages of all blocks. */
  get pageCount(): number {
    return pageCountOf(this.blocks)
  }

  /** Every page is to be sent. */
  markAll(): void {
    this.bitmaps.forEach((bitmap, index) => {
      const pages = this.blocks[index]?.memory.pageCount ?? 0
      bitmap.fill(0xffff_ffff)
      if (pages % 32 !== 0) bitmap[bitmap.length - 1] = 2 ** (pages % 32) - 1
    })
    this.count = this.pageCount
  }

  /** Add what the guest wrote since the last time. Returns how many were added. */
  sync(): number {
    let added = 0
    this.blocks.forEach(({ memory }, index) => {
      added += memory.takeDirty(this.bitmaps[index] as Uint32Array)
    })
    this.count += added
    return added
  }

  has(block: number, page: number): boolean {
    return (((this.bitmaps[block]?.[page >>> 5] ?? 0) >>> (page & 31)) & 1) === 1
  }

  /** Forget the page if it was to be sent, and go on behind it. Returns whether it was. */
  take(block: number, page: number): boolean {
    if (!this.has(block, page)) return false
    const bitmap = this.bitmaps[block] as Uint32Array
    bitmap[page >>> 5] = (bitmap[page >>> 5] ?? 0) & ~(1 << (page & 31))
    this.count--
    this.block = block
    this.page = page
    return true
  }

  /** The pages of `received` (one bit a page) are at the destination; all others of the block are to be sent. */
  setReceived(block: number, received: Uint32Array): void {
    const bitmap = this.bitmaps[block] as Uint32Array
    const pageCount = this.blocks[block]?.memory.pageCount ?? 0
    for (let page = 0; page < pageCount; page++) {
      const bit = 1 << (page & 31)
      const isPending = this.has(block, page)
      const isReceived = ((received[page >>> 5] ?? 0) & bit) !== 0
      if (isPending === !isReceived) continue
      bitmap[page >>> 5] = (bitmap[page >>> 5] ?? 0) ^ bit
      this.count += isReceived ? -1 : 1
    }
  }

  /** The pages of a block that are to be sent, as runs in order of address. */
  ranges(block: number): PageRange[] {
    return rangesOf(this.bitmaps[block] as Uint32Array, this.blocks[block]?.memory.pageCount ?? 0)
  }

  /** Take the next page, and after the last one of all the first: `block` and `page` then name it. False when there is none. */
  next(): boolean {
    if (this.count === 0) return false
    for (;;) {
      const bitmap = this.bitmaps[this.block]
      if (bitmap === undefined) {
        this.block = 0
        this.laps++
        continue
      }
      let index = (this.page + 1) >>> 5
      let bits = (bitmap[index] ?? 0) & (-1 << ((this.page + 1) & 31))
      while (bits === 0 && ++index < bitmap.length) bits = bitmap[index] as number
      if (bits === 0) {
        this.block++
        this.page = -1
        continue
      }
      const bit = 31 - Math.clz32(bits & -bits)
      this.page = 32 * index + bit
      bitmap[index] = (bitmap[index] as number) & ~(1 << bit)
      this.count--
      return true
    }
  }
}
