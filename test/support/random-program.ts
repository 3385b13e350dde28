/** Programs of random instructions, most of which exist. */
import { RAM_BASE } from '../../core/cpu/memory.js'
import type { RandomStream } from '../../core/kernel/random.js'

export const PROGRAM_WORDS = 300
export const OPCODES = [0x13, 0x13, 0x33, 0x33, 0x33, 0x03, 0x23, 0x63, 0x6f, 0x67, 0x37, 0x17, 0x73, 0x2f, 0x0f]
const CSRS = [0x300, 0x301, 0x304, 0x305, 0x340, 0x341, 0x342, 0x343, 0xb00, 0xb02, 0xc00, 0xc02, 0xf14, 0x180]
const PROTECTION_CSRS = [0x300, 0x300, 0x306, 0x341, 0x3a0, 0x3a0, 0x3a1, 0x3b0, 0x3b1, 0x3b2, 0x3b3, 0x3b4]
const SYSTEM = [0x73, 0x100073, 0x30200073, 0x10500073, 0x12000073]
const AMO_FUNCT5 = [0, 1, 2, 3, 4, 8, 12, 16, 20, 24, 28]

/** Mostly valid instructions, each field now and then anything at all. */
function randomWord(random: RandomStream): number {
  if (random.below(40) === 0) return random.u32()
  if (random.below(25) === 0) return random.pick(SYSTEM)
  const opcode = random.pick(OPCODES)
  let word = (random.u32() & ~0x7f) | opcode
  const set = (shift: number, bits: number, value: number): void => {
    word = (word & ~(((1 << bits) - 1) << shift)) | (value << shift)
  }
  if (opcode === 0x33) set(25, 7, random.pick([0, 0x20, 1, 1]))
  if (opcode === 0x13 && random.below(8) !== 0) set(25, 7, random.pick([0, 0x20]))
  if (opcode === 0x73) set(20, 12, random.pick(random.below(2) === 0 ? CSRS : PROTECTION_CSRS))
  if (opcode === 0x2f) {
    set(27, 5, random.pick(AMO_FUNCT5))
    set(12, 3, 2)
    if (word >>> 27 === 2) set(20, 5, 0)
  }
  // Most jumps stay inside the program; one in four goes where its random bits say.
  if (opcode === 0x63 && random.below(4) !== 0) word &= ~0x7c00_0080
  if (opcode === 0x6f && random.below(4) !== 0) word &= ~0x000f_f000
  return word
}

export function randomProgram(random: RandomStream): Uint8Array {
  return new Uint8Array(Int32Array.from({ length: PROGRAM_WORDS }, () => randomWord(random)).buffer)
}

/** Numbers, and addresses around the program. */
export function randomRegister(random: RandomStream): number {
  const inRam = (RAM_BASE + random.below(0x800)) | 0
  const region = (inRam >>> 2) | random.pick([0, 1, 0xff, 0x3ff, 0x1fff])
  return random.pick([random.u32() | 0, inRam, inRam & ~3, inRam & ~3, random.below(64), -1, -(2 ** 31), region])
}
