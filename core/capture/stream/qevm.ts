/** QEMU's migration stream as a protocol inside TCP. */
import type { Dissection } from '../dissection.js'
import { COMMAND_WORDS, dissectQevmUnit, pageOffset, pagePlace, qevmFields, qevmUnitTitle } from '../dissect/qevm.js'
import { readU16be } from '../../base/octets.js'
import { QEVM_UNIT, QevmWalker } from './qevm-walker.js'
import type { CountedUnit, StreamProtocol } from './stream-protocol.js'
import type { StreamUnit } from './unit-list.js'
import { UNIT, type UnitWalker } from './unit-walker.js'

export const qevmProtocol: StreamProtocol = Object.freeze({
  columnName: 'QEVM',
  layer: qevmFields.qevm,
  makeWalker: (): UnitWalker => new QevmWalker(),
  dissectUnit(dissection: Dissection, walker: UnitWalker, unit: StreamUnit, start: number, end: number): void {
    dissectQevmUnit(dissection, walker as QevmWalker, unit, start, end)
  },
  describe(units: readonly CountedUnit[], walker: UnitWalker): string {
    return describeQevm(units, walker as QevmWalker)
  },
})

const PARTS_MAX = 6

/** `QEVM: RAM part, 12 pages at 0x80400000…, 3 zero pages`. */
function describeQevm(units: readonly CountedUnit[], walker: QevmWalker): string {
  const parts: string[] = []
  const runs = new Map<number, { count: number; place: string }>()
  for (const { first, count, head } of units) {
    const { type, detail } = first
    if (type >= QEVM_UNIT.page && type <= QEVM_UNIT.compressed) {
      const run = runs.get(type)
      if (run !== undefined) run.count += count
      else {
        const place = head.length < 8 ? '' : pagePlace(walker.blocks[detail] ?? '', pageOffset(head, 0))
        runs.set(type, { count, place })
      }
    } else if (type === UNIT.damaged) parts.push(`not read on: ${walker.damage?.reason ?? 'damaged'}`)
    else if (type === QEVM_UNIT.command) parts.push(`command ${COMMAND_WORDS[readU16be(head, 1)] ?? '?'}`)
    else if (type === QEVM_UNIT.sectionFull) parts.push(`device ${walker.devices[detail]?.name ?? '?'}`)
    else if (type !== QEVM_UNIT.footer && type !== QEVM_UNIT.endOfRecords && type !== QEVM_UNIT.deviceState)
      parts.push(sectionWord(type))
  }
  for (const [type, { count, place }] of runs) parts.push(pagesWord(type, count, place))
  if (parts.length === 0) parts.push('end of a section')
  return `QEVM: ${parts.slice(0, PARTS_MAX).join(', ')}${parts.length > PARTS_MAX ? ', …' : ''}`
}

function sectionWord(type: number): string {
  if (type === QEVM_UNIT.sectionStart) return 'RAM start'
  if (type === QEVM_UNIT.sectionPart) return 'RAM part'
  if (type === QEVM_UNIT.sectionEnd) return 'RAM end'
  return qevmUnitTitle(type)
}

function pagesWord(type: number, count: number, place: string): string {
  const kind = type === QEVM_UNIT.zeroPage ? 'zero ' : type === QEVM_UNIT.xbzrle ? 'changed ' : ''
  const at = place === '' ? '' : ` at ${place}${count > 1 ? '…' : ''}`
  return count === 1 ? `${kind}page${at}` : `${count} ${kind}pages${at}`
}
