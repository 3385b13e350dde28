/**
 * Reads QEMU's migration stream, version 3 (migration/savevm.c `qemu_loadvm_state`), in whatever pieces it arrives: its
 * items one after the other; how it opens, and the records of RAM, are read in files of their own. The stream is hostile: every length is bounded and what does not fit is a `WireError`
 * whose offset counts from the start of the stream.
 *
 * Left out: version 2, target pages of other than 4096 octets, iterable sections other than RAM and disks, RDMA hooks,
 * mapped-ram, blocks of huge pages with post-copy (their list has one more field, which nothing announces).
 */
import { assert } from '../../base/errors.js'
import { latin1Text, readU16be, readU32be } from '../../base/octets.js'
import type { DeviceStateDescription } from '../../machine/device-state.js'
import { BLOCK_SECTION, decodeBlockRecord } from './block-section.js'
import { decodeDeviceState, measureState } from './device-codec.js'
import { recoverDeviceSections } from './device-sections.js'
import { FOOTER_OCTETS, MIG_CMD, QEMU_VM, RAM_SECTION, type SectionHeader } from './qevm.js'
import { OpeningReader } from './opening-reader.js'
import { PiecewiseReader } from './piecewise-reader.js'
import { RamRecordsReader } from './ram-records-reader.js'
import { WAIT } from './stream-cursor.js'
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
  | 'opening'
  | 'item'
  | 'records'
  | 'disk-records'
  | 'footer'
  | 'device'
  | 'package'
  | 'after-end'
  | 'tail' // device sections kept for later
  | 'done'

const DEVICE_OCTETS_MAX = 1024 * 1024
const PACKAGE_OCTETS_MAX = 32 * 1024 * 1024
const DESCRIPTION_OCTETS_MAX = 4 * 1024 * 1024

const noDevices: ReadonlyMap<string, DeviceStateDescription> = Object.freeze(new Map<string, DeviceStateDescription>())

export class StreamReader extends PiecewiseReader {
  private state: ReaderState
  private readonly devices: ReadonlyMap<string, DeviceStateDescription>
  private readonly recover: boolean
  private readonly stops: boolean
  /** The records of a section ended during the present call of `push`. */
  private recordsEnded = false
  private readonly opening: OpeningReader
  private readonly ram: RamRecordsReader
  private ramSectionId: number | null = null
  private ramEnded = false
  private diskSectionId: number | null = null
  private diskEnded = false
  private sectionId = 0
  private endsRam = false
  private device: { header: SectionHeader; description: DeviceStateDescription } | null = null
  private packageOctets = 0
  private whole = false

  constructor(
    private readonly observer: StreamObserver,
    options: StreamReaderOptions,
  ) {
    super()
    this.devices = options.devices ?? noDevices
    this.stops = options.stopsAfterRecords === true
    this.recover = options.unknownDevices === 'recover'
    this.state = options.start === 'items' ? 'item' : 'opening'
    this.opening = new OpeningReader(observer, this.cursor)
    this.ram = new RamRecordsReader(observer, this.cursor)
  }

  /**
   * The connection broke and the rest comes on another one: it begins with an item, and what was cut comes again. RAM
   * blocks and sections stay known.
   */
  continueElsewhere(): void {
    assert(!this.whole, 'nothing is left to come')
    this.forget()
    this.ram.forgetBlock()
    this.device = null
    this.ramEnded = false
    this.endsRam = false
    this.state = 'item'
  }

  /** The state of the machine is there to its end; the description that may follow it need not be. */
  get stateComplete(): boolean {
    return this.whole
  }

  /** Nothing can follow any more. */
  get done(): boolean {
    return this.state === 'done'
  }

  /** Returns how many octets were read or kept: all, unless it `stopsAfterRecords`. Throws `WireError` as any reader. */
  override push(octets: Uint8Array): number {
    this.recordsEnded = false
    return super.push(octets)
  }

  /** The stream is over. With 'recover', kept device sections are sorted now. */
  end(): void {
    if (this.state !== 'tail' || this.cursor.refusal !== null) return
    this.whole = recoverDeviceSections(this.kept(), this.observer)
    this.state = 'done'
  }

  protected override get isHeld(): boolean {
    return this.stops && this.recordsEnded
  }

  protected override get keepsAll(): boolean {
    return this.state === 'tail'
  }

  protected override step(octets: Uint8Array, start: number, end: number): number {
    switch (this.state) {
      case 'opening':
        return this.readOpening(octets, start, end)
      case 'item':
        return this.readItem(octets, start, end)
      case 'records':
        return this.readRecords(octets, start, end)
      case 'disk-records':
        return this.readDiskRecord(octets, start, end)
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

  private readOpening(octets: Uint8Array, start: number, end: number): number {
    const used = this.opening.read(octets, start, end)
    if (!this.opening.isOver) return used
    this.ram.sendsAddresses = this.opening.sendsAddresses
    this.state = 'item'
    return used
  }

  private readRecords(octets: Uint8Array, start: number, end: number): number {
    const used = this.ram.read(octets, start, end)
    if (!this.ram.isAtEnd) return used
    this.ram.isAtEnd = false
    this.recordsEnded = true
    this.state = 'footer'
    return used
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
        if (end - start < 5) return this.cursor.wait(5)
        const sectionId = readU32be(octets, start + 1)
        if (sectionId === this.diskSectionId) return this.goOnWithDisk(type === QEMU_VM.SECTION_END)
        if (sectionId !== this.ramSectionId) throw this.cursor.refused(1, `section ${sectionId} was never started`)
        if (this.ramEnded) throw this.cursor.refused(1, `section ${sectionId} has already ended`)
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
        throw this.cursor.refused(0, `0x${(type ?? 0).toString(16).padStart(2, '0')} does not open an item`)
    }
  }

  private readSectionHeader(type: number, octets: Uint8Array, start: number, end: number): number {
    if (end - start < 6) return this.cursor.wait(6)
    const nameOctets = octets[start + 5] ?? 0
    const length = 6 + nameOctets + 8
    if (end - start < length) return this.cursor.wait(length)
    const header: SectionHeader = {
      sectionId: readU32be(octets, start + 1),
      idstr: latin1Text(octets.subarray(start + 6, start + 6 + nameOctets)),
      instanceId: readU32be(octets, start + 6 + nameOctets),
      version: readU32be(octets, start + 10 + nameOctets),
    }
    const { idstr, instanceId, version } = header
    this.sectionId = header.sectionId
    if (type === QEMU_VM.SECTION_START && idstr === BLOCK_SECTION.idstr) {
      this.startDisk(header)
      return length
    }
    if (type === QEMU_VM.SECTION_START) {
      if (idstr !== RAM_SECTION.idstr || instanceId !== RAM_SECTION.instanceId)
        throw this.cursor.refused(5, `iterable section ${JSON.stringify(idstr)}: only "ram" and "block" are known`)
      if (version !== RAM_SECTION.version) throw this.cursor.refused(0, `RAM section of version ${version}, not 4`)
      if (this.ramSectionId !== null) throw this.cursor.refused(0, 'a second RAM section')
      if (header.sectionId === this.diskSectionId) throw this.cursor.refused(1, `a second section ${header.sectionId}`)
      this.ramSectionId = header.sectionId
      this.endsRam = false
      this.observer.sectionStart(header)
      this.state = 'records'
      return length
    }
    const description = this.devices.get(deviceKey(idstr, instanceId))
    if (description === undefined) {
      const who = `device ${JSON.stringify(idstr)}, instance ${instanceId}`
      if (!this.recover) throw this.cursor.refused(5, `${who}, is not known here`)
      if (!this.ramEnded)
        throw this.cursor.refused(
          5,
          `${who}, is not known here, and comes before the end of RAM: no telling where it ends`,
        )
      this.state = 'tail'
      return 0
    }
    if (version !== description.version)
      throw this.cursor.refused(6 + nameOctets + 4, `${idstr} of version ${version}, not ${description.version}`)
    this.device = { header, description }
    this.state = 'device'
    return length
  }

  private startDisk(header: SectionHeader): void {
    const { sectionId, instanceId, version } = header
    if (instanceId !== BLOCK_SECTION.instanceId || version !== BLOCK_SECTION.version)
      throw this.cursor.refused(
        0,
        `section of disks, instance ${instanceId} of version ${version}: only 0 of 1 is known`,
      )
    if (this.diskSectionId !== null) throw this.cursor.refused(0, 'a second section of disks')
    if (sectionId === this.ramSectionId) throw this.cursor.refused(1, `a second section ${sectionId}`)
    this.diskSectionId = sectionId
    this.observer.sectionStart(header)
    this.state = 'disk-records'
  }

  private goOnWithDisk(isEnd: boolean): number {
    assert(this.diskSectionId !== null, 'no section of disks has begun')
    if (this.diskEnded) throw this.cursor.refused(1, `section ${this.diskSectionId} has already ended`)
    this.sectionId = this.diskSectionId
    this.diskEnded = isEnd
    this.state = 'disk-records'
    return 5
  }

  private readDiskRecord(octets: Uint8Array, start: number, end: number): number {
    const read = decodeBlockRecord(octets, start, end)
    if ('needed' in read) return this.cursor.wait(read.needed)
    const { record } = read
    if (record.kind === 'chunk') this.observer.diskChunk(record.device, record.sector, record.octets)
    if (record.kind === 'end') this.state = 'footer'
    return read.octets
  }

  private readDevice(octets: Uint8Array, start: number, end: number): number {
    assert(this.device !== null, 'no device is being read')
    const { header, description } = this.device
    const length = measureState(description, octets, start, end)
    if (Math.abs(length) > DEVICE_OCTETS_MAX) throw this.cursor.refused(0, `${header.idstr} is over 1 MiB`)
    if (length < 0) return this.cursor.wait(-length)
    const body = octets.subarray(start, start + length)
    this.observer.deviceSection(header, body, describeDevice(description, decodeDeviceState(description, body)))
    this.device = null
    this.state = 'footer'
    return length
  }

  private readFooter(octets: Uint8Array, start: number, end: number): number {
    if (octets[start] !== QEMU_VM.SECTION_FOOTER)
      throw this.cursor.refused(0, `section ${this.sectionId} has no footer`)
    if (end - start < FOOTER_OCTETS) return this.cursor.wait(FOOTER_OCTETS)
    const sectionId = readU32be(octets, start + 1)
    if (sectionId !== this.sectionId)
      throw this.cursor.refused(1, `footer of ${sectionId} closes section ${this.sectionId}`)
    if (this.endsRam) this.ramEnded = true
    this.endsRam = false
    this.state = 'item'
    return FOOTER_OCTETS
  }

  private readCommand(octets: Uint8Array, start: number, end: number): number {
    if (end - start < 5) return this.cursor.wait(5)
    const command = readU16be(octets, start + 1)
    const length = readU16be(octets, start + 3)
    if (end - start < 5 + length) return this.cursor.wait(5 + length)
    const data = octets.subarray(start + 5, start + 5 + length)
    if (command === MIG_CMD.PACKAGED) {
      if (length !== 4) throw this.cursor.refused(3, `package command of ${length} octets`)
      this.packageOctets = readU32be(data, 0)
      if (this.packageOctets > PACKAGE_OCTETS_MAX)
        throw this.cursor.refused(5, `package of ${this.packageOctets} octets`)
      this.state = 'package'
    } else {
      if (command === MIG_CMD.POSTCOPY_LISTEN || command === MIG_CMD.POSTCOPY_RAM_DISCARD) this.ram.forgetBlock()
      this.observer.command(command, data)
    }
    return 5 + length
  }

  private readPackage(octets: Uint8Array, start: number, end: number): number {
    if (end - start < this.packageOctets) return this.cursor.wait(this.packageOctets)
    this.observer.packaged(octets.subarray(start, start + this.packageOctets))
    this.ram.forgetBlock()
    this.state = 'item'
    return this.packageOctets
  }

  private readDescription(octets: Uint8Array, start: number, end: number): number {
    if (octets[start] !== QEMU_VM.VMDESCRIPTION) {
      this.state = 'done'
      return 0
    }
    if (end - start < 5) return this.cursor.wait(5)
    const length = readU32be(octets, start + 1)
    if (length > DESCRIPTION_OCTETS_MAX) throw this.cursor.refused(1, `description of ${length} octets`)
    if (end - start < 5 + length) return this.cursor.wait(5 + length)
    this.observer.description(latin1Text(octets.subarray(start + 5, start + 5 + length)))
    this.state = 'done'
    return 5 + length
  }

  /** White space after the end is let pass: editors and scripts leave some. */
  private readNothing(octets: Uint8Array, start: number, end: number): number {
    for (let at = start; at < end; at++) {
      const octet = octets[at]
      if (octet !== 0x0a && octet !== 0x0d && octet !== 0x20)
        throw this.cursor.refused(at - start, 'octets follow the end of the stream')
    }
    return end - start
  }
}
