import type { Hart } from '../cpu/hart.js'
import { COUNTEREN_FIELDS, ENVCFG_FIOM, INTERRUPTS, MACHINE, MSTATUS_FIELDS, MSTATUS_MPP, USER } from '../cpu/csr.js'
import { Pmp, PMP_ENTRIES } from '../cpu/pmp.js'
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
    { name: 'env.priv', type: 'uint32' },
    { name: 'env.mstatus', type: 'uint32' },
    { name: 'env.mie', type: 'uint32' },
    { name: 'env.mtvec', type: 'uint32' },
    { name: 'env.mscratch', type: 'uint32' },
    { name: 'env.mepc', type: 'uint32' },
    { name: 'env.mcause', type: 'uint32' },
    { name: 'env.mtval', type: 'uint32' },
    { name: 'env.mcounteren', type: 'uint32' },
    { name: 'env.menvcfg', type: 'uint64' },
    { name: 'env.mcycle', type: 'uint64' },
    { name: 'env.minstret', type: 'uint64' },
    { name: 'env.pmp.addr_reg', type: 'uint32', arrayLength: PMP_ENTRIES },
    { name: 'env.pmp.cfg_reg', type: 'uint8', arrayLength: PMP_ENTRIES },
    { name: 'env.has_reservation', type: 'bool' },
    { name: 'env.load_res', type: 'uint32' },
    { name: 'env.load_val', type: 'uint32' },
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
      'env.priv': hart.privilege,
      'env.mstatus': hart.mstatus,
      'env.mie': hart.mie,
      'env.mtvec': hart.mtvec,
      'env.mscratch': hart.mscratch,
      'env.mepc': hart.mepc,
      'env.mcause': hart.mcause,
      'env.mtval': hart.mtval,
      'env.mcounteren': hart.mcounteren,
      'env.menvcfg': BigInt(hart.menvcfg),
      'env.mcycle': hart.mcycle(),
      'env.minstret': hart.minstret(),
      'env.pmp.addr_reg': [...hart.pmp.addresses],
      'env.pmp.cfg_reg': [...hart.pmp.configurations],
      'env.has_reservation': hart.reservation >= 0,
      'env.load_res': Math.max(0, hart.reservation),
      'env.load_val': hart.reservedValue >>> 0,
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
    const privilege = state.number('env.priv', MACHINE)
    if (privilege !== USER && privilege !== MACHINE) state.refuse('env.priv', 'a mode the hart does not have')
    const mstatus = bits('env.mstatus', MSTATUS_FIELDS)
    const mpp = mstatus & MSTATUS_MPP
    if (mpp !== 0 && mpp !== MSTATUS_MPP) state.refuse('env.mstatus', 'a mode in MPP that the hart does not have')
    const menvcfg = state.u64('env.menvcfg')
    if (menvcfg > BigInt(ENVCFG_FIOM)) state.refuse('env.menvcfg', 'bits the hart does not have')
    const registers = {
      privilege,
      mstatus,
      mcounteren: bits('env.mcounteren', COUNTEREN_FIELDS),
      menvcfg: Number(menvcfg),
      pc: aligned('env.pc'),
      mie: bits('env.mie', INTERRUPTS),
      mtvec: bits('env.mtvec', ~2),
      mscratch: state.u32('env.mscratch'),
      mepc: aligned('env.mepc'),
      mcause: state.u32('env.mcause'),
      mtval: state.u32('env.mtval'),
      reservedValue: state.u32('env.load_val') | 0,
      reservation: state.bool('env.has_reservation') ? reserved : -1,
      waiting: state.bool('halted'),
    }
    const [mcycle, minstret] = [state.u64('env.mcycle'), state.u64('env.minstret')]
    const addresses = state.numbers('env.pmp.addr_reg', PMP_ENTRIES, 0xffff_ffff)
    const configurations = state.numbers('env.pmp.cfg_reg', PMP_ENTRIES, 0xff)
    if (!configurations.every((configuration) => Pmp.isPossible(configuration)))
      state.refuse('env.pmp.cfg_reg', 'a configuration no entry can have')
    Object.assign(this.hart, registers)
    this.hart.setCounters(mcycle, minstret)
    this.hart.x.set(gpr)
    this.hart.pmp.load(addresses, configurations)
    this.hart.code.forgetAll()
  }
}
