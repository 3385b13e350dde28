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
import type { DeviceStateDescription, StatefulDevice, StateValues } from './device-state.js'
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

/** `tick_offset_vmstate` is the time shown less virtual time, modulo 2^64: as in QEMU, what a host's clock shows is not in it. */
const DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'goldfish_rtc',
  instanceId: 0,
  version: 1,
  vmsdName: 'goldfish_rtc',
  fields: [
    { name: 'tick_offset_vmstate', type: 'uint64' },
    { name: 'alarm_next', type: 'uint64' },
    { name: 'alarm_running', type: 'uint32' },
    { name: 'irq_pending', type: 'uint32' },
    { name: 'irq_enabled', type: 'uint32' },
    { name: 'time_high', type: 'uint32' },
  ],
} satisfies DeviceStateDescription)

export class Rtc implements StatefulDevice {
  readonly stateDescription = DESCRIPTION
  private tickOffset: bigint
  private alarmNext = 0n
  private isAlarmRunning = false
  private isPending = false
  private isEnabled = false
  /** TIME_HIGH at the last read of TIME_LOW. */
  private latchedHigh = 0

  /** `epochNs`: the wall clock at virtual time 0, in nanoseconds since 1970, modulo 2^64. */
  constructor(epochNs: bigint) {
    this.tickOffset = BigInt.asUintN(64, epochNs)
  }

  /** Rings if the alarm is due at virtual time `nowNs`; returns whether the interrupt line is high then. */
  isInterrupting(nowNs: Nanos | null): boolean {
    if (this.isAlarmRunning && nowNs !== null && this.untilAlarm(nowNs) <= 0n) this.ring()
    return this.isPending && this.isEnabled
  }

  /** The virtual time after `nowNs` at which the alarm will ring, or null if it will not in a lifetime. */
  alarmDueNs(nowNs: Nanos | null): Nanos | null {
    if (!this.isAlarmRunning || nowNs === null) return null
    const remainingNs = this.untilAlarm(nowNs)
    const dueNs = nowNs + Number(remainingNs)
    return remainingNs > 0n && Number.isSafeInteger(dueNs) ? dueNs : null
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
        this.isAlarmRunning = true
        this.isInterrupting(nowNs) // an alarm in the past rings at once
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
    return {
      tick_offset_vmstate: this.tickOffset,
      alarm_next: this.alarmNext,
      alarm_running: this.isAlarmRunning ? 1 : 0,
      irq_pending: this.isPending ? 1 : 0,
      irq_enabled: this.isEnabled ? 1 : 0,
      time_high: this.latchedHigh,
    }
  }

  loadState(values: StateValues): void {
    const state = new StateReader('goldfish_rtc', values)
    const [tickOffset, alarmNext] = [state.u64('tick_offset_vmstate'), state.u64('alarm_next')]
    const [isAlarmRunning, isPending, isEnabled] = ['alarm_running', 'irq_pending', 'irq_enabled'].map(
      (name) => state.number(name, 1) === 1,
    )
    const latchedHigh = state.u32('time_high')
    Object.assign(this, { tickOffset, alarmNext, isAlarmRunning, isPending, isEnabled, latchedHigh })
  }

  /** The wall clock: nanoseconds since 1970, modulo 2^64. */
  private count(nowNs: Nanos): bigint {
    return BigInt.asUintN(64, this.tickOffset + BigInt(nowNs))
  }

  /** Times are signed here: an alarm before 1970 has passed. */
  private untilAlarm(nowNs: Nanos): bigint {
    return BigInt.asIntN(64, this.alarmNext) - BigInt.asIntN(64, this.count(nowNs))
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
