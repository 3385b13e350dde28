/** Cuts QEMU's migration stream into units: headers, records, footers. The grammar is in core/migration/wire/qevm.ts. */
import { WireError } from '../../base/errors.js'
import { latin1Text, readU16be, readU32be, readU64be } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'
import {
  BLK_MIG_FLAG,
  BLOCK_SECTION,
  DISK_CHUNK_OCTETS,
  DISK_SECTOR_OCTETS,
} from '../../migration/wire/block-section.js'
import { recoverDeviceSections } from '../../migration/wire/device-sections.js'
import {
  FOOTER_OCTETS,
  MIG_CMD,
  opensRecovery,
  QEMU_VM,
  QEMU_VM_FILE_MAGIC,
  QEMU_VM_FILE_VERSION,
  RAM_SAVE_FLAG,
  RAM_SECTION,
} from '../../migration/wire/qevm.js'
import type { DeviceDescription } from '../../migration/wire/vmdesc.js'
import { RecoveredSections } from './recovered-sections.js'
import { UnitWalker } from './unit-walker.js'

export const QEVM_UNIT = {
  header: 1,
  configuration: 2,
  subsection: 3,
  sectionStart: 4,
  sectionPart: 5,
  sectionEnd: 6,
  sectionFull: 7,
  deviceState: 8,
  memorySize: 9,
  page: 10,
  zeroPage: 11,
  xbzrle: 12,
  compressed: 13,
  multifdFlush: 14,
  endOfRecords: 15,
  footer: 16,
  command: 17,
  package: 18,
  endOfState: 19,
  description: 20,
  /** Device sections that cannot be told apart before the description at the end has come. */
  devices: 21,
  afterEnd: 22,
  diskChunk: 23,
  diskProgress: 24,
} as const

const MACHINE_NAME_OCTETS_MAX = 256
const BLOCKS_MAX = 1024
const PACKAGE_OCTETS_MAX = 32 * 1024 * 1024
const DESCRIPTION_OCTETS_MAX = 4 * 1024 * 1024
const TAIL_OCTETS_MAX = 32 * 1024 * 1024
const FLAGS_MASK = PAGE_OCTETS - 1

type State =
  'header' | 'configuration' | 'item' | 'records' | 'disk-records' | 'footer' | 'package' | 'after-end' | 'done'

export class QevmWalker extends UnitWalker {
  /** In the order in which they were announced; a page record's detail is a place in this list. */
  readonly blocks: string[] = []
  /** A device section's detail is a place in this list. */
  readonly devices: DeviceDescription[] = []
  private state: State = 'header'
  private currentBlock = -1
  private sendsAddresses = false
  private packageOctets = 0
  private ramSectionId = -1
  private diskSectionId = -1
  /** It goes on with a post-copy that was interrupted: another connection had the header and the list of blocks. */
  private isRecovery = false

  protected measure(octets: Uint8Array, start: number, end: number): number {
    switch (this.state) {
      case 'header':
        return this.measureHeader(octets, start, end)
      case 'configuration':
        return this.measureConfiguration(octets, start, end)
      case 'item':
        return this.measureItem(octets, start, end)
      case 'records':
        return this.measureRecord(octets, start, end)
      case 'disk-records':
        return this.measureDiskRecord(octets, start, end)
      case 'footer':
        if (octets[start] !== QEMU_VM.SECTION_FOOTER) throw new WireError('qevm', 0, 'a section without a footer')
        this.is(QEVM_UNIT.footer)
        this.state = 'item'
        return FOOTER_OCTETS
      case 'package':
        this.is(QEVM_UNIT.package)
        this.state = 'item'
        this.currentBlock = -1 // the sender names the block again once post-copy has begun
        return this.packageOctets
      case 'after-end':
        return this.measureDescription(octets, start, end)
      case 'done':
        this.is(QEVM_UNIT.afterEnd)
        return Infinity
    }
  }

  private wait(needed: number): 0 {
    this.needed = needed
    return 0
  }

  private measureHeader(octets: Uint8Array, start: number, end: number): number {
    if (end - start < 8) return this.wait(8)
    if (opensRecovery(octets.subarray(start, end))) {
      this.isRecovery = true
      this.state = 'item'
      return this.measureItem(octets, start, end)
    }
    if (readU32be(octets, start) !== QEMU_VM_FILE_MAGIC) throw new WireError('qevm', 0, 'does not begin with QEVM')
    const version = readU32be(octets, start + 4)
    if (version !== QEMU_VM_FILE_VERSION) throw new WireError('qevm', 4, `version ${version}`)
    this.is(QEVM_UNIT.header)
    this.state = 'configuration'
    return 8
  }

  private measureConfiguration(octets: Uint8Array, start: number, end: number): number {
    const type = octets[start]
    if (type === QEMU_VM.CONFIGURATION) {
      if (end - start < 5) return this.wait(5)
      const length = readU32be(octets, start + 1)
      if (length > MACHINE_NAME_OCTETS_MAX) throw new WireError('qevm', 1, `machine name of ${length} octets`)
      this.is(QEVM_UNIT.configuration)
      return 5 + length
    }
    if (type === QEMU_VM.SUBSECTION) return this.measureSubsection(octets, start, end)
    this.state = 'item'
    return this.measureItem(octets, start, end)
  }

  private measureSubsection(octets: Uint8Array, start: number, end: number): number {
    if (end - start < 2) return this.wait(2)
    const bodyAt = 2 + (octets[start + 1] ?? 0) + 4
    if (end - start < bodyAt) return this.wait(bodyAt)
    this.is(QEVM_UNIT.subsection)
    switch (latin1Text(octets.subarray(start + 2, start + bodyAt - 4))) {
      case 'configuration/target-page-bits':
        return bodyAt + 4
      case 'configuration/uuid':
        return bodyAt + 16
      case 'configuration/capabilities': {
        if (end - start < bodyAt + 4) return this.wait(bodyAt + 4)
        const count = readU32be(octets, start + bodyAt)
        if (count > 64) throw new WireError('qevm', bodyAt, `${count} capabilities`)
        let at = bodyAt + 4
        for (let index = 0; index < count; index++) {
          if (end - start < at + 1) return this.wait(at + 1)
          const length = octets[start + at] ?? 0
          if (end - start < at + 1 + length) return this.wait(at + 1 + length)
          const name = latin1Text(octets.subarray(start + at + 1, start + at + 1 + length))
          this.sendsAddresses ||= name === 'x-ignore-shared'
          at += 1 + length
        }
        return at
      }
      default:
        throw new WireError('qevm', 2, 'unknown subsection of the configuration')
    }
  }

  private measureItem(octets: Uint8Array, start: number, end: number): number {
    const type = octets[start]
    switch (type) {
      case QEMU_VM.EOF:
        this.is(QEVM_UNIT.endOfState)
        this.state = 'after-end'
        return 1
      case QEMU_VM.SECTION_PART:
      case QEMU_VM.SECTION_END:
        if (end - start < 5) return this.wait(5)
        if (this.isRecovery && this.ramSectionId < 0) this.ramSectionId = readU32be(octets, start + 1)
        if (![this.ramSectionId, this.diskSectionId].includes(readU32be(octets, start + 1)))
          throw new WireError('qevm', 1, `section ${readU32be(octets, start + 1)} was never started`)
        this.is(type === QEMU_VM.SECTION_PART ? QEVM_UNIT.sectionPart : QEVM_UNIT.sectionEnd)
        this.state = readU32be(octets, start + 1) === this.diskSectionId ? 'disk-records' : 'records'
        return 5
      case QEMU_VM.SECTION_START: {
        if (end - start < 6) return this.wait(6)
        const nameOctets = octets[start + 5] ?? 0
        if (end - start < 14 + nameOctets) return this.wait(14 + nameOctets)
        const name = latin1Text(octets.subarray(start + 6, start + 6 + nameOctets))
        if (name === BLOCK_SECTION.idstr) {
          this.diskSectionId = readU32be(octets, start + 1)
          this.is(QEVM_UNIT.sectionStart)
          this.state = 'disk-records'
          return 14 + nameOctets
        }
        if (name !== RAM_SECTION.idstr) throw new WireError('qevm', 5, `iterable section ${JSON.stringify(name)}`)
        this.ramSectionId = readU32be(octets, start + 1)
        this.is(QEVM_UNIT.sectionStart)
        this.state = 'records'
        return 14 + nameOctets
      }
      case QEMU_VM.SECTION_FULL:
        this.is(QEVM_UNIT.devices)
        return Infinity
      case QEMU_VM.COMMAND:
        return this.measureCommand(octets, start, end)
      default:
        throw new WireError('qevm', 0, `0x${(type ?? 0).toString(16).padStart(2, '0')} does not open an item`)
    }
  }

  private measureCommand(octets: Uint8Array, start: number, end: number): number {
    if (end - start < 9) {
      if (end - start < 5) return this.wait(5)
      if (readU16be(octets, start + 1) === MIG_CMD.PACKAGED) return this.wait(9)
    }
    const command = readU16be(octets, start + 1)
    const length = readU16be(octets, start + 3)
    if (this.isRecovery && command === MIG_CMD.RECV_BITMAP && this.blocks.length < BLOCKS_MAX) {
      if (end - start < 5 + length) return this.wait(5 + length)
      this.blocks.push(latin1Text(octets.subarray(start + 6, start + 5 + length))) // behind its length, one octet
    }
    this.is(QEVM_UNIT.command)
    if (command === MIG_CMD.PACKAGED) {
      this.packageOctets = readU32be(octets, start + 5)
      if (length !== 4 || this.packageOctets === 0 || this.packageOctets > PACKAGE_OCTETS_MAX)
        throw new WireError('qevm', 5, `package of ${this.packageOctets} octets`)
      this.state = 'package'
    } else if (command === MIG_CMD.POSTCOPY_LISTEN || command === MIG_CMD.POSTCOPY_RAM_DISCARD) this.currentBlock = -1
    return 5 + length
  }

  private measureDescription(octets: Uint8Array, start: number, end: number): number {
    this.state = 'done'
    if (octets[start] !== QEMU_VM.VMDESCRIPTION) {
      this.is(QEVM_UNIT.afterEnd)
      return Infinity
    }
    this.state = 'after-end'
    if (end - start < 5) return this.wait(5)
    const length = readU32be(octets, start + 1)
    if (length > DESCRIPTION_OCTETS_MAX) throw new WireError('qevm', 1, `description of ${length} octets`)
    this.is(QEVM_UNIT.description)
    this.state = 'done'
    return 5 + length
  }

  private measureDiskRecord(octets: Uint8Array, start: number, end: number): number {
    if (end - start < 9) {
      if (end - start < 8) return this.wait(8)
      if (((octets[start + 7] ?? 0) & BLK_MIG_FLAG.DEVICE_BLOCK) !== 0) return this.wait(9)
    }
    const flags = readU32be(octets, start + 4) % DISK_SECTOR_OCTETS
    switch (flags) {
      case BLK_MIG_FLAG.EOS:
        this.is(QEVM_UNIT.endOfRecords)
        this.state = 'footer'
        return 8
      case BLK_MIG_FLAG.PROGRESS:
        this.is(QEVM_UNIT.diskProgress)
        return 8
      case BLK_MIG_FLAG.DEVICE_BLOCK:
      case BLK_MIG_FLAG.DEVICE_BLOCK | BLK_MIG_FLAG.ZERO_BLOCK:
        this.is(QEVM_UNIT.diskChunk)
        return 9 + (octets[start + 8] ?? 0) + (flags === BLK_MIG_FLAG.DEVICE_BLOCK ? DISK_CHUNK_OCTETS : 0)
      default:
        throw new WireError('qevm', 4, `flags 0x${flags.toString(16)} of a record of a disk`)
    }
  }

  private measureRecord(octets: Uint8Array, start: number, end: number): number {
    if (end - start < 8) return this.wait(8)
    const flags = readU32be(octets, start + 4) & FLAGS_MASK
    const kind = flags & ~RAM_SAVE_FLAG.CONTINUE
    switch (kind) {
      case RAM_SAVE_FLAG.EOS:
        this.is(QEVM_UNIT.endOfRecords)
        this.state = 'footer'
        return 8
      case RAM_SAVE_FLAG.MULTIFD_FLUSH:
        this.is(QEVM_UNIT.multifdFlush)
        return 8
      case RAM_SAVE_FLAG.MEM_SIZE:
        return this.measureMemorySize(octets, start, end)
      case RAM_SAVE_FLAG.PAGE:
      case RAM_SAVE_FLAG.ZERO:
      case RAM_SAVE_FLAG.XBZRLE:
      case RAM_SAVE_FLAG.COMPRESS_PAGE:
        break
      default:
        throw new WireError('qevm', 4, `flags 0x${flags.toString(16)} of a RAM record`)
    }
    let bodyAt = 8
    if ((flags & RAM_SAVE_FLAG.CONTINUE) === 0) {
      if (end - start < 9) return this.wait(9)
      bodyAt = 9 + (octets[start + 8] ?? 0)
      if (end - start < bodyAt) return this.wait(bodyAt)
      const name = latin1Text(octets.subarray(start + 9, start + bodyAt))
      this.currentBlock = this.blocks.indexOf(name)
      if (this.currentBlock < 0) throw new WireError('qevm', 8, `unknown RAM block ${JSON.stringify(name)}`)
    }
    if (this.currentBlock < 0) throw new WireError('qevm', 0, 'a page of no block')
    return this.measurePage(kind, bodyAt, octets, start, end)
  }

  private measurePage(kind: number, bodyAt: number, octets: Uint8Array, start: number, end: number): number {
    const block = this.currentBlock
    if (kind === RAM_SAVE_FLAG.PAGE) {
      this.is(QEVM_UNIT.page, block)
      return bodyAt + PAGE_OCTETS
    }
    if (kind === RAM_SAVE_FLAG.ZERO) {
      this.is(QEVM_UNIT.zeroPage, block)
      return bodyAt + 1
    }
    if (kind === RAM_SAVE_FLAG.XBZRLE) {
      if (end - start < bodyAt + 3) return this.wait(bodyAt + 3)
      const length = readU16be(octets, start + bodyAt + 1)
      if (length > PAGE_OCTETS) throw new WireError('qevm', bodyAt + 1, `XBZRLE record of ${length} octets`)
      this.is(QEVM_UNIT.xbzrle, block)
      return bodyAt + 3 + length
    }
    if (end - start < bodyAt + 4) return this.wait(bodyAt + 4)
    const length = readU32be(octets, start + bodyAt)
    if (length > 2 * PAGE_OCTETS) throw new WireError('qevm', bodyAt, `compressed page of ${length} octets`)
    this.is(QEVM_UNIT.compressed, block)
    return bodyAt + 4 + length
  }

  private measureMemorySize(octets: Uint8Array, start: number, end: number): number {
    const total = readU64be(octets, start) - RAM_SAVE_FLAG.MEM_SIZE
    const blocks: string[] = []
    let at = 8
    for (let announced = 0; announced < total;) {
      if (blocks.length === BLOCKS_MAX) throw new WireError('qevm', at, `more than ${BLOCKS_MAX} RAM blocks`)
      if (end - start < at + 1) return this.wait(at + 1)
      const nameOctets = octets[start + at] ?? 0
      const length = 1 + nameOctets + 8 + (this.sendsAddresses ? 8 : 0)
      if (end - start < at + length) return this.wait(at + length)
      blocks.push(latin1Text(octets.subarray(start + at + 1, start + at + 1 + nameOctets)))
      announced += readU64be(octets, start + at + 1 + nameOctets)
      if (announced > total) throw new WireError('qevm', at, `RAM blocks over ${total} octets`)
      at += length
    }
    this.blocks.splice(0, this.blocks.length, ...blocks)
    this.is(QEVM_UNIT.memorySize)
    return at
  }

  /** Tell device sections apart, now that the description has come. */
  override end(collect: (offset: number, length: number) => Uint8Array | null): void {
    const last = this.units.last()
    if (last === null || last.type !== QEVM_UNIT.devices || last.length !== Infinity) return
    const length = this.position - last.offset
    const tail = length > TAIL_OCTETS_MAX ? null : collect(last.offset, length)
    if (tail === null) return
    const recovered = new RecoveredSections(tail)
    recoverDeviceSections(tail, recovered)
    if (recovered.sections.length === 0) return
    this.units.removeLast()
    let at = last.offset
    for (const { headerOctets, bodyOctets, description } of recovered.sections) {
      const device = this.devices.push(description) - 1
      this.units.add(QEVM_UNIT.sectionFull, device, at, headerOctets)
      if (bodyOctets > 0) this.units.add(QEVM_UNIT.deviceState, device, at + headerOctets, bodyOctets)
      this.units.add(QEVM_UNIT.footer, 0, at + headerOctets + bodyOctets, FOOTER_OCTETS)
      at += headerOctets + bodyOctets + FOOTER_OCTETS
    }
    if (recovered.descriptionOctets > 0) {
      this.units.add(QEVM_UNIT.endOfState, 0, at, 1)
      this.units.add(QEVM_UNIT.description, 0, at + 1, 5 + recovered.descriptionOctets)
      at += 6 + recovered.descriptionOctets
    }
    if (at < this.position)
      this.units.add(recovered.descriptionOctets > 0 ? QEVM_UNIT.afterEnd : QEVM_UNIT.devices, 0, at, Infinity)
  }
}
