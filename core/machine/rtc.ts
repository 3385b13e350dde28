/**
 * Goldfish real-time clock: nanoseconds since 1970 in two halves, and an alarm (the Goldfish virtual hardware
 * description, "Goldfish real-time clock"; QEMU's hw/rtc/goldfish_rtc.c). 32-bit accesses.
 *
 *     0x00 TIME_LOW (a read latches TIME_HIGH)   0x04 TIME_HIGH   0x08 ALARM_LOW (a write sets the alarm)
 *     0x0c ALARM_HIGH   0x10 IRQ_ENABLED   0x14 CLEAR_ALARM   0x18 ALARM_STATUS   0x1c CLEAR_INTERRUPT
 *
 * It shows the lab's wall clock: an epoch plus virtual time. That goes on while the machine is paused or moves to another
 * host, so unlike `mtime` a guest sees here how long it was away. Everything below is told the virtual time, in
 * nanoseconds; null stands for a machine whose clocks stand still, and which therefore executes nothing.
 */
import type { Nanos } from '../base/units.js'
import type { DeviceStateDescription, StatefulDevice, StateBody, StateValues } from './device-state.js'
import { StateReader } from './state-values.js'

/** Octets of the registers: what lies behind them on the page answers with an access fault. */
export const RTC_OCTETS = 0x24
/** 2026-01-01T00:00:00Z, in nanoseconds since 1970. */
export const RTC_EPOCH_NS = 1_767_225_600_000_000_000n

const REGISTER = {
  timeLow: 0x00,
  timeHigh: 0x04,
  alarmLow: 0x08,
  alarmHigh: 0x0c,
  irqEnabled: 0x10,
  clearAlarm: 0x14,
  alarmStatus: 0x18,
  clearInterrupt: 0x1c,
} as const

/**
 * QEMU 7.2's fields. `tick_offset` is the time shown less that of the host's clock, modulo 2^64, as the guest set it. The
 * first field is that of version 1, which nothing reads any more. The subsection is ours: an alarm rings at the time that was
 * computed when ALARM_LOW was written, and neither ALARM_HIGH nor a new time changes it; it is sent when it is not what QEMU would
 * compute from the registers.
 */
const ALARM_EXPIRY = Object.freeze({
  vmsdName: 'goldfish_rtc/alarm_expiry',
  version: 1,
  fields: [{ name: 'alarm_expiry', type: 'int64' }],
} satisfies StateBody)
const DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'goldfish_rtc',
  instanceId: 0,
  version: 3,
  vmsdName: 'goldfish_rtc',
  fields: [
    { name: 'tick_offset_vmstate', type: 'uint64', fixed: 0n, ignored: true },
    { name: 'alarm_next', type: 'uint64' },
    { name: 'alarm_running', type: 'uint32' },
    { name: 'irq_pending', type: 'uint32' },
    { name: 'irq_enabled', type: 'uint32' },
    { name: 'time_high', type: 'uint32' },
    { name: 'tick_offset', type: 'uint64' },
  ],
  subsections: [ALARM_EXPIRY],
} satisfies DeviceStateDescription)

export class Rtc implements StatefulDevice {
  readonly stateDescription = DESCRIPTION
  /** The lab's wall clock at virtual time 0. */
  private readonly epochNs: bigint
  private tickOffset = 0n
  private alarmNext = 0n
  private isAlarmRunning = false
  /** Virtual time, 64 bits with a sign. */
  private alarmExpiry = 0n
  private isPending = false
  private isEnabled = false
  /** TIME_HIGH at the last read of TIME_LOW. */
  private latchedHigh = 0

  /** `epochNs`: the wall clock at virtual time 0, in nanoseconds since 1970, modulo 2^64. */
  constructor(epochNs: bigint) {
    this.epochNs = BigInt.asUintN(64, epochNs)
  }

  /** Rings if the alarm is due at virtual time `nowNs`; returns whether the interrupt line is high then. */
  isInterrupting(nowNs: Nanos | null): boolean {
    if (this.isAlarmRunning && nowNs !== null && BigInt(nowNs) >= this.alarmExpiry) this.ring()
    return this.isPending && this.isEnabled
  }

  /** The virtual time after `nowNs` at which the alarm will ring, or null if it will not in a lifetime. */
  alarmDueNs(nowNs: Nanos | null): Nanos | null {
    if (!this.isAlarmRunning || nowNs === null) return null
    const dueNs = Number(this.alarmExpiry)
    return dueNs > nowNs && Number.isSafeInteger(dueNs) ? dueNs : null
  }

  load(offset: number, width: number, nowNs: Nanos): number {
    if (width !== 4) return -1
    switch (offset) {
      case REGISTER.timeLow: {
        const time = this.count(nowNs)
        this.latchedHigh = highHalf(time)
        return lowHalf(time)
      }
      case REGISTER.timeHigh:
        return this.latchedHigh
      case REGISTER.alarmLow:
        return lowHalf(this.alarmNext)
      case REGISTER.alarmHigh:
        return highHalf(this.alarmNext)
      case REGISTER.irqEnabled:
        return this.isEnabled ? 1 : 0
      case REGISTER.alarmStatus:
        return this.isAlarmRunning ? 1 : 0
      default:
        return 0
    }
  }

  store(offset: number, width: number, value: number, nowNs: Nanos): boolean {
    if (width !== 4) return false
    switch (offset) {
      case REGISTER.timeLow:
      case REGISTER.timeHigh: {
        const time = this.count(nowNs)
        const set = withHalf(time, offset === REGISTER.timeHigh, value)
        this.tickOffset = BigInt.asUintN(64, this.tickOffset + set - time)
        break
      }
      case REGISTER.alarmLow:
        this.alarmNext = withHalf(this.alarmNext, false, value)
        this.alarmExpiry = this.computedExpiry(this.alarmNext, this.tickOffset)
        this.isAlarmRunning = true
        if (this.alarmNext <= this.count(nowNs)) this.ring() // it is in the past
        break
      case REGISTER.alarmHigh:
        this.alarmNext = withHalf(this.alarmNext, true, value)
        break
      case REGISTER.irqEnabled:
        this.isEnabled = (value & 1) !== 0
        break
      case REGISTER.clearAlarm:
        this.isAlarmRunning = false
        break
      case REGISTER.clearInterrupt:
        this.isPending = false
        break
    }
    return true
  }

  saveState(): StateValues {
    const isComputed = this.alarmExpiry === this.computedExpiry(this.alarmNext, this.tickOffset)
    return {
      alarm_next: this.alarmNext,
      alarm_running: this.isAlarmRunning ? 1 : 0,
      irq_pending: this.isPending ? 1 : 0,
      irq_enabled: this.isEnabled ? 1 : 0,
      time_high: this.latchedHigh,
      tick_offset: this.tickOffset,
      ...(this.isAlarmRunning && !isComputed ? { [ALARM_EXPIRY.vmsdName]: { alarm_expiry: this.alarmExpiry } } : {}),
    }
  }

  loadState(values: StateValues): void {
    const state = new StateReader('goldfish_rtc', values)
    const [tickOffset, alarmNext] = [state.u64('tick_offset'), state.u64('alarm_next')]
    const [isAlarmRunning, isPending, isEnabled] = ['alarm_running', 'irq_pending', 'irq_enabled'].map(
      (name) => state.number(name, 1) === 1,
    )
    const latchedHigh = state.u32('time_high')
    const alarmExpiry =
      state.subsection(ALARM_EXPIRY.vmsdName)?.i64('alarm_expiry') ?? this.computedExpiry(alarmNext, tickOffset)
    Object.assign(this, { tickOffset, alarmNext, isAlarmRunning, isPending, isEnabled, latchedHigh, alarmExpiry })
  }

  /** The virtual time at which the clock will show `alarmNext`. */
  private computedExpiry(alarmNext: bigint, tickOffset: bigint): bigint {
    return BigInt.asIntN(64, alarmNext - tickOffset - this.epochNs)
  }

  /** The wall clock: nanoseconds since 1970, modulo 2^64. */
  private count(nowNs: Nanos): bigint {
    return BigInt.asUintN(64, this.epochNs + this.tickOffset + BigInt(nowNs))
  }

  private ring(): void {
    this.isAlarmRunning = false
    this.isPending = true
  }
}

function withHalf(whole: bigint, isHigh: boolean, half: number): bigint {
  return isHigh ? (BigInt(half) << 32n) | (whole & 0xffff_ffffn) : (whole & ~0xffff_ffffn) | BigInt(half)
}
function lowHalf(value: bigint): number {
  return Number(value & 0xffff_ffffn)
}
function highHalf(value: bigint): number {
  return Number(value >> 32n)
}
