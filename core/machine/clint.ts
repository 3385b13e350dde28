/**
 * Core-local interruptor: software interrupt, timer, and the clock they share.
 *
 *     0x0000 msip   0x4000 mtimecmp (low, high)   0xbff8 mtime (low, high)
 *
 * Registers as in the SiFive FU540 manual, chapter 9, and QEMU's hw/intc/riscv_aclint.c; 32-bit accesses. `mtime` counts
 * at 10 MHz (RISCV_ACLINT_DEFAULT_TIMEBASE_FREQ) on the guest's clock: it stands still while the machine is paused, and
 * goes on from the saved value on the machine that loads it.
 */
import type { Nanos } from '../base/units.js'
import type { DeviceStateDescription, StatefulDevice, StateBody, StateValues } from './device-state.js'
import type { GuestClock } from './guest-clock.js'
import { StateReader } from './state-values.js'

/** Nanoseconds in one count of `mtime`. */
const TICK_NS = 100
const TWO_32 = 0x1_0000_0000
/** So many times 2^32 ticks are fewer than 2^53 ns. */
const TICKS_HIGH_MAX = 2 ** 14

const MSIP = 0x0000
const MTIMECMP = 0x4000
const MTIME = 0xbff8

/**
 * QEMU 7.2 sends `mtimecmp` alone: `mtime` follows from the clock, of section `timer`, and the software interrupt from the
 * hart's `mip`. The subsection is ours, for a guest that set `mtime` to what the clock cannot show.
 */
const TIME_DELTA = Object.freeze({
  vmsdName: 'riscv_mtimer/time_delta',
  version: 1,
  fields: [{ name: 'time_delta', type: 'uint64' }],
} satisfies StateBody)
const DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'riscv_mtimer',
  instanceId: 0,
  version: 1,
  vmsdName: 'riscv_mtimer',
  fields: [{ name: 'timecmp', type: 'uint64' }],
  subsections: [TIME_DELTA],
} satisfies DeviceStateDescription)

export class Clint implements StatefulDevice {
  readonly stateDescription = DESCRIPTION
  msip = false
  /** `mtime` less the ticks of the guest's clock, modulo 2^64, in two unsigned halves. */
  private baseLow = 0
  private baseHigh = 0
  /** 0 at reset, as in QEMU: the timer interrupt is pending until a guest sets `mtimecmp`. */
  private compareLow = 0
  private compareHigh = 0

  constructor(private readonly clock: GuestClock) {}

  /** `mtime` at guest time `guestNs`, as two unsigned halves. */
  timeLow(guestNs: number): number {
    return (this.baseLow + (Math.floor(guestNs / TICK_NS) % TWO_32)) >>> 0
  }
  timeHigh(guestNs: number): number {
    const ticks = Math.floor(guestNs / TICK_NS)
    const carry = this.baseLow + (ticks % TWO_32) >= TWO_32 ? 1 : 0
    return (this.baseHigh + Math.floor(ticks / TWO_32) + carry) >>> 0
  }

  /** Whether `mtime` has reached `mtimecmp` at guest time `guestNs` (unsigned comparison). */
  isTimerPending(guestNs: number): boolean {
    const high = this.timeHigh(guestNs)
    return high > this.compareHigh || (high === this.compareHigh && this.timeLow(guestNs) >= this.compareLow)
  }

  /**
   * Guest time after `guestNs` at which the timer's interrupt line changes, or null if it will not in a lifetime: it rises
   * when `mtime` reaches `mtimecmp`, and falls when `mtime` goes on from 2^64 - 1 to 0.
   */
  lineChangeNs(guestNs: number): number | null {
    const isPending = this.isTimerPending(guestNs)
    const low = (isPending ? 0 : this.compareLow) - this.baseLow
    const high = ((isPending ? 0 : this.compareHigh) - this.baseHigh - (low < 0 ? 1 : 0)) >>> 0
    const changeNs = (high * TWO_32 + (low >>> 0)) * TICK_NS
    // In the past when `mtime` has gone through 0 since and stands below `mtimecmp`: not again before it comes round.
    return changeNs > guestNs && Number.isSafeInteger(changeNs) ? changeNs : null
  }

  load(offset: number, width: number, guestNs: number): number {
    if (width !== 4) return -1
    switch (offset) {
      case MSIP:
        return this.msip ? 1 : 0
      case MTIMECMP:
        return this.compareLow
      case MTIMECMP + 4:
        return this.compareHigh
      case MTIME:
        return this.timeLow(guestNs)
      case MTIME + 4:
        return this.timeHigh(guestNs)
      default:
        return 0
    }
  }

  store(offset: number, width: number, value: number, guestNs: number): boolean {
    if (width !== 4) return false
    switch (offset) {
      case MSIP:
        this.msip = (value & 1) !== 0
        break
      case MTIMECMP:
        this.compareLow = value
        break
      case MTIMECMP + 4:
        this.compareHigh = value
        break
      case MTIME:
        this.setTime(this.timeHigh(guestNs), value, guestNs)
        break
      case MTIME + 4:
        this.setTime(value, this.timeLow(guestNs), guestNs)
        break
    }
    return true
  }

  /** Where the clock stands on the stream: so that `mtime` follows from it, if it can. */
  streamClockNs(): Nanos {
    const nowNs = this.clock.afterSteps(0)
    if (this.isTimeFree()) return nowNs
    return (this.timeHigh(nowNs) * TWO_32 + this.timeLow(nowNs)) * TICK_NS + (nowNs % TICK_NS)
  }

  saveState(): StateValues {
    const timecmp = join(this.compareHigh, this.compareLow)
    if (!this.isTimeFree()) return { timecmp }
    return { timecmp, [TIME_DELTA.vmsdName]: { time_delta: join(this.baseHigh, this.baseLow) } }
  }

  /** The clock is loaded by section `timer`. */
  loadState(values: StateValues): void {
    const state = new StateReader('riscv_mtimer', values)
    const compare = state.u64('timecmp')
    const base = state.subsection(TIME_DELTA.vmsdName)?.u64('time_delta') ?? 0n
    this.compareHigh = Number(compare >> 32n)
    this.compareLow = Number(compare & 0xffff_ffffn)
    this.baseHigh = Number(base >> 32n)
    this.baseLow = Number(base & 0xffff_ffffn)
  }

  /** Whether `mtime` is beyond what a clock of nanoseconds can count exactly. */
  private isTimeFree(): boolean {
    const nowNs = this.clock.afterSteps(0)
    return this.timeHigh(nowNs) >= TICKS_HIGH_MAX
  }

  private setTime(high: number, low: number, guestNs: number): void {
    const ticks = Math.floor(guestNs / TICK_NS)
    const difference = low - (ticks % TWO_32)
    this.baseLow = difference >>> 0
    this.baseHigh = (high - Math.floor(ticks / TWO_32) - (difference < 0 ? 1 : 0)) >>> 0
  }
}

function join(high: number, low: number): bigint {
  return (BigInt(high) << 32n) | BigInt(low)
}
