/** A block of memory that QEMU's board has and no guest here touches: flash, boot ROM. It is kept to be passed on. */
import { isZeroPage } from '../base/page-scan.js'
import { PAGE_OCTETS } from '../base/units.js'

const zeroPage = new Uint8Array(PAGE_OCTETS)

/** Only pages that are not zero take memory. Nothing writes to it while a machine runs, so its dirty log stays empty. */
export class IdleMemory {
  private readonly pages = new Map<number, Uint8Array>()

  constructor(readonly pageCount: number) {}

  page(index: number): Uint8Array {
    return this.pages.get(index) ?? zeroPage
  }

  isZero(page: number): boolean {
    return !this.pages.has(page)
  }

  differingOctets(other: unknown): number {
    if (!(other instanceof IdleMemory)) return this.pageCount * PAGE_OCTETS
    let differing = 0
    for (const page of new Set([...this.pages.keys(), ...other.pages.keys()])) {
      const [ours, theirs] = [this.page(page), other.page(page)]
      for (let at = 0; at < PAGE_OCTETS; at++) if (ours[at] !== theirs[at]) differing++
    }
    return differing
  }

  /** Inside one page. */
  write(offset: number, octets: Uint8Array): void {
    const index = Math.floor(offset / PAGE_OCTETS)
    const page = this.page(index).slice()
    page.set(octets, offset % PAGE_OCTETS)
    if (isZeroPage(new Int32Array(page.buffer), 0)) this.pages.delete(index)
    else this.pages.set(index, page)
  }

  startDirtyLog(): void {}
  stopDirtyLog(): void {}
  takeDirty(_into: Uint32Array): number {
    return 0
  }
}
