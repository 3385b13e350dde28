/**
 * QEMU 7.2's section `cpu` of a 32-bit RISC-V hart (target/riscv/machine.c, `vmstate_riscv_cpu`). Our hart has no supervisor
 * mode, no floating point, no hypervisor extension: their registers are sent as QEMU has them after reset, and a stream
 * of a guest that used them is refused. `ignored` are those that a guest without these modes neither sees nor feels.
 */
import { PMP_ENTRIES } from '../cpu/pmp.js'
import type { DeviceStateDescription, StateBody, StateField } from './device-state.js'

/** Counters of the performance unit: `cycle`, `time`, `instret`, then those for events. */
export const PMU_COUNTERS = 32

/** A, C, D, F, H, I, M, S, U: what QEMU's processor `rv32` has. */
const MISA_EXTENSIONS = 0x1411ad
const RESET_VECTOR = 0x1000n
/** The bit of the hypervisor extension's interrupt, which QEMU claims for itself. */
const MICLAIM = 1n << 12n
/** Triggers of type "address match", disabled. */
const TDATA1 = 0x2000_0000

/** Default priorities of interrupts 0 to 63 (target/riscv/cpu_helper.c, `default_iprio`). */
const MACHINE_PRIORITIES = priorities({ 9: 0x13, 10: 0x17, 11: 0x00 })
const SUPERVISOR_PRIORITIES = priorities({ 9: 0x00, 10: 0x17, 11: 0x10 })
const VIRTUAL_PRIORITIES = [
  ...[0, 0x14, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff],
  ...[0x24, 0x21, 0x1e, 0x1b, 0x0e, 0x0b, 0x08, 0x05],
  ...new Array<number>(40).fill(0),
]

function priorities(external: Readonly<Record<number, number>>): number[] {
  const custom = new Array<number>(8).fill(0xff)
  const list = [
    ...[0xff, 0x14, 0x18, 0x11, 0xff, 0x15, 0x19, 0x12, 0xff, 0, 0, 0, 0x16, 0xff, 0xff, 0xff],
    ...[0x24, 0x21, 0x1e, 0x1b, 0x0e, 0x0b, 0x08, 0x05],
    ...custom,
    ...[0x25, 0x23, 0x22, 0x20, 0x1f, 0x1d, 0x1c, 0x1a, 0x0f, 0x0d, 0x0c, 0x0a, 0x09, 0x07, 0x06, 0x04],
    ...custom,
    ...custom,
  ]
  for (const [interrupt, priority] of Object.entries(external)) list[Number(interrupt)] = priority
  return list
}

const u32 = (name: string): StateField => ({ name: `env.${name}`, type: 'uint32' })
const u64 = (name: string): StateField => ({ name: `env.${name}`, type: 'uint64' })
const fixed32 = (name: string, value = 0): StateField => ({ ...u32(name), fixed: value })
const fixed64 = (name: string, value = 0n): StateField => ({ ...u64(name), fixed: value })
const octets64 = (name: string, value: readonly number[]): StateField => ({
  ...{ name: `env.${name}`, type: 'uint8', arrayLength: 64 },
  fixed: value,
  ignored: true,
})
const ignored = (field: StateField): StateField => ({ ...field, ignored: true })

const PMU_COUNTER: StateBody = {
  vmsdName: 'cpu/pmu',
  version: 1,
  fields: [
    { name: 'mhpmcounter_val', type: 'uint32' },
    { name: 'mhpmcounterh_val', type: 'uint32' },
    { name: 'mhpmcounter_prev', type: 'uint32' },
    { name: 'mhpmcounterh_prev', type: 'uint32' },
    { name: 'started', type: 'bool', fixed: false, ignored: true },
  ],
}

const PMP: StateBody = {
  vmsdName: 'cpu/pmp',
  version: 1,
  fields: [
    {
      name: 'env.pmp_state.pmp',
      type: 'struct',
      arrayLength: PMP_ENTRIES,
      body: {
        vmsdName: 'cpu/pmp/entry',
        version: 1,
        fields: [
          { name: 'addr_reg', type: 'uint32' },
          { name: 'cfg_reg', type: 'uint8' },
        ],
      },
    },
  ],
}

export const HYPER: StateBody = {
  vmsdName: 'cpu/hyper',
  version: 2,
  fields: [
    ...[fixed32('hstatus'), fixed32('hedeleg'), fixed64('hideleg'), fixed32('hcounteren'), fixed32('htval')],
    ...[fixed32('htinst'), fixed32('hgatp'), fixed32('hgeie'), fixed32('hgeip'), fixed64('htimedelta')],
    ...[fixed64('vstimecmp'), fixed32('hvictl'), octets64('hviprio', VIRTUAL_PRIORITIES), fixed64('vsstatus')],
    ...[fixed32('vstvec'), fixed32('vsscratch'), fixed32('vsepc'), fixed32('vscause'), fixed32('vstval')],
    ...[fixed32('vsatp'), fixed32('vsiselect'), ignored(fixed32('mtval2')), ignored(fixed32('mtinst'))],
    ...[fixed32('stvec_hs'), fixed32('sscratch_hs'), fixed32('sepc_hs'), fixed32('scause_hs')],
    ...[fixed32('stval_hs'), fixed32('satp_hs'), fixed64('mstatus_hs')],
  ],
}

const ENVCFG: StateBody = {
  vmsdName: 'cpu/envcfg',
  version: 1,
  fields: [u64('menvcfg'), fixed32('senvcfg'), fixed64('henvcfg')],
}

export const DEBUG: StateBody = {
  vmsdName: 'cpu/debug',
  version: 2,
  fields: [
    fixed32('trigger_cur'),
    { ...fixed32('tdata1', TDATA1), arrayLength: 2 },
    { ...fixed32('tdata2'), arrayLength: 2 },
    { ...fixed32('tdata3'), arrayLength: 2 },
  ],
}

export const CPU_DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'cpu',
  instanceId: 0,
  version: 5,
  vmsdName: 'cpu',
  fields: [
    { ...u32('gpr'), arrayLength: 32 },
    { ...fixed64('fpr'), arrayLength: 32 },
    ...[octets64('miprio', MACHINE_PRIORITIES), octets64('siprio', SUPERVISOR_PRIORITIES)],
    ...[u32('pc'), u32('load_res'), u32('load_val'), fixed32('frm')],
    ...[ignored(fixed32('badaddr')), ignored(fixed32('guest_phys_fault_addr'))],
    ...[ignored(fixed32('priv_ver', 2)), ignored(fixed32('vext_ver')), fixed32('misa_mxl', 1)],
    ...[ignored(fixed32('misa_ext', MISA_EXTENSIONS)), fixed32('misa_mxl_max', 1)],
    ...[ignored(fixed32('misa_ext_mask', MISA_EXTENSIONS)), ignored(fixed32('features', 0x13))],
    ...[u32('priv'), fixed32('virt'), ignored(fixed64('resetvec', RESET_VECTOR)), fixed32('mhartid')],
    ...[u64('mstatus'), u64('mip'), ignored(fixed64('miclaim', MICLAIM)), u64('mie'), fixed64('mideleg')],
    ...[fixed32('satp'), fixed32('stval'), fixed32('medeleg'), fixed32('stvec'), fixed32('sepc'), fixed32('scause')],
    ...[u32('mtvec'), u32('mepc'), u32('mcause'), u32('mtval'), fixed32('miselect'), fixed32('siselect')],
    ...[fixed32('scounteren'), u32('mcounteren'), fixed32('mcountinhibit')],
    { name: 'env.pmu_ctrs', type: 'struct', arrayLength: PMU_COUNTERS, body: PMU_COUNTER },
    { ...fixed32('mhpmevent_val'), arrayLength: 32 },
    { ...fixed32('mhpmeventh_val'), arrayLength: 32 },
    ...[fixed32('sscratch'), u32('mscratch'), fixed64('mfromhost'), fixed64('mtohost'), fixed64('stimecmp')],
  ],
  subsections: [PMP, HYPER, ENVCFG, DEBUG],
} satisfies DeviceStateDescription)
