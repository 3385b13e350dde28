/** Xen's migration stream (core/migration/wire/libxc.ts), to the level of records. */
import { latin1Text, readU16be, readU32be, readU32le } from '../../base/octets.js'
import {
  LIBXC_DOMAIN_HEADER_OCTETS,
  LIBXC_IMAGE_HEADER_OCTETS,
  LIBXC_RECORD,
  LIBXC_RECORD_HEADER_OCTETS,
} from '../../migration/wire/libxc.js'
import { need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'
import type { CountedUnit, StreamProtocol } from './stream-protocol.js'
import type { StreamUnit } from './unit-list.js'
import { UNIT, UnitWalker } from './unit-walker.js'

const IMAGE_HEADER = 1
const DOMAIN_HEADER = 2
const RECORD = 3

const recordWords: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(LIBXC_RECORD).map(([name, type]) => [type, name]),
)

export const libxcFields = {
  libxc: protocol('libxc', 'Xen Migration Stream'),
  marker: field('libxc.marker', 'Marker', 'octets'),
  id: field('libxc.id', 'Id', 'text'),
  version: field('libxc.version', 'Version', 'uint32'),
  options: field('libxc.options', 'Options', 'uint16', { base: 'hex' }),
  domainType: field('libxc.domain.type', 'Domain type', 'uint32', { words: { 1: 'x86 PV', 2: 'x86 HVM' } }),
  pageShift: field('libxc.domain.page_shift', 'Page shift', 'uint16'),
  xenMajor: field('libxc.domain.xen_major', 'Xen major version', 'uint32'),
  xenMinor: field('libxc.domain.xen_minor', 'Xen minor version', 'uint32'),
  recordType: field('libxc.record.type', 'Record type', 'uint32', { base: 'hex', words: recordWords }),
  recordLength: field('libxc.record.length', 'Length of the body', 'uint32'),
  pageCount: field('libxc.page_data.count', 'Pages', 'uint32'),
  pageTables: field('libxc.page_data.page_tables', 'Page tables among them', 'uint32'),
  body: field('libxc.record.body', 'Body', 'octets'),
}

class LibxcWalker extends UnitWalker {
  private next = IMAGE_HEADER

  protected measure(octets: Uint8Array, start: number, end: number): number {
    if (this.next !== RECORD) {
      this.is(this.next)
      return this.next++ === IMAGE_HEADER ? LIBXC_IMAGE_HEADER_OCTETS : LIBXC_DOMAIN_HEADER_OCTETS
    }
    this.needed = LIBXC_RECORD_HEADER_OCTETS
    if (end - start < LIBXC_RECORD_HEADER_OCTETS) return 0
    this.is(RECORD, readU32le(octets, start) & 0xff)
    return LIBXC_RECORD_HEADER_OCTETS + Math.ceil(readU32le(octets, start + 4) / 8) * 8
  }
}

function dissectHeader({ octets, sink }: Dissection, type: number, start: number, end: number): void {
  if (type === IMAGE_HEADER) {
    need('libxc', start, LIBXC_IMAGE_HEADER_OCTETS, end)
    sink.field(libxcFields.marker, start, 8, null)
    sink.field(libxcFields.id, start + 8, 4, latin1Text(octets.subarray(start + 8, start + 12)))
    sink.field(libxcFields.version, start + 12, 4, readU32be(octets, start + 12))
    sink.field(libxcFields.options, start + 16, 2, readU16be(octets, start + 16))
    return
  }
  need('libxc', start, LIBXC_DOMAIN_HEADER_OCTETS, end)
  sink.field(libxcFields.domainType, start, 4, readU32le(octets, start))
  sink.field(libxcFields.pageShift, start + 4, 2, octets[start + 4] ?? 0)
  sink.field(libxcFields.xenMajor, start + 8, 4, readU32le(octets, start + 8))
  sink.field(libxcFields.xenMinor, start + 12, 4, readU32le(octets, start + 12))
}

function dissectRecord({ octets, sink }: Dissection, start: number, end: number): void {
  need('libxc', start, LIBXC_RECORD_HEADER_OCTETS, end)
  const type = readU32le(octets, start)
  const length = readU32le(octets, start + 4)
  sink.field(libxcFields.recordType, start, 4, type)
  sink.field(libxcFields.recordLength, start + 4, 4, length)
  const bodyAt = start + LIBXC_RECORD_HEADER_OCTETS
  if (type === LIBXC_RECORD.PAGE_DATA && end >= bodyAt + 4) dissectPageData(sink, octets, bodyAt, end)
  if (length > 0) sink.field(libxcFields.body, bodyAt, Math.min(length, end - bodyAt), null)
}

/** count u32, reserved u32, and a u64 a page: its number, and in the highest four bits its type. */
function dissectPageData(sink: Dissection['sink'], octets: Uint8Array, start: number, end: number): void {
  const count = readU32le(octets, start)
  sink.field(libxcFields.pageCount, start, 4, count)
  const listOctets = 8 * count
  if (start + 8 + listOctets > end) return
  let tables = 0
  for (let at = start + 8; at < start + 8 + listOctets; at += 8) if (readU32le(octets, at + 4) >>> 28 !== 0) tables++
  sink.field(libxcFields.pageTables, start + 8, listOctets, tables)
}

export const libxcProtocol: StreamProtocol = Object.freeze({
  columnName: 'libxc',
  layer: libxcFields.libxc,
  makeWalker: (): UnitWalker => new LibxcWalker(),
  dissectUnit(dissection: Dissection, _walker: UnitWalker, unit: StreamUnit, start: number, end: number): void {
    const { sink } = dissection
    const title = sink.wantsText ? `Xen Migration Stream, ${titleOf(unit)}` : ''
    sink.open(libxcFields.libxc, start, end - start, null, title)
    if (unit.type === RECORD) dissectRecord(dissection, start, end)
    else if (unit.type !== UNIT.damaged) dissectHeader(dissection, unit.type, start, end)
    sink.close()
  },
  describe(units: readonly CountedUnit[]): string {
    return units.map(({ first, count }) => titleOf(first) + (count > 1 ? ` (${count})` : '')).join(', ')
  },
})

function titleOf({ type, detail }: StreamUnit): string {
  if (type === IMAGE_HEADER) return 'image header'
  if (type === DOMAIN_HEADER) return 'domain header'
  return type === RECORD ? (recordWords[detail] ?? 'record') : 'not read on'
}
