import type { Hart } from '../cpu/hart.js'
import { INTERRUPTS, MSTATUS_MIE, MSTATUS_MPIE } from '../cpu/csr.js'
import type { DeviceStateDescription, StatefulDevice, StateValues } from './device-state.js'
import { StateReader } from './state-values.js'

const DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'cpu',
  instanceId: 0,
  version: 1,
  vmsdName: 'cpu',
  fields: [
    { name: 'env.gpr', type: 'uint32', arrayLength: 32 },
    { name: 'env.pc', type: 'uint32' },
    { name: 'env.mstatus', type: 'uint32' },
    { name: 'env.mie', type: 'uint32' },
    { name: 'env.mtvec', type: 'uint32' },
    { name: 'env.mscratch', type: 'uint32' },
    { name: 'env.mepc', type: 'uint32' },
    { name: 'env.mcause', type: 'uint32' },
    { name: 'env.mtval', type: 'uint32' },
    { name: 'env.mcycle', type: 'uint64' },
    { name: 'env.minstret', type: 'uint64' },
    { name: 'env.pmp', type: 'uint32', arrayLength: 20 },
    { name: 'env.has_reservation', type: 'bool' },
    { name: 'env.load_res', type: 'uint32' },
    { name: 'halted', type: 'bool' },
  ],
} satisfies DeviceStateDescription)

/** The hart as a device of the stream. `mip` is not saved: the devices drive its lines again. `halted` means `wfi`. */
export class HartState implements StatefulDevice {
  readonly stateDescription = DESCRIPTION
  constructor(private readonly hart: Hart) {}

  saveState(): StateValues {
    const { hart } = this
    return {
      'env.gpr': Array.from(hart.x.subarray(0, 32), (value) => value >>> 0),
      'env.pc': hart.pc,
      'env.mstatus': hart.mstatus,
      'env.mie': hart.mie,
      'env.mtvec': hart.mtvec,
      'env.mscratch': hart.mscratch,
      'env.mepc': hart.mepc,
      'env.mcause': hart.mcause,
      'env.mtval': hart.mtval,
      'env.mcycle': hart.mcycle(),
      'env.minstret': hart.minstret(),
      'env.pmp': [...hart.pmp],
      'env.has_reservation': hart.reservation >= 0,
      'env.load_res': Math.max(0, hart.reservation),
      halted: hart.waiting,
    }
  }

  /** Decoded code is forgotten: RAM may have been written without the hart hearing of it. */
  loadState(values: StateValues): void {
    const state = new StateReader('cpu', values)
    const aligned = (name: string): number =>
      state.u32(name) % 4 === 0 ? state.u32(name) : state.refuse(name, 'not aligned to 4 octets')
    const bits = (name: string, allowed: number): number =>
      (state.u32(name) & ~allowed) === 0 ? state.u32(name) : state.refuse(name, 'has bits the hart does not have')
    const gpr = state.numbers('env.gpr', 32, 0xffff_ffff)
    if (gpr[0] !== 0) state.refuse('env.gpr', 'not 0 in x0')
    const reserved = aligned('env.load_res')
    const registers = {
      pc: aligned('env.pc'),
      mstatus: bits('env.mstatus', MSTATUS_MIE | MSTATUS_MPIE),
      mie: bits('env.mie', INTERRUPTS),
      mtvec: bits('env.mtvec', ~2),
      mscratch: state.u32('env.mscratch'),
      mepc: aligned('env.mepc'),
      mcause: state.u32('env.mcause'),
      mtval: state.u32('env.mtval'),
      reservation: state.bool('env.has_reservation') ? reserved : -1,
      waiting: state.bool('halted'),
    }
    const [mcycle, minstret] = [state.u64('env.mcycle'), state.u64('env.minstret')]
    const pmp = state.numbers('env.pmp', 20, 0xffff_ffff)
    Object.assign(this.hart, registers)
    this.hart.setCounters(mcycle, minstret)
    this.hart.x.set(gpr)
    this.hart.pmp.set(pmp)
    this.hart.code.forgetAll()
  }
}
