/** A tiny RV32IMA assembler: enough to write a test program as a person would. One pass for labels, one for words. */

const REGISTERS =
  'zero ra sp gp tp t0 t1 t2 s0 s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 s9 s10 s11 t3 t4 t5 t6'.split(' ')

const CSRS: Readonly<Record<string, number>> = {
  ...{ mstatus: 0x300, misa: 0x301, mie: 0x304, mtvec: 0x305, mscratch: 0x340, mepc: 0x341, mcause: 0x342 },
  ...{ mtval: 0x343, mip: 0x344, mcycle: 0xb00, mcycleh: 0xb80, minstret: 0xb02, minstreth: 0xb82, cycle: 0xc00 },
  ...{ time: 0xc01, timeh: 0xc81, instret: 0xc02, mhartid: 0xf14, pmpaddr0: 0x3b0, pmpcfg0: 0x3a0, satp: 0x180 },
  ...{ tselect: 0x7a0, mvendorid: 0xf11 },
}

/** opcode, funct3, funct7 of instructions with three registers. */
const THREE_REGISTERS: Readonly<Record<string, readonly [number, number]>> = {
  ...{ add: [0, 0], sub: [0, 0x20], sll: [1, 0], slt: [2, 0], sltu: [3, 0], xor: [4, 0], srl: [5, 0], sra: [5, 0x20] },
  ...{ or: [6, 0], and: [7, 0], mul: [0, 1], mulh: [1, 1], mulhsu: [2, 1], mulhu: [3, 1], div: [4, 1], divu: [5, 1] },
  ...{ rem: [6, 1], remu: [7, 1] },
}
const IMMEDIATES: Readonly<Record<string, number>> = { addi: 0, slti: 2, sltiu: 3, xori: 4, ori: 6, andi: 7 }
const SHIFTS: Readonly<Record<string, readonly [number, number]>> = { slli: [1, 0], srli: [5, 0], srai: [5, 0x20] }
const LOADS: Readonly<Record<string, number>> = { lb: 0, lh: 1, lw: 2, lbu: 4, lhu: 5 }
const STORES: Readonly<Record<string, number>> = { sb: 0, sh: 1, sw: 2 }
const BRANCHES: Readonly<Record<string, number>> = { beq: 0, bne: 1, blt: 4, bge: 5, bltu: 6, bgeu: 7 }
const CSR_OPS: Readonly<Record<string, number>> = { csrrw: 1, csrrs: 2, csrrc: 3, csrrwi: 5, csrrsi: 6, csrrci: 7 }
const ATOMICS: Readonly<Record<string, number>> = {
  ...{ 'lr.w': 2, 'sc.w': 3, 'amoswap.w': 1, 'amoadd.w': 0, 'amoxor.w': 4, 'amoand.w': 12, 'amoor.w': 8 },
  ...{ 'amomin.w': 16, 'amomax.w': 20, 'amominu.w': 24, 'amomaxu.w': 28 },
}
const WHOLE: Readonly<Record<string, number>> = {
  ...{ nop: 0x13, ecall: 0x73, ebreak: 0x100073, mret: 0x30200073, wfi: 0x10500073, fence: 0x0ff0000f },
  ...{ 'fence.i': 0x100f, 'sfence.vma': 0x12000073 },
}

/** The octets of `source`, which will run at `base`. Lines are `label:`, `mnemonic operands` or `.word n`; `#` comments. */
export function assemble(source: string, base = 0x8000_0000): Uint8Array {
  const lines = source
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
  const labels = new Map<string, number>()
  let at = base
  for (const line of lines) {
    if (line.endsWith(':')) labels.set(line.slice(0, -1), at)
    else at += /^l[ia]\s/.test(line) ? 8 : 4
  }

  const words: number[] = []
  for (const line of lines.filter((text) => !text.endsWith(':'))) {
    const [mnemonic = '', ...operands] = line.split(/[\s,]+/)
    const pc = base + 4 * words.length
    const value = (text = ''): number => labels.get(text) ?? number(text, line)
    if (mnemonic === 'li' || mnemonic === 'la') {
      const rd = register(operands[0], line)
      const whole = value(operands[1])
      const upper = (whole + 0x800) & ~0xfff
      words.push(upper | (rd << 7) | 0x37, ((whole - upper) << 20) | (rd << 15) | (rd << 7) | 0x13)
    } else words.push(encode(mnemonic, operands, line, pc, value))
  }
  return new Uint8Array(Int32Array.from(words).buffer)
}

function encode(
  mnemonic: string,
  operands: readonly string[],
  line: string,
  pc: number,
  value: (text?: string) => number,
): number {
  const reg = (index: number): number => register(operands[index], line)
  const whole = WHOLE[mnemonic]
  if (whole !== undefined) return whole
  if (mnemonic === '.word') return value(operands[0])
  if (mnemonic === 'lui' || mnemonic === 'auipc')
    return (value(operands[1]) << 12) | (reg(0) << 7) | (mnemonic === 'lui' ? 0x37 : 0x17)
  if (mnemonic === 'j') return jal(0, value(operands[0]) - pc)
  if (mnemonic === 'jal') return jal(reg(0), value(operands[1]) - pc)
  if (mnemonic === 'jalr') return (value(operands[2]) << 20) | (reg(1) << 15) | (reg(0) << 7) | 0x67
  if (mnemonic === 'csrr') return encode('csrrs', [operands[0]!, operands[1]!, 'zero'], line, pc, value)
  if (mnemonic === 'csrw') return encode('csrrw', ['zero', operands[0]!, operands[1]!], line, pc, value)

  const three = THREE_REGISTERS[mnemonic]
  if (three !== undefined)
    return (three[1] << 25) | (reg(2) << 20) | (reg(1) << 15) | (three[0] << 12) | (reg(0) << 7) | 0x33
  const immediate = IMMEDIATES[mnemonic]
  if (immediate !== undefined)
    return (value(operands[2]) << 20) | (reg(1) << 15) | (immediate << 12) | (reg(0) << 7) | 0x13
  const shift = SHIFTS[mnemonic]
  if (shift !== undefined)
    return (shift[1] << 25) | (value(operands[2]) << 20) | (reg(1) << 15) | (shift[0] << 12) | (reg(0) << 7) | 0x13
  const branch = BRANCHES[mnemonic]
  if (branch !== undefined) return branchWord(branch, reg(0), reg(1), value(operands[2]) - pc)
  const csr = CSR_OPS[mnemonic]
  if (csr !== undefined) {
    const source = csr & 4 ? value(operands[2]) : reg(2)
    return ((CSRS[operands[1]!] ?? value(operands[1])) << 20) | (source << 15) | (csr << 12) | (reg(0) << 7) | 0x73
  }
  const atomic = ATOMICS[mnemonic]
  if (atomic !== undefined) {
    const address = operands.at(-1)!.replace(/[()]/g, '')
    const source = operands.length === 3 ? reg(1) : 0
    return (atomic << 27) | (source << 20) | (register(address, line) << 15) | (2 << 12) | (reg(0) << 7) | 0x2f
  }
  const [, offset = '0', base] = /^(-?\w*)\((\w+)\)$/.exec(operands[1] ?? '') ?? []
  const load = LOADS[mnemonic]
  if (load !== undefined)
    return (number(offset || '0', line) << 20) | (register(base, line) << 15) | (load << 12) | (reg(0) << 7) | 0x03
  const store = STORES[mnemonic]
  if (store === undefined) throw new Error(`cannot assemble: ${line}`)
  const imm = number(offset || '0', line)
  const low = (imm & 31) << 7
  return ((imm >> 5) << 25) | (reg(0) << 20) | (register(base, line) << 15) | (store << 12) | low | 0x23
}

function jal(rd: number, offset: number): number {
  const imm = ((offset & 0x10_0000) << 11) | ((offset & 0x7fe) << 20) | ((offset & 0x800) << 9) | (offset & 0xf_f000)
  return imm | (rd << 7) | 0x6f
}

function branchWord(funct3: number, rs1: number, rs2: number, offset: number): number {
  const high = ((offset & 0x1000) << 19) | ((offset & 0x7e0) << 20)
  const low = ((offset & 0x1e) << 7) | ((offset & 0x800) >> 4)
  return high | (rs2 << 20) | (rs1 << 15) | (funct3 << 12) | low | 0x63
}

function register(name: string | undefined, line: string): number {
  const numbered = /^x(\d+)$/.exec(name ?? '')
  const index = numbered === null ? REGISTERS.indexOf(name ?? '') : Number(numbered[1])
  if (index < 0 || index > 31) throw new Error(`no register ${name}: ${line}`)
  return index
}

function number(text: string, line: string): number {
  const value = Number(text)
  if (text === '' || !Number.isInteger(value)) throw new Error(`no number or label ${text}: ${line}`)
  return value
}
