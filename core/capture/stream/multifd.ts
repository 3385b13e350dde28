/**
 * The extra connections of a multifd migration (QEMU migration/multifd.c, version 1, no compression): a hello of 64
 * octets, then packets of a header, an offset for each page, and the pages that are not zero.
 */
import { WireError } from '../../base/errors.js'
import { latin1Text, readU32be, readU64be } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'
import { MULTIFD_MAGIC } from '../../migration/wire/qevm.js'
import { need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'
import type { CountedUnit, StreamProtocol } from './stream-protocol.js'
import type { StreamUnit } from './unit-list.js'
import { UnitWalker } from './unit-walker.js'

const HELLO_OCTETS = 64
const HEADER_OCTETS = 320
const PAGES_MAX = 1024
const HELLO = 1
const HEADER = 2
const PAGE = 3

export const multifdFields = {
  multifd: protocol('multifd', 'QEMU Multifd Channel'),
  magic: field('multifd.magic', 'Magic', 'uint32', { base: 'hex' }),
  version: field('multifd.version', 'Version', 'uint32'),
  uuid: field('multifd.uuid', 'UUID', 'octets'),
  channel: field('multifd.channel', 'Channel', 'uint8'),
  flags: field('multifd.flags', 'Flags', 'uint32', { base: 'hex' }),
  allocated: field('multifd.pages_alloc', 'Pages there is room for', 'uint32'),
  normal: field('multifd.normal_pages', 'Pages that follow', 'uint32'),
  nextOctets: field('multifd.next_packet_size', 'Octets of pages', 'uint32'),
  number: field('multifd.packet_num', 'Number', 'uint64'),
  block: field('multifd.block', 'RAM block', 'text'),
  offset: field('multifd.page.offset', 'Offset of a page', 'uint64', { base: 'hex' }),
  page: field('multifd.page.data', 'Octets of a page', 'octets'),
}

class MultifdWalker extends UnitWalker {
  private isOpen = false
  private pagesLeft = 0

  protected measure(octets: Uint8Array, start: number, end: number): number {
    if (this.pagesLeft > 0) {
      this.pagesLeft--
      this.is(PAGE)
      return PAGE_OCTETS
    }
    this.needed = this.isOpen ? 20 : 8
    if (end - start < this.needed) return 0
    if (readU32be(octets, start) !== MULTIFD_MAGIC) throw new WireError('multifd', 0, 'no multifd packet begins here')
    if (!this.isOpen) {
      this.isOpen = true
      this.is(HELLO)
      return HELLO_OCTETS
    }
    const allocated = readU32be(octets, start + 12)
    const normal = readU32be(octets, start + 16)
    if (allocated > PAGES_MAX || normal > allocated)
      throw new WireError('multifd', 12, `${normal} of ${allocated} pages`)
    this.pagesLeft = normal
    this.is(HEADER)
    return HEADER_OCTETS + 8 * allocated
  }
}

export const multifdProtocol: StreamProtocol = Object.freeze({
  columnName: 'Multifd',
  layer: multifdFields.multifd,
  makeWalker: (): UnitWalker => new MultifdWalker(),
  dissectUnit({ octets, sink }: Dissection, _walker: UnitWalker, unit: StreamUnit, start: number, end: number): void {
    const what = unit.type === HELLO ? 'hello' : unit.type === HEADER ? 'packet header' : 'page'
    sink.open(multifdFields.multifd, start, end - start, null, sink.wantsText ? `QEMU Multifd Channel, ${what}` : '')
    if (unit.type === PAGE) sink.field(multifdFields.page, start, end - start, null)
    else {
      need('multifd', start, unit.type === HELLO ? HELLO_OCTETS : HEADER_OCTETS, end)
      sink.field(multifdFields.magic, start, 4, readU32be(octets, start))
      sink.field(multifdFields.version, start + 4, 4, readU32be(octets, start + 4))
      if (unit.type === HELLO) {
        sink.field(multifdFields.uuid, start + 8, 16, null)
        sink.field(multifdFields.channel, start + 24, 1, octets[start + 24] ?? 0)
      } else {
        const normal = readU32be(octets, start + 16)
        sink.field(multifdFields.flags, start + 8, 4, readU32be(octets, start + 8))
        sink.field(multifdFields.allocated, start + 12, 4, readU32be(octets, start + 12))
        sink.field(multifdFields.normal, start + 16, 4, normal)
        sink.field(multifdFields.nextOctets, start + 20, 4, readU32be(octets, start + 20))
        sink.field(multifdFields.number, start + 24, 8, readU64be(octets, start + 24))
        const block = latin1Text(octets.subarray(start + 64, start + HEADER_OCTETS)).replace(/\0.*$/s, '')
        sink.field(multifdFields.block, start + 64, 256, block)
        for (let page = 0; page < normal && start + HEADER_OCTETS + 8 * page + 8 <= end; page++) {
          const at = start + HEADER_OCTETS + 8 * page
          sink.field(multifdFields.offset, at, 8, readU64be(octets, at))
        }
      }
    }
    sink.close()
  },
  describe(units: readonly CountedUnit[]): string {
    const parts = units.map(({ first, count, head }) => {
      if (first.type === HELLO) return `hello of channel ${head[24] ?? '?'}`
      if (first.type === PAGE) return count === 1 ? 'page' : `${count} pages`
      if (first.type === HEADER) return head.length < 20 ? 'packet' : `packet of ${readU32be(head, 16)} pages`
      return 'not read on'
    })
    return `Multifd: ${parts.join(', ')}`
  },
})
