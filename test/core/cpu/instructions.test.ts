/**
 * Every instruction, by the section of the RISC-V unprivileged specification 20191213 (U) or privileged specification
 * 20211203 (P) that says what it does. The last test holds the table to be complete.
 */
import { describe, expect, test } from 'vitest'
import { CAUSE, CSR } from '../../../core/cpu/csr.js'
import { OP } from '../../../core/cpu/decode.js'
import { bareHart, runToWfi } from '../../support/bare-hart.js'

const MIN = -(2 ** 31)
/** In every program t0 is 7, t1 is -3, s0 the address of 16 octets of data, and the result is left in a0. */
const DATA = 0x8000_0800

interface Case {
  readonly section: string
  readonly name: string
  readonly program: string
  readonly result: number
}

const cases: Case[] = []
const section = (name: string, ...rows: readonly [name: string, program: string, result: number][]): void => {
  for (const [instruction, program, result] of rows) cases.push({ section: name, name: instruction, program, result })
}

section(
  'U 2.4 integer computation: register and immediate',
  ['addi', 'addi a0, t0, -2048', 7 - 2048],
  ['addi', 'li t2, 0x7fffffff\naddi a0, t2, 1', MIN],
  ['slti', 'slti a0, t1, -2', 1],
  ['slti', 'slti a0, t0, 7', 0],
  ['sltiu', 'sltiu a0, t1, -2', 1], // the immediate is sign-extended, then unsigned
  ['sltiu', 'sltiu a0, t1, 1', 0],
  ['xori', 'xori a0, t0, -1', -8],
  ['ori', 'ori a0, t0, 0x70', 0x77],
  ['andi', 'andi a0, t1, 0x7f', 0x7d],
  ['slli', 'slli a0, t0, 31', MIN],
  ['srli', 'srli a0, t1, 28', 15],
  ['srai', 'srai a0, t1, 31', -1],
  ['lui', 'lui a0, 0xfffff', -4096],
  ['auipc', 'auipc a0, 1', 0x8000_1000 + 4 * 6],
)
section(
  'U 2.4 integer computation: two registers',
  ['add', 'add a0, t0, t1', 4],
  ['sub', 'sub a0, t0, t1', 10],
  ['sll', 'li t2, 33\nsll a0, t0, t2', 14], // five bits of the shift amount count
  ['srl', 'li t2, 60\nsrl a0, t1, t2', 15],
  ['sra', 'li t2, 33\nsra a0, t1, t2', -2],
  ['slt', 'slt a0, t1, t0', 1],
  ['sltu', 'sltu a0, t1, t0', 0],
  ['sltu', 'sltu a0, zero, t0', 1],
  ['xor', 'xor a0, t0, t1', 7 ^ -3],
  ['or', 'or a0, t0, t1', 7 | -3],
  ['and', 'and a0, t0, t1', 7 & -3],
  ['add', 'add zero, t0, t0\nadd a0, zero, zero', 0], // x0 takes nothing
)
section(
  'U 2.5 jumps and branches',
  ['jal', 'jal a0, on\nwfi\non:', 0x8000_0000 + 4 * 7],
  ['jalr', 'la t2, on\njalr a0, t2, 1\nwfi\non:', 0x8000_0000 + 4 * 9], // the lowest bit is cleared
  ['beq', 'li a0, 1\nbeq t0, t0, on\nli a0, 2\non:', 1],
  ['beq', 'li a0, 1\nbeq t0, t1, on\nli a0, 2\non:', 2],
  ['bne', 'li a0, 1\nbne t0, t1, on\nli a0, 2\non:', 1],
  ['bne', 'li a0, 1\nbne t0, t0, on\nli a0, 2\non:', 2],
  ['blt', 'li a0, 1\nblt t1, t0, on\nli a0, 2\non:', 1],
  ['blt', 'li a0, 1\nblt t0, t0, on\nli a0, 2\non:', 2],
  ['bge', 'li a0, 1\nbge t0, t0, on\nli a0, 2\non:', 1],
  ['bge', 'li a0, 1\nbge t1, t0, on\nli a0, 2\non:', 2],
  ['bltu', 'li a0, 1\nbltu t0, t1, on\nli a0, 2\non:', 1],
  ['bltu', 'li a0, 1\nbltu t1, t0, on\nli a0, 2\non:', 2],
  ['bgeu', 'li a0, 1\nbgeu t1, t0, on\nli a0, 2\non:', 1],
  ['bgeu', 'li a0, 1\nbgeu t0, t1, on\nli a0, 2\non:', 2],
)
/** The same branches and the jump to another page: the interpreter has forms of their own for them. */
const elsewhere = (instruction: string): string =>
  `li t2, 0x80001000\nli t3, 0x10500073\nsw t3, 0(t2)\nli a0, 1\n${instruction}\nli a0, 2`
section(
  'U 2.5 jumps and branches out of the page',
  ['jal', elsewhere('j 0x80001000'), 1],
  ['beq', elsewhere('beq t0, t0, 0x80001000'), 1],
  ['beq', elsewhere('beq t0, t1, 0x80001000'), 2],
  ['bne', elsewhere('bne t0, t1, 0x80001000'), 1],
  ['bne', elsewhere('bne t0, t0, 0x80001000'), 2],
  ['blt', elsewhere('blt t1, t0, 0x80001000'), 1],
  ['blt', elsewhere('blt t0, t1, 0x80001000'), 2],
  ['bge', elsewhere('bge t0, t1, 0x80001000'), 1],
  ['bge', elsewhere('bge t1, t0, 0x80001000'), 2],
  ['bltu', elsewhere('bltu t0, t1, 0x80001000'), 1],
  ['bltu', elsewhere('bltu t1, t0, 0x80001000'), 2],
  ['bgeu', elsewhere('bgeu t1, t0, 0x80001000'), 1],
  ['bgeu', elsewhere('bgeu t0, t1, 0x80001000'), 2],
)
section(
  'U 2.6 loads and stores',
  ['lw', 'lw a0, 4(s0)', 0x8765_4321 | 0],
  ['lh', 'lh a0, 6(s0)', 0xffff_8765 | 0],
  ['lhu', 'lhu a0, 6(s0)', 0x8765],
  ['lb', 'lb a0, 7(s0)', 0xffff_ff87 | 0],
  ['lbu', 'lbu a0, 7(s0)', 0x87],
  ['sw', 'sw t1, 8(s0)\nlw a0, 8(s0)', -3],
  ['sh', 'sh t1, 4(s0)\nlw a0, 4(s0)', 0x8765_fffd | 0],
  ['sb', 'sb t1, 5(s0)\nlw a0, 4(s0)', 0x8765_fd21 | 0],
)
section('U 2.7 and 3 fences', ['nothing', 'fence\nadd a0, t0, zero', 7], ['nothing', 'fence.i\nadd a0, t0, zero', 7])
section(
  'U 7.1 multiplication',
  ['mul', 'mul a0, t0, t1', -21],
  ['mulh', 'mulh a0, t0, t1', -1],
  ['mulhu', 'mulhu a0, t0, t1', 6],
  ['mulhsu', 'mulhsu a0, t1, t1', -3],
)
section(
  'U 7.2 division',
  ['div', 'div a0, t0, t1', -2],
  ['div', 'div a0, t0, zero', -1],
  ['div', `li t2, ${MIN}\nli t3, -1\ndiv a0, t2, t3`, MIN],
  ['divu', 'divu a0, t1, t0', Math.floor((2 ** 32 - 3) / 7)],
  ['divu', 'divu a0, t0, zero', -1],
  ['rem', 'rem a0, t1, t0', -3],
  ['rem', 'rem a0, t0, zero', 7],
  ['rem', `li t2, ${MIN}\nli t3, -1\nrem a0, t2, t3`, 0],
  ['remu', 'remu a0, t1, t0', (2 ** 32 - 3) % 7],
  ['remu', 'remu a0, t1, zero', -3],
)
section(
  'U 8.2 and 8.4 atomics',
  ['amo', 'lr.w a0, (s0)', 0x1234_5678],
  ['amo', 'lr.w a1, (s0)\nsc.w a0, t0, (s0)', 0],
  ['amo', 'sc.w a0, t0, (s0)', 1],
  ['amo', 'amoadd.w a1, t0, (s0)\nlw a0, 0(s0)', 0x1234_567f],
)
section(
  'U 9.1 control and status registers',
  ['csr', 'li t2, 5\ncsrrw zero, mscratch, t2\ncsrrw a0, mscratch, zero', 5],
  ['csr', 'csrrwi zero, mscratch, 5\ncsrrs a0, mscratch, t0\ncsrr a1, mscratch\nadd a0, a0, a1', 5 + 7],
  ['csr', 'csrrwi zero, mscratch, 5\ncsrrc zero, mscratch, t0\ncsrr a0, mscratch', 0],
  ['csr', 'csrrsi zero, mscratch, 24\ncsrrci a0, mscratch, 8\ncsrr a1, mscratch\nadd a0, a0, a1', 24 + 16],
)
section('P 3.3.2 return from a trap', [
  'mret',
  'la t2, on\ncsrw mepc, t2\nli t2, 0x1800\ncsrw mstatus, t2\nmret\nwfi\non:\nli a0, 3',
  3,
])
section('P 3.3.1 environment', ['ecall', 'la t2, on\ncsrw mtvec, t2\necall\nwfi\non:\ncsrr a0, mcause', 11])
section('P 3.3.1 environment', ['ebreak', 'la t2, on\ncsrw mtvec, t2\nebreak\nwfi\non:\ncsrr a0, mcause', 3])
section('P 3.3.3 waiting', ['wfi', 'li a0, 9\nwfi', 9])
section('P 4.2.1 fence of translations, of which there are none', ['sfence', 'sfence.vma\nli a0, 4', 4])
section('P 3.1.15 illegal', ['illegal', 'la t2, on\ncsrw mtvec, t2\n.word 0\nwfi\non:\ncsrr a0, mcause', 2])

function resultOf(program: string): number {
  const hart = bareHart(`li t0, 7\nli t1, -3\nli s0, ${DATA}\n${program}\nwfi`)
  hart.memory.words.set([0x1234_5678, 0x8765_4321 | 0], (DATA - 0x8000_0000) >> 2)
  hart.run(1000)
  if (!hart.waiting) throw new Error('no wfi reached')
  return hart.x[10]! | 0
}

describe('instructions', () => {
  test.each(cases)('$section: $name gives $result', ({ program, result }) => {
    expect(resultOf(program)).toBe(result | 0)
  })

  test('the table above has every operation of the decoder', () => {
    const covered = new Set(cases.map(({ name }) => name))
    const internal = ['undecoded', 'pageEnd']
    const operations = Object.keys(OP)
      .filter((name) => !internal.includes(name))
      .map((name) => name.replace(/(Near|Far)$/, '').replace('constant', 'lui'))
    for (const operation of operations) expect(covered, operation).toContain(operation)
  })
})

describe('P 3.1.15, table 3.6: every cause of an exception', () => {
  /** What raises it; user mode has tests of its own. */
  const raising: Readonly<Record<keyof typeof CAUSE, string>> = {
    instructionMisaligned: 'jalr zero, s0, 2',
    instructionAccessFault: 'jalr zero, zero, 0',
    illegalInstruction: '.word 0xffffffff',
    breakpoint: 'ebreak',
    loadMisaligned: 'lw a1, 2(zero)',
    loadAccessFault: 'lw a1, 0(zero)',
    storeMisaligned: 'sw a1, 2(zero)',
    storeAccessFault: 'sw a1, 0(zero)',
    userCall:
      'li t2, -1\ncsrw pmpaddr0, t2\nli t2, 31\ncsrw pmpcfg0, t2\nla t2, user\ncsrw mepc, t2\nmret\nuser:\necall',
    machineCall: 'ecall',
  }
  test.each(Object.entries(raising))('%s', (name, program) => {
    const cause = resultOf(`la t2, on\ncsrw mtvec, t2\n${program}\nwfi\non:\ncsrr a0, mcause`)
    expect(cause).toBe(CAUSE[name as keyof typeof CAUSE])
  })
})

describe('P 2.2, tables 2.4 to 2.6: every control and status register', () => {
  /** After reset, and after all ones were written to it; null where a write is illegal. Counters apart. */
  const values: Readonly<Partial<Record<keyof typeof CSR, readonly [reset: number, written: number | null]>>> = {
    mstatus: [0, 0x0022_1888],
    misa: [0x4010_1101, 0x4010_1101],
    mie: [0, 0x888],
    mtvec: [0, 0xffff_fffd],
    mcounteren: [0, 7],
    menvcfg: [0, 1],
    mstatush: [0, 0],
    menvcfgh: [0, 0],
    mcountinhibit: [0, 0],
    mscratch: [0, 0xffff_ffff],
    mepc: [0, 0xffff_fffc],
    mcause: [0, 0xffff_ffff],
    mtval: [0, 0xffff_ffff],
    mip: [0, 0],
    pmpcfg0: [0, 0x9f9f_9f9f],
    pmpaddr0: [0, 0xffff_ffff],
    tselect: [0, 0],
    tdata1: [0, 0],
    tdata2: [0, 0],
    mvendorid: [0, null],
    marchid: [0, null],
    mimpid: [0, null],
    mhartid: [0, null],
    mconfigptr: [0, null],
  }
  test.each(Object.entries(values))('%s: %j', (name, [reset, written]) => {
    const number = CSR[name as keyof typeof CSR]
    expect(resultOf(`csrr a0, ${number}`) >>> 0).toBe(reset)
    const trapping = `la t2, on\ncsrw mtvec, t2\nli a0, -2\nli t2, -1\ncsrrw zero, ${number}, t2\ncsrr a0, ${number}\nwfi\non:`
    if (name !== 'mtvec') expect(resultOf(trapping) >>> 0).toBe(written ?? 0xffff_fffe)
    else expect(resultOf(`li t2, -1\ncsrw mtvec, t2\ncsrr a0, mtvec`) >>> 0).toBe(written)
  })

  test('U 10.1 and P 3.1.10: the counters count, and time is that of the bus', () => {
    const hart = runToWfi(
      ['mcycle', 'minstret', 'mcycleh', 'minstreth', 'cycle', 'instret', 'cycleh', 'instreth', 'time', 'timeh']
        .map((name, index) => `csrrs x${10 + index}, ${CSR[name as keyof typeof CSR]}, zero`)
        .join('\n') + '\nwfi',
    )
    expect([...hart.x.slice(10, 20)]).toEqual([0, 1, 0, 0, 4, 5, 0, 0, 7, 5])
    const counters: readonly (keyof typeof CSR)[] = ['mcycle', 'minstret', 'mcycleh', 'minstreth']
    const others: readonly (keyof typeof CSR)[] = ['cycle', 'instret', 'cycleh', 'instreth', 'time', 'timeh']
    expect([...Object.keys(values), ...counters, ...others].toSorted()).toEqual(Object.keys(CSR).toSorted())
  })

  test('P 3.1.10: the other performance counters read 0 and stay so; what is not there is illegal', () => {
    for (const number of [0xb03, 0xb1f, 0xb83, 0xb9f, 0x323, 0x33f])
      expect(resultOf(`li t2, -1\ncsrrw zero, ${number}, t2\ncsrr a0, ${number}`)).toBe(0)
    for (const number of [0xc03, 0xc1f, 0xc83, 0xc9f]) expect(resultOf(`li a0, 5\ncsrr a0, ${number}`)).toBe(0)
    for (const number of [
      0x100, 0x180, 0x321, 0x322, 0xb01, 0xb81, 0x302, 0x303, 0x744, 0x7a5, 0xc20, 0x3a4, 0x3c0, 0x7b0, 0x001,
    ])
      expect(resultOf(`la t2, on\ncsrw mtvec, t2\ncsrr a1, ${number}\nwfi\non:\ncsrr a0, mcause`), `${number}`).toBe(2)
  })
})
