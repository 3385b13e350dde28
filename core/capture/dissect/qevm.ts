/** Units of QEMU's migration stream (core/migration/wire/qevm.ts), to field level. */
import { latin1Text, readU16be, readU32be, readU64be } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'
import { guestAddress } from '../../migration/wire/guest-address.js'
import { packageItems } from '../../migration/wire/package-items.js'
import { FOOTER_OCTETS, MIG_CMD, QEMU_VM, RAM_SAVE_FLAG } from '../../migration/wire/qevm.js'
import { fieldsOctets, type BodyDescription } from '../../migration/wire/vmdesc.js'
import { need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'
import { QEVM_UNIT, type QevmWalker } from '../stream/qevm-walker.js'
import type { StreamUnit } from '../stream/unit-list.js'
import { dissectData } from './data.js'

const wordsOf = (numbers: Readonly<Record<string, number>>): Readonly<Record<number, string>> =>
  Object.fromEntries(Object.entries(numbers).map(([name, number]) => [number, name]))

export const COMMAND_WORDS = wordsOf(MIG_CMD)

export const qevmFields = {
  qevm: protocol('qevm', 'QEMU Migration Stream'),
  magic: field('qevm.magic', 'Magic', 'uint32', { base: 'hex' }),
  version: field('qevm.version', 'Version', 'uint32'),
  machine: field('qevm.machine', 'Machine type', 'text'),
  subsection: field('qevm.subsection', 'Subsection', 'text'),
  itemType: field('qevm.type', 'Type', 'uint8', { base: 'hex', words: wordsOf(QEMU_VM) }),
  sectionId: field('qevm.section.id', 'Section id', 'uint32'),
  sectionName: field('qevm.section.name', 'Name', 'text'),
  sectionInstance: field('qevm.section.instance', 'Instance', 'uint32'),
  sectionVersion: field('qevm.section.version', 'Version of the section', 'uint32'),
  footer: field('qevm.footer', 'Footer', 'uint32'),
  ramTotal: field('qevm.ram.total', 'RAM in all', 'uint64'),
  blockName: field('qevm.block.name', 'RAM block', 'text'),
  blockSize: field('qevm.block.size', 'Size', 'uint64'),
  flags: field('qevm.page.flags', 'Flags', 'uint16', { base: 'hex' }),
  flagZero: field('qevm.page.flags.zero', 'ZERO', 'bool'),
  flagPage: field('qevm.page.flags.page', 'PAGE', 'bool'),
  flagEos: field('qevm.page.flags.eos', 'EOS', 'bool'),
  flagContinue: field('qevm.page.flags.continue', 'CONTINUE', 'bool'),
  flagXbzrle: field('qevm.page.flags.xbzrle', 'XBZRLE', 'bool'),
  pageOffset: field('qevm.page.offset', 'Offset in the block', 'uint64', { base: 'hex' }),
  pageAddress: field('qevm.page.address', 'Guest-physical address', 'uint64', { base: 'hex' }),
  pageBlock: field('qevm.page.block', 'RAM block', 'text'),
  pageFill: field('qevm.page.fill', 'Filled with', 'uint8', { base: 'hex' }),
  pageData: field('qevm.page.data', 'Octets of the page', 'octets'),
  xbzrleLength: field('qevm.xbzrle.length', 'Length of the changes', 'uint16'),
  xbzrleData: field('qevm.xbzrle.data', 'Changes', 'octets'),
  command: field('qevm.command', 'Command', 'uint16', { words: COMMAND_WORDS }),
  commandLength: field('qevm.command.length', 'Length', 'uint16'),
  commandData: field('qevm.command.data', 'Data', 'octets'),
  commandValue: field('qevm.command.value', 'Value', 'uint32'),
  blockPages: field('qevm.advise.block_pages', 'Page sizes of the blocks', 'uint64'),
  targetPage: field('qevm.advise.target_page', 'Page size of the guest', 'uint64'),
  discardStart: field('qevm.discard.start', 'Forget from', 'uint64', { base: 'hex' }),
  discardLength: field('qevm.discard.length', 'Octets', 'uint64'),
  packageCommand: field('qevm.package.command', 'Command', 'text'),
  deviceData: field('qevm.device.data', 'State', 'octets'),
  package: field('qevm.package', 'Package', 'octets'),
  device: field('qevm.device', 'State of the device', 'text'),
  deviceField: field('qevm.device.field', 'Field', 'text'),
  description: field('qevm.description', 'Description (JSON)', 'text'),
  devices: field('qevm.devices', 'Device sections', 'octets'),
}

const TITLES: Readonly<Record<number, string>> = {
  [QEVM_UNIT.header]: 'file header',
  [QEVM_UNIT.configuration]: 'configuration',
  [QEVM_UNIT.subsection]: 'subsection of the configuration',
  [QEVM_UNIT.sectionStart]: 'section START',
  [QEVM_UNIT.sectionPart]: 'section PART',
  [QEVM_UNIT.sectionEnd]: 'section END',
  [QEVM_UNIT.sectionFull]: 'section FULL',
  [QEVM_UNIT.deviceState]: 'device state',
  [QEVM_UNIT.memorySize]: 'RAM blocks',
  [QEVM_UNIT.page]: 'page',
  [QEVM_UNIT.zeroPage]: 'zero page',
  [QEVM_UNIT.xbzrle]: 'changes of a page (XBZRLE)',
  [QEVM_UNIT.compressed]: 'compressed page',
  [QEVM_UNIT.multifdFlush]: 'multifd flush',
  [QEVM_UNIT.endOfRecords]: 'end of records',
  [QEVM_UNIT.footer]: 'section footer',
  [QEVM_UNIT.command]: 'command',
  [QEVM_UNIT.package]: 'package',
  [QEVM_UNIT.endOfState]: 'end of state',
  [QEVM_UNIT.description]: 'description of the devices',
  [QEVM_UNIT.devices]: 'device sections',
  [QEVM_UNIT.afterEnd]: 'after the end',
}

export function qevmUnitTitle(type: number): string {
  return TITLES[type] ?? 'octets'
}

export function dissectQevmUnit(
  dissection: Dissection,
  walker: QevmWalker,
  unit: StreamUnit,
  start: number,
  end: number,
): void {
  const { octets, sink } = dissection
  sink.open(qevmFields.qevm, start, end - start, null, sink.wantsText ? titleOf(walker, unit, octets, start) : '')
  switch (unit.type) {
    case QEVM_UNIT.header:
      need('qevm', start, 8, end)
      sink.field(qevmFields.magic, start, 4, readU32be(octets, start))
      sink.field(qevmFields.version, start + 4, 4, readU32be(octets, start + 4))
      break
    case QEVM_UNIT.configuration:
      sink.field(qevmFields.itemType, start, 1, octets[start] ?? 0)
      sink.field(qevmFields.machine, start + 1, end - start - 1, latin1Text(octets.subarray(start + 5, end)))
      break
    case QEVM_UNIT.subsection: {
      const nameOctets = octets[start + 1] ?? 0
      const name = latin1Text(octets.subarray(start + 2, start + 2 + nameOctets))
      sink.field(qevmFields.itemType, start, 1, octets[start] ?? 0)
      sink.field(qevmFields.subsection, start + 1, 1 + nameOctets, name)
      break
    }
    case QEVM_UNIT.sectionStart:
    case QEVM_UNIT.sectionFull:
      putSectionHeader(dissection, start, end)
      break
    case QEVM_UNIT.sectionPart:
    case QEVM_UNIT.sectionEnd:
      need('qevm', start, 5, end)
      sink.field(qevmFields.itemType, start, 1, octets[start] ?? 0)
      sink.field(qevmFields.sectionId, start + 1, 4, readU32be(octets, start + 1))
      break
    case QEVM_UNIT.footer:
      need('qevm', start, 5, end)
      sink.field(qevmFields.itemType, start, 1, octets[start] ?? 0)
      sink.field(qevmFields.footer, start + 1, 4, readU32be(octets, start + 1))
      break
    case QEVM_UNIT.memorySize:
      putMemorySize(dissection, walker, start, end)
      break
    case QEVM_UNIT.page:
    case QEVM_UNIT.zeroPage:
    case QEVM_UNIT.xbzrle:
    case QEVM_UNIT.compressed:
      putPage(dissection, walker, unit, start, end)
      break
    case QEVM_UNIT.endOfRecords:
    case QEVM_UNIT.multifdFlush:
      putFlags(dissection, start, end)
      break
    case QEVM_UNIT.command:
      putCommand(dissection, start, end)
      break
    case QEVM_UNIT.package:
      putPackage(dissection, start, end)
      break
    case QEVM_UNIT.deviceState:
      putDevice(dissection, walker, unit, start, end)
      break
    case QEVM_UNIT.description:
      sink.field(qevmFields.description, start + 5, end - start - 5, latin1Text(octets.subarray(start + 5, end)))
      break
    case QEVM_UNIT.devices:
      sink.field(qevmFields.devices, start, end - start, null)
      break
    case QEVM_UNIT.endOfState:
      sink.field(qevmFields.itemType, start, 1, octets[start] ?? 0)
      break
    default:
      dissectData(dissection, start, end)
  }
  sink.close()
}

/** Where a page belongs, in words: `0x80400000`, or its offset in a block of no known place. */
export function pagePlace(block: string, offset: number): string {
  const address = guestAddress(block, offset)
  return address === null ? `${block}+0x${offset.toString(16)}` : `0x${address.toString(16).padStart(8, '0')}`
}

/** The offset of a page record that begins at `start`. */
export function pageOffset(octets: Uint8Array, start: number): number {
  const low = readU32be(octets, start + 4)
  return readU32be(octets, start) * 0x1_0000_0000 + (low - (low % PAGE_OCTETS))
}

function titleOf(walker: QevmWalker, unit: StreamUnit, octets: Uint8Array, start: number): string {
  const title = `QEMU Migration Stream, ${qevmUnitTitle(unit.type)}`
  if (unit.type >= QEVM_UNIT.page && unit.type <= QEVM_UNIT.compressed)
    return `${title} at ${pagePlace(walker.blocks[unit.detail] ?? '', pageOffset(octets, start))}`
  if (unit.type === QEVM_UNIT.deviceState || unit.type === QEVM_UNIT.sectionFull)
    return `${title}, ${walker.devices[unit.detail]?.name ?? ''}`
  if (unit.type === QEVM_UNIT.command) return `${title} ${COMMAND_WORDS[readU16be(octets, start + 1)] ?? ''}`
  return title
}

function putSectionHeader({ octets, sink }: Dissection, start: number, end: number): void {
  need('qevm', start, 6, end)
  const nameOctets = octets[start + 5] ?? 0
  need('qevm', start, 14 + nameOctets, end)
  const name = latin1Text(octets.subarray(start + 6, start + 6 + nameOctets))
  sink.field(qevmFields.itemType, start, 1, octets[start] ?? 0)
  sink.field(qevmFields.sectionId, start + 1, 4, readU32be(octets, start + 1))
  sink.field(qevmFields.sectionName, start + 5, 1 + nameOctets, name)
  sink.field(qevmFields.sectionInstance, start + 6 + nameOctets, 4, readU32be(octets, start + 6 + nameOctets))
  sink.field(qevmFields.sectionVersion, start + 10 + nameOctets, 4, readU32be(octets, start + 10 + nameOctets))
}

function putMemorySize({ octets, sink }: Dissection, walker: QevmWalker, start: number, end: number): void {
  sink.field(qevmFields.ramTotal, start, 8, readU64be(octets, start) - RAM_SAVE_FLAG.MEM_SIZE)
  // Entries are of one form throughout; what lies between them tells whether they have addresses.
  const named = walker.blocks.reduce((sum, name) => sum + 9 + name.length, 8)
  const addressOctets = end - start > named ? 8 : 0
  for (let at = start + 8; at < end;) {
    const nameOctets = octets[at] ?? 0
    need('qevm', at, 9 + nameOctets, end)
    sink.open(qevmFields.blockName, at, 1 + nameOctets, latin1Text(octets.subarray(at + 1, at + 1 + nameOctets)))
    sink.field(qevmFields.blockSize, at + 1 + nameOctets, 8, readU64be(octets, at + 1 + nameOctets))
    sink.close()
    at += 9 + nameOctets + addressOctets
  }
}

function putFlags({ octets, sink }: Dissection, start: number, end: number): number {
  need('qevm', start, 8, end)
  const flags = readU16be(octets, start + 6) % PAGE_OCTETS
  sink.open(qevmFields.flags, start + 6, 2, flags)
  const { flagZero, flagPage, flagEos, flagContinue, flagXbzrle } = qevmFields
  for (const [definition, bit] of [
    [flagZero, RAM_SAVE_FLAG.ZERO],
    [flagPage, RAM_SAVE_FLAG.PAGE],
    [flagEos, RAM_SAVE_FLAG.EOS],
    [flagContinue, RAM_SAVE_FLAG.CONTINUE],
    [flagXbzrle, RAM_SAVE_FLAG.XBZRLE],
  ] as const)
    sink.field(definition, start + 6, 2, (flags & bit) === 0 ? 0 : 1)
  sink.close()
  return flags
}

function putPage(dissection: Dissection, walker: QevmWalker, unit: StreamUnit, start: number, end: number): void {
  const { octets, sink } = dissection
  const flags = putFlags(dissection, start, end)
  const block = walker.blocks[unit.detail] ?? ''
  const offset = pageOffset(octets, start)
  const address = guestAddress(block, offset)
  sink.field(qevmFields.pageOffset, start, 8, offset)
  if (address !== null) sink.field(qevmFields.pageAddress, start, 8, address)
  const nameOctets = (flags & RAM_SAVE_FLAG.CONTINUE) === 0 ? 1 + (octets[start + 8] ?? 0) : 0
  sink.field(qevmFields.pageBlock, start + 8, nameOctets, block)
  const at = start + 8 + nameOctets
  if (unit.type === QEVM_UNIT.zeroPage) sink.field(qevmFields.pageFill, at, 1, octets[at] ?? 0)
  else if (unit.type === QEVM_UNIT.xbzrle) {
    sink.field(qevmFields.xbzrleLength, at + 1, 2, readU16be(octets, at + 1))
    sink.field(qevmFields.xbzrleData, at + 3, end - at - 3, null)
  } else sink.field(qevmFields.pageData, at, end - at, null)
}

function putCommand({ octets, sink }: Dissection, start: number, end: number): void {
  need('qevm', start, 5, end)
  const length = readU16be(octets, start + 3)
  sink.field(qevmFields.itemType, start, 1, octets[start] ?? 0)
  sink.field(qevmFields.command, start + 1, 2, readU16be(octets, start + 1))
  sink.field(qevmFields.commandLength, start + 3, 2, length)
  const command = readU16be(octets, start + 1)
  if (command === MIG_CMD.POSTCOPY_RAM_DISCARD) putDiscard({ octets, sink }, start + 5, end)
  else if (command === MIG_CMD.POSTCOPY_ADVISE && length === 16) {
    sink.field(qevmFields.blockPages, start + 5, 8, readU64be(octets, start + 5))
    sink.field(qevmFields.targetPage, start + 13, 8, readU64be(octets, start + 13))
  } else if (command === MIG_CMD.RECV_BITMAP && length > 0)
    sink.field(qevmFields.pageBlock, start + 5, length, latin1Text(octets.subarray(start + 6, end)))
  else if (length === 4) sink.field(qevmFields.commandValue, start + 5, 4, readU32be(octets, start + 5))
  else if (length > 0) sink.field(qevmFields.commandData, start + 5, end - start - 5, null)
}

/** Which pages of which block the destination is to forget. */
function putDiscard({ octets, sink }: Pick<Dissection, 'octets' | 'sink'>, start: number, end: number): void {
  need('qevm', start, 3, end)
  const nameOctets = octets[start + 1] ?? 0
  need('qevm', start, 3 + nameOctets, end)
  const name = latin1Text(octets.subarray(start + 2, start + 2 + nameOctets))
  sink.field(qevmFields.pageBlock, start + 1, 1 + nameOctets, name)
  for (let at = start + 3 + nameOctets; at + 16 <= end; at += 16) {
    sink.field(qevmFields.discardStart, at, 8, readU64be(octets, at))
    sink.field(qevmFields.discardLength, at + 8, 8, readU64be(octets, at + 8))
  }
}

/** Commands, and the state of every device. */
function putPackage(dissection: Dissection, start: number, end: number): void {
  const { octets, sink } = dissection
  sink.open(qevmFields.package, start, end - start, null)
  let told = start
  for (const item of packageItems(octets.subarray(start, end))) {
    const at = start + item.offset
    told = at + item.octets
    if (item.kind === 'command') {
      const word = COMMAND_WORDS[item.command] ?? `command ${item.command}`
      sink.open(qevmFields.packageCommand, at, item.octets, word)
      putCommand(dissection, at, told)
    } else {
      sink.open(qevmFields.device, at, item.octets, item.idstr)
      putSectionHeader(dissection, at, at + item.headerOctets)
      const stateOctets = item.octets - item.headerOctets - FOOTER_OCTETS
      sink.field(qevmFields.deviceData, at + item.headerOctets, stateOctets, null)
      sink.field(qevmFields.footer, told - FOOTER_OCTETS, FOOTER_OCTETS, readU32be(octets, told - 4))
    }
    sink.close()
  }
  if (told < end) dissectData(dissection, told, end)
  sink.close()
}

function putDevice(dissection: Dissection, walker: QevmWalker, unit: StreamUnit, start: number, end: number): void {
  const description = walker.devices[unit.detail]
  if (description === undefined) return dissectData(dissection, start, end)
  dissection.sink.open(qevmFields.device, start, end - start, description.name)
  const at = putBody(dissection, description, start, end, '')
  if (at < end) dissectData(dissection, at, end) // subsections
  dissection.sink.close()
}

const ELEMENTS_SHOWN_MAX = 64
const FIELDS_MAX = 5000

/** The fields of a body, structures inside it with their names in front. */
function putBody(dissection: Dissection, body: BodyDescription, start: number, end: number, prefix: string): number {
  const { octets, sink } = dissection
  let at = start
  for (const { name, type, size, arrayLength, index, struct } of body.fields.slice(0, FIELDS_MAX)) {
    const length = size * (arrayLength ?? 1)
    need('qevm', at, length, end)
    const path = `${prefix}${name}${index === undefined ? '' : `[${index}]`}`
    if (struct !== undefined && arrayLength === undefined && fieldsOctets(struct.fields) <= size)
      putBody(dissection, struct, at, at + length, `${path}.`)
    else {
      const text = sink.wantsText ? `${path} (${type}): ${elementsText(octets, at, size, arrayLength)}` : ''
      sink.field(qevmFields.deviceField, at, length, path, text)
    }
    at += length
  }
  return at
}

function elementsText(octets: Uint8Array, start: number, size: number, arrayLength: number | undefined): string {
  const elementText = (at: number): string => {
    const shown = Math.min(size, 32)
    let digits = ''
    for (let octet = at; octet < at + shown; octet++) digits += (octets[octet] ?? 0).toString(16).padStart(2, '0')
    return size > shown ? `${digits}… (${size} octets)` : `0x${digits}`
  }
  if (arrayLength === undefined) return elementText(start)
  const elements = Array.from({ length: Math.min(arrayLength, ELEMENTS_SHOWN_MAX) }, (_, index) =>
    elementText(start + index * size),
  )
  return `[${elements.join(', ')}${arrayLength > ELEMENTS_SHOWN_MAX ? ', …' : ''}]`
}
