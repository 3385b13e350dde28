import { PAGE_OCTETS } from '../base/units.js'
import type { RamBlock } from './guest-memory.js'

/** The pages that are still to be sent, by block: QEMU's migration bitmap. */
export class PendingPages {
  /** Pages to be sent. */
  count = 0
  /** Where the last `next` stopped. */
  block = 0
  page = -1
  private readonly bitmaps: readonly Uint32Array[]

  constructor(private readonly blocks: readonly RamBlock[]) {
    this.bitmaps = blocks.map(({ memory }) => new Uint32Array(Math.ceil(memory.pageCount / 32)))
  }

  get octets(): number {
    return this.count * PAGE_OCTETS
  }

  /** Pages of all blocks. */
  get pageCount(): number {
    let pages = 0
    for (const { memory } of this.blocks) pages += memory.pageCount
    return pages
  }

  /** Every page is to be sent. */
  markAll(): void {
    this.bitmaps.forEach((bitmap, index) => {
      const pages = this.blocks[index]?.memory.pageCount ?? 0
      bitmap.fill(0xffff_ffff)
      if (pages % 32 !== 0) bitmap[bitmap.length - 1] = 2 ** (pages % 32) - 1
    })
    this.count = this.pageCount
    this.rewind()
  }

  /** Add what the guest wrote since the last time, and begin again at the first page. Returns how many were added. */
  sync(): number {
    let added = 0
    this.blocks.forEach(({ memory }, index) => {
      added += memory.takeDirty(this.bitmaps[index] as Uint32Array)
    })
    this.count += added
    this.rewind()
    return added
  }

  has(block: number, page: number): boolean {
    return (((this.bitmaps[block]?.[page >>> 5] ?? 0) >>> (page & 31)) & 1) === 1
  }

  /** Take the next page in order of address: `block` and `page` then name it. False when there is none. */
  next(): boolean {
    if (this.count === 0) return false
    for (; this.block < this.bitmaps.length; this.block++, this.page = -1) {
      const bitmap = this.bitmaps[this.block] as Uint32Array
      let index = (this.page + 1) >>> 5
      let bits = (bitmap[index] ?? 0) & (-1 << ((this.page + 1) & 31))
      while (bits === 0 && ++index < bitmap.length) bits = bitmap[index] as number
      if (bits === 0) continue
      const bit = 31 - Math.clz32(bits & -bits)
      this.page = 32 * index + bit
      bitmap[index] = (bitmap[index] as number) & ~(1 << bit)
      this.count--
      return true
    }
    return false
  }

  private rewind(): void {
    this.block = 0
    this.page = -1
  }
}
