/** What a read of a control and status register gives and what a write to it does, WARL fields included. */
import {
  CSR,
  COUNTEREN_FIELDS,
  ENVCFG_FIOM,
  INTERRUPTS,
  MISA,
  MSTATUS_FIELDS,
  MACHINE,
  MSTATUS_MPP,
  USER,
} from './csr.js'
import type { Hart } from './hart.js'
import { PMP_ENTRIES } from './pmp.js'

const PMP_PER_WORD = 4
const LOW_HALF = 0xffff_ffffn
const HIGH_HALF = 0xffff_ffff_0000_0000n

/** Null: there is no such register, or not in this mode. Counters are read as they were before the reading instruction. */
export function readCsr(hart: Hart, number: number): number | null {
  switch (number) {
    case CSR.mstatus:
      return hart.mstatus
    case CSR.misa:
      return MISA
    case CSR.mie:
      return hart.mie
    case CSR.mtvec:
      return hart.mtvec | 0
    case CSR.mcounteren:
      return hart.mcounteren
    case CSR.menvcfg:
      return hart.menvcfg
    case CSR.mscratch:
      return hart.mscratch | 0
    case CSR.mepc:
      return hart.mepc | 0
    case CSR.mcause:
      return hart.mcause | 0
    case CSR.mtval:
      return hart.mtval | 0
    case CSR.mip:
      return hart.mip
    case CSR.mcycle:
      return low(hart.mcycle() - 1n)
    case CSR.mcycleh:
      return high(hart.mcycle() - 1n)
    case CSR.minstret:
      return low(hart.minstret() - 1n)
    case CSR.minstreth:
      return high(hart.minstret() - 1n)
    case CSR.cycle:
    case CSR.time:
    case CSR.instret:
    case CSR.cycleh:
    case CSR.timeh:
    case CSR.instreth:
      return readUserCounter(hart, number)
    case CSR.mstatush:
    case CSR.menvcfgh:
    case CSR.mcountinhibit:
    case CSR.tselect:
    case CSR.tdata1:
    case CSR.tdata2:
    case CSR.mvendorid:
    case CSR.marchid:
    case CSR.mimpid:
    case CSR.mhartid:
    case CSR.mconfigptr:
      return 0
  }
  if (isPmpAddress(number)) return hart.pmp.addresses[number - CSR.pmpaddr0]! | 0
  if (isPmpConfiguration(number)) {
    const entry = PMP_PER_WORD * (number - CSR.pmpcfg0)
    const [a, b, c, d] = hart.pmp.configurations.subarray(entry, entry + PMP_PER_WORD)
    return a! | (b! << 8) | (c! << 16) | (d! << 24)
  }
  if (isPerformanceCounter(number)) return 0
  // Their shadows for user mode, which `mcounteren` never opens.
  return hart.privilege === MACHINE && isCounterShadow(number) ? 0 : null
}

/** User mode reads what `mcounteren` lets it read. */
function readUserCounter(hart: Hart, number: number): number | null {
  if (hart.privilege === USER && ((hart.mcounteren >>> (number & 0x1f)) & 1) === 0) return null
  switch (number) {
    case CSR.time:
      return hart.bus.timeLow() | 0
    case CSR.timeh:
      return hart.bus.timeHigh() | 0
    case CSR.cycle:
      return readCsr(hart, CSR.mcycle)
    case CSR.cycleh:
      return readCsr(hart, CSR.mcycleh)
    case CSR.instret:
      return readCsr(hart, CSR.minstret)
    default:
      return readCsr(hart, CSR.minstreth)
  }
}

/** Registers that are not named ignore writes. A written counter counts on from the next instruction. */
export function writeCsr(hart: Hart, number: number, value: number): void {
  const unsigned = BigInt(value >>> 0)
  const mcycle = hart.mcycle() - 1n
  const minstret = hart.minstret() - 1n
  switch (number) {
    case CSR.mstatus: {
      // MPP holds user or machine mode; any other value leaves it as it was.
      const mpp = value & MSTATUS_MPP
      const isMode = mpp === 0 || mpp === MSTATUS_MPP
      hart.setMode(
        hart.privilege,
        (value & MSTATUS_FIELDS & ~MSTATUS_MPP) | (isMode ? mpp : hart.mstatus & MSTATUS_MPP),
      )
      break
    }
    case CSR.mie:
      hart.mie = value & INTERRUPTS
      break
    case CSR.mtvec:
      hart.mtvec = (value & ~2) >>> 0
      break
    case CSR.mcounteren:
      hart.mcounteren = value & COUNTEREN_FIELDS
      break
    case CSR.menvcfg:
      hart.menvcfg = value & ENVCFG_FIOM
      break
    case CSR.mscratch:
      hart.mscratch = value >>> 0
      break
    case CSR.mepc:
      hart.mepc = (value & ~3) >>> 0
      break
    case CSR.mcause:
      hart.mcause = value >>> 0
      break
    case CSR.mtval:
      hart.mtval = value >>> 0
      break
    case CSR.mcycle:
      hart.setCounters((mcycle & HIGH_HALF) | unsigned, minstret + 1n)
      break
    case CSR.mcycleh:
      hart.setCounters((mcycle & LOW_HALF) | (unsigned << 32n), minstret + 1n)
      break
    case CSR.minstret:
      hart.setCounters(mcycle + 1n, (minstret & HIGH_HALF) | unsigned)
      break
    case CSR.minstreth:
      hart.setCounters(mcycle + 1n, (minstret & LOW_HALF) | (unsigned << 32n))
      break
    default:
      if (isPmpAddress(number)) hart.pmp.setAddress(number - CSR.pmpaddr0, value >>> 0)
      if (isPmpConfiguration(number))
        for (let i = 0; i < PMP_PER_WORD; i++)
          hart.pmp.setConfiguration(PMP_PER_WORD * (number - CSR.pmpcfg0) + i, (value >>> (8 * i)) & 0xff)
      hart.updateGuard()
  }
}

function isPmpAddress(number: number): boolean {
  return number >= CSR.pmpaddr0 && number < CSR.pmpaddr0 + PMP_ENTRIES
}

function isPmpConfiguration(number: number): boolean {
  return number >= CSR.pmpcfg0 && number < CSR.pmpcfg0 + PMP_ENTRIES / PMP_PER_WORD
}

/** hpmcounter3 to 31 and their upper halves. */
function isCounterShadow(number: number): boolean {
  return (number & 0x1f) >= 3 && ((number & ~0x1f) === 0xc00 || (number & ~0x1f) === 0xc80)
}

/** mhpmcounter3 to 31, their upper halves and mhpmevent3 to 31: hard-wired to 0. */
function isPerformanceCounter(number: number): boolean {
  const group = number & ~0x1f
  return (number & 0x1f) >= 3 && (group === 0xb00 || group === 0xb80 || group === 0x320)
}

function low(value: bigint): number {
  return Number(BigInt.asIntN(32, value))
}

function high(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n))
}
