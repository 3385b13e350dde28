/** A set of pages that a guest writes at a rate, and the dirty log of it: both worked out from the guest's time. */
import { wholePower } from '../base/exact-powers.js'
import { readU32le } from '../base/octets.js'
import type { RandomStream } from '../kernel/random.js'
import type { GuestTime } from './guest-time.js'

export interface WriteSetOptions {
  readonly firstPage: number
  readonly pageCount: number
  readonly pagesPerSecond: number
  /**
   * `cyclic`: page after page, and again from the first. `random`: each store goes to any page of the set, so after a time t
   * a page has been written with probability 1 - (1 - 1/pageCount)^(rate t), in the mean 1 - e^(-rate t / pageCount).
   */
  readonly order: 'cyclic' | 'random'
}

export class WriteSet {
  readonly firstPage: number
  readonly pageCount: number
  readonly pagesPerSecond: number
  /** Of a random set, for each page: the readings of the log in which it was found written. Null for a cyclic one. */
  private readonly found: Uint32Array | null
  /** Stores before the guest came to this copy. */
  private storesBefore = 0
  private storesLogged: number | null = null

  constructor(
    { firstPage, pageCount, pagesPerSecond, order }: WriteSetOptions,
    private readonly time: GuestTime,
    private readonly random: RandomStream,
  ) {
    this.firstPage = firstPage
    this.pageCount = pageCount
    this.pagesPerSecond = pagesPerSecond
    this.found = order === 'random' ? new Uint32Array(pageCount) : null
  }

  /** Since the guest began its life. */
  get stores(): number {
    return this.storesBefore + Math.floor((this.time.runningNs * this.pagesPerSecond) / 1e9)
  }

  /** The guest goes on here after so many stores, and a random set with what arrived of it. */
  takeOver(stores: number, versionOf: (page: number) => number): void {
    this.storesBefore = stores
    this.found?.forEach((_, index, found) => (found[index] = versionOf(this.firstPage + index)))
  }

  /** How often `page` was written, as far as its octets show. */
  writesOf(page: number): number {
    const index = page - this.firstPage
    if (index < 0 || index >= this.pageCount) return 0
    if (this.found !== null) return this.found[index] as number
    const { stores } = this
    return stores > index ? Math.floor((stores - 1 - index) / this.pageCount) + 1 : 0
  }

  startLog(): void {
    this.storesLogged = this.stores
  }

  stopLog(): void {
    this.storesLogged = null
  }

  /** As `GuestMemory.takeDirty`, for these pages. */
  takeDirty(into: Uint32Array): number {
    if (this.storesLogged === null) return 0
    const from = this.storesLogged
    const until = this.stores
    this.storesLogged = until
    return this.found === null ? this.takeCyclic(into, from, until) : this.takeRandom(into, this.found, until - from)
  }

  private takeCyclic(into: Uint32Array, from: number, until: number): number {
    let newlySet = 0
    for (let store = Math.max(from, until - this.pageCount); store < until; store++)
      newlySet += mark(into, this.firstPage + (store % this.pageCount))
    return newlySet
  }

  private takeRandom(into: Uint32Array, found: Uint32Array, stores: number): number {
    if (stores === 0) return 0
    const bound = (1 - wholePower(1 - 1 / this.pageCount, stores)) * 2 ** 32
    const draws = this.random.octets(4 * this.pageCount)
    let newlySet = 0
    for (let index = 0; index < this.pageCount; index++)
      if (readU32le(draws, 4 * index) < bound) {
        found[index] = (found[index] as number) + 1
        newlySet += mark(into, this.firstPage + index)
      }
    return newlySet
  }
}

/** Set the bit of a page; 1 if it was not set. */
function mark(bitmap: Uint32Array, page: number): 0 | 1 {
  const word = bitmap[page >>> 5] as number
  const bit = 1 << (page & 31)
  if ((word & bit) !== 0) return 0
  bitmap[page >>> 5] = word | bit
  return 1
}
