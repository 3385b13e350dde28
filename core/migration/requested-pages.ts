import { WireError } from '../base/errors.js'
import { PAGE_OCTETS } from '../base/units.js'
import type { RamBlock } from './guest-memory.js'
import type { PendingPages } from './pending-pages.js'

/** Stretches of pages that may wait. A destination asks once for each page that it stands still for: few at a time. */
const RUNS_MAX = 12_288

interface PageRun {
  readonly block: number
  page: number
  readonly endPage: number
}

/** A request as it came: without a name, the block last named is meant. */
export interface PageRequestMessage {
  readonly block: string | null
  readonly offset: number
  readonly octets: number
}

/** The pages that the destination asked for, in the order of asking (QEMU's `src_page_requests`, migration/ram.c). */
export class RequestedPages {
  private readonly runs: PageRun[] = []
  private namedBlock = -1

  /** `prepagingPages`: how many pages around those asked for are sent along: half of them behind, then those before. */
  constructor(
    private readonly blocks: readonly RamBlock[],
    private readonly prepagingPages: number,
  ) {}

  /** Throws `WireError` when there are no such pages. */
  add({ block, offset, octets }: PageRequestMessage): void {
    if (block !== null) this.namedBlock = this.blocks.findIndex(({ name }) => name === block)
    const pageCount = this.blocks[this.namedBlock]?.memory.pageCount
    if (pageCount === undefined) throw refused(`no RAM block ${block === null ? 'was named' : JSON.stringify(block)}`)
    if (offset % PAGE_OCTETS !== 0 || octets % PAGE_OCTETS !== 0 || octets === 0)
      throw refused(`${octets} octets from ${offset} are not whole pages`)
    if (offset + octets > pageCount * PAGE_OCTETS)
      throw refused(`${octets} octets from ${offset} of a block of ${pageCount} pages`)
    if (this.runs.length >= RUNS_MAX) throw refused(`over ${RUNS_MAX} stretches of pages wait`)
    const page = offset / PAGE_OCTETS
    const endPage = page + octets / PAGE_OCTETS
    const behind = Math.ceil(this.prepagingPages / 2)
    this.push(page, endPage)
    this.push(endPage, Math.min(pageCount, endPage + behind))
    this.push(Math.max(0, page - (this.prepagingPages - behind)), page)
  }

  /** Take the next of them that is still to be sent: `pending` then names it. */
  next(pending: PendingPages): boolean {
    for (let run = this.runs[0]; run !== undefined; run = this.runs[0]) {
      while (run.page < run.endPage) if (pending.take(run.block, run.page++)) return true
      this.runs.shift()
    }
    return false
  }

  get isEmpty(): boolean {
    return this.runs.length === 0
  }

  /** The connection broke: what is still wanted will be asked for again. */
  clear(): void {
    this.runs.length = 0
    this.namedBlock = -1
  }

  private push(page: number, endPage: number): void {
    if (page < endPage) this.runs.push({ block: this.namedBlock, page, endPage })
  }
}

function refused(reason: string): WireError {
  return new WireError('return path', 0, `pages are asked for that cannot be: ${reason}`)
}
