/**
 * The fast path: runs decoded instructions out of one flat typed array, without allocation.
 *
 * Long because it is one `switch`; its cases are the numbers of `OP` in decode.ts, written as literals because only
 * those become a jump table. `test/support/slow-hart.ts` is its obvious twin, and the two are compared on random programs.
 * Reads of typed arrays carry `!`: indices come from the decoder or were compared with the length.
 */
import { div, divu, mulh, mulhsu, mulhu, rem, remu } from './arithmetic.js'
import { CAUSE } from './csr.js'
import { DECODED_WORDS } from './decode.js'
import type { Hart } from './hart.js'
import { PAGE_MISSING, RAM_BASE } from './memory.js'

/**
 * Run `hart` from its `pc` until `limit` instructions have begun, `wfi`, a store to a device or a watched word, or an
 * instruction that needs a missing page. Returns how many have begun.
 */
export function interpret(hart: Hart, limit: number): number {
  const { x, code, memory } = hart
  const { octets, halves, words, attention } = memory
  const ramOctets = octets.length
  let left = limit

  // Each turn begins at `hart.pc`: at the start, after a trap, and after a jump out of the page.
  for (;;) {
    if (left === 0) return limit
    if (hart.mip !== 0) hart.takeInterrupt()
    const start = (hart.pc - RAM_BASE) >>> 0
    if (start >= ramOctets) {
      hart.raise(CAUSE.instructionAccessFault, hart.pc)
      left--
      continue
    }
    // Guarded, every access goes the slow way, and instructions are fetched by the page or one at a time.
    let reach = ramOctets
    let pause = 0
    if (hart.isGuarded) {
      const fetchable = hart.fetchable()
      if (fetchable === PAGE_MISSING) return limit - left
      if (fetchable < 0) {
        left--
        continue
      }
      reach = 0
      if (fetchable === 1) pause = left - 1
    }
    const entry = code.pageEntry(start)
    const pool = code.pool
    const pageBase = hart.pc & ~0xfff
    // Address of the instruction at index i of the pool: bias + 2 * i.
    const bias = (pageBase - 2 * entry) | 0
    let i = entry + ((start & 0xffc) >>> 1)

    page: for (;;) {
      if (left === pause) {
        hart.pc = (bias + 2 * i) >>> 0
        break page
      }
      left--
      const w = pool[i]!
      const imm = pool[i + 1]!
      i += DECODED_WORDS
      switch (w & 0xff) {
        case 0: // undecoded
          left++
          i -= DECODED_WORDS
          code.decodeAt(i, (bias + 2 * i - RAM_BASE) >>> 0)
          continue
        case 1: // pageEnd
          left++
          hart.pc = (pageBase + 0x1000) >>> 0
          break page
        case 2: // illegal
          hart.pc = (bias + 2 * i - 4) >>> 0
          hart.raise(CAUSE.illegalInstruction, imm >>> 0)
          break page
        case 3: // constant
          x[(w >> 8) & 63] = imm
          continue
        case 4: // jalNear
          x[(w >> 8) & 63] = bias + 2 * i
          i += imm
          continue
        case 5: // beqNear
          if (x[(w >> 16) & 63]! === x[w >>> 24]!) i += imm
          continue
        case 6: // bneNear
          if (x[(w >> 16) & 63]! !== x[w >>> 24]!) i += imm
          continue
        case 7: // bltNear
          if (x[(w >> 16) & 63]! < x[w >>> 24]!) i += imm
          continue
        case 8: // bgeNear
          if (x[(w >> 16) & 63]! >= x[w >>> 24]!) i += imm
          continue
        case 9: // bltuNear
          if (x[(w >> 16) & 63]! >>> 0 < x[w >>> 24]! >>> 0) i += imm
          continue
        case 10: // bgeuNear
          if (x[(w >> 16) & 63]! >>> 0 >= x[w >>> 24]! >>> 0) i += imm
          continue
        case 11: // jalFar
          if ((imm & 3) === 0) {
            x[(w >> 8) & 63] = bias + 2 * i
            hart.pc = imm >>> 0
            break page
          }
          break
        case 12: // beqFar
          if (x[(w >> 16) & 63]! !== x[w >>> 24]!) continue
          break
        case 13: // bneFar
          if (x[(w >> 16) & 63]! === x[w >>> 24]!) continue
          break
        case 14: // bltFar
          if (x[(w >> 16) & 63]! >= x[w >>> 24]!) continue
          break
        case 15: // bgeFar
          if (x[(w >> 16) & 63]! < x[w >>> 24]!) continue
          break
        case 16: // bltuFar
          if (x[(w >> 16) & 63]! >>> 0 >= x[w >>> 24]! >>> 0) continue
          break
        case 17: // bgeuFar
          if (x[(w >> 16) & 63]! >>> 0 < x[w >>> 24]! >>> 0) continue
          break
        case 18: {
          // jalr
          const target = (x[(w >> 16) & 63]! + imm) & ~1
          if ((target & 2) !== 0) {
            hart.pc = (bias + 2 * i - 4) >>> 0
            hart.raise(CAUSE.instructionMisaligned, target >>> 0)
            break page
          }
          x[(w >> 8) & 63] = bias + 2 * i
          if ((target & ~0xfff) === pageBase) {
            i = entry + ((target & 0xffc) >>> 1)
            continue
          }
          hart.pc = target >>> 0
          break page
        }
        case 19: // lb
        case 22: {
          // lbu
          const address = (x[(w >> 16) & 63]! + imm) | 0
          const offset = (address - RAM_BASE) >>> 0
          let value
          if (offset < reach) value = octets[offset]!
          else {
            hart.remaining = left
            hart.pc = (bias + 2 * i - 4) >>> 0
            value = hart.loadSlowly(address >>> 0, 1)
            if (value === PAGE_MISSING) return limit - left - 1
            if (value < 0) break page
          }
          x[(w >> 8) & 63] = (w & 0xff) === 19 ? (value << 24) >> 24 : value
          continue
        }
        case 20: // lh
        case 23: {
          // lhu
          const address = (x[(w >> 16) & 63]! + imm) | 0
          const offset = (address - RAM_BASE) >>> 0
          let value
          if (offset < reach && (offset & 1) === 0) value = halves[offset >>> 1]!
          else {
            hart.remaining = left
            hart.pc = (bias + 2 * i - 4) >>> 0
            value = hart.loadSlowly(address >>> 0, 2)
            if (value === PAGE_MISSING) return limit - left - 1
            if (value < 0) break page
          }
          x[(w >> 8) & 63] = (w & 0xff) === 20 ? (value << 16) >> 16 : value
          continue
        }
        case 21: {
          // lw
          const address = (x[(w >> 16) & 63]! + imm) | 0
          const offset = (address - RAM_BASE) >>> 0
          if (offset < reach && (offset & 3) === 0) x[(w >> 8) & 63] = words[offset >>> 2]!
          else {
            hart.remaining = left
            hart.pc = (bias + 2 * i - 4) >>> 0
            const value = hart.loadSlowly(address >>> 0, 4)
            if (value === PAGE_MISSING) return limit - left - 1
            if (value < 0) break page
            x[(w >> 8) & 63] = value
          }
          continue
        }
        case 24: {
          // sb
          const address = (x[(w >> 16) & 63]! + imm) | 0
          const offset = (address - RAM_BASE) >>> 0
          if (offset < reach) {
            octets[offset] = x[w >>> 24]!
            if (attention[offset >>> 12] !== 0 && memory.noteStore(offset)) {
              hart.pc = (bias + 2 * i) >>> 0
              return limit - left
            }
            continue
          }
          hart.remaining = left
          hart.pc = (bias + 2 * i - 4) >>> 0
          const outcome = hart.storeSlowly(address >>> 0, 1, x[w >>> 24]!)
          if (outcome === 'done') continue
          if (outcome === 'trapped') break page
          if (outcome === 'page-missing') return limit - left - 1
          hart.pc = (bias + 2 * i) >>> 0
          return limit - left
        }
        case 25: {
          // sh
          const address = (x[(w >> 16) & 63]! + imm) | 0
          const offset = (address - RAM_BASE) >>> 0
          if (offset < reach && (offset & 1) === 0) {
            halves[offset >>> 1] = x[w >>> 24]!
            if (attention[offset >>> 12] !== 0 && memory.noteStore(offset)) {
              hart.pc = (bias + 2 * i) >>> 0
              return limit - left
            }
            continue
          }
          hart.remaining = left
          hart.pc = (bias + 2 * i - 4) >>> 0
          const outcome = hart.storeSlowly(address >>> 0, 2, x[w >>> 24]!)
          if (outcome === 'done') continue
          if (outcome === 'trapped') break page
          if (outcome === 'page-missing') return limit - left - 1
          hart.pc = (bias + 2 * i) >>> 0
          return limit - left
        }
        case 26: {
          // sw
          const address = (x[(w >> 16) & 63]! + imm) | 0
          const offset = (address - RAM_BASE) >>> 0
          if (offset < reach && (offset & 3) === 0) {
            words[offset >>> 2] = x[w >>> 24]!
            if (attention[offset >>> 12] !== 0 && memory.noteStore(offset)) {
              hart.pc = (bias + 2 * i) >>> 0
              return limit - left
            }
            continue
          }
          hart.remaining = left
          hart.pc = (bias + 2 * i - 4) >>> 0
          const outcome = hart.storeSlowly(address >>> 0, 4, x[w >>> 24]!)
          if (outcome === 'done') continue
          if (outcome === 'trapped') break page
          if (outcome === 'page-missing') return limit - left - 1
          hart.pc = (bias + 2 * i) >>> 0
          return limit - left
        }
        case 27: // addi
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! + imm
          continue
        case 28: // slti
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! < imm ? 1 : 0
          continue
        case 29: // sltiu
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! >>> 0 < imm >>> 0 ? 1 : 0
          continue
        case 30: // xori
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! ^ imm
          continue
        case 31: // ori
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! | imm
          continue
        case 32: // andi
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! & imm
          continue
        case 33: // slli
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! << imm
          continue
        case 34: // srli
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! >>> imm
          continue
        case 35: // srai
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! >> imm
          continue
        case 36: // add
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! + x[w >>> 24]!
          continue
        case 37: // sub
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! - x[w >>> 24]!
          continue
        case 38: // sll
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! << x[w >>> 24]!
          continue
        case 39: // slt
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! < x[w >>> 24]! ? 1 : 0
          continue
        case 40: // sltu
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! >>> 0 < x[w >>> 24]! >>> 0 ? 1 : 0
          continue
        case 41: // xor
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! ^ x[w >>> 24]!
          continue
        case 42: // srl
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! >>> x[w >>> 24]!
          continue
        case 43: // sra
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! >> x[w >>> 24]!
          continue
        case 44: // or
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! | x[w >>> 24]!
          continue
        case 45: // and
          x[(w >> 8) & 63] = x[(w >> 16) & 63]! & x[w >>> 24]!
          continue
        case 46: // mul
          x[(w >> 8) & 63] = Math.imul(x[(w >> 16) & 63]!, x[w >>> 24]!)
          continue
        case 47: // mulh
          x[(w >> 8) & 63] = mulh(x[(w >> 16) & 63]!, x[w >>> 24]!)
          continue
        case 48: // mulhsu
          x[(w >> 8) & 63] = mulhsu(x[(w >> 16) & 63]!, x[w >>> 24]!)
          continue
        case 49: // mulhu
          x[(w >> 8) & 63] = mulhu(x[(w >> 16) & 63]!, x[w >>> 24]!)
          continue
        case 50: // div
          x[(w >> 8) & 63] = div(x[(w >> 16) & 63]!, x[w >>> 24]!)
          continue
        case 51: // divu
          x[(w >> 8) & 63] = divu(x[(w >> 16) & 63]!, x[w >>> 24]!)
          continue
        case 52: // rem
          x[(w >> 8) & 63] = rem(x[(w >> 16) & 63]!, x[w >>> 24]!)
          continue
        case 53: // remu
          x[(w >> 8) & 63] = remu(x[(w >> 16) & 63]!, x[w >>> 24]!)
          continue
        case 54: // nothing
          continue
        case 55: // ecall
          hart.pc = (bias + 2 * i - 4) >>> 0
          hart.callEnvironment()
          break page
        case 56: // ebreak
          hart.pc = (bias + 2 * i - 4) >>> 0
          hart.raise(CAUSE.breakpoint, hart.pc)
          break page
        case 57: // mret
          hart.pc = (bias + 2 * i - 4) >>> 0
          hart.returnFromTrap(imm)
          break page
        case 58: // wfi
          hart.pc = (bias + 2 * i - 4) >>> 0
          if (!hart.waitForInterrupt(imm)) break page
          hart.pc = (bias + 2 * i) >>> 0
          return limit - left
        case 59: // csr
          hart.remaining = left
          hart.pc = (bias + 2 * i - 4) >>> 0
          if (hart.csrInstruction(imm)) hart.pc = (bias + 2 * i) >>> 0
          break page
        case 60: {
          // amo
          hart.pc = (bias + 2 * i - 4) >>> 0
          const outcome = hart.atomic(imm)
          if (outcome === 'done') continue
          if (outcome === 'trapped') break page
          if (outcome === 'page-missing') return limit - left - 1
          hart.pc = (bias + 2 * i) >>> 0
          return limit - left
        }
        case 61: // sfence
          hart.pc = (bias + 2 * i - 4) >>> 0
          if (!hart.requireMachine(imm)) break page
          continue
      }
      // Only a jump out of the page, or to an address that is not aligned, comes here.
      if ((imm & 3) === 0) hart.pc = imm >>> 0
      else {
        hart.pc = (bias + 2 * i - 4) >>> 0
        hart.raise(CAUSE.instructionMisaligned, imm >>> 0)
      }
      break page
    }
  }
}
