/**
 * Reading captures from anywhere: pcapng (draft-ietf-opsawg-pcapng) of either byte order and any time resolution, with
 * enhanced, simple and obsolete packet blocks, and classic pcap (draft-ietf-opsawg-pcap) of either byte order in micro-
 * or nanoseconds. Other blocks are skipped. What was cut in the middle gives what is there, and a warning.
 */
import { WireError } from '../../base/errors.js'
import { readU16be, readU32be, readU32le, utf8Text } from '../../base/octets.js'
import { BLOCK, BYTE_ORDER_MAGIC, OPTION_CODE } from './pcapng.js'

const PCAP_MAGIC_MICRO = 0xa1b2c3d4
const PCAP_MAGIC_NANO = 0xa1b23c4d
const PCAP_HEADER_OCTETS = 24
const PCAP_RECORD_OCTETS = 16
/** No tool writes packets larger than this (Wireshark's WTAP_MAX_PACKET_SIZE_STANDARD): beyond it a length is damage. */
const PACKET_OCTETS_MAX = 262144
const INTERFACES_MAX = 4096
const WARNINGS_MAX = 100

export interface CaptureInterface {
  readonly name: string
  readonly linkType: number
}

export interface CapturedPacket {
  /** From 1, as Wireshark counts. */
  readonly number: number
  readonly interfaceId: number
  readonly linkType: number
  /** Since the first packet; `CaptureReader.startNs` has when that was. 0 for packets without a time. */
  readonly timeNs: number
  /** What was captured: a view. */
  readonly octets: Uint8Array
  /** Octets that were on the wire. */
  readonly originalOctets: number
  readonly comment: string | null
}

interface Interface extends CaptureInterface {
  readonly snapLength: number
  readonly ticksPerSecond: bigint
  readonly offsetSeconds: bigint
}

/** Gives one packet after another. Throws `WireError` only when it is made, of octets that are no capture. */
export class CaptureReader {
  readonly format: 'pcapng' | 'pcap'
  /** What could not be read. */
  readonly warnings: string[] = []
  /** When the first packet was captured, in nanoseconds since 1970; null before there was one. */
  startNs: bigint | null = null
  private offset = 0
  private isLittleEndian = true
  private packetCount = 0
  /** Of the present section. */
  private sectionInterfaces: Interface[] = []
  private firstInterfaceId = 0
  private readonly allInterfaces: Interface[] = []

  constructor(private readonly octets: Uint8Array) {
    const magic = octets.length >= 4 ? readU32be(octets, 0) : 0
    if (magic === BLOCK.sectionHeader) {
      this.format = 'pcapng'
      if (octets.length < 28) throw new WireError('pcapng', octets.length, 'ends inside its section header')
    } else {
      this.format = 'pcap'
      this.readPcapHeader()
    }
  }

  get interfaces(): readonly CaptureInterface[] {
    return this.allInterfaces
  }

  /** The next packet, or null at the end. */
  next(): CapturedPacket | null {
    return this.format === 'pcapng' ? this.nextOfPcapng() : this.nextOfPcap()
  }

  private nextOfPcapng(): CapturedPacket | null {
    const { octets } = this
    while (this.offset < octets.length) {
      const start = this.offset
      if (octets.length - start < 12) return this.stop('the capture ends inside a block header')
      const isSection = readU32be(octets, start) === BLOCK.sectionHeader
      if (isSection && !this.readByteOrder(start)) return this.stop(`no byte order at octet ${start}`)
      const type = this.u32(start)
      const length = this.u32(start + 4)
      if (length < 12 || length % 4 !== 0) return this.stop(`block of ${length} octets at octet ${start}`)
      if (length > octets.length - start)
        return this.stop(`the capture is cut: a block of ${length} octets begins at octet ${start}`)
      this.offset = start + length
      const bodyEnd = start + length - 4
      if (isSection) this.beginSection()
      else if (type === BLOCK.interfaceDescription) this.readInterface(start + 8, bodyEnd)
      else {
        const packet = this.readPacketBlock(type, start + 8, bodyEnd)
        if (packet !== null) return packet
      }
    }
    return null
  }

  private readByteOrder(start: number): boolean {
    if (readU32le(this.octets, start + 8) === BYTE_ORDER_MAGIC) this.isLittleEndian = true
    else if (readU32be(this.octets, start + 8) === BYTE_ORDER_MAGIC) this.isLittleEndian = false
    else return false
    return true
  }

  private beginSection(): void {
    this.firstInterfaceId = this.allInterfaces.length
    this.sectionInterfaces = []
  }

  private readInterface(start: number, end: number): void {
    if (end - start < 8 || this.allInterfaces.length >= INTERFACES_MAX) {
      this.warn(`interface description at octet ${start - 8} is left out`)
      return
    }
    let name = ''
    let ticksPerSecond = 1_000_000n
    let offsetSeconds = 0n
    this.eachOption(start + 8, end, (code, at, length) => {
      if (code === OPTION_CODE.interfaceName) name = utf8Text(this.octets.subarray(at, at + length))
      else if (code === OPTION_CODE.timestampResolution && length >= 1)
        ticksPerSecond = resolutionOf(this.octets[at] ?? 6)
      else if (code === OPTION_CODE.timestampOffset && length >= 8) offsetSeconds = BigInt.asIntN(64, this.u64(at))
    })
    const made = { name, linkType: this.u16(start), snapLength: this.u32(start + 4), ticksPerSecond, offsetSeconds }
    this.sectionInterfaces.push(made)
    this.allInterfaces.push(made)
  }

  private readPacketBlock(type: number, start: number, end: number): CapturedPacket | null {
    if (type === BLOCK.simplePacket) {
      if (end - start < 4) return this.skip(start, 'is too short')
      const original = this.u32(start)
      const from = this.sectionInterfaces[0]
      const snapLength = from === undefined || from.snapLength === 0 ? original : from.snapLength
      return this.packet(0, null, start + 4, Math.min(original, snapLength, end - start - 4), original, null)
    }
    if (type !== BLOCK.enhancedPacket && type !== BLOCK.packet) return null
    if (end - start < 20) return this.skip(start, 'is too short')
    // The obsolete block has a 16-bit interface and a count of drops where the enhanced one has a 32-bit interface.
    const interfaceId = type === BLOCK.packet ? this.u16(start) : this.u32(start)
    const ticks = (BigInt(this.u32(start + 4)) << 32n) | BigInt(this.u32(start + 8))
    const length = this.u32(start + 12)
    if (length > end - start - 20) return this.skip(start, `says ${length} octets of packet`)
    let comment: string | null = null
    this.eachOption(start + 20 + ((length + 3) & ~3), end, (code, at, size) => {
      if (code === OPTION_CODE.comment) comment = utf8Text(this.octets.subarray(at, at + size))
    })
    return this.packet(interfaceId, ticks, start + 20, length, this.u32(start + 16), comment)
  }

  private packet(
    interfaceId: number,
    ticks: bigint | null,
    at: number,
    length: number,
    originalOctets: number,
    comment: string | null,
  ): CapturedPacket | null {
    const from = this.sectionInterfaces[interfaceId]
    if (from === undefined) return this.skip(at, `is of interface ${interfaceId}, which is not described`)
    let timeNs = 0
    if (ticks !== null) {
      const atNs = (ticks * 1_000_000_000n) / from.ticksPerSecond + from.offsetSeconds * 1_000_000_000n
      this.startNs ??= atNs
      timeNs = Number(atNs - this.startNs)
    }
    return {
      number: ++this.packetCount,
      interfaceId: this.firstInterfaceId + interfaceId,
      linkType: from.linkType,
      timeNs,
      octets: this.octets.subarray(at, at + length),
      originalOctets,
      comment,
    }
  }

  /** Options end with code 0 or with the block. A length beyond the block ends them too. */
  private eachOption(start: number, end: number, take: (code: number, at: number, length: number) => void): void {
    for (let at = start; at + 4 <= end;) {
      const code = this.u16(at)
      const length = this.u16(at + 2)
      if (code === OPTION_CODE.end || at + 4 + length > end) return
      take(code, at + 4, length)
      at += 4 + ((length + 3) & ~3)
    }
  }

  private readPcapHeader(): void {
    const { octets } = this
    const big = octets.length >= 4 ? readU32be(octets, 0) : 0
    const little = octets.length >= 4 ? readU32le(octets, 0) : 0
    const isBig = big === PCAP_MAGIC_MICRO || big === PCAP_MAGIC_NANO
    if (!isBig && little !== PCAP_MAGIC_MICRO && little !== PCAP_MAGIC_NANO)
      throw new WireError('capture', 0, 'neither pcapng nor pcap: the first four octets are of neither')
    if (octets.length < PCAP_HEADER_OCTETS) throw new WireError('pcap', octets.length, 'ends inside its header')
    this.isLittleEndian = !isBig
    const ticksPerSecond = (isBig ? big : little) === PCAP_MAGIC_NANO ? 1_000_000_000n : 1_000_000n
    // The upper bits of the link type say how long frame check sequences are.
    const linkType = this.u32(20) & 0x0fff_ffff
    const made = { name: '', linkType, snapLength: this.u32(16), ticksPerSecond, offsetSeconds: 0n }
    this.sectionInterfaces.push(made)
    this.allInterfaces.push(made)
    this.offset = PCAP_HEADER_OCTETS
  }

  private nextOfPcap(): CapturedPacket | null {
    const { octets, offset: start } = this
    const left = octets.length - start
    if (left === 0) return null
    if (left < PCAP_RECORD_OCTETS) return this.stop('the capture ends inside a record header')
    const length = this.u32(start + 8)
    if (length > PACKET_OCTETS_MAX) return this.stop(`packet of ${length} octets at octet ${start}`)
    if (length > left - PCAP_RECORD_OCTETS)
      return this.stop(`the capture is cut: a packet of ${length} octets begins at octet ${start}`)
    this.offset = start + PCAP_RECORD_OCTETS + length
    const { ticksPerSecond } = this.sectionInterfaces[0] as Interface
    const ticks = BigInt(this.u32(start)) * ticksPerSecond + BigInt(this.u32(start + 4))
    return this.packet(0, ticks, start + PCAP_RECORD_OCTETS, length, this.u32(start + 12), null)
  }

  private stop(reason: string): null {
    this.warn(reason)
    this.offset = this.octets.length
    return null
  }

  private skip(at: number, reason: string): null {
    this.warn(`the packet at octet ${at} ${reason}: left out`)
    return null
  }

  private warn(text: string): void {
    if (this.warnings.length < WARNINGS_MAX) this.warnings.push(text)
  }

  private u16(at: number): number {
    return this.isLittleEndian ? (this.octets[at] ?? 0) | ((this.octets[at + 1] ?? 0) << 8) : readU16be(this.octets, at)
  }
  private u32(at: number): number {
    return this.isLittleEndian ? readU32le(this.octets, at) : readU32be(this.octets, at)
  }
  private u64(at: number): bigint {
    const [high, low] = this.isLittleEndian ? [at + 4, at] : [at, at + 4]
    return (BigInt(this.u32(high)) << 32n) | BigInt(this.u32(low))
  }
}

/** if_tsresol: a negative power of 10, or of 2 when the first bit is set. Beyond what 64 bits can count it is taken as microseconds. */
function resolutionOf(octet: number): bigint {
  const power = octet & 0x7f
  if ((octet & 0x80) !== 0) return power <= 63 ? 1n << BigInt(power) : 1_000_000n
  return power <= 19 ? 10n ** BigInt(power) : 1_000_000n
}
