/** For each page of a block, where in the stream its last copy and its last change stand. */
import { PAGE_OCTETS } from '../base/units.js'
import type { StreamSpan } from './packet-log.js'

const SLAB_PAGES = 1024
/** Channels and offsets share a number: 2^44 octets a channel. */
const CHANNEL = 2 ** 44

interface Slab {
  /** Where the page's 4096 octets begin; -1 while there is no whole copy. */
  readonly copies: Float64Array
  /** Where the last delta to that copy begins, and its length; -1 if there is none. */
  readonly changes: Float64Array
  readonly changeOctets: Uint16Array
}

export class PageEvidence {
  private readonly slabs = new Map<number, Slab>()

  copied(page: number, channel: number, offset: number): void {
    const slab = this.slabOf(page)
    slab.copies[page % SLAB_PAGES] = channel * CHANNEL + offset
    slab.changes[page % SLAB_PAGES] = -1
  }

  changed(page: number, channel: number, offset: number, octets: number): void {
    const slab = this.slabOf(page)
    slab.changes[page % SLAB_PAGES] = channel * CHANNEL + offset
    slab.changeOctets[page % SLAB_PAGES] = octets
  }

  /** Where octets `from` to `to` of a block came from. */
  spans(from: number, to: number): StreamSpan[] {
    const spans: StreamSpan[] = []
    for (let page = Math.floor(from / PAGE_OCTETS); page * PAGE_OCTETS < to; page++) {
      const slab = this.slabs.get(Math.floor(page / SLAB_PAGES))
      const copy = slab?.copies[page % SLAB_PAGES] ?? -1
      const change = slab?.changes[page % SLAB_PAGES] ?? -1
      const start = Math.max(from - page * PAGE_OCTETS, 0)
      const end = Math.min(to - page * PAGE_OCTETS, PAGE_OCTETS)
      if (copy >= 0) spans.push(spanAt(copy + start, end - start))
      if (change >= 0) spans.push(spanAt(change, slab?.changeOctets[page % SLAB_PAGES] ?? 0))
    }
    return spans
  }

  private slabOf(page: number): Slab {
    const key = Math.floor(page / SLAB_PAGES)
    let slab = this.slabs.get(key)
    if (slab === undefined) {
      const copies = new Float64Array(SLAB_PAGES).fill(-1)
      const changes = new Float64Array(SLAB_PAGES).fill(-1)
      slab = { copies, changes, changeOctets: new Uint16Array(SLAB_PAGES) }
      this.slabs.set(key, slab)
    }
    return slab
  }
}

const spanAt = (position: number, octets: number): StreamSpan => ({
  channel: Math.floor(position / CHANNEL),
  offset: position % CHANNEL,
  octets,
})
