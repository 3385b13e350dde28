/**
 * RV32IMA, Zicsr and Zifencei instruction words into the two words that the interpreter runs.
 *
 *     first word   operation (8 bits) | rd (8) | rs1 (8) | rs2 (8)
 *     second word  the immediate; for jumps and branches what is said at the operation
 *
 * Register 0 as a destination becomes register 32, which nobody reads, so that the interpreter need not ask.
 */

/** The operations. The interpreter repeats these numbers as literals: only those make its `switch` a jump table. */
export const OP = {
  undecoded: 0,
  /** Past the last instruction of a page: go on in the next one. Not an instruction. */
  pageEnd: 1,
  illegal: 2,
  /** `lui`, and `auipc` with the sum worked out: the immediate is the result. */
  constant: 3,
  /** Jumps inside the page: the immediate is added to the index in the decoded code, after its own advance. */
  jalNear: 4,
  beqNear: 5,
  bneNear: 6,
  bltNear: 7,
  bgeNear: 8,
  bltuNear: 9,
  bgeuNear: 10,
  /** Jumps out of the page, or to a misaligned address: the immediate is the target address. */
  jalFar: 11,
  beqFar: 12,
  bneFar: 13,
  bltFar: 14,
  bgeFar: 15,
  bltuFar: 16,
  bgeuFar: 17,
  jalr: 18,
  lb: 19,
  lh: 20,
  lw: 21,
  lbu: 22,
  lhu: 23,
  sb: 24,
  sh: 25,
  sw: 26,
  addi: 27,
  slti: 28,
  sltiu: 29,
  xori: 30,
  ori: 31,
  andi: 32,
  slli: 33,
  srli: 34,
  srai: 35,
  add: 36,
  sub: 37,
  sll: 38,
  slt: 39,
  sltu: 40,
  xor: 41,
  srl: 42,
  sra: 43,
  or: 44,
  and: 45,
  mul: 46,
  mulh: 47,
  mulhsu: 48,
  mulhu: 49,
  div: 50,
  divu: 51,
  rem: 52,
  remu: 53,
  /** `fence` and `fence.i`: one hart, in program order, whose decoded code follows every store. */
  nothing: 54,
  ecall: 55,
  ebreak: 56,
  mret: 57,
  wfi: 58,
  /** The immediate is the instruction word. */
  csr: 59,
  amo: 60,
  /** There is no translation: nothing to do in machine mode, illegal in user mode. */
  sfence: 61,
} as const

/** Words a decoded instruction takes. */
export const DECODED_WORDS = 2

const BRANCHES = [OP.beqNear, OP.bneNear, -1, -1, OP.bltNear, OP.bgeNear, OP.bltuNear, OP.bgeuNear]
const LOADS = [OP.lb, OP.lh, OP.lw, -1, OP.lbu, OP.lhu, -1, -1]
const STORES = [OP.sb, OP.sh, OP.sw, -1, -1, -1, -1, -1]
const REGISTER_OPS = [OP.add, OP.sll, OP.slt, OP.sltu, OP.xor, OP.srl, OP.or, OP.and]
const IMMEDIATE_OPS = [OP.addi, OP.slli, OP.slti, OP.sltiu, OP.xori, OP.srli, OP.ori, OP.andi]
const FAR = OP.beqFar - OP.beqNear

/** Decode `word`, which stands at `pc`, into `pool[index]` and the word after it. */
export function decodeInto(pool: Int32Array, index: number, word: number, pc: number): void {
  const rd = (word >>> 7) & 31
  const rs1 = (word >>> 15) & 31
  const rs2 = (word >>> 20) & 31
  const funct3 = (word >>> 12) & 7
  const funct7 = word >>> 25
  const immI = word >> 20
  let op: number = OP.illegal
  let imm = word

  const jump = (near: number, far: number, offset: number): void => {
    const target = (pc + offset) | 0
    const isNear = (target & 3) === 0 && (target ^ pc) >>> 12 === 0
    op = isNear ? near : far
    imm = isNear ? ((offset >> 2) - 1) * DECODED_WORDS : target
  }

  switch (word & 0x7f) {
    case 0x37: // lui
      op = OP.constant
      imm = word & ~0xfff
      break
    case 0x17: // auipc
      op = OP.constant
      imm = (pc + (word & ~0xfff)) | 0
      break
    case 0x6f: // jal
      jump(
        OP.jalNear,
        OP.jalFar,
        ((word >> 31) << 20) | (word & 0xff000) | ((word >>> 9) & 0x800) | ((word >>> 20) & 0x7fe),
      )
      break
    case 0x67:
      if (funct3 === 0) {
        op = OP.jalr
        imm = immI
      }
      break
    case 0x63: {
      const near = BRANCHES[funct3] ?? -1
      const offset = ((word >> 31) << 12) | ((word << 4) & 0x800) | ((word >>> 20) & 0x7e0) | ((word >>> 7) & 0x1e)
      if (near >= 0) jump(near, near + FAR, offset)
      break
    }
    case 0x03: {
      const load = LOADS[funct3] ?? -1
      if (load >= 0) {
        op = load
        imm = immI
      }
      break
    }
    case 0x23: {
      const store = STORES[funct3] ?? -1
      if (store >= 0) {
        op = store
        imm = ((word >> 25) << 5) | rd
      }
      break
    }
    case 0x13:
      if (funct3 === 1 || funct3 === 5) {
        // Shift amounts have five bits on RV32; the sixth must be 0.
        if (funct7 === 0) op = funct3 === 1 ? OP.slli : OP.srli
        else if (funct7 === 0x20 && funct3 === 5) op = OP.srai
        if (op !== OP.illegal) imm = rs2
      } else {
        op = IMMEDIATE_OPS[funct3] ?? OP.illegal
        imm = immI
      }
      break
    case 0x33:
      if (funct7 === 0) op = REGISTER_OPS[funct3] ?? OP.illegal
      else if (funct7 === 1) op = OP.mul + funct3
      else if (funct7 === 0x20 && funct3 === 0) op = OP.sub
      else if (funct7 === 0x20 && funct3 === 5) op = OP.sra
      break
    case 0x0f:
      if (funct3 === 0 || funct3 === 1) op = OP.nothing
      break
    case 0x2f:
      if (funct3 === 2 && isAmo(funct7 >>> 2, rs2)) op = OP.amo
      break
    case 0x73:
      op = decodeSystem(word, funct3)
      break
  }
  pool[index] = op | ((rd === 0 ? 32 : rd) << 8) | (rs1 << 16) | (rs2 << 24)
  pool[index + 1] = imm
}

function isAmo(funct5: number, rs2: number): boolean {
  if (funct5 === 0x02) return rs2 === 0 // lr.w
  return funct5 === 0x03 || funct5 <= 0x01 || (funct5 & 3) === 0
}

function decodeSystem(word: number, funct3: number): number {
  if (funct3 !== 0) return funct3 === 4 ? OP.illegal : OP.csr
  if (word === 0x0000_0073) return OP.ecall
  if (word === 0x0010_0073) return OP.ebreak
  if (word === 0x3020_0073) return OP.mret
  if (word === 0x1050_0073) return OP.wfi
  // sfence.vma: rs1 and rs2 choose what to flush, and there is nothing to flush.
  return word >>> 25 === 0x09 && ((word >>> 7) & 31) === 0 ? OP.sfence : OP.illegal
}
