/** Reads an extra connection of a multifd migration (see `multifd.ts`), in whatever pieces it arrives. The stream is hostile. */
import { WireError } from '../../base/errors.js'
import { latin1Text, readU32be, readU64be } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'
import {
  MULTIFD_COMPRESSION_MASK,
  MULTIFD_FLAG,
  MULTIFD_HEADER_OCTETS,
  MULTIFD_HELLO_OCTETS,
  MULTIFD_NAME_AT,
  MULTIFD_VERSION,
  PagesInflater,
} from './multifd.js'
import { MULTIFD_MAGIC } from './qevm.js'

const PAGES_MAX = 1024
/** Deflate never makes much more of what cannot be made less. */
const COMPRESSED_PAGE_OCTETS_MAX = PAGE_OCTETS + 64

/** Told of what comes; views are good only during the call. A method may throw `WireError`. */
export interface MultifdObserver {
  /** `streamOffset` is that of the page's octets, or of the compressed pages it came with, in its connection. */
  multifdPage(block: string, offset: number, octets: Uint8Array, streamOffset: number): void
  multifdZeroPage(block: string, offset: number, streamOffset: number): void
  /** Everything that was sent before the main stream's records ended has come. */
  multifdSync(): void
}

type ReaderState = 'hello' | 'header' | 'offsets' | 'pages' | 'compressed'

export class MultifdReader {
  pages = 0
  /** Which of the connections it is, by its own word; null before it said so. */
  channel: number | null = null
  private state: ReaderState = 'hello'
  private carry = new Uint8Array(MULTIFD_HEADER_OCTETS)
  private carried = 0
  private needed = MULTIFD_HELLO_OCTETS
  /** Octets that were read whole. */
  private position = 0
  private block = ''
  private allocated = 0
  private compressedOctets = 0
  private normalOffsets: number[] = []
  private zeroOffsets: number[] = []
  private next = 0
  private endsWithSync = false
  private readonly inflater = new PagesInflater()

  /** Nothing of a packet is missing. */
  get isBetweenPackets(): boolean {
    return this.state === 'header' && this.carried === 0
  }

  /** Whether pages are compressed, as far as this connection has shown. */
  get isCompressed(): boolean {
    return this.compressedOctets > 0
  }

  /**
   * Read on, to the end of `octets` or to a synchronisation: what follows one is read once the main stream has come as far.
   * Returns how many octets were read. Throws `WireError` on anything QEMU would not send.
   */
  push(octets: Uint8Array, observer: MultifdObserver): number {
    let at = 0
    while (at < octets.length) {
      if (this.carried === 0 && octets.length - at >= this.needed) {
        const { needed } = this
        const isSync = this.read(octets.subarray(at, at + needed), observer)
        this.position += needed
        at += needed
        if (isSync) break
        continue
      }
      const length = Math.min(this.needed - this.carried, octets.length - at)
      this.keep(octets.subarray(at, at + length))
      at += length
      if (this.carried < this.needed) break
      const isSync = this.read(this.carry.subarray(0, this.carried), observer)
      this.position += this.carried
      this.carried = 0
      if (isSync) break
    }
    return at
  }

  private keep(octets: Uint8Array): void {
    if (this.needed > this.carry.length) {
      const grown = new Uint8Array(this.needed)
      grown.set(this.carry.subarray(0, this.carried))
      this.carry = grown
    }
    this.carry.set(octets, this.carried)
    this.carried += octets.length
  }

  /** True when a packet that ends with a synchronisation is over. */
  private read(octets: Uint8Array, observer: MultifdObserver): boolean {
    switch (this.state) {
      case 'hello':
        this.checkMagic(octets)
        this.channel = octets[24] ?? 0
        this.expect('header', MULTIFD_HEADER_OCTETS)
        return false
      case 'header':
        this.readHeader(octets)
        if (this.allocated > 0) this.expect('offsets', 8 * this.allocated)
        return this.allocated === 0 && this.packetOver(observer)
      case 'offsets':
        this.readOffsets(octets)
        for (const offset of this.zeroOffsets) observer.multifdZeroPage(this.block, offset, this.position)
        if (this.compressedOctets > 0) {
          this.expect('compressed', this.compressedOctets)
          return false
        }
        return this.expectPage(observer)
      case 'pages':
        this.page(octets, observer)
        return this.expectPage(observer)
      case 'compressed':
        this.readCompressed(octets, observer)
        return this.packetOver(observer)
    }
  }

  private readHeader(octets: Uint8Array): void {
    this.checkMagic(octets)
    const flags = readU32be(octets, 8)
    const compression = flags & MULTIFD_COMPRESSION_MASK
    if (compression !== 0 && compression !== MULTIFD_FLAG.ZLIB)
      throw this.refused(8, `pages compressed by method ${compression >> 1}`)
    this.allocated = readU32be(octets, 12)
    const normal = readU32be(octets, 16)
    const pagesOctets = readU32be(octets, 20)
    const zero = readU32be(octets, 32)
    if (this.allocated > PAGES_MAX || normal + zero > this.allocated)
      throw this.refused(12, `${normal} and ${zero} zero of ${this.allocated} pages`)
    this.compressedOctets = compression === 0 || normal === 0 ? 0 : pagesOctets
    if (compression !== 0 && normal > 0 && !(pagesOctets > 0 && pagesOctets <= normal * COMPRESSED_PAGE_OCTETS_MAX))
      throw this.refused(20, `${normal} pages compressed to ${pagesOctets} octets`)
    const name = latin1Text(octets.subarray(MULTIFD_NAME_AT))
    this.block = name.slice(0, Math.max(0, name.indexOf('\0')))
    this.normalOffsets = new Array<number>(normal).fill(0)
    this.zeroOffsets = new Array<number>(zero).fill(0)
    this.next = 0
    this.endsWithSync = (flags & MULTIFD_FLAG.SYNC) !== 0
  }

  private readOffsets(octets: Uint8Array): void {
    const { normalOffsets, zeroOffsets } = this
    const offset = (index: number): number => {
      const value = readU64be(octets, 8 * index)
      if (value % PAGE_OCTETS !== 0) throw this.refused(8 * index, `a page at ${value}`)
      return value
    }
    for (let i = 0; i < normalOffsets.length; i++) normalOffsets[i] = offset(i)
    for (let i = 0; i < zeroOffsets.length; i++) zeroOffsets[i] = offset(normalOffsets.length + i)
  }

  private readCompressed(octets: Uint8Array, observer: MultifdObserver): void {
    const count = this.normalOffsets.length
    let pages: Uint8Array
    try {
      pages = this.inflater.inflate(octets, count)
    } catch (error) {
      throw error instanceof WireError ? this.refused(error.offset, error.reason) : error
    }
    for (let page = 0; page < count; page++)
      this.page(pages.subarray(page * PAGE_OCTETS, (page + 1) * PAGE_OCTETS), observer)
  }

  private page(octets: Uint8Array, observer: MultifdObserver): void {
    observer.multifdPage(this.block, this.normalOffsets[this.next] ?? 0, octets, this.position)
    this.next++
    this.pages++
  }

  private expectPage(observer: MultifdObserver): boolean {
    if (this.next >= this.normalOffsets.length) return this.packetOver(observer)
    this.expect('pages', PAGE_OCTETS)
    return false
  }

  private packetOver(observer: MultifdObserver): boolean {
    this.expect('header', MULTIFD_HEADER_OCTETS)
    if (this.endsWithSync) observer.multifdSync()
    return this.endsWithSync
  }

  private expect(state: ReaderState, octets: number): void {
    this.state = state
    this.needed = octets
  }

  private checkMagic(octets: Uint8Array): void {
    if (readU32be(octets, 0) !== MULTIFD_MAGIC) throw this.refused(0, 'no multifd packet begins here')
    const version = readU32be(octets, 4)
    if (version !== MULTIFD_VERSION) throw this.refused(4, `multifd version ${version}`)
  }

  private refused(at: number, reason: string): WireError {
    return new WireError('multifd', this.position + at, reason)
  }
}
