/** What the destination of a migration writes back (core/migration/wire/return-path.ts). */
import { WireError } from '../../base/errors.js'
import { latin1Text, readU16be, readU32be, readU64be } from '../../base/octets.js'
import { MIG_RP_MSG } from '../../migration/wire/qevm.js'
import { need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'
import type { CountedUnit, StreamProtocol } from './stream-protocol.js'
import type { StreamUnit } from './unit-list.js'
import { UnitWalker } from './unit-walker.js'

const MESSAGE_OCTETS_MAX = 13 + 255
const BITMAP_OCTETS_MAX = 8 * 1024 * 1024

const words: Readonly<Record<number, string>> = Object.fromEntries(
  Object.entries(MIG_RP_MSG).map(([name, number]) => [number, name]),
)

export const returnPathFields = {
  path: protocol('qevm_rp', 'QEMU Migration Return Path'),
  type: field('qevm_rp.type', 'Type', 'uint16', { words }),
  length: field('qevm_rp.length', 'Length', 'uint16'),
  value: field('qevm_rp.value', 'Value', 'uint32'),
  start: field('qevm_rp.start', 'Offset in the block', 'uint64', { base: 'hex' }),
  octets: field('qevm_rp.octets', 'Octets', 'uint32'),
  block: field('qevm_rp.block', 'RAM block', 'text'),
  bitmap: field('qevm_rp.bitmap', 'Bitmap of pages received', 'octets'),
}

class ReturnPathWalker extends UnitWalker {
  protected measure(octets: Uint8Array, start: number, end: number): number {
    this.needed = 4
    if (end - start < 4) return 0
    const type = readU16be(octets, start)
    const length = 4 + readU16be(octets, start + 2)
    if (words[type] === undefined) throw new WireError('return path', 0, `message of type ${type}`)
    if (length > 4 + MESSAGE_OCTETS_MAX) throw new WireError('return path', 2, `message of ${length - 4} octets`)
    // Its value is part of what a short message is: two answers to different questions are not the same unit twice.
    this.needed = 8
    if (length === 8 && end - start < 8) return 0
    this.is(type, length === 8 ? readU32be(octets, start + 4) : 0)
    if (type !== MIG_RP_MSG.RECV_BITMAP) return length
    this.needed = length + 8
    if (end - start < length + 8) return 0
    const bitmapOctets = readU64be(octets, start + length)
    if (bitmapOctets > BITMAP_OCTETS_MAX) throw new WireError('return path', length, `bitmap of ${bitmapOctets} octets`)
    return length + 8 + bitmapOctets + 8
  }
}

export const returnPathProtocol: StreamProtocol = Object.freeze({
  columnName: 'QEVM-RP',
  layer: returnPathFields.path,
  makeWalker: (): UnitWalker => new ReturnPathWalker(),
  dissectUnit({ octets, sink }: Dissection, _walker: UnitWalker, _unit: StreamUnit, start: number, end: number): void {
    need('return path', start, 4, end)
    const type = readU16be(octets, start)
    const word = words[type] ?? `type ${type}`
    sink.open(
      returnPathFields.path,
      start,
      end - start,
      null,
      sink.wantsText ? `QEMU Migration Return Path, ${word}` : '',
    )
    sink.field(returnPathFields.type, start, 2, type)
    sink.field(returnPathFields.length, start + 2, 2, readU16be(octets, start + 2))
    const isRequest = type === MIG_RP_MSG.REQ_PAGES || type === MIG_RP_MSG.REQ_PAGES_ID
    if (isRequest) {
      need('return path', start, 16, end)
      sink.field(returnPathFields.start, start + 4, 8, readU64be(octets, start + 4))
      sink.field(returnPathFields.octets, start + 12, 4, readU32be(octets, start + 12))
      if (type === MIG_RP_MSG.REQ_PAGES_ID)
        sink.field(returnPathFields.block, start + 16, end - start - 16, latin1Text(octets.subarray(start + 17, end)))
    } else if (type === MIG_RP_MSG.RECV_BITMAP) {
      const nameEnd = Math.min(end, start + 4 + readU16be(octets, start + 2))
      sink.field(
        returnPathFields.block,
        start + 4,
        nameEnd - start - 4,
        latin1Text(octets.subarray(start + 5, nameEnd)),
      )
      sink.field(returnPathFields.bitmap, nameEnd, end - nameEnd, null)
    } else if (end - start >= 8) sink.field(returnPathFields.value, start + 4, 4, readU32be(octets, start + 4))
    sink.close()
  },
  describe(units: readonly CountedUnit[]): string {
    const parts = units.map(({ first, count, head }) => {
      const word = words[first.type] ?? 'not read on'
      const isSingle = first.type === MIG_RP_MSG.PONG || first.type === MIG_RP_MSG.SHUT
      return `${word}${isSingle && head.length >= 8 ? ` ${readU32be(head, 4)}` : ''}${count > 1 ? ` (${count} of them)` : ''}`
    })
    return `Return path: ${parts.join(', ')}`
  },
})
