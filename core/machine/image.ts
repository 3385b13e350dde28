/** Guest images: ELF32 for RISC-V (System V ABI, chapters 4 and 5) and flat binaries. Both come from anywhere. */
import { WireError } from '../base/errors.js'
import { RAM_BASE } from '../cpu/memory.js'
import type { Ram } from './ram.js'

const ELF_MAGIC = 0x7f45_4c46
const HEADER_OCTETS = 52
const PROGRAM_HEADER_OCTETS = 32
const PT_LOAD = 1
const EM_RISCV = 243
const ET_EXEC = 2

interface Segment {
  /** From the start of RAM. */
  readonly offset: number
  readonly octets: Uint8Array
  /** At least as many as `octets` has; the rest is cleared. */
  readonly memoryOctets: number
}

/**
 * Copy every loadable segment to its physical address and clear what it has beyond its octets. Returns the entry. A
 * refused image (`WireError`) leaves RAM as it was.
 */
export function loadElf(ram: Ram, image: Uint8Array): number {
  const { entry, segments } = parseElf(image, ram.octets.length)
  for (const { offset, octets, memoryOctets } of segments) {
    ram.write(offset, octets)
    clear(ram, offset + octets.length, offset + memoryOctets)
  }
  return entry
}

function parseElf(image: Uint8Array, ramOctets: number): { entry: number; segments: Segment[] } {
  const view = new DataView(image.buffer, image.byteOffset, image.length)
  if (image.length < 4 || view.getUint32(0) !== ELF_MAGIC) refuse(0, 'not an ELF file')
  if (image.length < HEADER_OCTETS) refuse(image.length, `cut off: the header has ${HEADER_OCTETS} octets`)
  if (image[4] !== 1) refuse(4, 'not a 32-bit ELF file')
  if (image[5] !== 1) refuse(5, 'not little-endian')
  const type = view.getUint16(16, true)
  if (type !== ET_EXEC) refuse(16, `type is ${type}: only a linked program (2) can be loaded`)
  const machine = view.getUint16(18, true)
  if (machine !== EM_RISCV) refuse(18, `for machine ${machine}, not RISC-V (${EM_RISCV})`)
  const entry = view.getUint32(24, true)
  checkEntry(ramOctets, entry, 24, 'elf')
  const tableAt = view.getUint32(28, true)
  const entryOctets = view.getUint16(42, true)
  const count = view.getUint16(44, true)
  if (count > 0 && entryOctets !== PROGRAM_HEADER_OCTETS) refuse(42, `program headers of ${entryOctets} octets`)
  if (tableAt + count * PROGRAM_HEADER_OCTETS > image.length) refuse(28, 'program headers past the end of the file')

  const segments: Segment[] = []
  let octetsLeft = ramOctets
  for (let index = 0; index < count; index++) {
    const at = tableAt + index * PROGRAM_HEADER_OCTETS
    if (view.getUint32(at, true) !== PT_LOAD) continue
    const fileOffset = view.getUint32(at + 4, true)
    const offset = view.getUint32(at + 12, true) - RAM_BASE
    const fileOctets = view.getUint32(at + 16, true)
    const memoryOctets = view.getUint32(at + 20, true)
    if (fileOffset + fileOctets > image.length) refuse(at + 4, `segment ${index} is cut off`)
    if (fileOctets > memoryOctets) refuse(at + 16, `segment ${index} is larger in the file than in memory`)
    if (offset < 0 || offset + memoryOctets > ramOctets) refuse(at + 12, `segment ${index} is outside RAM`)
    // More than RAM holds can only overlap; thousands of such segments would take minutes to clear.
    octetsLeft -= memoryOctets
    if (octetsLeft < 0) refuse(at + 20, `segment ${index} overlaps others`)
    segments.push({ offset, octets: image.subarray(fileOffset, fileOffset + fileOctets), memoryOctets })
  }
  if (segments.length === 0) refuse(44, 'no loadable segment')
  return { entry, segments }
}

function refuse(offset: number, reason: string): never {
  throw new WireError('elf', offset, reason)
}

/** Copy `image` to guest address `address`. */
export function loadFlat(ram: Ram, image: Uint8Array, address: number): void {
  const offset = address - RAM_BASE
  if (!Number.isInteger(address) || offset < 0 || offset + image.length > ram.octets.length)
    throw new WireError('image', 0, `${image.length} octets at 0x${address.toString(16)} are outside RAM`)
  checkEntry(ram.octets.length, address, 0, 'image')
  ram.write(offset, image)
}

function checkEntry(ramOctets: number, entry: number, at: number, protocol: string): void {
  const offset = entry - RAM_BASE
  if (offset < 0 || offset >= ramOctets || entry % 4 !== 0)
    throw new WireError(protocol, at, `entry 0x${entry.toString(16)} is not an instruction in RAM`)
}

function clear(ram: Ram, from: number, to: number): void {
  if (to <= from) return
  ram.octets.fill(0, from, to)
  for (let page = from >>> 12; page <= (to - 1) >>> 12; page++) ram.markDirty(page)
}
