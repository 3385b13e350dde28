import { describe, expect, test } from 'vitest'
import { copyGraph } from '../../../core/base/snapshot.js'
import type { Ram } from '../../../core/machine/ram.js'
import { bareHart, runToWfi } from '../../support/bare-hart.js'

/** `body` with a trap handler that keeps mcause, mepc and mtval in s0, s1, s2 and goes to sleep. */
const trapping = (body: string): string => `
      la t6, handler
      csrw mtvec, t6
      ${body}
      wfi
    handler:
      csrr s0, mcause
      csrr s1, mepc
      csrr s2, mtval
      li s3, 1
      wfi`

/** Where the body of a trapping program begins. */
const BODY = 0x8000000c

/** mcause, offset of mepc in the body, mtval; null if nothing trapped. */
function trapOf(body: string): { cause: number; at: number; value: number } | null {
  const hart = runToWfi(trapping(body))
  const [cause, epc, value] = [hart.x[8]!, hart.x[9]! >>> 0, hart.x[18]! >>> 0]
  return hart.x[19] === 0 ? null : { cause, at: epc - BODY, value }
}

describe('exceptions (privileged specification, mcause)', () => {
  test.each([
    ['ecall', 11, 0],
    ['ebreak', 3, 0x8000000c],
    ['.word 0', 2, 0],
    ['.word 0xffffffff', 2, 0xffffffff],
    ['.word 0x02109093', 2, 0x02109093], // slli with a sixth shift bit
    ['csrw cycle, zero', 2, 0xc0001073],
    ['csrr t0, satp', 2, 0x180022f3],
    ['.word 0x10200073', 2, 0x10200073], // sret: no supervisor mode
    ['.word 0x120000f3', 2, 0x120000f3], // sfence.vma with a destination
    ['.word 0x101120af', 2, 0x101120af], // lr.w with a second source
    ['.word 0x0020b0af', 2, 0x0020b0af], // amoadd.d
    ['csrrs t0, cycle, t1', 2, 0xc00322f3], // even if t1 holds no bit
  ])('%s', (body, cause, value) => {
    expect(trapOf(body)).toEqual({ cause, at: 0, value })
  })

  test.each([
    ['lw t0, 0(zero)', 5, 0],
    ['lb t0, 4(zero)', 5, 4],
    ['sw t0, 8(zero)', 7, 8],
    ['lw t0, 2(zero)', 4, 2],
    ['sh t0, 1(zero)', 6, 1],
    ['jalr t0, zero, 2', 0, 2],
    ['lr.w t0, (sp)', 4, 0x80001002],
    ['amoadd.w t0, t1, (sp)', 6, 0x80001002],
    ['sc.w t0, t1, (gp)', 7, 0x1000],
  ])('%s', (body, cause, value) => {
    expect(trapOf(`li sp, 0x80001002\nli gp, 0x1000\n${body}`)).toEqual({ cause, at: 16, value })
  })

  test('a jump to nowhere faults there, a jump to a misaligned address at the jump, and writes no register', () => {
    expect(trapOf('jalr ra, zero, 0')).toEqual({ cause: 1, at: -BODY, value: 0 })
    const hart = runToWfi(trapping('li t0, 0x80000102\njalr ra, t0, 0'))
    expect([hart.x[8], hart.x[1], hart.x[18]! >>> 0]).toEqual([0, 0, 0x80000102])
    // The lowest bit of jalr's target does not count.
    expect(trapOf('jalr ra, zero, 17')).toEqual({ cause: 1, at: 16 - BODY, value: 16 })
    // A branch that is not taken does not look at its target.
    expect(trapOf('.word 0x00001163')).toBeNull() // bne zero, zero, +2
    expect(trapOf('.word 0x00000163')?.cause).toBe(0) // beq zero, zero, +2
  })

  test('mstatus keeps MIE in MPIE and the mode in MPP; mret brings both back and leaves user mode in MPP', () => {
    const hart = runToWfi(`
      la t0, handler
      csrw mtvec, t0
      csrrsi zero, mstatus, 8
      ecall
      csrr a1, mstatus
      wfi
    handler:
      csrr a0, mstatus
      csrr t0, mepc
      addi t0, t0, 4
      csrw mepc, t0
      mret`)
    expect(hart.x[10]).toBe(0x1880)
    expect(hart.x[11]).toBe(0x88)
    expect(hart.privilege).toBe(3)
  })

  test('a trap leaves the destination of a faulting load alone', () => {
    const hart = runToWfi(trapping('li t0, 5\nlw t0, 0(zero)'))
    expect(hart.x[5]).toBe(5)
  })
})

describe('loads, stores and atomics', () => {
  test('signs, and misaligned access to RAM across words and pages', () => {
    const hart = runToWfi(`
      li t0, 0x80001ffe
      li t1, 0x8281f0e1
      sw t1, 0(t0)
      lw a0, 0(t0)
      lh a1, 1(t0)
      lhu a2, 1(t0)
      lb a3, 3(t0)
      lbu a4, 3(t0)
      sh t1, -5(t0)
      lw a5, -5(t0)
      wfi`)
    const values = [10, 11, 12, 13, 14, 15].map((index) => hart.x[index]! >>> 0)
    expect(values).toEqual([0x8281f0e1, 0xffff81f0, 0x81f0, 0xffffff82, 0x82, 0xf0e1])
  })

  test('a misaligned store into two instructions changes both', () => {
    const hart = runToWfi(`
      la t0, second
      li t1, 0x1300
    loop:
      addi a0, a0, 0
    second:
      .word 0x00150533      # add a0, a0, ra; after the store addi a0, a0, 1
      sh t1, -1(t0)
      addi a1, a1, 1
      slti t2, a1, 2
      bne t2, zero, loop
      wfi`)
    expect(hart.x[10]).toBe(1)
  })

  test('a misaligned store over the end of a page is in the dirty log of both', () => {
    const hart = bareHart('li t0, 0x80001ffe\nsw t1, 0(t0)\nwfi')
    const ram = hart.memory as Ram
    ram.startDirtyLog()
    hart.run(10)
    const dirty = new Uint32Array(8)
    expect([ram.takeDirty(dirty), dirty[0]]).toEqual([2, 0b110])
  })

  test('a store to a page whose code was decoded after the log began is in the log', () => {
    const hart = bareHart('sw zero, 0x100(t0)\nwfi')
    const ram = hart.memory as Ram
    hart.x[5] = 0x8000_0000 | 0
    ram.startDirtyLog()
    hart.run(10)
    expect(ram.takeDirty(new Uint32Array(8))).toBe(1)
  })

  test('sc.w succeeds once after lr.w to the same word, and not to another', () => {
    const hart = runToWfi(`
      li t0, 0x80001000
      li t1, 7
      sc.w a0, t1, (t0)
      lr.w a1, (t0)
      sc.w a2, t1, (t0)
      sc.w a3, t1, (t0)
      lr.w a4, (t0)
      addi t0, t0, 4
      sc.w a5, t1, (t0)
      wfi`)
    expect([10, 11, 12, 13, 14, 15].map((index) => hart.x[index])).toEqual([1, 0, 0, 1, 7, 1])
  })

  test('sc.w fails when the word is another than lr.w loaded, whoever changed it', () => {
    const hart = bareHart(`
      li t0, 0x80001000
      li t1, 7
      lr.w a1, (t0)
      sw t1, 0(t0)
      sc.w a2, zero, (t0)
      lr.w a1, (t0)
      wfi
      sc.w a3, zero, (t0)
      lw a4, 0(t0)
      wfi`)
    hart.run(100)
    hart.memory.words[0x1000 >> 2] = 9 // as a device would
    hart.waiting = false
    hart.run(100)
    expect([10 + 2, 10 + 3, 10 + 4].map((index) => hart.x[index])).toEqual([1, 1, 9])
  })

  test.each([
    ['amoadd.w', -5, 3, -2],
    ['amoswap.w', -5, 3, 3],
    ['amoxor.w', 6, 3, 5],
    ['amoand.w', 6, 3, 2],
    ['amoor.w', 6, 3, 7],
    ['amomin.w', -5, 3, -5],
    ['amomax.w', -5, 3, 3],
    ['amominu.w', -5, 3, 3],
    ['amomaxu.w', -5, 3, -5],
  ])('%s of %i and %i leaves %i', (mnemonic, old, operand, result) => {
    const hart = runToWfi(`
      li t0, 0x80001000
      li t1, ${old}
      sw t1, 0(t0)
      li t2, ${operand}
      ${mnemonic} a0, t2, (t0)
      lw a1, 0(t0)
      wfi`)
    expect([hart.x[10], hart.x[11]]).toEqual([old, result])
  })
})

describe('control and status registers', () => {
  test('csrrs and csrrc with x0 only read, so counters can be read with them', () => {
    const hart = runToWfi('nop\nnop\ncsrr a0, instret\ncsrr a1, cycle\ncsrr a2, time\ncsrr a3, timeh\nwfi')
    expect([10, 11, 12, 13].map((index) => hart.x[index])).toEqual([2, 3, 7, 5])
  })

  test('a write to a counter wins over its own increment, and carries go into the upper half', () => {
    const hart = runToWfi(`
      csrrwi zero, minstret, 0
      csrr a0, minstret
      li t0, -1
      csrw minstreth, t0
      csrw minstret, t0
      nop
      csrr a1, minstret
      csrr a2, minstreth
      wfi`)
    expect([10, 11, 12].map((index) => hart.x[index])).toEqual([0, 0, 0])
  })

  test.each(['mcycle', 'mcycleh', 'minstret', 'minstreth'])('a write to %s changes that half alone', (name) => {
    const isCycle = name.startsWith('mcycle')
    const hart = runToWfi(`
      li t0, 0x40
      csrw ${isCycle ? 'minstreth' : 'mcycleh'}, t0
      csrw ${name}, t0
      wfi`)
    const [written, other] = isCycle ? [hart.mcycle(), hart.minstret()] : [hart.minstret(), hart.mcycle()]
    // The write is the fourth of five instructions, and not counted itself.
    expect(written).toBe(name.endsWith('h') ? (0x40n << 32n) + 4n : 0x40n + 1n)
    expect(other).toBe((0x40n << 32n) + 4n)
  })

  test('an instruction that traps takes a cycle and is not retired', () => {
    const hart = runToWfi(trapping('ecall'))
    expect(hart.mcycle() - hart.minstret()).toBe(1n)
  })

  test('fields that hold only what they can: misa, mtvec, mepc, mie, mhartid, tselect, pmpaddr0', () => {
    const hart = runToWfi(`
      li t0, -1
      csrw misa, t0
      csrr a0, misa
      csrw mtvec, t0
      csrr a1, mtvec
      csrw mepc, t0
      csrr a2, mepc
      csrw mie, t0
      csrr a3, mie
      csrr a4, mhartid
      csrw tselect, t0
      csrr a5, tselect
      csrw pmpaddr0, t0
      csrr a6, pmpaddr0
      wfi`)
    const values = [10, 11, 12, 13, 14, 15, 16].map((index) => hart.x[index]! >>> 0)
    expect(values).toEqual([0x40101101, 0xfffffffd, 0xfffffffc, 0x888, 0, 0, 0xffffffff])
  })
})

describe('interrupts', () => {
  const waitLoop = `
      la t0, handlers
      csrrwi zero, mie, 0
      addi t0, t0, 1        # vectored
      csrw mtvec, t0
      li t0, 0x888
      csrw mie, t0
      csrrsi zero, mstatus, 8
    spin:
      j spin
    handlers:
      j spin
      nop
      nop
      j software
      nop
      nop
      nop
      j timer
      nop
      nop
      nop
      j external
    software:
      li a0, 3
      wfi
    timer:
      li a0, 7
      wfi
    external:
      li a0, 11
      wfi`

  test.each([
    [0x008, 3],
    [0x080, 7],
    [0x800, 11],
    [0x088, 3],
    [0x888, 11],
  ])('lines %i: the highest priority goes first (external, software, timer), vectored', (lines, number) => {
    const hart = bareHart(waitLoop)
    hart.run(50)
    expect(hart.waiting).toBe(false)
    hart.mip = lines
    hart.run(50)
    expect([hart.x[10], hart.mcause]).toEqual([number, 0x80000000 + number])
  })

  test('none is taken while mstatus.MIE is off, but wfi still ends when one is pending', () => {
    const hart = bareHart('li t0, 0x80\ncsrw mie, t0\nwfi\naddi a0, zero, 1\nwfi')
    hart.run(10)
    expect([hart.waiting, hart.x[10]]).toEqual([true, 0])
    hart.waiting = false
    hart.mip = 0x80
    hart.run(10)
    expect([hart.waiting, hart.x[10], hart.mcause]).toEqual([true, 1, 0])
  })
})

describe('runs', () => {
  test('an interrupt belongs to the run of the instruction after it', () => {
    const hart = bareHart('li t0, 0x80\ncsrw mie, t0\ncsrrsi zero, mstatus, 8\nnop\nwfi')
    hart.mip = 0x80
    hart.run(4)
    expect([hart.pc, hart.mcause]).toEqual([0x8000_0010, 0])
    hart.mip = 0
    hart.run(10)
    expect([hart.waiting, hart.mcause]).toEqual([true, 0])
  })

  test('the end of a page takes no instruction', () => {
    const hart = bareHart('li t0, 0x80000ff0\njalr zero, t0, 0')
    hart.memory.words.fill(0x0015_0513, 0xff0 >> 2, 0x1040 >> 2) // addi a0, a0, 1
    expect(hart.run(3 + 10)).toBe(13)
    expect([hart.x[10], hart.pc]).toEqual([10, 0x8000_1018])
  })
})

describe('a copied hart', () => {
  test('goes on as the first does, with decoded code of its own', () => {
    const hart = bareHart('loop:\naddi a0, a0, 1\nj loop')
    hart.run(100)
    const copy = copyGraph(hart)
    expect(copy.code.pool.length).toBe(0)
    hart.memory.words[0] = 0x00250513 // addi a0, a0, 2: told to nobody but the first
    hart.code.forgetPage(0)
    expect([copy.run(100), hart.run(100)]).toEqual([100, 100])
    expect([copy.x[10], hart.x[10]]).toEqual([100, 150])
  })
})
