/**
 * Writes QEMU's migration stream, version 3 (migration/savevm.c, migration/ram.c). What is written waits here until it is
 * drained, in a buffer that grows with what has to wait.
 */
import { assert } from '../../base/errors.js'
import { latin1Octets, writeU16be, writeU32be, writeU64be } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'
import {
  ENCODING_FLAG_XBZRLE,
  FOOTER_OCTETS,
  MIG_CMD,
  NAME_OCTETS_MAX,
  QEMU_VM,
  QEMU_VM_FILE_MAGIC,
  QEMU_VM_FILE_VERSION,
  RAM_SAVE_FLAG,
  type RamBlockSize,
  type SectionHeader,
} from './qevm.js'

const BUFFER_OCTETS = 256 * 1024
/** The fill octet of a zero page's record, and the item that ends the state. */
const ZERO_FILL = Uint8Array.of(0)
const END_OF_STATE = Uint8Array.of(QEMU_VM.EOF)

/** Takes octets as a `ByteStream` does. */
export interface OctetSink {
  writableOctets(): number
  write(octets: Uint8Array): void
}

export class StreamWriter {
  private buffer = new Uint8Array(BUFFER_OCTETS)
  /** Octets of `buffer` already drained, and those written. */
  private drained = 0
  private used = 0
  private written = 0
  /** The block named by the last page record, as in QEMU kept from one section to the next. */
  private currentBlock = ''

  /** Octets written and not yet drained. */
  get pendingOctets(): number {
    return this.used - this.drained
  }

  /** Octets written since the beginning of the stream. */
  get octetsWritten(): number {
    return this.written
  }

  /** The block that the last page record named; '' before there was one. */
  get blockName(): string {
    return this.currentBlock
  }

  fileHeader(): void {
    const at = this.reserve(8)
    writeU32be(this.buffer, at, QEMU_VM_FILE_MAGIC)
    writeU32be(this.buffer, at + 4, QEMU_VM_FILE_VERSION)
  }

  configuration(machineType: string): void {
    const at = this.reserve(5 + machineType.length)
    this.buffer[at] = QEMU_VM.CONFIGURATION
    writeU32be(this.buffer, at + 1, machineType.length)
    this.buffer.set(latin1Octets(machineType), at + 5)
  }

  /** `data` is at most 65535 octets. For `PACKAGED` see `packaged`. */
  command(command: number, data: Uint8Array = new Uint8Array(0)): void {
    const at = this.reserve(5 + data.length)
    this.buffer[at] = QEMU_VM.COMMAND
    writeU16be(this.buffer, at + 1, command)
    writeU16be(this.buffer, at + 3, data.length)
    this.buffer.set(data, at + 5)
  }

  ping(value: number): void {
    const data = new Uint8Array(4)
    writeU32be(data, 0, value)
    this.command(MIG_CMD.PING, data)
  }

  /** Items without header and end, in one package: all of it arrives before any of it is acted on. */
  packaged(items: Uint8Array): void {
    const length = new Uint8Array(4)
    writeU32be(length, 0, items.length)
    this.command(MIG_CMD.PACKAGED, length)
    this.put(items)
  }

  sectionStart(header: SectionHeader): void {
    this.sectionHeader(QEMU_VM.SECTION_START, header)
  }

  sectionPart(sectionId: number): void {
    this.sectionMark(QEMU_VM.SECTION_PART, sectionId)
  }

  sectionEnd(sectionId: number): void {
    this.sectionMark(QEMU_VM.SECTION_END, sectionId)
  }

  footer(sectionId: number): void {
    this.sectionMark(QEMU_VM.SECTION_FOOTER, sectionId)
  }

  /** A device's section, whole. */
  sectionFull(header: SectionHeader, body: Uint8Array): void {
    this.sectionHeader(QEMU_VM.SECTION_FULL, header)
    this.put(body)
    this.footer(header.sectionId)
  }

  /** The list of blocks, first record of the RAM section's START. Sizes are whole pages. */
  memorySize(blocks: readonly RamBlockSize[]): void {
    let total = 0
    for (const { name, octets } of blocks) {
      assert(octets % PAGE_OCTETS === 0, `block ${name} of ${octets} octets is not whole pages`)
      total += octets
    }
    this.record(total + RAM_SAVE_FLAG.MEM_SIZE)
    for (const { name, octets } of blocks) {
      this.name(name)
      this.record(octets)
    }
  }

  /** A page as it is at this instant: `octets` from `at` on are copied. `offset` is the page's place in its block. */
  page(block: string, offset: number, octets: Uint8Array, at = 0): void {
    this.pageHeader(block, offset, RAM_SAVE_FLAG.PAGE)
    this.put(octets.subarray(at, at + PAGE_OCTETS))
  }

  zeroPage(block: string, offset: number): void {
    this.pageHeader(block, offset, RAM_SAVE_FLAG.ZERO)
    this.put(ZERO_FILL)
  }

  xbzrlePage(block: string, offset: number, encoded: Uint8Array): void {
    this.pageHeader(block, offset, RAM_SAVE_FLAG.XBZRLE)
    const at = this.reserve(3 + encoded.length)
    this.buffer[at] = ENCODING_FLAG_XBZRLE
    writeU16be(this.buffer, at + 1, encoded.length)
    this.buffer.set(encoded, at + 3)
  }

  /** A page as a zlib stream of its own. */
  compressedPage(block: string, offset: number, compressed: Uint8Array): void {
    this.pageHeader(block, offset, RAM_SAVE_FLAG.COMPRESS_PAGE)
    const at = this.reserve(4)
    writeU32be(this.buffer, at, compressed.length)
    this.put(compressed)
  }

  /** Ends the records of one START, PART or END. */
  endOfRecords(): void {
    this.record(RAM_SAVE_FLAG.EOS)
  }

  /** Part of a section whose records another codec has made. */
  octets(octets: Uint8Array): void {
    this.put(octets)
  }

  endOfState(): void {
    this.put(END_OF_STATE)
  }

  /**
   * The JSON description, after the end of state. QEMU's script finds it as the first `{` after the last NUL of the
   * stream, so none of the length's octets may be a `{`: spaces at the end of the text see to that.
   */
  description(json: string): void {
    let length = json.length
    const header = new Uint8Array(5)
    header[0] = QEMU_VM.VMDESCRIPTION
    do writeU32be(header, 1, length++)
    while (header.includes(0x7b, 1))
    this.put(header)
    this.put(latin1Octets(json.padEnd(length - 1, ' ')))
  }

  /** Hand over as much as the sink takes now. */
  drainTo(sink: OctetSink): void {
    const length = Math.min(this.pendingOctets, sink.writableOctets())
    if (length <= 0) return
    sink.write(this.buffer.subarray(this.drained, this.drained + length))
    this.drop(length)
    if (this.pendingOctets > 0) sink.writableOctets() // who has seen that there is little is told when there is more
  }

  /** The connection broke: what is pending is lost, and on the next one blocks are named again. */
  breakOff(): void {
    this.drop(this.pendingOctets)
    this.forgetBlock()
  }

  /** The next page record names its block, as QEMU's does after the switch to post-copy. */
  forgetBlock(): void {
    this.currentBlock = ''
  }

  /** All that is pending, as one array that the caller owns. */
  take(): Uint8Array {
    const whole = this.buffer.slice(this.drained, this.used)
    this.drop(whole.length)
    return whole
  }

  private drop(length: number): void {
    this.drained += length
    if (this.drained === this.used) this.drained = this.used = 0
  }

  private pageHeader(block: string, offset: number, flag: number): void {
    if (block === this.currentBlock) this.record(offset + flag + RAM_SAVE_FLAG.CONTINUE)
    else {
      this.record(offset + flag)
      this.name(block)
      this.currentBlock = block
    }
  }

  private record(value: number): void {
    const at = this.reserve(8)
    writeU64be(this.buffer, at, value)
  }

  private name(name: string): void {
    assert(name.length > 0 && name.length <= NAME_OCTETS_MAX, `name of ${name.length} characters`)
    const at = this.reserve(1 + name.length)
    this.buffer[at] = name.length
    this.buffer.set(latin1Octets(name), at + 1)
  }

  private sectionHeader(mark: number, { sectionId, idstr, instanceId, version }: SectionHeader): void {
    this.sectionMark(mark, sectionId)
    this.name(idstr)
    const at = this.reserve(8)
    writeU32be(this.buffer, at, instanceId)
    writeU32be(this.buffer, at + 4, version)
  }

  private sectionMark(mark: number, sectionId: number): void {
    const at = this.reserve(FOOTER_OCTETS)
    this.buffer[at] = mark
    writeU32be(this.buffer, at + 1, sectionId)
  }

  private put(octets: Uint8Array): void {
    const at = this.reserve(octets.length) // first: it may change `buffer`
    this.buffer.set(octets, at)
  }

  /** Room for `length` octets in one piece; returns where in `buffer` (which may be a new one). */
  private reserve(length: number): number {
    if (this.used + length > this.buffer.length) this.makeRoom(length)
    const at = this.used
    this.used += length
    this.written += length
    return at
  }

  private makeRoom(length: number): void {
    const { buffer, drained, used, pendingOctets } = this
    if (2 * (pendingOctets + length) <= buffer.length) buffer.copyWithin(0, drained, used)
    else {
      let octets = buffer.length
      while (octets < 2 * (pendingOctets + length)) octets *= 2
      this.buffer = new Uint8Array(octets)
      this.buffer.set(buffer.subarray(drained, used))
    }
    this.drained = 0
    this.used = pendingOctets
  }
}
