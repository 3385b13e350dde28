import { describe, expect, test } from 'vitest'
import { OP } from '../../../core/cpu/decode.js'
import type { Hart } from '../../../core/cpu/hart.js'
import { RAM_BASE } from '../../../core/cpu/memory.js'
import { RandomStream } from '../../../core/kernel/random.js'
import { bareHart, runToWfi } from '../../support/bare-hart.js'
import { OPCODES, PROGRAM_WORDS, randomProgram, randomRegister } from '../../support/random-program.js'
import { SlowHart } from '../../support/slow-hart.js'

/** Regions around the program, most of them open, that a hart in user mode meets. */
function randomProtection(random: RandomStream): { addresses: number[]; configurations: number[] } {
  const addresses = Array.from({ length: 16 }, () => {
    const at = (RAM_BASE + random.pick([0, random.below(0x800), random.below(0x4000)])) >>> 2
    return random.pick([at, at | 1, at | 0xf, at | 0xff, at | 0xfff, 0x1fffffff, 0xffffffff])
  })
  const configurations = Array.from({ length: 16 }, (_, entry) => {
    if (entry === 15) return 0x1f // everything, for the octets nobody else holds
    if (entry > 2 + random.below(4)) return 0
    return random.pick([0, 8, 0x10, 0x18]) | random.pick([0, 1, 3, 4, 5, 7, 7, 7]) | (random.below(8) === 0 ? 0x80 : 0)
  })
  if (random.below(4) !== 0) addresses[15] = 0xffffffff
  return { addresses, configurations }
}

/** Everything a program can see of a hart but its memory. */
function stateOf(hart: Hart | SlowHart): number[] {
  const counters = hart instanceof SlowHart ? [hart.cycles, hart.retired] : [hart.mcycle(), hart.minstret()]
  const { pc, mstatus, mie, mtvec, mscratch, mepc, mcause, mtval, mcounteren } = hart
  const protection =
    hart instanceof SlowHart
      ? [hart.privilege === 'machine' ? 3 : 0, ...hart.pmpcfg, ...hart.pmpaddr]
      : [hart.privilege, ...hart.pmp.configurations, ...hart.pmp.addresses]
  const registers = [pc, mstatus, mie, mtvec, mscratch, mepc, mcause, mtval, mcounteren, ...hart.x.slice(0, 32)]
  return [...protection, ...registers.map((value) => value >>> 0), ...counters.map(Number), hart.waiting ? 1 : 0]
}

function expectEqualHarts(fast: Hart, slow: SlowHart, message: string): void {
  const [ours, theirs] = [stateOf(fast), stateOf(slow)]
  if (ours.some((value, index) => value !== theirs[index])) expect(ours, message).toEqual(theirs)
}

describe('interpreter', () => {
  test.each(['machine', 'user'] as const)('random programs go as on the slow twin, in %s mode', (mode) => {
    const executed = new Map<number, number>()
    let guardedRuns = 0
    for (let seed = 0; seed < 100; seed++) {
      const random = new RandomStream(`interpreter ${seed}`)
      const program = randomProgram(random)
      const fast = bareHart(program)
      const memory = new Uint8Array(fast.memory.octets.length)
      memory.set(program)
      const slow = new SlowHart(memory)
      for (let index = 1; index < 32; index++) fast.x[index] = randomRegister(random)
      for (let index = 1; index < 32; index++) slow.x[index] = fast.x[index]! >>> 0
      fast.mtvec = slow.mtvec = RAM_BASE + 4 * random.below(PROGRAM_WORDS)
      if (mode === 'user') {
        const { addresses, configurations } = randomProtection(random)
        slow.pmpaddr.splice(0, 16, ...addresses)
        slow.pmpcfg.splice(0, 16, ...configurations)
        fast.pmp.load(addresses, configurations)
        fast.setMode(0, 0)
        slow.privilege = 'user'
      }
      for (let steps = 0; steps < 600; steps++) {
        const length = 1 + (steps % 7 === 0 ? random.below(20) : 0)
        const opcode = (fast.memory.words[(fast.pc - RAM_BASE) >>> 2] ?? 0) & 0x7f
        executed.set(opcode, (executed.get(opcode) ?? 0) + 1)
        const done = fast.run(length)
        if (fast.isGuarded) guardedRuns++
        for (let i = 0; i < done; i++) slow.step()
        expectEqualHarts(fast, slow, `SEED=${seed} after ${steps} runs`)
        if (done !== length && !fast.waiting) expect.fail(`SEED=${seed}: a run of ${length} ended after ${done}`)
        fast.waiting = slow.waiting = false
      }
      expect(Buffer.compare(fast.memory.octets, memory), `SEED=${seed}: memory`).toBe(0)
    }
    for (const opcode of OPCODES) expect(executed.get(opcode), `opcode ${opcode} was executed`).toBeGreaterThan(100)
    if (mode === 'user') expect(guardedRuns).toBeGreaterThan(5000)
  })

  test('the numbers of the switch are those of the table', () => {
    expect(Object.values(OP)).toEqual(Array.from({ length: 62 }, (_, index) => index))
  })

  test('a run of n instructions is n instructions, at page ends and in loops too', () => {
    const program = `
      li t0, 0x80000ff8
      jalr zero, t0, 0`
    const hart = bareHart(program)
    const loop = [0x00128293, 0x00128293, 0xff9ff06f] // addi t0,t0,1 twice across no page end, then back: j -8
    hart.memory.words.set(loop.slice(0, 2), 0xff8 >> 2)
    hart.memory.words[0x1000 >> 2] = loop[2]! | 0
    expect(hart.run(3)).toBe(3)
    for (let count = 1; count <= 9; count++) {
      expect(hart.run(1)).toBe(1)
      expect(hart.pc).toBe(0x80000ff8 + 4 * (count % 3))
    }
    expect(hart.x[5]).toBe((0x80000ff8 + 6) | 0)
    expect(hart.minstret()).toBe(12n)
  })

  test('a store into the next instruction is seen by the next fetch', () => {
    const hart = runToWfi(`
      la t0, patched
      li t1, 0x02a00513     # addi a0, zero, 42
      sw t1, 0(t0)
    patched:
      addi a0, zero, 1
      wfi`)
    expect(hart.x[10]).toBe(42)
  })

  test('stores to a page that runs, octet by octet, are seen as well', () => {
    const hart = runToWfi(`
      la t0, loop
      li a1, 3
    loop:
      addi a0, a0, 1        # its immediate is in octets 2 and 3
      li t1, 2
      sb t1, 2(t0)          # bits 16 to 23: rs1 and the immediate's low bits
      addi a1, a1, -1
      bne a1, zero, loop
      wfi`)
    expect(hart.memory.octets[16 + 2]).toBe(2)
    expect(hart.x[10]).toBe(0) // x4 (tp, still 0) is the source now, the immediate 0
  })

  test('running out of RAM is an instruction access fault', () => {
    const hart = bareHart(`
      li t0, 0x80000100
      csrw mtvec, t0
      li t0, 0x800ffffc
      jalr zero, t0, 0`)
    hart.memory.words[0xffffc >> 2] = 0x13
    hart.memory.words[0x100 >> 2] = 0x10500073
    hart.run(100)
    expect([hart.waiting, hart.mcause, hart.mepc, hart.mtval]).toEqual([true, 1, 0x80100000, 0x80100000])
  })
})
