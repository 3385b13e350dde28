import { describe, expect, test } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import type { StateValues } from '../../../core/machine/device-state.js'
import type { Hart } from '../../../core/cpu/hart.js'
import { CpuCommon, HartState } from '../../../core/machine/hart-state.js'
import { assemble } from '../../support/assembler.js'
import { bareHart } from '../../support/bare-hart.js'

const RESERVING = 'li t0, 0x80000000\nlr.w t1, (t0)\nsc.w a0, t1, (t0)\nwfi'
const gpr = (changes: Record<number, number>): number[] => Object.assign(new Array<number>(32).fill(0), changes)

const lines = { settleLines: () => undefined, setSoftwareInterrupt: () => undefined }
const stateOf = (hart: Hart): HartState => new HartState(hart, lines)

describe('HartState', () => {
  test('a hart that moves between lr.w and sc.w still holds its reservation, one that lost it does not', () => {
    for (const [steps, result] of [
      [3, 0],
      [2, 1],
    ] as const) {
      const [from, to] = [bareHart(RESERVING), bareHart(RESERVING)]
      from.run(steps)
      const saved = stateOf(from).saveState()
      stateOf(to).loadState(saved)
      expect(stateOf(to).saveState()).toEqual(saved)
      to.pc = 0x8000_000c
      to.run(10)
      expect([to.waiting, to.x[10]]).toEqual([true, result])
    }
  })

  test('user mode, its protection and a hart that waits move as they are', () => {
    const setup =
      'la t0, user\ncsrw mepc, t0\nli t0, 0x200001ff\ncsrw pmpaddr0, t0\nli t0, 0x1d\ncsrw pmpcfg0, t0\nmret'
    const program = `${setup}\nuser:\nwfi\nsw t0, 0(sp)`
    const [from, to] = [bareHart(program), bareHart(program)]
    from.x[2] = 0x8000_0800 | 0
    from.run(100)
    stateOf(to).loadState(stateOf(from).saveState())
    new CpuCommon(to, lines).loadState(new CpuCommon(from, lines).saveState())
    expect([to.waiting, to.privilege]).toEqual([true, 0])
    to.waiting = false
    to.run(1)
    expect([to.privilege, to.mcause, to.mtval]).toEqual([3, 7, 0x8000_0800])
  })

  test('code that was written past the hart is what runs after a load', () => {
    const hart = bareHart('loop:\naddi a0, a0, 1\nj loop')
    hart.run(100)
    hart.memory.octets.set(assemble('addi a1, a1, 1\nwfi'))
    const state = stateOf(hart)
    state.loadState({ ...state.saveState(), 'env.pc': 0x8000_0000 })
    hart.run(10)
    expect([hart.waiting, hart.x[11]]).toEqual([true, 1])
  })

  test.each<StateValues>([
    { 'env.gpr': gpr({ 0: 1 }) },
    { 'env.gpr': gpr({ 5: -1 }) },
    { 'env.pc': 0x8000_0002 },
    { 'env.priv': 1 },
    { 'env.priv': 4 },
    { 'env.mstatus': 1n << 11n },
    { 'env.mstatus': 1n << 1n },
    { 'env.mie': 1n },
    { 'env.mip': 1n << 9n },
    { 'env.mtvec': 2 },
    { 'env.mepc': 1 },
    { 'env.mcounteren': 8 },
    { 'cpu/envcfg': { 'env.menvcfg': 2n } },
    { 'env.load_res': 0x8000_0001 },
    { 'cpu/pmp': { 'env.pmp_state.pmp': new Array(16).fill({ addr_reg: 0, cfg_reg: 2 }) } },
    { 'cpu/pmp': { 'env.pmp_state.pmp': new Array(16).fill({ addr_reg: 0, cfg_reg: 0x20 }) } },
    { 'cpu/pmp': { 'env.pmp_state.pmp': [] } },
    { 'env.pmu_ctrs': [] },
  ])('refuses %o', (damage) => {
    const state = stateOf(bareHart('wfi'))
    const good = state.saveState()
    expect(() => state.loadState({ ...good, ...damage })).toThrow(WireError)
    expect(state.saveState()).toEqual(good)
  })
})
