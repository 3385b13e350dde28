import {
  COUNTEREN_FIELDS,
  ENVCFG_FIOM,
  INTERRUPTS,
  INTERRUPT_SOFTWARE,
  MACHINE,
  MSTATUS_FIELDS,
  MSTATUS_MPP,
  USER,
} from '../cpu/csr.js'
import type { Hart } from '../cpu/hart.js'
import { Pmp, PMP_ENTRIES } from '../cpu/pmp.js'
import { fixedValues, type DeviceStateDescription, type StatefulDevice, type StateValues } from './device-state.js'
import { CPU_DESCRIPTION, DEBUG, HYPER, PMU_COUNTERS } from './hart-description.js'
import { StateReader } from './state-values.js'

/** The hart's interrupt lines, as its board drives them. */
export interface HartLines {
  /** Bring `mip` to what it is now. */
  settleLines(): void
  /** The software interrupt, which no section has but the hart's `mip`. */
  setSoftwareInterrupt(isHigh: boolean): void
}

const NO_RESERVATION = 0xffff_ffff
/** Which performance counters the hart has: `cycle` and `instret`. */
const CYCLE = 0
const INSTRET = 2
/** QEMU's word for "there is an interrupt line to look at" (CPU_INTERRUPT_HARD). */
const INTERRUPT_HARD = 2

const CPU_COMMON: DeviceStateDescription = Object.freeze({
  idstr: 'cpu_common',
  instanceId: 0,
  version: 1,
  vmsdName: 'cpu_common',
  fields: [
    { name: 'halted', type: 'uint32' },
    { name: 'interrupt_request', type: 'uint32' },
  ],
} satisfies DeviceStateDescription)

/** What QEMU has of every processor (cpu.c, `vmstate_cpu_common`). `halted` means `wfi`. */
export class CpuCommon implements StatefulDevice {
  readonly stateDescription = CPU_COMMON
  constructor(
    private readonly hart: Hart,
    private readonly lines: HartLines,
  ) {}

  saveState(): StateValues {
    this.lines.settleLines()
    return { halted: this.hart.waiting ? 1 : 0, interrupt_request: this.hart.mip === 0 ? 0 : INTERRUPT_HARD }
  }

  /** What is requested follows from the lines. */
  loadState(values: StateValues): void {
    const state = new StateReader('cpu_common', values)
    state.u32('interrupt_request')
    this.hart.waiting = state.number('halted', 1) === 1
  }
}

/** The hart as a device of the stream. */
export class HartState implements StatefulDevice {
  readonly stateDescription = CPU_DESCRIPTION
  constructor(
    private readonly hart: Hart,
    private readonly lines: HartLines,
  ) {}

  saveState(): StateValues {
    const { hart } = this
    this.lines.settleLines()
    const counters = new Array<bigint>(PMU_COUNTERS).fill(0n)
    counters[CYCLE] = hart.mcycle()
    counters[INSTRET] = hart.minstret()
    return {
      'env.gpr': Array.from(hart.x.subarray(0, 32), (value) => value >>> 0),
      'env.pc': hart.pc,
      'env.load_res': hart.reservation < 0 ? NO_RESERVATION : hart.reservation,
      'env.load_val': hart.reservedValue >>> 0,
      'env.priv': hart.privilege,
      'env.mstatus': BigInt(hart.mstatus),
      'env.mip': BigInt(hart.mip),
      'env.mie': BigInt(hart.mie),
      'env.mtvec': hart.mtvec,
      'env.mepc': hart.mepc,
      'env.mcause': hart.mcause,
      'env.mtval': hart.mtval,
      'env.mcounteren': hart.mcounteren,
      'env.pmu_ctrs': counters.map(savedCounter),
      'env.mscratch': hart.mscratch,
      'cpu/pmp': {
        'env.pmp_state.pmp': Array.from({ length: PMP_ENTRIES }, (_, entry) => ({
          addr_reg: hart.pmp.addresses[entry]!,
          cfg_reg: hart.pmp.configurations[entry]!,
        })),
      },
      [HYPER.vmsdName]: fixedValues(HYPER),
      'cpu/envcfg': { 'env.menvcfg': BigInt(hart.menvcfg) },
      [DEBUG.vmsdName]: fixedValues(DEBUG),
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
    const reserved = state.u32('env.load_res')
    const privilege = state.number('env.priv', MACHINE)
    if (privilege !== USER && privilege !== MACHINE) state.refuse('env.priv', 'a mode the hart does not have')
    const mstatus = state.bits('env.mstatus', MSTATUS_FIELDS)
    const mpp = mstatus & MSTATUS_MPP
    if (mpp !== 0 && mpp !== MSTATUS_MPP) state.refuse('env.mstatus', 'a mode in MPP that the hart does not have')
    const registers = {
      privilege,
      mstatus,
      mcounteren: bits('env.mcounteren', COUNTEREN_FIELDS),
      menvcfg: state.subsection('cpu/envcfg')?.bits('env.menvcfg', ENVCFG_FIOM) ?? 0,
      pc: aligned('env.pc'),
      mip: state.bits('env.mip', INTERRUPTS),
      mie: state.bits('env.mie', INTERRUPTS),
      mtvec: bits('env.mtvec', ~2),
      mscratch: state.u32('env.mscratch'),
      mepc: aligned('env.mepc'),
      mcause: state.u32('env.mcause'),
      mtval: state.u32('env.mtval'),
      reservedValue: state.u32('env.load_val') | 0,
      reservation: reserved === NO_RESERVATION ? -1 : aligned('env.load_res'),
    }
    const counters = state.structs('env.pmu_ctrs', PMU_COUNTERS).map(loadedCounter)
    if (counters.some((count, index) => count !== 0n && index !== CYCLE && index !== INSTRET))
      state.refuse('env.pmu_ctrs', 'counting events: the hart has counters for cycles and instructions only')
    const entries = state.subsection('cpu/pmp')?.structs('env.pmp_state.pmp', PMP_ENTRIES) ?? []
    const addresses = entries.map((entry) => entry.u32('addr_reg'))
    const configurations = entries.map((entry) => entry.number('cfg_reg', 0xff))
    if (!configurations.every((configuration) => Pmp.isPossible(configuration)))
      state.refuse('env.pmp_state.pmp', 'a configuration no entry can have')
    Object.assign(this.hart, registers)
    this.lines.setSoftwareInterrupt((registers.mip & INTERRUPT_SOFTWARE) !== 0)
    this.hart.setCounters(counters[CYCLE]!, counters[INSTRET]!)
    this.hart.x.set(gpr)
    this.hart.pmp.load(addresses, configurations)
    this.hart.code.forgetAll()
  }
}

/**
 * A counter as what it showed when the sender's own count of ticks was `prev`; both in halves. Ours stands at 0 while a
 * machine is saved. QEMU's is that of its processor, which the stream does not tell: a counter that crosses between
 * two of QEMU's hosts jumps by what they differ, and one that comes from there to here starts from `val - prev`.
 */
function savedCounter(count: bigint): StateValues {
  return {
    mhpmcounter_val: Number(count & 0xffff_ffffn),
    mhpmcounterh_val: Number(count >> 32n),
    mhpmcounter_prev: 0,
    mhpmcounterh_prev: 0,
  }
}

function loadedCounter(counter: StateReader): bigint {
  const whole = (name: 'val' | 'prev'): bigint =>
    (BigInt(counter.u32(`mhpmcounterh_${name}`)) << 32n) | BigInt(counter.u32(`mhpmcounter_${name}`))
  return BigInt.asUintN(64, whole('val') - whole('prev'))
}
