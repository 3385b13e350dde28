/**
 * One RV32IMA hart with Zicsr and Zifencei, machine mode only (RISC-V unprivileged specification 20191213, privileged
 * specification 20211203). Left out: user and supervisor mode, PMP (its registers store, and protect nothing), debug
 * triggers, performance counters (read 0).
 *
 * What the specification leaves open is settled so: misaligned loads and stores to RAM succeed, atomics trap on them;
 * `mtval` holds the faulting address or instruction word; a fetch from a jump target that is not aligned traps at the
 * jump; one instruction takes one cycle, `mcycle` stops in `wfi`; stores are seen by the very next fetch.
 */
import { assert } from '../base/errors.js'
import {
  CAUSE,
  CSR,
  INTERRUPT_EXTERNAL,
  INTERRUPT_SOFTWARE,
  INTERRUPTS,
  MISA,
  MSTATUS_MIE,
  MSTATUS_MPIE,
  MSTATUS_MPP,
} from './csr.js'
import { DecodedCode } from './decoded-code.js'
import { interpret } from './interpreter.js'
import { type HartBus, type HartMemory, RAM_BASE } from './memory.js'

/** What a store outside the fast path came to. `left` asks the interpreter to return: a device may have changed. */
export type StoreOutcome = 'done' | 'trapped' | 'left'

/** `pmpcfg0` to 3, `pmpaddr0` to 15. */
const PMP_REGISTERS = 20

export class Hart {
  /** x0 to x31, and at 32 the destination of instructions that write to x0. */
  readonly x = new Int32Array(33)
  /** Address of the next instruction, unsigned. */
  pc = RAM_BASE
  /** MIE and MPIE only. */
  mstatus = 0
  mie = 0
  /** Interrupt lines, driven by the board between runs. */
  mip = 0
  mtvec = 0
  mscratch = 0
  mepc = 0
  mcause = 0
  mtval = 0
  readonly pmp = new Uint32Array(PMP_REGISTERS)
  /** Address that `lr.w` reserved, or -1. */
  reservation = -1
  /** In `wfi`: the board must not run the hart until an enabled interrupt is pending. */
  waiting = false

  readonly code: DecodedCode
  /** Instructions of the present run still to begin; kept true by the interpreter before it calls out. */
  remaining = 0
  private runLimit = 0
  /** Instructions begun in earlier runs. */
  private stepsBefore = 0
  /** `mcycle` and `minstret` less the instructions begun, modulo 2^64. */
  private mcycleBase = 0n
  private minstretBase = 0n

  constructor(
    readonly memory: HartMemory,
    readonly bus: HartBus,
  ) {
    this.code = new DecodedCode(memory)
  }

  /** Run until `limit` instructions have begun, `wfi`, or a store to a device; returns how many have begun. */
  run(limit: number): number {
    assert(!this.waiting, 'the hart runs while it waits for an interrupt')
    this.runLimit = limit
    this.remaining = limit
    const executed = interpret(this, limit)
    this.remaining = limit - executed
    this.stepsBefore += executed
    this.runLimit = 0
    this.remaining = 0
    return executed
  }

  /** Instructions begun in the present run, the one executing included; 0 between runs. */
  stepsInRun(): number {
    return this.runLimit - this.remaining
  }

  mcycle(): bigint {
    return BigInt.asUintN(64, this.mcycleBase + BigInt(this.stepsBefore + this.stepsInRun()))
  }

  /** Instructions retired: those that trapped are not among them. */
  minstret(): bigint {
    return BigInt.asUintN(64, this.minstretBase + BigInt(this.stepsBefore + this.stepsInRun()))
  }

  setCounters(mcycle: bigint, minstret: bigint): void {
    const steps = BigInt(this.stepsBefore + this.stepsInRun())
    this.mcycleBase = BigInt.asUintN(64, mcycle - steps)
    this.minstretBase = BigInt.asUintN(64, minstret - steps)
  }

  /** Exception at `pc`: the handler's address becomes `pc`. */
  raise(cause: number, tval: number): void {
    this.minstretBase = BigInt.asUintN(64, this.minstretBase - 1n)
    this.enterTrap(cause, tval)
    this.pc = (this.mtvec & ~3) >>> 0
  }

  /** Between two instructions: take the pending enabled interrupt of the highest priority, if there is one. */
  takeInterrupt(): void {
    const pending = this.mip & this.mie
    if (pending === 0 || (this.mstatus & MSTATUS_MIE) === 0) return
    const number = pending & INTERRUPT_EXTERNAL ? 11 : pending & INTERRUPT_SOFTWARE ? 3 : 7
    this.enterTrap((0x8000_0000 | number) >>> 0, 0)
    const base = this.mtvec & ~3
    this.pc = (this.mtvec & 1 ? base + 4 * number : base) >>> 0
  }

  mret(): void {
    this.mstatus = (this.mstatus & MSTATUS_MPIE ? MSTATUS_MIE : 0) | MSTATUS_MPIE
    this.pc = this.mepc >>> 0
  }

  /**
   * A load that the interpreter does not do itself: misaligned, from a device, or from nothing. Gives the value
   * zero-extended, or -1 after a trap.
   */
  loadSlowly(address: number, width: number): number {
    const offset = (address - RAM_BASE) >>> 0
    if (offset + width <= this.memory.octets.length) {
      let value = 0
      for (let i = width - 1; i >= 0; i--) value = (value << 8) | this.memory.octets[offset + i]!
      return value >>> 0
    }
    const isMisaligned = address % width !== 0
    const value = isMisaligned ? -1 : this.bus.load(address, width)
    if (value < 0) this.raise(isMisaligned ? CAUSE.loadMisaligned : CAUSE.loadAccessFault, address)
    return value
  }

  /** The same for stores. */
  storeSlowly(address: number, width: number, value: number): StoreOutcome {
    const offset = (address - RAM_BASE) >>> 0
    if (offset + width <= this.memory.octets.length) {
      for (let i = 0; i < width; i++) {
        this.memory.octets[offset + i] = value >>> (8 * i)
        if (this.memory.attention[(offset + i) >>> 12] !== 0) this.memory.noteStore(offset + i)
      }
      return 'done'
    }
    const isMisaligned = address % width !== 0
    const unsigned = (width === 4 ? value : value & (width === 2 ? 0xffff : 0xff)) >>> 0
    if (!isMisaligned && this.bus.store(address, width, unsigned)) return 'left'
    this.raise(isMisaligned ? CAUSE.storeMisaligned : CAUSE.storeAccessFault, address)
    return 'trapped'
  }

  /** Execute the A extension's `word`. False after a trap. */
  atomic(word: number): boolean {
    const { x } = this
    const rd = (word >>> 7) & 31 || 32
    const operand = x[(word >>> 20) & 31]!
    const address = x[(word >>> 15) & 31]! >>> 0
    const offset = (address - RAM_BASE) >>> 0
    const funct5 = word >>> 27
    const isLoad = funct5 === 0x02
    if ((address & 3) !== 0 || offset >= this.memory.octets.length) {
      const misaligned = isLoad ? CAUSE.loadMisaligned : CAUSE.storeMisaligned
      const fault = isLoad ? CAUSE.loadAccessFault : CAUSE.storeAccessFault
      this.raise(address & 3 ? misaligned : fault, address)
      return false
    }
    const old = this.memory.words[offset >>> 2]!
    if (isLoad) {
      this.reservation = address
      x[rd] = old
      return true
    }
    if (funct5 === 0x03) {
      const isReserved = this.reservation === address
      this.reservation = -1
      if (isReserved) this.storeWord(offset, operand)
      x[rd] = isReserved ? 0 : 1
      return true
    }
    this.storeWord(offset, atomicResult(funct5, old, operand))
    x[rd] = old
    return true
  }

  /** Execute the Zicsr instruction `word`. False after a trap. */
  csrInstruction(word: number): boolean {
    const number = word >>> 20
    const funct3 = (word >>> 12) & 7
    const source = (word >>> 15) & 31
    const operand = funct3 & 4 ? source : this.x[source]!
    const action = funct3 & 3
    // csrrs and csrrc with x0 or 0 do not write at all (unprivileged specification, "Zicsr").
    const isWrite = action === 1 || source !== 0
    const old = this.readCsr(number)
    const isReadOnly = number >>> 10 === 3
    if (old === null || (isWrite && isReadOnly)) {
      this.raise(CAUSE.illegalInstruction, word >>> 0)
      return false
    }
    if (isWrite) this.writeCsr(number, action === 1 ? operand : action === 2 ? old | operand : old & ~operand)
    this.x[(word >>> 7) & 31 || 32] = old
    return true
  }

  private storeWord(offset: number, value: number): void {
    this.memory.words[offset >>> 2] = value
    if (this.memory.attention[offset >>> 12] !== 0) this.memory.noteStore(offset)
  }

  private enterTrap(cause: number, tval: number): void {
    this.mepc = this.pc
    this.mcause = cause
    this.mtval = tval
    this.mstatus = this.mstatus & MSTATUS_MIE ? MSTATUS_MPIE : 0
  }

  /** Null: there is no such register. Counters are read as they were before the reading instruction. */
  private readCsr(number: number): number | null {
    switch (number) {
      case CSR.mstatus:
        return this.mstatus | MSTATUS_MPP
      case CSR.misa:
        return MISA
      case CSR.mie:
        return this.mie
      case CSR.mtvec:
        return this.mtvec | 0
      case CSR.mscratch:
        return this.mscratch | 0
      case CSR.mepc:
        return this.mepc | 0
      case CSR.mcause:
        return this.mcause | 0
      case CSR.mtval:
        return this.mtval | 0
      case CSR.mip:
        return this.mip
      case CSR.mcycle:
      case CSR.cycle:
        return low(this.mcycle() - 1n)
      case CSR.mcycleh:
      case CSR.cycleh:
        return high(this.mcycle() - 1n)
      case CSR.minstret:
      case CSR.instret:
        return low(this.minstret() - 1n)
      case CSR.minstreth:
      case CSR.instreth:
        return high(this.minstret() - 1n)
      case CSR.time:
        return this.bus.timeLow() | 0
      case CSR.timeh:
        return this.bus.timeHigh() | 0
      case CSR.mstatush:
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
    const pmp = pmpIndex(number)
    if (pmp >= 0) return this.pmp[pmp]! | 0
    return isPerformanceCounter(number) ? 0 : null
  }

  /** A written counter counts on from the next instruction: the writing one is not added. */
  private writeCsr(number: number, value: number): void {
    const unsigned = BigInt(value >>> 0)
    const mcycle = this.mcycle() - 1n
    const minstret = this.minstret() - 1n
    switch (number) {
      case CSR.mstatus:
        this.mstatus = value & (MSTATUS_MIE | MSTATUS_MPIE)
        break
      case CSR.mie:
        this.mie = value & INTERRUPTS
        break
      case CSR.mtvec:
        this.mtvec = (value & ~2) >>> 0
        break
      case CSR.mscratch:
        this.mscratch = value >>> 0
        break
      case CSR.mepc:
        this.mepc = (value & ~3) >>> 0
        break
      case CSR.mcause:
        this.mcause = value >>> 0
        break
      case CSR.mtval:
        this.mtval = value >>> 0
        break
      case CSR.mcycle:
        this.setCounters((mcycle & HIGH_HALF) | unsigned, minstret + 1n)
        break
      case CSR.mcycleh:
        this.setCounters((mcycle & LOW_HALF) | (unsigned << 32n), minstret + 1n)
        break
      case CSR.minstret:
        this.setCounters(mcycle + 1n, (minstret & HIGH_HALF) | unsigned)
        break
      case CSR.minstreth:
        this.setCounters(mcycle + 1n, (minstret & LOW_HALF) | (unsigned << 32n))
        break
      default: {
        // Everything else that can be read ignores writes, but for the PMP registers; no entry can be locked.
        const pmp = pmpIndex(number)
        if (pmp >= 0) this.pmp[pmp] = pmp < 4 ? value & 0x1f1f1f1f : value
      }
    }
  }
}

const LOW_HALF = 0xffff_ffffn
const HIGH_HALF = 0xffff_ffff_0000_0000n

function low(value: bigint): number {
  return Number(BigInt.asIntN(32, value))
}

function high(value: bigint): number {
  return Number(BigInt.asIntN(32, value >> 32n))
}

function pmpIndex(number: number): number {
  if (number >= CSR.pmpcfg0 && number < CSR.pmpcfg0 + 4) return number - CSR.pmpcfg0
  return number >= CSR.pmpaddr0 && number < CSR.pmpaddr0 + 16 ? number - CSR.pmpaddr0 + 4 : -1
}

/** mhpmcounter3 to 31, their upper halves and mhpmevent3 to 31. */
function isPerformanceCounter(number: number): boolean {
  const group = number & ~0x1f
  return (number & 0x1f) >= 3 && (group === 0xb00 || group === 0xb80 || group === 0x320)
}

function atomicResult(funct5: number, old: number, operand: number): number {
  switch (funct5) {
    case 0x00:
      return old + operand
    case 0x01:
      return operand
    case 0x04:
      return old ^ operand
    case 0x08:
      return old | operand
    case 0x0c:
      return old & operand
    case 0x10:
      return Math.min(old, operand)
    case 0x14:
      return Math.max(old, operand)
    case 0x18:
      return Math.min(old >>> 0, operand >>> 0)
    default:
      return Math.max(old >>> 0, operand >>> 0)
  }
}
