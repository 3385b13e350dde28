/**
 * One RV32IMA hart with Zicsr and Zifencei, machine and user mode (RISC-V unprivileged specification 20191213, privileged
 * specification 20211203). What is left out stands in docs/conformance.md.
 *
 * What the specification leaves open is settled so: misaligned loads and stores to RAM succeed, atomics trap on them;
 * `mtval` holds the faulting address or instruction word; a fetch from a jump target that is not aligned traps at the
 * jump; one instruction takes one cycle, `mcycle` stops in `wfi`; stores are seen by the very next fetch.
 */
import { assert } from '../base/errors.js'
import { PAGE_OCTETS } from '../base/units.js'
import {
  CAUSE,
  INTERRUPT_EXTERNAL,
  INTERRUPT_SOFTWARE,
  MACHINE,
  MSTATUS_MIE,
  MSTATUS_MPIE,
  MSTATUS_MPP,
  MSTATUS_MPRV,
  MSTATUS_TW,
  USER,
} from './csr.js'
import { readCsr, writeCsr } from './csr-access.js'
import { DecodedCode } from './decoded-code.js'
import { interpret } from './interpreter.js'
import { type HartBus, type HartMemory, PAGE_MISSING, RAM_BASE, TRAPPED } from './memory.js'
import { Pmp, PMP_EXECUTE, PMP_READ, PMP_WRITE } from './pmp.js'

/** What a store outside the fast path came to. `left` ends the run: a device may have changed, or the word is watched. */
export type StoreOutcome = 'done' | 'trapped' | 'left' | 'page-missing'

export class Hart {
  /** x0 to x31, and at 32 the destination of instructions that write to x0. */
  readonly x = new Int32Array(33)
  /** Address of the next instruction, unsigned. */
  pc = RAM_BASE
  /** `USER` or `MACHINE`. Change it by `setMode`. */
  privilege: number = MACHINE
  /** The fields of `MSTATUS_FIELDS`. */
  mstatus = 0
  mie = 0
  /** Interrupt lines, driven by the board between runs. */
  mip = 0
  mtvec = 0
  mscratch = 0
  mepc = 0
  mcause = 0
  mtval = 0
  mcounteren = 0
  menvcfg = 0
  readonly pmp = new Pmp()
  /** Address that `lr.w` reserved, or -1. */
  reservation = -1
  /** What it loaded there, as QEMU's `load_val`: `sc.w` fails when something else stands there now, whoever wrote it. */
  reservedValue = 0
  /** In `wfi`: the board must not run the hart until an enabled interrupt is pending. */
  waiting = false

  /**
   * Every fetch, load and store must be asked for: user mode, its permissions borrowed, a locked PMP entry, or pages
   * that have not arrived. The interpreter then leaves its fast path.
   */
  isGuarded = false
  /** The page, counted from the start of RAM, without which the last run could not go on; or -1. */
  missingPage = -1

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

  /**
   * Run until `limit` instructions have begun, `wfi`, a store to a device or a watched word, or an instruction that needs
   * a page which is missing (`missingPage`; it has not begun). Returns how many have begun.
   */
  run(limit: number): number {
    assert(!this.waiting, 'the hart runs while it waits for an interrupt')
    this.missingPage = -1
    this.updateGuard()
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
    if (pending === 0 || (this.privilege === MACHINE && (this.mstatus & MSTATUS_MIE) === 0)) return
    const number = pending & INTERRUPT_EXTERNAL ? 11 : pending & INTERRUPT_SOFTWARE ? 3 : 7
    this.enterTrap((0x8000_0000 | number) >>> 0, 0)
    const base = this.mtvec & ~3
    this.pc = (this.mtvec & 1 ? base + 4 * number : base) >>> 0
  }

  /** The modes that `privilege` and `mstatus` give, from the next instruction on. */
  setMode(privilege: number, mstatus: number): void {
    this.privilege = privilege
    this.mstatus = mstatus
    this.updateGuard()
  }

  /** After a change of what must be asked for. */
  updateGuard(): void {
    this.isGuarded = this.dataPrivilege() === USER || this.pmp.hasLocked || this.memory.missingPages > 0
  }

  /** `ecall` at `pc`. */
  callEnvironment(): void {
    this.raise(this.privilege === MACHINE ? CAUSE.machineCall : CAUSE.userCall, 0)
  }

  /** False after a trap: illegal in user mode. */
  returnFromTrap(word: number): boolean {
    if (!this.requireMachine(word)) return false
    const mode = this.mstatus & MSTATUS_MPP ? MACHINE : USER
    const kept = this.mstatus & (mode === MACHINE ? MSTATUS_MPRV | MSTATUS_TW : MSTATUS_TW)
    this.setMode(mode, kept | (this.mstatus & MSTATUS_MPIE ? MSTATUS_MIE : 0) | MSTATUS_MPIE)
    this.pc = this.mepc >>> 0
    return true
  }

  /** False after a trap: `mstatus.TW` makes it illegal in user mode. */
  waitForInterrupt(word: number): boolean {
    if ((this.mstatus & MSTATUS_TW) !== 0 && !this.requireMachine(word)) return false
    this.waiting = true
    return true
  }

  /** Raise an illegal instruction exception, and give false, in user mode. */
  requireMachine(word: number): boolean {
    if (this.privilege === MACHINE) return true
    this.raise(CAUSE.illegalInstruction, word >>> 0)
    return false
  }

  /**
   * While guarded: how many instructions may be fetched from `pc` on before this is asked again; a page's worth or one.
   * `TRAPPED` after an access fault, `PAGE_MISSING` when the page is not there.
   */
  fetchable(): number {
    const isMachine = this.privilege === MACHINE
    const offset = (this.pc - RAM_BASE) >>> 0
    const isPage = this.pmp.allows((this.pc & ~0xfff) >>> 0, PAGE_OCTETS, PMP_EXECUTE, isMachine)
    if (!isPage && !this.pmp.allows(this.pc, 4, PMP_EXECUTE, isMachine)) {
      this.raise(CAUSE.instructionAccessFault, this.pc)
      return TRAPPED
    }
    if (this.isMissing(offset, 4)) return PAGE_MISSING
    return isPage ? PAGE_OCTETS / 4 : 1
  }

  /**
   * A load that the interpreter does not do itself: guarded, misaligned, from a device, or from nothing. Gives the value
   * zero-extended, `TRAPPED` or `PAGE_MISSING`.
   */
  loadSlowly(address: number, width: number): number {
    if (this.isGuarded && !this.mayAccess(address, width, PMP_READ)) {
      this.raise(CAUSE.loadAccessFault, address)
      return TRAPPED
    }
    const offset = (address - RAM_BASE) >>> 0
    if (offset + width <= this.memory.octets.length) {
      if (this.isGuarded && this.isMissing(offset, width)) return PAGE_MISSING
      let value = 0
      for (let i = width - 1; i >= 0; i--) value = (value << 8) | this.memory.octets[offset + i]!
      return value >>> 0
    }
    const isMisaligned = address % width !== 0
    const value = isMisaligned ? -1 : this.bus.load(address, width)
    if (value >= 0) return value
    this.raise(isMisaligned ? CAUSE.loadMisaligned : CAUSE.loadAccessFault, address)
    return TRAPPED
  }

  /** The same for stores. */
  storeSlowly(address: number, width: number, value: number): StoreOutcome {
    if (this.isGuarded && !this.mayAccess(address, width, PMP_WRITE)) {
      this.raise(CAUSE.storeAccessFault, address)
      return 'trapped'
    }
    const offset = (address - RAM_BASE) >>> 0
    if (offset + width <= this.memory.octets.length) {
      if (this.isGuarded && this.isMissing(offset, width)) return 'page-missing'
      let outcome: StoreOutcome = 'done'
      for (let i = 0; i < width; i++) {
        this.memory.octets[offset + i] = value >>> (8 * i)
        if (this.memory.attention[(offset + i) >>> 12] !== 0 && this.memory.noteStore(offset + i)) outcome = 'left'
      }
      return outcome
    }
    const isMisaligned = address % width !== 0
    const unsigned = (width === 4 ? value : value & (width === 2 ? 0xffff : 0xff)) >>> 0
    if (!isMisaligned && this.bus.store(address, width, unsigned)) return 'left'
    this.raise(isMisaligned ? CAUSE.storeMisaligned : CAUSE.storeAccessFault, address)
    return 'trapped'
  }

  /** Execute the A extension's `word`. */
  atomic(word: number): StoreOutcome {
    const { x } = this
    const rd = (word >>> 7) & 31 || 32
    const operand = x[(word >>> 20) & 31]!
    const address = x[(word >>> 15) & 31]! >>> 0
    const offset = (address - RAM_BASE) >>> 0
    const funct5 = word >>> 27
    const isLoad = funct5 === 0x02
    const needs = isLoad ? PMP_READ : PMP_READ | PMP_WRITE // no entry permits writes alone
    if ((address & 3) !== 0) {
      this.raise(isLoad ? CAUSE.loadMisaligned : CAUSE.storeMisaligned, address)
      return 'trapped'
    }
    if (offset >= this.memory.octets.length || (this.isGuarded && !this.mayAccess(address, 4, needs))) {
      this.raise(isLoad ? CAUSE.loadAccessFault : CAUSE.storeAccessFault, address)
      return 'trapped'
    }
    if (this.isGuarded && this.isMissing(offset, 4)) return 'page-missing'
    const old = this.memory.words[offset >>> 2]!
    if (isLoad) {
      this.reservation = address
      this.reservedValue = old
      x[rd] = old
      return 'done'
    }
    if (funct5 !== 0x03) {
      x[rd] = old
      return this.storeWord(offset, atomicResult(funct5, old, operand))
    }
    const isReserved = this.reservation === address && this.reservedValue === old
    this.reservation = -1
    x[rd] = isReserved ? 0 : 1
    return isReserved ? this.storeWord(offset, operand) : 'done'
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
    // The number says who may use it, and whether it can be written (privileged specification, section 2.1).
    const isAllowed = ((number >>> 8) & 3) <= this.privilege && !(isWrite && number >>> 10 === 3)
    const old = isAllowed ? readCsr(this, number) : null
    if (old === null) {
      this.raise(CAUSE.illegalInstruction, word >>> 0)
      return false
    }
    if (isWrite) writeCsr(this, number, action === 1 ? operand : action === 2 ? old | operand : old & ~operand)
    this.x[(word >>> 7) & 31 || 32] = old
    return true
  }

  /** The mode that loads and stores are judged in. */
  private dataPrivilege(): number {
    const isBorrowed = this.privilege === MACHINE && (this.mstatus & MSTATUS_MPRV) !== 0
    return isBorrowed && (this.mstatus & MSTATUS_MPP) === 0 ? USER : this.privilege
  }

  private mayAccess(address: number, octets: number, access: number): boolean {
    return this.pmp.allows(address, octets, access, this.dataPrivilege() === MACHINE)
  }

  private isMissing(offset: number, octets: number): boolean {
    if (this.memory.missingPages === 0) return false
    const first = offset >>> 12
    const last = (offset + octets - 1) >>> 12
    if (this.memory.isMissing(first)) this.missingPage = first
    else if (this.memory.isMissing(last)) this.missingPage = last
    else return false
    return true
  }

  private storeWord(offset: number, value: number): StoreOutcome {
    this.memory.words[offset >>> 2] = value
    return this.memory.attention[offset >>> 12] !== 0 && this.memory.noteStore(offset) ? 'left' : 'done'
  }

  private enterTrap(cause: number, tval: number): void {
    this.mepc = this.pc
    this.mcause = cause
    this.mtval = tval
    const kept = this.mstatus & (MSTATUS_MPRV | MSTATUS_TW)
    const enabled = this.mstatus & MSTATUS_MIE ? MSTATUS_MPIE : 0
    this.setMode(MACHINE, kept | enabled | (this.privilege === MACHINE ? MSTATUS_MPP : 0))
  }
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
