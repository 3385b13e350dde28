/**
 * Platform-level interrupt controller (RISC-V PLIC specification 1.0.0; registers where QEMU's hw/intc/sifive_plic.c has
 * them). Context 0 is the hart's machine mode. Context 1 would be its supervisor mode, which it does not have: its
 * registers can be used, but its line leads nowhere.
 *
 *     0x000000 priority of source n at 4 n   0x001000 pending bits   0x002000 enable bits, 0x80 a context
 *     0x200000 threshold, 0x1000 a context   0x200004 claim (read), complete (write), 0x1000 a context
 *
 * Sources are levels: one that is still high when its claim is completed is pending again (specification, section "Interrupt Gateways").
 */
import type { DeviceStateDescription, StatefulDevice, StateValues } from './device-state.js'
import { StateReader } from './state-values.js'

/** Sources 1 to 95 have registers. The board uses 1 to 11, so one word of pending bits is enough: the others are 0. */
const SOURCES = 96
const WORDS = SOURCES / 32
const CONTEXTS = 2
const PRIORITY_MAX = 7

const PENDING = 0x1000
const ENABLE = 0x2000
const ENABLE_STRIDE = 0x80
const CONTEXT = 0x20_0000
const CONTEXT_STRIDE = 0x1000
const THRESHOLD = 0
const CLAIM = 4

const DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'riscv_sifive_plic',
  instanceId: 0,
  version: 1,
  vmsdName: 'riscv_sifive_plic',
  fields: [
    { name: 'source_priority', type: 'uint32', arrayLength: SOURCES },
    { name: 'target_priority', type: 'uint32', arrayLength: CONTEXTS },
    { name: 'pending', type: 'uint32', arrayLength: WORDS },
    { name: 'claimed', type: 'uint32', arrayLength: WORDS },
    { name: 'enable', type: 'uint32', arrayLength: CONTEXTS * WORDS },
  ],
} satisfies DeviceStateDescription)

export class Plic implements StatefulDevice {
  readonly stateDescription = DESCRIPTION
  private readonly priority = new Uint32Array(SOURCES)
  private readonly threshold = new Uint32Array(CONTEXTS)
  /** One bit a source, by context and word. */
  private readonly enable = new Uint32Array(CONTEXTS * WORDS)
  /** One bit a source, of sources 1 to 31. */
  private level = 0
  private pending = 0
  private claimed = 0

  /** A device drives its line. What became pending stays so until it is claimed, even if the line falls meanwhile. */
  setLevel(source: number, isHigh: boolean): void {
    const bit = 1 << source
    this.level = isHigh ? this.level | bit : this.level & ~bit
    if (isHigh) this.pending |= bit & ~this.claimed
  }

  /** Whether the hart's external interrupt line is high. */
  isInterrupting(): boolean {
    return (this.pending & this.enable[0]!) !== 0 && this.best(0) !== 0
  }

  load(offset: number, width: number): number {
    if (width !== 4) return -1
    if (offset < 4 * SOURCES) return this.priority[offset >>> 2]!
    if (offset === PENDING) return this.pending >>> 0
    const enableWord = enableIndex(offset)
    if (enableWord >= 0) return this.enable[enableWord]!
    const context = contextOf(offset)
    if (context < 0) return 0
    const register = offset % CONTEXT_STRIDE
    return register === THRESHOLD ? this.threshold[context]! : register === CLAIM ? this.claim(context) : 0
  }

  store(offset: number, width: number, value: number): boolean {
    if (width !== 4) return false
    const enableWord = enableIndex(offset)
    const context = contextOf(offset)
    if (offset > 0 && offset < 4 * SOURCES) this.priority[offset >>> 2] = value & PRIORITY_MAX
    else if (enableWord >= 0) this.enable[enableWord] = enableWord % WORDS === 0 ? value & ~1 : value
    else if (context >= 0 && offset % CONTEXT_STRIDE === THRESHOLD) this.threshold[context] = value & PRIORITY_MAX
    else if (context >= 0 && offset % CONTEXT_STRIDE === CLAIM && value < 32) this.complete(context, value)
    return true
  }

  saveState(): StateValues {
    return {
      source_priority: [...this.priority],
      target_priority: [...this.threshold],
      pending: [this.pending >>> 0, 0, 0],
      claimed: [this.claimed >>> 0, 0, 0],
      enable: [...this.enable],
    }
  }

  /** The devices drive their lines again before the hart runs. */
  loadState(values: StateValues): void {
    const state = new StateReader('riscv_sifive_plic', values)
    const noSource0 = (name: string, bits: number): number =>
      bits % 2 === 1 ? state.refuse(name, 'set for source 0, which does not exist') : bits | 0
    const priority = state.numbers('source_priority', SOURCES, PRIORITY_MAX)
    if (priority[0] !== 0) state.refuse('source_priority', 'not 0 for source 0, which does not exist')
    const threshold = state.numbers('target_priority', CONTEXTS, PRIORITY_MAX)
    const enable = state.numbers('enable', CONTEXTS * WORDS, 0xffff_ffff)
    for (let context = 0; context < CONTEXTS; context++) noSource0('enable', enable[context * WORDS]!)
    const [pending, claimed] = ['pending', 'claimed'].map((name) => {
      const [first, ...others] = state.numbers(name, WORDS, 0xffff_ffff)
      if (others.some((word) => word !== 0)) state.refuse(name, 'set for a source that no device of the board drives')
      return noSource0(name, first!)
    })
    this.priority.set(priority)
    this.threshold.set(threshold)
    this.enable.set(enable)
    Object.assign(this, { level: 0, pending, claimed })
  }

  /** The enabled pending source of the highest priority above the threshold, the lowest number first; or 0. */
  private best(context: number): number {
    const candidates = this.pending & this.enable[context * WORDS]!
    let best = 0
    let bestPriority = this.threshold[context]!
    for (let source = 1; source < 32; source++) {
      if ((candidates >>> source) % 2 === 0) continue
      if (this.priority[source]! > bestPriority) {
        best = source
        bestPriority = this.priority[source]!
      }
    }
    return best
  }

  private claim(context: number): number {
    const source = this.best(context)
    if (source !== 0) {
      this.pending &= ~(1 << source)
      this.claimed |= 1 << source
    }
    return source
  }

  /** Section "Interrupt Completion": a completion for a source that is not enabled for the context is ignored. */
  private complete(context: number, source: number): void {
    const bit = 1 << source
    if ((this.enable[context * WORDS]! & bit) === 0) return
    this.claimed &= ~bit
    this.pending |= this.level & bit
  }
}

/** Which word of `enable` a register is, or -1. */
function enableIndex(offset: number): number {
  const at = offset - ENABLE
  if (at < 0 || at >= CONTEXTS * ENABLE_STRIDE) return -1
  const word = (at % ENABLE_STRIDE) >>> 2
  return word < WORDS ? Math.floor(at / ENABLE_STRIDE) * WORDS + word : -1
}

/** Which context's threshold and claim registers `offset` is among, or -1. */
function contextOf(offset: number): number {
  const at = offset - CONTEXT
  return at >= 0 && at < CONTEXTS * CONTEXT_STRIDE ? Math.floor(at / CONTEXT_STRIDE) : -1
}
