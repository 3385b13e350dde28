/**
 * The hart's slow, obvious twin: fetches each instruction from memory, takes it apart by the manual's tables, works in
 * bigint where the manual speaks of wider numbers, asks for interrupts before each instruction and for protection octet by
 * octet. Without a bus there is nothing but RAM.
 */
import type { HartBus } from '../../core/cpu/memory.js'

const RAM_BASE = 0x8000_0000

export class SlowHart {
  readonly x: number[] = new Array<number>(32).fill(0) // unsigned
  pc = RAM_BASE
  privilege: 'user' | 'machine' = 'machine'
  mstatus = 0
  mie = 0
  mtvec = 0
  mscratch = 0
  mepc = 0
  mcause = 0
  mtval = 0
  mcounteren = 0
  readonly pmpcfg: number[] = new Array<number>(16).fill(0)
  readonly pmpaddr: number[] = new Array<number>(16).fill(0)
  cycles = 0n
  retired = 0n
  waiting = false
  /** Interrupt lines, driven from outside. */
  mip = 0
  /** No page is ever missing here. */
  readonly missingPage = -1
  private reservation: { readonly address: number; readonly value: number } | null = null
  private steps = 0
  private hasStoredToDevice = false

  constructor(
    readonly memory: Uint8Array,
    private readonly bus: HartBus | null = null,
  ) {}

  /** As `Hart.run`: until `limit` instructions have begun, `wfi` or a store to a device. */
  run(limit: number): number {
    this.hasStoredToDevice = false
    for (this.steps = 0; this.steps < limit && !this.waiting && !this.hasStoredToDevice;) this.step()
    const done = this.steps
    this.steps = 0
    return done
  }

  stepsInRun(): number {
    return this.steps
  }

  step(): void {
    this.steps++
    this.takeInterrupt()
    const pc = this.pc
    this.cycles++
    this.retired++
    try {
      if (!this.isRam(pc, 4) || !this.mayAccess(pc, 4, 'x', this.privilege)) throw new Trap(1, pc)
      const next = this.execute(this.read(pc, 4))
      this.pc = next ?? unsigned(pc + 4)
    } catch (trap) {
      if (!(trap instanceof Trap)) throw trap
      this.retired--
      this.enterTrap(trap.causeNumber, trap.value)
      this.pc = unsigned(this.mtvec & ~3)
    }
  }

  private enterTrap(cause: number, value: number): void {
    this.mepc = this.pc
    this.mcause = cause
    this.mtval = unsigned(value)
    const mpp = this.privilege === 'machine' ? 0x1800 : 0
    this.mstatus = (this.mstatus & 0x220000) | mpp | (this.mstatus & 8 ? 0x80 : 0)
    this.privilege = 'machine'
  }

  private takeInterrupt(): void {
    if (this.privilege === 'machine' && (this.mstatus & 8) === 0) return
    const number = [11, 3, 7].find((each) => bit(this.mip & this.mie, each) === 1)
    if (number === undefined) return
    this.enterTrap(unsigned(0x8000_0000 + number), 0)
    this.pc = unsigned((this.mtvec & ~3) + (this.mtvec & 1 ? 4 * number : 0))
  }

  /** Returns the next pc if it is not the following instruction. */
  private execute(word: number): number | undefined {
    const opcode = word & 0x7f
    const rd = (word >>> 7) & 31
    const funct3 = (word >>> 12) & 7
    const rs1 = this.x[(word >>> 15) & 31]!
    const rs2 = this.x[(word >>> 20) & 31]!
    const funct7 = word >>> 25
    const immI = word >> 20
    switch (opcode) {
      case 0x37:
        this.set(rd, word & ~0xfff)
        return undefined
      case 0x17:
        this.set(rd, this.pc + (word & ~0xfff))
        return undefined
      case 0x6f: {
        const bits = [bit(word, 31), (word >>> 12) & 0xff, bit(word, 20), (word >>> 21) & 0x3ff] as const
        const offset = signExtend((bits[0] << 20) | (bits[1] << 12) | (bits[2] << 11) | (bits[3] << 1), 21)
        return this.jump(rd, unsigned(this.pc + offset))
      }
      case 0x67:
        if (funct3 !== 0) throw new Trap(2, word)
        return this.jump(rd, unsigned((rs1 + immI) & ~1))
      case 0x63: {
        const high = (bit(word, 31) << 12) | (bit(word, 7) << 11)
        const offset = signExtend(high | (((word >>> 25) & 0x3f) << 5) | (((word >>> 8) & 15) << 1), 13)
        const a = rs1 | 0
        const b = rs2 | 0
        const taken = [a === b, a !== b, null, null, a < b, a >= b, rs1 < rs2, rs1 >= rs2][funct3]
        if (taken === null || taken === undefined) throw new Trap(2, word)
        if (!taken) return undefined
        const target = unsigned(this.pc + offset)
        if (target % 4 !== 0) throw new Trap(0, target)
        return target
      }
      case 0x03: {
        const width = [1, 2, 4, 0, 1, 2, 0, 0][funct3]!
        if (width === 0) throw new Trap(2, word)
        const address = unsigned(rs1 + immI)
        if (!this.mayAccess(address, width, 'r')) throw new Trap(5, address)
        const value = this.isRam(address, width) ? this.read(address, width) : this.loadFromDevice(address, width)
        this.set(rd, funct3 < 4 ? signExtend(value, 8 * width) : value)
        return undefined
      }
      case 0x23: {
        const width = [1, 2, 4][funct3]
        if (width === undefined) throw new Trap(2, word)
        const address = unsigned(rs1 + signExtend((funct7 << 5) | rd, 12))
        if (!this.mayAccess(address, width, 'w')) throw new Trap(7, address)
        if (this.isRam(address, width)) this.write(address, width, rs2)
        else this.storeToDevice(address, width, rs2)
        return undefined
      }
      case 0x13:
        if (funct3 === 1 && funct7 !== 0) throw new Trap(2, word)
        if (funct3 === 5 && funct7 !== 0 && funct7 !== 0x20) throw new Trap(2, word)
        this.set(rd, alu(funct3, funct3 === 5 && funct7 === 0x20, rs1, unsigned(immI)))
        return undefined
      case 0x33:
        if (funct7 === 1) this.set(rd, multiply(funct3, rs1, rs2))
        else if (funct7 === 0) this.set(rd, alu(funct3, false, rs1, rs2))
        else if (funct7 === 0x20 && funct3 === 0) this.set(rd, rs1 - rs2)
        else if (funct7 === 0x20 && funct3 === 5) this.set(rd, alu(5, true, rs1, rs2))
        else throw new Trap(2, word)
        return undefined
      case 0x0f:
        if (funct3 > 1) throw new Trap(2, word)
        return undefined
      case 0x2f:
        this.atomic(word, funct3, rd, rs1, rs2)
        return undefined
      case 0x73:
        if (funct3 !== 0) {
          this.csr(word, funct3, rd, rs1)
          return undefined
        }
        return this.system(word, rd, funct7)
      default:
        throw new Trap(2, word)
    }
  }

  private system(word: number, rd: number, funct7: number): number | undefined {
    if (word === 0x73) throw new Trap(this.privilege === 'machine' ? 11 : 8, 0)
    if (word === 0x100073) throw new Trap(3, this.pc)
    if (word === 0x10500073 && (this.privilege === 'machine' || (this.mstatus & 0x200000) === 0)) {
      this.waiting = true
      return undefined
    }
    if (this.privilege === 'user') throw new Trap(2, word)
    if (word === 0x30200073) {
      this.privilege = (this.mstatus & 0x1800) === 0x1800 ? 'machine' : 'user'
      const kept = this.privilege === 'machine' ? 0x220000 : 0x200000
      this.mstatus = (this.mstatus & kept) | (this.mstatus & 0x80 ? 0x88 : 0x80)
      return this.mepc
    }
    if (funct7 === 9 && rd === 0) return undefined
    throw new Trap(2, word)
  }

  private csr(word: number, funct3: number, rd: number, rs1: number): void {
    const number = word >>> 20
    const field = (word >>> 15) & 31
    const operand = funct3 & 4 ? field : rs1
    const old = this.readCsr(number)
    const writes = funct3 % 4 === 1 || field !== 0
    const isForUser = (number & 0x300) === 0
    if (funct3 === 4 || old === undefined || (writes && number >= 0xc00)) throw new Trap(2, word)
    if (this.privilege === 'user' && !isForUser) throw new Trap(2, word)
    if (writes) this.writeCsr(number, unsigned([0, operand, old | operand, old & ~operand][funct3 % 4]!))
    this.set(rd, old)
  }

  /** Only those that random programs name; anything else they name must be illegal here and there. */
  private readCsr(number: number): number | undefined {
    switch (number) {
      case 0x300:
        return this.mstatus
      case 0x301:
        return 0x4010_1101
      case 0x304:
        return this.mie
      case 0x305:
        return this.mtvec
      case 0x306:
        return this.mcounteren
      case 0x340:
        return this.mscratch
      case 0x341:
        return this.mepc
      case 0x342:
        return this.mcause
      case 0x343:
        return this.mtval
      case 0xc00:
        return this.mayRead(0) ? this.readCsr(0xb00) : undefined
      case 0xb00:
        return Number(BigInt.asUintN(32, this.cycles - 1n))
      case 0xc02:
        return this.mayRead(2) ? this.readCsr(0xb02) : undefined
      case 0xb02:
        return Number(BigInt.asUintN(32, this.retired - 1n))
      case 0xc01:
        return this.mayRead(1) ? this.bus?.timeLow() : undefined
      case 0xc81:
        return this.mayRead(1) ? this.bus?.timeHigh() : undefined
      case 0x344:
        return this.mip
      case 0xf14:
        return 0
    }
    if (number >= 0x3a0 && number < 0x3a4) {
      const four = this.pmpcfg.slice(4 * (number - 0x3a0), 4 * (number - 0x3a0) + 4)
      return four.reduceRight((word, octet) => word * 256 + octet, 0)
    }
    return number >= 0x3b0 && number < 0x3c0 ? this.pmpaddr[number - 0x3b0] : undefined
  }

  private mayRead(counter: number): boolean {
    return this.privilege === 'machine' || bit(this.mcounteren, counter) === 1
  }

  private writeCsr(number: number, value: number): void {
    if (number === 0x300) {
      const mpp = [0, 0x1800].includes(value & 0x1800) ? value & 0x1800 : this.mstatus & 0x1800
      this.mstatus = (value & 0x220088) | mpp
    } else if (number === 0x306) this.mcounteren = value & 7
    else if (number >= 0x3a0 && number < 0x3a4) this.writePmpcfg(4 * (number - 0x3a0), value)
    else if (number >= 0x3b0 && number < 0x3c0) this.writePmpaddr(number - 0x3b0, value)
    else if (number === 0x304) this.mie = value & 0x888
    else if (number === 0x305) this.mtvec = unsigned(value & ~2)
    else if (number === 0x340) this.mscratch = value
    else if (number === 0x341) this.mepc = unsigned(value & ~3)
    else if (number === 0x342) this.mcause = value
    else if (number === 0x343) this.mtval = value
    else if (number === 0xb00) this.cycles = ((this.cycles - 1n) & ~0xffff_ffffn) | BigInt(value)
    else if (number === 0xb02) this.retired = ((this.retired - 1n) & ~0xffff_ffffn) | BigInt(value)
  }

  private writePmpcfg(first: number, value: number): void {
    for (let i = 0; i < 4; i++) {
      let octet = (value >>> (8 * i)) & 0x9f
      if ((octet & 3) === 2) octet &= ~7 // writable, not readable
      if (this.pmpcfg[first + i]! < 0x80) this.pmpcfg[first + i] = octet
    }
  }

  private writePmpaddr(entry: number, value: number): void {
    const isLocked = this.pmpcfg[entry]! >= 0x80
    const above = this.pmpcfg[entry + 1] ?? 0
    const isBottomOfLocked = above >= 0x80 && ((above >>> 3) & 3) === 1
    if (!isLocked && !isBottomOfLocked) this.pmpaddr[entry] = value
  }

  /** Without a mode: that of loads and stores. */
  private mayAccess(address: number, octets: number, needs: 'r' | 'w' | 'x', mode = this.dataPrivilege()): boolean {
    for (let entry = 0; entry < 16; entry++) {
      let held = 0
      for (let i = 0; i < octets; i++) if (this.isInEntry(address + i, entry)) held++
      if (held === 0) continue
      if (held < octets) return false
      const octet = this.pmpcfg[entry]!
      if (mode === 'machine' && octet < 0x80) return true
      return bit(octet, 'rwx'.indexOf(needs)) === 1
    }
    return mode === 'machine'
  }

  private isInEntry(address: number, entry: number): boolean {
    const word = BigInt(this.pmpaddr[entry]!)
    const at = BigInt(address)
    switch ((this.pmpcfg[entry]! >>> 3) & 3) {
      case 0:
        return false
      case 1:
        return at >= BigInt(this.pmpaddr[entry - 1] ?? 0) * 4n && at < word * 4n
      case 2:
        return at >> 2n === word
      default: {
        let ones = 0n
        while ((word >> ones) & 1n) ones++
        return at >> (ones + 3n) === word >> (ones + 1n)
      }
    }
  }

  private dataPrivilege(): 'user' | 'machine' {
    if (this.privilege === 'machine' && bit(this.mstatus, 17) === 1 && (this.mstatus & 0x1800) === 0) return 'user'
    return this.privilege
  }

  private atomic(word: number, funct3: number, rd: number, address: number, operand: number): void {
    const funct5 = word >>> 27
    const known = [0, 1, 2, 3, 4, 8, 12, 16, 20, 24, 28]
    if (funct3 !== 2 || !known.includes(funct5) || (funct5 === 2 && ((word >>> 20) & 31) !== 0)) throw new Trap(2, word)
    if (address % 4 !== 0) throw new Trap(funct5 === 2 ? 4 : 6, address)
    const isAllowed = [funct5 === 3 || this.mayAccess(address, 4, 'r'), funct5 === 2 || this.mayAccess(address, 4, 'w')]
    if (!this.isRam(address, 4) || isAllowed.includes(false)) throw new Trap(funct5 === 2 ? 5 : 7, address)
    const old = this.read(address, 4)
    if (funct5 === 2) this.reservation = { address, value: old }
    else if (funct5 === 3) {
      const succeeds = this.reservation?.address === address && this.reservation.value === old
      this.reservation = null
      if (succeeds) this.write(address, 4, operand)
      this.set(rd, succeeds ? 0 : 1)
      return
    } else this.write(address, 4, atomicValue(funct5, old, operand))
    this.set(rd, old)
  }

  private loadFromDevice(address: number, width: number): number {
    if (address % width !== 0) throw new Trap(4, address)
    const value = this.bus?.load(address, width) ?? -1
    if (value < 0) throw new Trap(5, address)
    return value
  }

  private storeToDevice(address: number, width: number, value: number): void {
    if (address % width !== 0) throw new Trap(6, address)
    if (this.bus?.store(address, width, value % 256 ** width) !== true) throw new Trap(7, address)
    this.hasStoredToDevice = true
  }

  private jump(rd: number, target: number): number {
    if (target % 4 !== 0) throw new Trap(0, target)
    this.set(rd, this.pc + 4)
    return target
  }

  private set(rd: number, value: number): void {
    if (rd !== 0) this.x[rd] = unsigned(value)
  }

  private isRam(address: number, octets: number): boolean {
    return address >= RAM_BASE && address + octets <= RAM_BASE + this.memory.length
  }

  private read(address: number, octets: number): number {
    let value = 0
    for (let i = 0; i < octets; i++) value += this.memory[address - RAM_BASE + i]! * 256 ** i
    return value
  }

  private write(address: number, octets: number, value: number): void {
    for (let i = 0; i < octets; i++) this.memory[address - RAM_BASE + i] = Math.floor(value / 256 ** i)
  }
}

class Trap extends Error {
  constructor(
    readonly causeNumber: number,
    readonly value: number,
  ) {
    super(`trap ${causeNumber}`)
  }
}

function alu(funct3: number, isArithmeticShift: boolean, a: number, b: number): number {
  switch (funct3) {
    case 0:
      return a + b
    case 1:
      return a << (b & 31)
    case 2:
      return (a | 0) < (b | 0) ? 1 : 0
    case 3:
      return a < b ? 1 : 0
    case 4:
      return a ^ b
    case 5:
      return isArithmeticShift ? (a | 0) >> (b & 31) : a >>> (b & 31)
    case 6:
      return a | b
    default:
      return a & b
  }
}

function multiply(funct3: number, a: number, b: number): number {
  const [unsignedA, unsignedB] = [BigInt(a), BigInt(b)]
  const [signedA, signedB] = [BigInt(a | 0), BigInt(b | 0)]
  const low = (value: bigint): number => Number(BigInt.asUintN(32, value))
  switch (funct3) {
    case 0:
      return low(unsignedA * unsignedB)
    case 1:
      return low((signedA * signedB) >> 32n)
    case 2:
      return low((signedA * unsignedB) >> 32n)
    case 3:
      return low((unsignedA * unsignedB) >> 32n)
    case 4:
      return b === 0 ? 0xffff_ffff : low(signedA / signedB)
    case 5:
      return b === 0 ? 0xffff_ffff : low(unsignedA / unsignedB)
    case 6:
      return b === 0 ? a : low(signedA % signedB)
    default:
      return b === 0 ? a : low(unsignedA % unsignedB)
  }
}

function atomicValue(funct5: number, old: number, operand: number): number {
  const isOldLess = (old | 0) < (operand | 0)
  switch (funct5) {
    case 0:
      return unsigned(old + operand)
    case 1:
      return operand
    case 4:
      return unsigned(old ^ operand)
    case 8:
      return unsigned(old | operand)
    case 12:
      return unsigned(old & operand)
    case 16:
      return isOldLess ? old : operand
    case 20:
      return isOldLess ? operand : old
    case 24:
      return old < operand ? old : operand
    default:
      return old < operand ? operand : old
  }
}

function unsigned(value: number): number {
  return Number(BigInt.asUintN(32, BigInt(value)))
}

function signExtend(value: number, bits: number): number {
  return Number(BigInt.asIntN(bits, BigInt(value)))
}

function bit(word: number, index: number): number {
  return (word >>> index) & 1
}
