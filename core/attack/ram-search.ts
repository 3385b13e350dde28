/** Search the pages of a rebuilt RAM block for secrets, which may cross pages, without assembling the whole block. */
import { PAGE_OCTETS } from '../base/units.js'
import type { ImageBlock } from '../migration/wire/ram-image.js'
import { searchSecrets } from './secret-finder.js'
import type { FindingList } from './secret-finding.js'

/** Pages that are searched at once. */
export const SEARCH_PAGES_MAX = 64
/** Pages on either side that serve as context: a private key of 4096 bits has 3300 characters. */
const MARGIN_PAGES = 2
/** How far beside the changed pages a pattern may begin that reaches into them; keys find their other end by themselves. */
const REACH_OCTETS = 512

export class RamSearch {
  private readonly window = new Uint8Array((SEARCH_PAGES_MAX + 2 * MARGIN_PAGES) * PAGE_OCTETS)

  /** Search pages `first` to `last` of `block`, at most `SEARCH_PAGES_MAX`. */
  searchPages(block: ImageBlock, first: number, last: number, found: FindingList): void {
    const windowFirst = Math.max(0, first - MARGIN_PAGES)
    const windowLast = Math.min(block.pageCount - 1, last + MARGIN_PAGES)
    for (let page = windowFirst; page <= windowLast; page++) {
      const octets = block.page(page)
      const at = (page - windowFirst) * PAGE_OCTETS
      if (octets === null) this.window.fill(0, at, at + PAGE_OCTETS)
      else this.window.set(octets, at)
    }
    const image = this.window.subarray(0, (windowLast - windowFirst + 1) * PAGE_OCTETS)
    const from = (first - windowFirst) * PAGE_OCTETS
    const to = (last + 1 - windowFirst) * PAGE_OCTETS
    found.base = windowFirst * PAGE_OCTETS
    searchSecrets(image, Math.max(0, from - REACH_OCTETS), Math.min(image.length, to + REACH_OCTETS), found)
  }

  /** Search all of a block that is not zero. */
  searchBlock(block: ImageBlock, found: FindingList): void {
    let first = -1
    for (let page = 0; page <= block.pageCount; page++) {
      const isData = page < block.pageCount && block.page(page) !== null
      if (first >= 0 && (!isData || page - first === SEARCH_PAGES_MAX)) {
        this.searchPages(block, first, page - 1, found)
        first = -1
      }
      if (isData && first < 0) first = page
    }
  }
}
