/** Reads the records of a RAM section (migration/ram.c `ram_load`): the list of blocks, and pages in every form. */
import { latin1Text, readU16be, readU32be, readU64be } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'
import { ENCODING_FLAG_XBZRLE, RAM_SAVE_FLAG, type RamBlockSize } from './qevm.js'
import type { StreamCursor } from './stream-cursor.js'
import type { StreamObserver } from './stream-observer.js'

const BLOCKS_MAX = 1024
const COMPRESSED_OCTETS_MAX = 2 * PAGE_OCTETS
const FLAGS_MASK = PAGE_OCTETS - 1
const NEXT_PAGE = RAM_SAVE_FLAG.PAGE | RAM_SAVE_FLAG.CONTINUE
const NEXT_ZERO = RAM_SAVE_FLAG.ZERO | RAM_SAVE_FLAG.CONTINUE

export class RamRecordsReader {
  /** The records of a START, PART or END are over: to be reset before the next are read. */
  isAtEnd = false
  /** Blocks are announced with their addresses (capability `x-ignore-shared`). */
  sendsAddresses = false
  private blocks: readonly RamBlockSize[] = []
  private blockIndexes: ReadonlyMap<string, number> = new Map()
  private currentBlock = -1

  constructor(
    private readonly observer: StreamObserver,
    private readonly cursor: StreamCursor,
  ) {}

  /** The sender names the block again before its next page. */
  forgetBlock(): void {
    this.currentBlock = -1
  }

  /** Read as many records as are there from `start`. Returns the octets they took, or WAIT. */
  read(octets: Uint8Array, start: number, end: number): number {
    let at = start
    while (end - at >= 8) {
      const low = readU32be(octets, at + 4)
      const flags = low & FLAGS_MASK
      const offset = readU32be(octets, at) * 0x1_0000_0000 + (low - flags)
      if (flags === NEXT_PAGE) {
        if (end - at < 8 + PAGE_OCTETS) return at > start ? at - start : this.cursor.wait(8 + PAGE_OCTETS)
        this.cursor.recordAt = at - start
        this.checkPlace(at - start, offset)
        this.observer.page(this.currentBlock, offset, octets.subarray(at + 8, at + 8 + PAGE_OCTETS))
        at += 8 + PAGE_OCTETS
      } else if (flags === NEXT_ZERO) {
        if (end - at < 9) return at > start ? at - start : this.cursor.wait(9)
        this.cursor.recordAt = at - start
        this.checkPlace(at - start, offset)
        this.observer.filledPage(this.currentBlock, offset, octets[at + 8] ?? 0)
        at += 9
      } else if (at > start) {
        return at - start // a rarer record gets a step of its own
      } else return this.readRecord(flags, offset, octets, start, end)
    }
    return at > start ? at - start : this.cursor.wait(8)
  }

  private readRecord(flags: number, offset: number, octets: Uint8Array, start: number, end: number): number {
    const kind = flags & ~RAM_SAVE_FLAG.CONTINUE
    switch (kind) {
      case RAM_SAVE_FLAG.EOS:
        if (flags !== kind || offset !== 0) throw this.cursor.refused(0, 'an end of records that has an offset')
        this.observer.endOfRecords()
        this.isAtEnd = true
        return 8
      case RAM_SAVE_FLAG.MULTIFD_FLUSH:
        this.observer.multifdFlush()
        return 8
      case RAM_SAVE_FLAG.MEM_SIZE:
        return this.readMemorySize(offset, octets, start, end)
      case RAM_SAVE_FLAG.PAGE:
      case RAM_SAVE_FLAG.ZERO:
      case RAM_SAVE_FLAG.XBZRLE:
      case RAM_SAVE_FLAG.COMPRESS_PAGE:
        break
      default:
        throw this.cursor.refused(0, `flags 0x${flags.toString(16)} of a RAM record`)
    }
    let bodyAt = 8
    if ((flags & RAM_SAVE_FLAG.CONTINUE) === 0) {
      if (end - start < 9) return this.cursor.wait(9)
      const nameOctets = octets[start + 8] ?? 0
      bodyAt = 9 + nameOctets
      if (end - start < bodyAt) return this.cursor.wait(bodyAt)
      const name = latin1Text(octets.subarray(start + 9, start + bodyAt))
      const block = this.blockIndexes.get(name)
      if (block === undefined) throw this.cursor.refused(8, `unknown RAM block ${JSON.stringify(name)}`)
      this.currentBlock = block
    }
    this.checkPlace(0, offset)
    return this.readPageBody(kind, offset, bodyAt, octets, start, end)
  }

  private readPageBody(
    kind: number,
    offset: number,
    bodyAt: number,
    octets: Uint8Array,
    start: number,
    end: number,
  ): number {
    const body = start + bodyAt
    switch (kind) {
      case RAM_SAVE_FLAG.PAGE:
        if (end - body < PAGE_OCTETS) return this.cursor.wait(bodyAt + PAGE_OCTETS)
        this.observer.page(this.currentBlock, offset, octets.subarray(body, body + PAGE_OCTETS))
        return bodyAt + PAGE_OCTETS
      case RAM_SAVE_FLAG.ZERO:
        if (end - body < 1) return this.cursor.wait(bodyAt + 1)
        this.observer.filledPage(this.currentBlock, offset, octets[body] ?? 0)
        return bodyAt + 1
      case RAM_SAVE_FLAG.XBZRLE: {
        if (end - body < 3) return this.cursor.wait(bodyAt + 3)
        const length = readU16be(octets, body + 1)
        if (octets[body] !== ENCODING_FLAG_XBZRLE)
          throw this.cursor.refused(bodyAt, `XBZRLE encoding ${octets[body] ?? 0}`)
        if (length > PAGE_OCTETS) throw this.cursor.refused(bodyAt + 1, `XBZRLE record of ${length} octets`)
        if (end - body < 3 + length) return this.cursor.wait(bodyAt + 3 + length)
        this.observer.xbzrlePage(this.currentBlock, offset, octets.subarray(body + 3, body + 3 + length))
        return bodyAt + 3 + length
      }
      default: {
        if (end - body < 4) return this.cursor.wait(bodyAt + 4)
        const length = readU32be(octets, body)
        if (length > COMPRESSED_OCTETS_MAX) throw this.cursor.refused(bodyAt, `compressed page of ${length} octets`)
        if (end - body < 4 + length) return this.cursor.wait(bodyAt + 4 + length)
        this.observer.compressedPage(this.currentBlock, offset, octets.subarray(body + 4, body + 4 + length))
        return bodyAt + 4 + length
      }
    }
  }

  /** A page record must lie inside a block that was announced. */
  private checkPlace(at: number, offset: number): void {
    const block = this.blocks[this.currentBlock]
    if (block === undefined) throw this.cursor.refused(at, 'a page of no block')
    if (offset + PAGE_OCTETS > block.octets)
      throw this.cursor.refused(at, `page at ${offset} of block ${block.name}, which has ${block.octets} octets`)
  }

  private readMemorySize(total: number, octets: Uint8Array, start: number, end: number): number {
    if (this.blocks.length > 0) throw this.cursor.refused(0, 'a second list of RAM blocks')
    const blocks: RamBlockSize[] = []
    const indexes = new Map<string, number>()
    let at = 8
    for (let announced = 0; announced < total;) {
      if (blocks.length === BLOCKS_MAX) throw this.cursor.refused(at, `more than ${BLOCKS_MAX} RAM blocks`)
      if (end - start < at + 1) return this.cursor.wait(at + 1)
      const nameOctets = octets[start + at] ?? 0
      const length = 1 + nameOctets + 8 + (this.sendsAddresses ? 8 : 0)
      if (end - start < at + length) return this.cursor.wait(at + length)
      const name = latin1Text(octets.subarray(start + at + 1, start + at + 1 + nameOctets))
      const size = readU64be(octets, start + at + 1 + nameOctets)
      announced += size
      if (size % PAGE_OCTETS !== 0 || announced > total)
        throw this.cursor.refused(at, `RAM block ${JSON.stringify(name)} of ${size} octets, of ${total} in all`)
      if (indexes.has(name)) throw this.cursor.refused(at, `a second RAM block ${JSON.stringify(name)}`)
      indexes.set(name, blocks.length)
      blocks.push({ name, octets: size })
      at += length
    }
    this.blocks = blocks
    this.blockIndexes = indexes
    this.observer.memorySize(blocks)
    return at
  }
}
