/**
 * The extra connections of a multifd migration (migration/multifd.c, version 1, no compression):
 *
 *     connection := magic 0x11223344 (4) version (4) uuid (16) channel id (1) zeros (39), then packets
 *     packet     := magic (4) version (4) flags (4) pages allocated (4) normal pages (4) next packet's octets (4)
 *                   number (8) zero pages (4) zeros (28) block name (256) ‖ an offset (8) for each page allocated ‖ normal pages
 */
import { WireError } from '../base/errors.js'
import { latin1Text, readU32be, readU64be } from '../base/octets.js'
import { PAGE_OCTETS } from '../base/units.js'
import { MULTIFD_MAGIC } from '../migration/wire/qevm.js'

const HELLO_OCTETS = 64
const HEADER_OCTETS = 320
const NAME_AT = 64
const PAGES_MAX = 1024
/** Compression method in the flags; bit 0 only marks a synchronisation. */
const COMPRESSION_MASK = 0x3e

/** Told of the pages; views are good only during the call. `streamOffset` is that of the page's octets. */
export interface MultifdObserver {
  multifdPage(block: string, offset: number, octets: Uint8Array, streamOffset: number): void
}

export class MultifdReader {
  private state: 'hello' | 'header' | 'offsets' | 'pages' = 'hello'
  private carry = new Uint8Array(HEADER_OCTETS + 8 * PAGES_MAX)
  private carried = 0
  private needed = HELLO_OCTETS
  /** Octets that were read whole. */
  private position = 0
  private block = ''
  private allocated = 0
  private offsets: number[] = []
  private next = 0
  pages = 0

  /** Throws `WireError` on anything QEMU would not send. */
  push(octets: Uint8Array, observer: MultifdObserver): void {
    for (let at = 0; at < octets.length;) {
      const length = Math.min(this.needed - this.carried, octets.length - at)
      this.carry.set(octets.subarray(at, at + length), this.carried)
      this.carried += length
      at += length
      if (this.carried < this.needed) return
      this.read(this.carry.subarray(0, this.carried), observer)
      this.position += this.carried
      this.carried = 0
    }
  }

  private read(octets: Uint8Array, observer: MultifdObserver): void {
    switch (this.state) {
      case 'hello':
        this.checkMagic(octets)
        return this.expect('header', HEADER_OCTETS)
      case 'header':
        return this.readHeader(octets)
      case 'offsets':
        for (let i = 0; i < this.offsets.length; i++) this.offsets[i] = readU64be(octets, 8 * i)
        return this.expectPage()
      case 'pages':
        observer.multifdPage(this.block, this.offsets[this.next] ?? 0, octets, this.position)
        this.next++
        this.pages++
        return this.expectPage()
    }
  }

  private readHeader(octets: Uint8Array): void {
    this.checkMagic(octets)
    if ((readU32be(octets, 8) & COMPRESSION_MASK) !== 0) throw this.refused(8, 'compressed pages')
    this.allocated = readU32be(octets, 12)
    const normal = readU32be(octets, 16)
    if (this.allocated > PAGES_MAX || normal > this.allocated)
      throw this.refused(12, `${normal} of ${this.allocated} pages`)
    const name = latin1Text(octets.subarray(NAME_AT))
    this.block = name.slice(0, Math.max(0, name.indexOf('\0')))
    this.offsets = new Array<number>(normal).fill(0)
    this.next = 0
    if (this.allocated === 0) this.expect('header', HEADER_OCTETS)
    else this.expect('offsets', 8 * this.allocated)
  }

  private expectPage(): void {
    if (this.next < this.offsets.length) this.expect('pages', PAGE_OCTETS)
    else this.expect('header', HEADER_OCTETS)
  }

  private expect(state: MultifdReader['state'], octets: number): void {
    this.state = state
    this.needed = octets
  }

  private checkMagic(octets: Uint8Array): void {
    if (readU32be(octets, 0) !== MULTIFD_MAGIC) throw this.refused(0, 'no multifd packet begins here')
    if (readU32be(octets, 4) !== 1) throw this.refused(4, `multifd version ${readU32be(octets, 4)}`)
  }

  private refused(at: number, reason: string): WireError {
    return new WireError('multifd', this.position + at, reason)
  }
}
