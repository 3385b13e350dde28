/** Numbers of the control and status registers that the hart has (RISC-V privileged specification, chapter "CSRs"). */
export const CSR = {
  mstatus: 0x300,
  misa: 0x301,
  mie: 0x304,
  mtvec: 0x305,
  mcounteren: 0x306,
  menvcfg: 0x30a,
  mstatush: 0x310,
  menvcfgh: 0x31a,
  mcountinhibit: 0x320,
  mscratch: 0x340,
  mepc: 0x341,
  mcause: 0x342,
  mtval: 0x343,
  mip: 0x344,
  pmpcfg0: 0x3a0,
  pmpaddr0: 0x3b0,
  tselect: 0x7a0,
  tdata1: 0x7a1,
  tdata2: 0x7a2,
  mcycle: 0xb00,
  minstret: 0xb02,
  mcycleh: 0xb80,
  minstreth: 0xb82,
  cycle: 0xc00,
  time: 0xc01,
  instret: 0xc02,
  cycleh: 0xc80,
  timeh: 0xc81,
  instreth: 0xc82,
  mvendorid: 0xf11,
  marchid: 0xf12,
  mimpid: 0xf13,
  mhartid: 0xf14,
  mconfigptr: 0xf15,
} as const

/** Privilege modes, as `mstatus.MPP` and the numbers of registers spell them. */
export const USER = 0
export const MACHINE = 3

/** `mstatus`: interrupts enabled, and as they were before the last trap. */
export const MSTATUS_MIE = 1 << 3
export const MSTATUS_MPIE = 1 << 7
/** The mode before the last trap: user (0) or machine (both bits). */
export const MSTATUS_MPP = 3 << 11
/** Loads and stores are judged as in the mode of MPP. */
export const MSTATUS_MPRV = 1 << 17
/** `wfi` in user mode is illegal. */
export const MSTATUS_TW = 1 << 21
export const MSTATUS_FIELDS = MSTATUS_MIE | MSTATUS_MPIE | MSTATUS_MPP | MSTATUS_MPRV | MSTATUS_TW

/** `mcounteren`: which of `cycle`, `time` and `instret` user mode may read. */
export const COUNTEREN_FIELDS = 7
/** `menvcfg`: fences of I/O imply memory. Stored; on one hart in program order it changes nothing. */
export const ENVCFG_FIOM = 1

/** Bits of `mie` and `mip`. */
export const INTERRUPT_SOFTWARE = 1 << 3
export const INTERRUPT_TIMER = 1 << 7
export const INTERRUPT_EXTERNAL = 1 << 11
export const INTERRUPTS = INTERRUPT_SOFTWARE | INTERRUPT_TIMER | INTERRUPT_EXTERNAL

/** RV32 with I, M, A and user mode. */
export const MISA = (1 << 30) | (1 << 20) | (1 << 12) | (1 << 8) | 1

/** `mcause` of the exceptions the hart can raise. */
export const CAUSE = {
  instructionMisaligned: 0,
  instructionAccessFault: 1,
  illegalInstruction: 2,
  breakpoint: 3,
  loadMisaligned: 4,
  loadAccessFault: 5,
  storeMisaligned: 6,
  storeAccessFault: 7,
  userCall: 8,
  machineCall: 11,
} as const
