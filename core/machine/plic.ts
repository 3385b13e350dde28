/**
 * Platform-level interrupt controller, one hart's machine-mode context (RISC-V PLIC specification 1.0.0; registers where
 * QEMU's hw/intc/sifive_plic.c has them).
 *
 *     0x000000 priority of source n at 4 n   0x001000 pending bits   0x002000 enable bits of context 0
 *     0x200000 threshold of context 0        0x200004 claim (read), complete (write)
 *
 * Sources are levels: one that is still high when its claim is completed is pending again (specification, section 3).
 * Left out: the supervisor-mode context, whose registers read 0.
 */
import type { DeviceStateDescription, StatefulDevice, StateValues } from './device-state.js'
import { StateReader } from './state-values.js'

/** Sources 1 to 31: the board uses 1 to 11. */
const SOURCES = 32
const PRIORITY_MAX = 7

const PENDING = 0x1000
const ENABLE = 0x2000
const THRESHOLD = 0x20_0000
const CLAIM = 0x20_0004

const DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'riscv_sifive_plic',
  instanceId: 0,
  version: 1,
  vmsdName: 'riscv_sifive_plic',
  fields: [
    { name: 'source_priority', type: 'uint32', arrayLength: SOURCES },
    { name: 'target_priority', type: 'uint32' },
    { name: 'level', type: 'uint32' },
    { name: 'pending', type: 'uint32' },
    { name: 'claimed', type: 'uint32' },
    { name: 'enable', type: 'uint32' },
  ],
} satisfies DeviceStateDescription)

export class Plic implements StatefulDevice {
  readonly stateDescription = DESCRIPTION
  private readonly priority = new Uint32Array(SOURCES)
  private threshold = 0
  /** One bit a source. */
  private level = 0
  private pending = 0
  private claimed = 0
  private enable = 0

  /** A device drives its line. */
  setLevel(source: number, isHigh: boolean): void {
    const bit = 1 << source
    this.level = isHigh ? this.level | bit : this.level & ~bit
    if (isHigh) this.pending |= bit & ~this.claimed
    else this.pending &= ~bit
  }

  /** Whether the hart's external interrupt line is high. */
  isInterrupting(): boolean {
    return (this.pending & this.enable) !== 0 && this.best() !== 0
  }

  load(offset: number, width: number): number {
    if (width !== 4) return -1
    if (offset < 4 * SOURCES) return this.priority[offset >>> 2]!
    if (offset === PENDING) return this.pending >>> 0
    if (offset === ENABLE) return this.enable >>> 0
    if (offset === THRESHOLD) return this.threshold
    return offset === CLAIM ? this.claim() : 0
  }

  store(offset: number, width: number, value: number): boolean {
    if (width !== 4) return false
    if (offset > 0 && offset < 4 * SOURCES) this.priority[offset >>> 2] = value & PRIORITY_MAX
    else if (offset === ENABLE) this.enable = value & ~1
    else if (offset === THRESHOLD) this.threshold = value & PRIORITY_MAX
    else if (offset === CLAIM && value < SOURCES) this.complete(value)
    return true
  }

  saveState(): StateValues {
    return {
      source_priority: [...this.priority],
      target_priority: this.threshold,
      level: this.level >>> 0,
      pending: this.pending >>> 0,
      claimed: this.claimed >>> 0,
      enable: this.enable >>> 0,
    }
  }

  loadState(values: StateValues): void {
    const state = new StateReader('riscv_sifive_plic', values)
    const priority = state.numbers('source_priority', SOURCES, PRIORITY_MAX)
    const threshold = state.number('target_priority', PRIORITY_MAX)
    const [level, pending, claimed, enable] = ['level', 'pending', 'claimed', 'enable'].map((name) => {
      const bits = state.u32(name)
      return bits & 1 ? state.refuse(name, 'set for source 0, which does not exist') : bits | 0
    }) as [number, number, number, number]
    this.priority.set(priority)
    this.threshold = threshold
    this.level = level
    this.pending = pending
    this.claimed = claimed
    this.enable = enable
  }

  /** The enabled pending source of the highest priority above the threshold, the lowest number first; or 0. */
  private best(): number {
    let best = 0
    let bestPriority = this.threshold
    for (let source = 1; source < SOURCES; source++) {
      if (((this.pending & this.enable) >>> source) % 2 === 0) continue
      if (this.priority[source]! > bestPriority) {
        best = source
        bestPriority = this.priority[source]!
      }
    }
    return best
  }

  private claim(): number {
    const source = this.best()
    if (source !== 0) {
      this.pending &= ~(1 << source)
      this.claimed |= 1 << source
    }
    return source
  }

  private complete(source: number): void {
    const bit = 1 << source
    if ((this.enable & bit) === 0) return
    this.claimed &= ~bit
    this.pending |= this.level & bit
  }
}
