/**
 * Which blocks of a sealed stream are the same as others, and the pages that follow from it. A cipher that seals equal blocks
 * alike (ECB) shows every page that comes twice: its whole blocks come twice, in a row. Where a page begins within a block
 * differs from page to page, so of two equal pages that lie differently nothing is seen; a page of one repeated block shows
 * however it lies.
 *
 * Bounded: after `BLOCKS_MAX` nothing more is looked at, and a stream that repeats nothing at its beginning is given up.
 */
import { readU32be } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'
import { BlockTable } from './block-table.js'
import type { AlikePage, StructureSeen } from './alike-pages.js'

const BLOCKS_MAX = 2 ** 23
/** Full records of ECB repeat their padding every 1024 blocks; a few repeats are the words of a handshake. */
const HOPELESS_BLOCKS = 65_536
const HOPELESS_SHARE = 1 / 4096
/** In the list of blocks: here the stream's alignment changes. */
const CUT = 0xffff_ffff

interface Stretch {
  readonly firstBlock: number
  readonly octet: number
}

export class BlockRepeats {
  private readonly table = new BlockTable()
  /** The number of each block's content, in the order of the stream. */
  private numbers = new Uint32Array(4096)
  private length = 0
  /** Where the blocks between two cuts lie. */
  private readonly stretches: Stretch[] = []
  private isCut = true
  blocks = 0
  /** Blocks that were there before. */
  repeated = 0

  constructor(private readonly blockOctets: number) {}

  /** All further octets are in vain. */
  get isHopeless(): boolean {
    return this.blocks >= BLOCKS_MAX || (this.blocks >= HOPELESS_BLOCKS && this.repeated < HOPELESS_SHARE * this.blocks)
  }

  /** Blocks in a row, the first at `octet` of what the stream carries; an end that is no block is left out. */
  push(sealed: Uint8Array, octet: number): void {
    if (this.isCut) {
      this.append(CUT)
      this.stretches.push({ firstBlock: this.length, octet })
      this.isCut = false
    }
    for (let at = 0; at + this.blockOctets <= sealed.length; at += this.blockOctets) this.append(this.see(sealed, at))
  }

  /** What comes next does not lie in the same blocks. */
  cut(): void {
    this.isCut = true
  }

  /** A block that is no part of what is carried. */
  padding(block: Uint8Array): void {
    if (block.length >= 8) this.see(block, 0)
  }

  /** Pages that are like others, and pages of nothing but the block that is most frequent, by where they lie. */
  alikePages(): AlikePage[] {
    const { numbers, length } = this
    if (this.repeated === 0) return []
    const window = Math.floor((PAGE_OCTETS - this.blockOctets + 1) / this.blockOctets)
    const step = PAGE_OCTETS / this.blockOctets
    const sums = new WindowSums(numbers.subarray(0, length), window)
    const firsts = new Map<number, FirstPage>()
    const pages: AlikePage[] = []
    const empty = this.table.mostFrequent
    // How many blocks in a row, up to and with this one, come more than once, and how many are equal.
    let known = 0
    let equal = 0
    for (let index = 0; index < length; index++) {
      const number = numbers[index] as number
      known = number !== CUT && this.table.count(number) > 1 ? known + 1 : 0
      equal = known > 0 && index > 0 && numbers[index - 1] === number ? equal + 1 : 1
      if (known < window) continue
      const start = index - window + 1
      const isUniform = equal >= window
      // One block that came before, the end of a header for instance, and then a page of equal ones: that begins with the next.
      if (!isUniform && equal === window - 1) continue
      const sum = sums.at(start)
      const first = firsts.get(sum)
      // Windows that overlap are no two pages.
      if (!isUniform && (first === undefined || start < first.start + window)) {
        if (first === undefined) firsts.set(sum, { start, group: null })
        continue
      }
      const group = first?.group ?? firsts.size + pages.length
      if (first === undefined) firsts.set(sum, { start, group })
      else if (first.group === null) {
        pages.push({ octet: this.octetOf(first.start), group, isZero: false })
        firsts.set(sum, { start: first.start, group })
      }
      pages.push({ octet: this.octetOf(start), group, isZero: isUniform && number === empty })
      // The next page begins after this one at the earliest.
      known = window - step
      equal = known
    }
    return pages.sort((a, b) => a.octet - b.octet)
  }

  private see(octets: Uint8Array, at: number): number {
    this.blocks++
    const number = this.table.number(readU32be(octets, at), readU32be(octets, at + 4))
    if (this.table.count(number) > 1) this.repeated++
    return number
  }

  private append(number: number): void {
    if (this.length === this.numbers.length) {
      const numbers = new Uint32Array(2 * this.length)
      numbers.set(this.numbers)
      this.numbers = numbers
    }
    this.numbers[this.length++] = number
  }

  private octetOf(block: number): number {
    const { stretches } = this
    let [low, high] = [0, stretches.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((stretches[middle] as Stretch).firstBlock <= block) low = middle
      else high = middle - 1
    }
    const { firstBlock, octet } = stretches[low] as Stretch
    return octet + (block - firstBlock) * this.blockOctets
  }
}

/** Null: there was nothing to compare. */
export function structureOf(repeats: BlockRepeats | null): StructureSeen {
  if (repeats === null) return { blocks: 0, repeated: 0, pages: [] }
  return { blocks: repeats.blocks, repeated: repeats.repeated, pages: repeats.alikePages() }
}

interface FirstPage {
  readonly start: number
  /** Null until a second one came. */
  readonly group: number | null
}

/** A number for any so many entries in a row (Rabin and Karp), from sums over all that come before. */
class WindowSums {
  private readonly low: Uint32Array
  private readonly high: Uint32Array
  private lowPower = 1
  private highPower = 1

  constructor(
    entries: Uint32Array,
    private readonly window: number,
  ) {
    this.low = new Uint32Array(entries.length + 1)
    this.high = new Uint32Array(entries.length + 1)
    for (let index = 0; index < entries.length; index++) {
      const entry = (entries[index] as number) + 1
      this.low[index + 1] = Math.imul(this.low[index] as number, LOW_BASE) + entry
      this.high[index + 1] = Math.imul(this.high[index] as number, HIGH_BASE) + Math.imul(entry, 0x85eb_ca6b)
    }
    for (let index = 0; index < window; index++) {
      this.lowPower = Math.imul(this.lowPower, LOW_BASE)
      this.highPower = Math.imul(this.highPower, HIGH_BASE)
    }
  }

  at(start: number): number {
    const { low, high, window } = this
    const lowSum = ((low[start + window] as number) - Math.imul(low[start] as number, this.lowPower)) >>> 0
    const highSum = ((high[start + window] as number) - Math.imul(high[start] as number, this.highPower)) >>> 0
    return (highSum >>> 11) * 2 ** 32 + lowSum
  }
}

/** Odd, and large enough to mix. */
const LOW_BASE = 0x9e37_79b1
const HIGH_BASE = 0xc2b2_ae3d
