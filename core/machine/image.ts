/** Guest images: ELF32 for RISC-V (System V ABI, chapters 4 and 5) and flat binaries. Both come from anywhere. */
import { WireError } from '../base/errors.js'
import { RAM_BASE } from '../cpu/memory.js'
import type { Ram } from './ram.js'

const HEADER_OCTETS = 52
const PROGRAM_HEADER_OCTETS = 32
const PT_LOAD = 1
const EM_RISCV = 243
const ET_EXEC = 2

/** Copy every loadable segment to its physical address and clear what it has beyond its octets. Returns the entry. */
export function loadElf(ram: Ram, image: Uint8Array): number {
  const fail = (offset: number, reason: string): never => {
    throw new WireError('elf', offset, reason)
  }
  if (image.length < HEADER_OCTETS) fail(image.length, `cut off: the header has ${HEADER_OCTETS} octets`)
  const view = new DataView(image.buffer, image.byteOffset, image.length)
  if (view.getUint32(0) !== 0x7f45_4c46) fail(0, 'not an ELF file')
  if (image[4] !== 1) fail(4, 'not a 32-bit ELF file')
  if (image[5] !== 1) fail(5, 'not little-endian')
  const type = view.getUint16(16, true)
  if (type !== ET_EXEC) fail(16, `type is ${type}: only a linked program (2) can be loaded`)
  const machine = view.getUint16(18, true)
  if (machine !== EM_RISCV) fail(18, `for machine ${machine}, not RISC-V (${EM_RISCV})`)
  const entry = view.getUint32(24, true)
  const tableAt = view.getUint32(28, true)
  const entryOctets = view.getUint16(42, true)
  const entryCount = view.getUint16(44, true)
  if (entryCount > 0 && entryOctets !== PROGRAM_HEADER_OCTETS) fail(42, `program headers of ${entryOctets} octets`)
  if (tableAt + entryCount * PROGRAM_HEADER_OCTETS > image.length) fail(28, 'program headers past the end of the file')

  let loaded = 0
  // All is checked before anything is written, so a refused image leaves RAM as it was.
  for (const isWriting of [false, true])
    for (let index = 0; index < entryCount; index++) {
      const at = tableAt + index * PROGRAM_HEADER_OCTETS
      if (view.getUint32(at, true) !== PT_LOAD) continue
      const fileOffset = view.getUint32(at + 4, true)
      const offset = view.getUint32(at + 12, true) - RAM_BASE
      const fileOctets = view.getUint32(at + 16, true)
      const memoryOctets = view.getUint32(at + 20, true)
      if (isWriting) {
        ram.write(offset, image.subarray(fileOffset, fileOffset + fileOctets))
        clear(ram, offset + fileOctets, offset + memoryOctets)
        continue
      }
      if (fileOffset + fileOctets > image.length) fail(at + 4, `segment ${index} is cut off`)
      if (fileOctets > memoryOctets) fail(at + 16, `segment ${index} is larger in the file than in memory`)
      if (offset < 0 || offset + memoryOctets > ram.octets.length) fail(at + 12, `segment ${index} is outside RAM`)
      loaded++
    }
  if (loaded === 0) fail(44, 'no loadable segment')
  checkEntry(ram, entry, 24, 'elf')
  return entry
}

/** Copy `image` to guest address `address`. */
export function loadFlat(ram: Ram, image: Uint8Array, address: number): void {
  const offset = address - RAM_BASE
  if (!Number.isInteger(address) || offset < 0 || offset + image.length > ram.octets.length)
    throw new WireError('image', 0, `${image.length} octets at 0x${address.toString(16)} are outside RAM`)
  checkEntry(ram, address, 0, 'image')
  ram.write(offset, image)
}

function checkEntry(ram: Ram, entry: number, at: number, protocol: string): void {
  const offset = entry - RAM_BASE
  if (offset < 0 || offset >= ram.octets.length || entry % 4 !== 0)
    throw new WireError(protocol, at, `entry 0x${entry.toString(16)} is not an instruction in RAM`)
}

function clear(ram: Ram, from: number, to: number): void {
  if (to <= from) return
  ram.octets.fill(0, from, to)
  for (let page = from >>> 12; page <= (to - 1) >>> 12; page++) ram.markDirty(page)
}
