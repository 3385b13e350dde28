/**
 * Reads QEMU's migration stream, version 3 (migration/savevm.c `qemu_loadvm_state`, migration/ram.c `ram_load`), in
 * whatever pieces it arrives. The stream is hostile: every length is bounded and what does not fit is a `WireError`
 * whose offset counts from the start of the stream.
 *
 * Left out: version 2, target pages of other than 4096 octets, iterable sections other than RAM, RDMA hooks,
 * mapped-ram, blocks of huge pages with post-copy (their list has one more field, which nothing announces).
 */
import { assert, WireError } from '../../base/errors.js'
import { latin1Text, readU16be, readU32be, readU64be } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'
import type { DeviceStateDescription } from '../../machine/device-state.js'
import { decodeDeviceState, measureState } from './device-codec.js'
import { recoverDeviceSections } from './device-sections.js'
import {
  ENCODING_FLAG_XBZRLE,
  FOOTER_OCTETS,
  MIG_CMD,
  QEMU_VM,
  QEMU_VM_FILE_MAGIC,
  QEMU_VM_FILE_VERSION,
  RAM_SAVE_FLAG,
  RAM_SECTION,
  type RamBlockSize,
  type SectionHeader,
} from './qevm.js'
import type { StreamObserver } from './stream-observer.js'
import { deviceKey, describeDevice } from './vmdesc.js'

export interface StreamReaderOptions {
  /** The device sections this side knows, by `deviceKey`. */
  readonly devices?: ReadonlyMap<string, DeviceStateDescription>
  /** A section of another device: refuse the stream, or keep what follows RAM and sort it by the description at the end. */
  readonly unknownDevices: 'refuse' | 'recover'
  /** 'items' for what came in a package. Default 'header'. */
  readonly start?: 'header' | 'items'
  /** Read no further than the end of a section's records at a time: what comes after may have to wait for other connections. */
  readonly stopsAfterRecords?: boolean
}

type ReaderState =
  | 'header'
  | 'configuration'
  | 'subsections' // of the configuration
  | 'item'
  | 'records'
  | 'footer'
  | 'device'
  | 'package'
  | 'after-end'
  | 'tail' // device sections kept for later
  | 'done'

const MACHINE_NAME_OCTETS_MAX = 256
const BLOCKS_MAX = 1024
const DEVICE_OCTETS_MAX = 1024 * 1024
const PACKAGE_OCTETS_MAX = 32 * 1024 * 1024
const DESCRIPTION_OCTETS_MAX = 4 * 1024 * 1024
const TAIL_OCTETS_MAX = 32 * 1024 * 1024
const COMPRESSED_OCTETS_MAX = 2 * PAGE_OCTETS
const FLAGS_MASK = PAGE_OCTETS - 1
const NEXT_PAGE = RAM_SAVE_FLAG.PAGE | RAM_SAVE_FLAG.CONTINUE
const NEXT_ZERO = RAM_SAVE_FLAG.ZERO | RAM_SAVE_FLAG.CONTINUE
/** What a step returns when it cannot go on with what is there. */
const WAIT = -1

const noDevices: ReadonlyMap<string, DeviceStateDescription> = Object.freeze(new Map<string, DeviceStateDescription>())

export class StreamReader {
  private state: ReaderState
  private readonly devices: ReadonlyMap<string, DeviceStateDescription>
  private readonly recover: boolean
  private readonly stops: boolean
  /** The records of a section ended during the present call of `push`. */
  private recordsEnded = false
  /** Offset in the stream of the next octet to be read. */
  private position = 0
  /** Where in the present step the record begins that the observer is told of. */
  private recordAt = 0
  /** The beginning of something whose rest has not come. */
  private carry = new Uint8Array(2 * PAGE_OCTETS)
  private carried = 0
  /** Octets from `position` on that the present step needs. */
  private needed = 0
  private refusal: WireError | null = null

  private ramSectionId: number | null = null
  private ramEnded = false
  private sectionId = 0
  private endsRam = false
  private blocks: readonly RamBlockSize[] = []
  private blockIndexes: ReadonlyMap<string, number> = new Map()
  private currentBlock = -1
  private sendsAddresses = false
  private device: { header: SectionHeader; description: DeviceStateDescription } | null = null
  private packageOctets = 0
  private whole = false

  constructor(
    private readonly observer: StreamObserver,
    options: StreamReaderOptions,
  ) {
    this.devices = options.devices ?? noDevices
    this.stops = options.stopsAfterRecords === true
    this.recover = options.unknownDevices === 'recover'
    this.state = options.start === 'items' ? 'item' : 'header'
  }

  /**
   * The connection broke and the rest comes on another one: it begins with an item, and what was cut comes again. RAM
   * blocks and sections stay known.
   */
  continueElsewhere(): void {
    assert(!this.whole, 'nothing is left to come')
    this.carried = 0
    this.refusal = null
    this.currentBlock = -1
    this.device = null
    this.ramEnded = false
    this.endsRam = false
    this.state = 'item'
  }

  /** Octets read and understood (or kept) so far: inside a call to the observer, where the thing it is told of begins. */
  get octetsRead(): number {
    return this.position
  }

  /** Inside a call to the observer about a page: where its record begins in the stream. */
  get recordPosition(): number {
    return this.position + this.recordAt
  }

  /** The state of the machine is there to its end; the description that may follow it need not be. */
  get stateComplete(): boolean {
    return this.whole
  }

  /** Nothing can follow any more. */
  get done(): boolean {
    return this.state === 'done'
  }

  /**
   * Read on. Returns how many octets were read or kept: all, unless it `stopsAfterRecords`. Throws `WireError`, now and at every
   * later call, when the stream is refused.
   */
  push(octets: Uint8Array): number {
    if (this.refusal !== null) throw this.refusal
    this.recordsEnded = false
    try {
      return this.consume(octets)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      // What the observer refuses counts from the thing it was told of.
      if (error !== this.refusal) this.refused(this.recordAt + error.offset, error.reason, error.protocol)
      throw this.refusal ?? error
    }
  }

  /** The stream is over. With 'recover', kept device sections are sorted now. */
  end(): void {
    if (this.state !== 'tail' || this.refusal !== null) return
    const tail = this.carry.subarray(0, this.carried)
    this.whole = recoverDeviceSections(tail, this.observer)
    this.state = 'done'
  }

  private consume(octets: Uint8Array): number {
    let at = 0
    while (this.carried > 0 && this.state !== 'tail') {
      if (this.stops && this.recordsEnded) return at
      const used = this.step(this.carry, 0, this.carried)
      if (used !== WAIT) {
        this.position += used
        this.carry.copyWithin(0, used, this.carried)
        this.carried -= used
        continue
      }
      // Finish the thing that was cut with just as many octets as it needs, then go on without copying.
      const length = Math.min(this.needed - this.carried, octets.length - at)
      if (length === 0) return at
      this.keep(octets, at, at + length)
      at += length
    }
    while (at < octets.length) {
      if (this.stops && this.recordsEnded) return at
      const used = this.step(octets, at, octets.length)
      if (used === WAIT) break
      this.position += used
      at += used
    }
    this.keep(octets, at, octets.length)
    return octets.length
  }

  private keep(octets: Uint8Array, start: number, end: number): void {
    const carried = this.carried + end - start
    if (this.state === 'tail' && carried > TAIL_OCTETS_MAX) throw this.refused(0, 'device sections over 32 MiB')
    if (carried > this.carry.length) {
      const grown = new Uint8Array(Math.max(carried, 2 * this.carry.length))
      grown.set(this.carry.subarray(0, this.carried))
      this.carry = grown
    }
    this.carry.set(octets.subarray(start, end), this.carried)
    this.carried = carried
  }

  private wait(needed: number): number {
    this.needed = needed
    return WAIT
  }

  /** `at` counts from where the present step began. */
  private refused(at: number, reason: string, protocol = 'qevm'): WireError {
    this.refusal = new WireError(protocol, this.position + at, reason)
    return this.refusal
  }

  /** Read one thing from `start`. Returns the octets it took, or WAIT when `needed` are not there yet. */
  private step(octets: Uint8Array, start: number, end: number): number {
    this.recordAt = 0
    switch (this.state) {
      case 'header':
        return this.readHeader(octets, start, end)
      case 'configuration':
        return this.readConfiguration(octets, start, end)
      case 'subsections':
        return this.readConfigurationSubsection(octets, start, end)
      case 'item':
        return this.readItem(octets, start, end)
      case 'records':
        return this.readRecords(octets, start, end)
      case 'footer':
        return this.readFooter(octets, start, end)
      case 'device':
        return this.readDevice(octets, start, end)
      case 'package':
        return this.readPackage(octets, start, end)
      case 'after-end':
        return this.readDescription(octets, start, end)
      case 'tail':
        return WAIT
      case 'done':
        return this.readNothing(octets, start, end)
    }
  }

  private readHeader(octets: Uint8Array, start: number, end: number): number {
    if (end - start < 8) return this.wait(8)
    if (readU32be(octets, start) !== QEMU_VM_FILE_MAGIC) throw this.refused(0, 'does not begin with QEVM')
    const version = readU32be(octets, start + 4)
    if (version !== QEMU_VM_FILE_VERSION) throw this.refused(4, `version ${version}, not ${QEMU_VM_FILE_VERSION}`)
    this.state = 'configuration'
    return 8
  }

  private readConfiguration(octets: Uint8Array, start: number, end: number): number {
    if (octets[start] !== QEMU_VM.CONFIGURATION) {
      this.state = 'item'
      return 0
    }
    if (end - start < 5) return this.wait(5)
    const length = readU32be(octets, start + 1)
    if (length > MACHINE_NAME_OCTETS_MAX) throw this.refused(1, `machine name of ${length} octets`)
    if (end - start < 5 + length) return this.wait(5 + length)
    this.observer.configuration(latin1Text(octets.subarray(start + 5, start + 5 + length)))
    this.state = 'subsections'
    return 5 + length
  }

  /** `configuration/capabilities`, `/target-page-bits` and `/uuid` (migration/savevm.c). */
  private readConfigurationSubsection(octets: Uint8Array, start: number, end: number): number {
    if (octets[start] !== QEMU_VM.SUBSECTION) {
      this.state = 'item'
      return 0
    }
    if (end - start < 2) return this.wait(2)
    const nameOctets = octets[start + 1] ?? 0
    const bodyAt = 2 + nameOctets + 4
    if (end - start < bodyAt) return this.wait(bodyAt)
    const name = latin1Text(octets.subarray(start + 2, start + 2 + nameOctets))
    switch (name) {
      case 'configuration/target-page-bits': {
        if (end - start < bodyAt + 4) return this.wait(bodyAt + 4)
        const bits = readU32be(octets, start + bodyAt)
        if (2 ** bits !== PAGE_OCTETS) throw this.refused(bodyAt, `pages of 2^${bits} octets`)
        return bodyAt + 4
      }
      case 'configuration/uuid':
        return end - start < bodyAt + 16 ? this.wait(bodyAt + 16) : bodyAt + 16
      case 'configuration/capabilities': {
        if (end - start < bodyAt + 4) return this.wait(bodyAt + 4)
        const count = readU32be(octets, start + bodyAt)
        if (count > 64) throw this.refused(bodyAt, `${count} capabilities`)
        let at = bodyAt + 4
        for (let index = 0; index < count; index++) {
          if (end - start < at + 1) return this.wait(at + 1)
          const length = octets[start + at] ?? 0
          if (end - start < at + 1 + length) return this.wait(at + 1 + length)
          const capability = latin1Text(octets.subarray(start + at + 1, start + at + 1 + length))
          if (capability === 'mapped-ram') throw this.refused(at, 'mapped-ram streams are not read')
          if (capability === 'x-ignore-shared') this.sendsAddresses = true
          at += 1 + length
        }
        return at
      }
      default:
        throw this.refused(0, `unknown subsection ${JSON.stringify(name)} of the configuration`)
    }
  }

  private readItem(octets: Uint8Array, start: number, end: number): number {
    const type = octets[start]
    switch (type) {
      case QEMU_VM.EOF:
        this.observer.endOfState()
        this.whole = true
        this.state = 'after-end'
        return 1
      case QEMU_VM.SECTION_START:
      case QEMU_VM.SECTION_FULL:
        return this.readSectionHeader(type, octets, start, end)
      case QEMU_VM.SECTION_PART:
      case QEMU_VM.SECTION_END: {
        if (end - start < 5) return this.wait(5)
        const sectionId = readU32be(octets, start + 1)
        if (sectionId !== this.ramSectionId) throw this.refused(1, `section ${sectionId} was never started`)
        if (this.ramEnded) throw this.refused(1, `section ${sectionId} has already ended`)
        this.sectionId = sectionId
        this.endsRam = type === QEMU_VM.SECTION_END
        if (this.endsRam) this.observer.sectionEnd(sectionId)
        else this.observer.sectionPart(sectionId)
        this.state = 'records'
        return 5
      }
      case QEMU_VM.COMMAND:
        return this.readCommand(octets, start, end)
      default:
        throw this.refused(0, `0x${(type ?? 0).toString(16).padStart(2, '0')} does not open an item`)
    }
  }

  private readSectionHeader(type: number, octets: Uint8Array, start: number, end: number): number {
    if (end - start < 6) return this.wait(6)
    const nameOctets = octets[start + 5] ?? 0
    const length = 6 + nameOctets + 8
    if (end - start < length) return this.wait(length)
    const header: SectionHeader = {
      sectionId: readU32be(octets, start + 1),
      idstr: latin1Text(octets.subarray(start + 6, start + 6 + nameOctets)),
      instanceId: readU32be(octets, start + 6 + nameOctets),
      version: readU32be(octets, start + 10 + nameOctets),
    }
    const { idstr, instanceId, version } = header
    this.sectionId = header.sectionId
    if (type === QEMU_VM.SECTION_START) {
      if (idstr !== RAM_SECTION.idstr || instanceId !== RAM_SECTION.instanceId)
        throw this.refused(5, `iterable section ${JSON.stringify(idstr)}: only "ram" is known`)
      if (version !== RAM_SECTION.version) throw this.refused(0, `RAM section of version ${version}, not 4`)
      if (this.ramSectionId !== null) throw this.refused(0, 'a second RAM section')
      this.ramSectionId = header.sectionId
      this.endsRam = false
      this.observer.sectionStart(header)
      this.state = 'records'
      return length
    }
    const description = this.devices.get(deviceKey(idstr, instanceId))
    if (description === undefined) {
      const who = `device ${JSON.stringify(idstr)}, instance ${instanceId}`
      if (!this.recover) throw this.refused(5, `${who}, is not known here`)
      if (!this.ramEnded)
        throw this.refused(5, `${who}, is not known here, and comes before the end of RAM: no telling where it ends`)
      this.state = 'tail'
      return 0
    }
    if (version !== description.version)
      throw this.refused(6 + nameOctets + 4, `${idstr} of version ${version}, not ${description.version}`)
    this.device = { header, description }
    this.state = 'device'
    return length
  }

  private readDevice(octets: Uint8Array, start: number, end: number): number {
    assert(this.device !== null, 'no device is being read')
    const { header, description } = this.device
    const length = measureState(description, octets, start, end)
    if (Math.abs(length) > DEVICE_OCTETS_MAX) throw this.refused(0, `${header.idstr} is over 1 MiB`)
    if (length < 0) return this.wait(-length)
    const body = octets.subarray(start, start + length)
    this.observer.deviceSection(header, body, describeDevice(description, decodeDeviceState(description, body)))
    this.device = null
    this.state = 'footer'
    return length
  }

  private readFooter(octets: Uint8Array, start: number, end: number): number {
    if (octets[start] !== QEMU_VM.SECTION_FOOTER) throw this.refused(0, `section ${this.sectionId} has no footer`)
    if (end - start < FOOTER_OCTETS) return this.wait(FOOTER_OCTETS)
    const sectionId = readU32be(octets, start + 1)
    if (sectionId !== this.sectionId) throw this.refused(1, `footer of ${sectionId} closes section ${this.sectionId}`)
    if (this.endsRam) this.ramEnded = true
    this.endsRam = false
    this.state = 'item'
    return FOOTER_OCTETS
  }

  private readCommand(octets: Uint8Array, start: number, end: number): number {
    if (end - start < 5) return this.wait(5)
    const command = readU16be(octets, start + 1)
    const length = readU16be(octets, start + 3)
    if (end - start < 5 + length) return this.wait(5 + length)
    const data = octets.subarray(start + 5, start + 5 + length)
    if (command === MIG_CMD.PACKAGED) {
      if (length !== 4) throw this.refused(3, `package command of ${length} octets`)
      this.packageOctets = readU32be(data, 0)
      if (this.packageOctets > PACKAGE_OCTETS_MAX) throw this.refused(5, `package of ${this.packageOctets} octets`)
      this.state = 'package'
    } else {
      if (command === MIG_CMD.POSTCOPY_LISTEN || command === MIG_CMD.POSTCOPY_RAM_DISCARD) this.currentBlock = -1
      this.observer.command(command, data)
    }
    return 5 + length
  }

  private readPackage(octets: Uint8Array, start: number, end: number): number {
    if (end - start < this.packageOctets) return this.wait(this.packageOctets)
    this.observer.packaged(octets.subarray(start, start + this.packageOctets))
    this.currentBlock = -1 // the sender names the block again once post-copy has begun
    this.state = 'item'
    return this.packageOctets
  }

  private readDescription(octets: Uint8Array, start: number, end: number): number {
    if (octets[start] !== QEMU_VM.VMDESCRIPTION) {
      this.state = 'done'
      return 0
    }
    if (end - start < 5) return this.wait(5)
    const length = readU32be(octets, start + 1)
    if (length > DESCRIPTION_OCTETS_MAX) throw this.refused(1, `description of ${length} octets`)
    if (end - start < 5 + length) return this.wait(5 + length)
    this.observer.description(latin1Text(octets.subarray(start + 5, start + 5 + length)))
    this.state = 'done'
    return 5 + length
  }

  /** White space after the end is let pass: editors and scripts leave some. */
  private readNothing(octets: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      const octet = octets[at]
      if (octet !== 0x0a && octet !== 0x0d && octet !== 0x20)
        throw this.refused(at - start, 'octets follow the end of the stream')
    }
    return end - start
  }

  /** Records of a RAM section, as many as are there. */
  private readRecords(octets: Uint8Array, start: number, end: number): number {
    let at = start
    while (end - at >= 8) {
      const low = readU32be(octets, at + 4)
      const flags = low & FLAGS_MASK
      const offset = readU32be(octets, at) * 0x1_0000_0000 + (low - flags)
      if (flags === NEXT_PAGE) {
        if (end - at < 8 + PAGE_OCTETS) return at > start ? at - start : this.wait(8 + PAGE_OCTETS)
        this.recordAt = at - start
        this.checkPlace(at - start, offset)
        this.observer.page(this.currentBlock, offset, octets.subarray(at + 8, at + 8 + PAGE_OCTETS))
        at += 8 + PAGE_OCTETS
      } else if (flags === NEXT_ZERO) {
        if (end - at < 9) return at > start ? at - start : this.wait(9)
        this.recordAt = at - start
        this.checkPlace(at - start, offset)
        this.observer.filledPage(this.currentBlock, offset, octets[at + 8] ?? 0)
        at += 9
      } else if (at > start) {
        return at - start // a rarer record gets a step of its own
      } else return this.readRecord(flags, offset, octets, start, end)
    }
    return at > start ? at - start : this.wait(8)
  }

  private readRecord(flags: number, offset: number, octets: Uint8Array, start: number, end: number): number {
    const kind = flags & ~RAM_SAVE_FLAG.CONTINUE
    switch (kind) {
      case RAM_SAVE_FLAG.EOS:
        if (flags !== kind || offset !== 0) throw this.refused(0, 'an end of records that has an offset')
        this.observer.endOfRecords()
        this.recordsEnded = true
        this.state = 'footer'
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
        throw this.refused(0, `flags 0x${flags.toString(16)} of a RAM record`)
    }
    let bodyAt = 8
    if ((flags & RAM_SAVE_FLAG.CONTINUE) === 0) {
      if (end - start < 9) return this.wait(9)
      const nameOctets = octets[start + 8] ?? 0
      bodyAt = 9 + nameOctets
      if (end - start < bodyAt) return this.wait(bodyAt)
      const name = latin1Text(octets.subarray(start + 9, start + bodyAt))
      const block = this.blockIndexes.get(name)
      if (block === undefined) throw this.refused(8, `unknown RAM block ${JSON.stringify(name)}`)
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
        if (end - body < PAGE_OCTETS) return this.wait(bodyAt + PAGE_OCTETS)
        this.observer.page(this.currentBlock, offset, octets.subarray(body, body + PAGE_OCTETS))
        return bodyAt + PAGE_OCTETS
      case RAM_SAVE_FLAG.ZERO:
        if (end - body < 1) return this.wait(bodyAt + 1)
        this.observer.filledPage(this.currentBlock, offset, octets[body] ?? 0)
        return bodyAt + 1
      case RAM_SAVE_FLAG.XBZRLE: {
        if (end - body < 3) return this.wait(bodyAt + 3)
        const length = readU16be(octets, body + 1)
        if (octets[body] !== ENCODING_FLAG_XBZRLE) throw this.refused(bodyAt, `XBZRLE encoding ${octets[body] ?? 0}`)
        if (length > PAGE_OCTETS) throw this.refused(bodyAt + 1, `XBZRLE record of ${length} octets`)
        if (end - body < 3 + length) return this.wait(bodyAt + 3 + length)
        this.observer.xbzrlePage(this.currentBlock, offset, octets.subarray(body + 3, body + 3 + length))
        return bodyAt + 3 + length
      }
      default: {
        if (end - body < 4) return this.wait(bodyAt + 4)
        const length = readU32be(octets, body)
        if (length > COMPRESSED_OCTETS_MAX) throw this.refused(bodyAt, `compressed page of ${length} octets`)
        if (end - body < 4 + length) return this.wait(bodyAt + 4 + length)
        this.observer.compressedPage(this.currentBlock, offset, octets.subarray(body + 4, body + 4 + length))
        return bodyAt + 4 + length
      }
    }
  }

  /** A page record must lie inside a block that was announced. */
  private checkPlace(at: number, offset: number): void {
    const block = this.blocks[this.currentBlock]
    if (block === undefined) throw this.refused(at, 'a page of no block')
    if (offset + PAGE_OCTETS > block.octets)
      throw this.refused(at, `page at ${offset} of block ${block.name}, which has ${block.octets} octets`)
  }

  private readMemorySize(total: number, octets: Uint8Array, start: number, end: number): number {
    if (this.blocks.length > 0) throw this.refused(0, 'a second list of RAM blocks')
    const blocks: RamBlockSize[] = []
    const indexes = new Map<string, number>()
    let at = 8
    for (let announced = 0; announced < total;) {
      if (blocks.length === BLOCKS_MAX) throw this.refused(at, `more than ${BLOCKS_MAX} RAM blocks`)
      if (end - start < at + 1) return this.wait(at + 1)
      const nameOctets = octets[start + at] ?? 0
      const length = 1 + nameOctets + 8 + (this.sendsAddresses ? 8 : 0)
      if (end - start < at + length) return this.wait(at + length)
      const name = latin1Text(octets.subarray(start + at + 1, start + at + 1 + nameOctets))
      const size = readU64be(octets, start + at + 1 + nameOctets)
      announced += size
      if (size % PAGE_OCTETS !== 0 || announced > total)
        throw this.refused(at, `RAM block ${JSON.stringify(name)} of ${size} octets, of ${total} in all`)
      if (indexes.has(name)) throw this.refused(at, `a second RAM block ${JSON.stringify(name)}`)
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
