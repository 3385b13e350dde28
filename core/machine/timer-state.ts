/** QEMU's clock section (softmmu/cpu-timers.c, `vmstate_timers`): where the guest's clock stands. */
import type { Clint } from './clint.js'
import type { DeviceStateDescription, StatefulDevice, StateValues } from './device-state.js'
import type { GuestClock } from './guest-clock.js'
import { StateReader } from './state-values.js'

const DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'timer',
  instanceId: 0,
  version: 2,
  vmsdName: 'timer',
  fields: [
    { name: 'cpu_ticks_offset', type: 'int64' },
    { name: 'unused', type: 'unused_buffer', size: 8, fixed: new Uint8Array(8), ignored: true },
    { name: 'cpu_clock_offset', type: 'int64' },
  ],
} satisfies DeviceStateDescription)

export class TimerState implements StatefulDevice {
  readonly stateDescription = DESCRIPTION
  /** Ticks of the processors that a real QEMU ran on. Nothing here counts them: they are passed on. */
  private cpuTicks = 0n

  constructor(
    private readonly clock: GuestClock,
    private readonly clint: Clint,
  ) {}

  saveState(): StateValues {
    return { cpu_ticks_offset: this.cpuTicks, cpu_clock_offset: BigInt(this.clint.streamClockNs()) }
  }

  /** Stops the guest's clock and sets it to the saved time. */
  loadState(values: StateValues): void {
    const state = new StateReader('timer', values)
    const cpuTicks = state.i64('cpu_ticks_offset')
    const clockNs = state.i64('cpu_clock_offset')
    if (clockNs < 0n || clockNs > BigInt(Number.MAX_SAFE_INTEGER))
      state.refuse('cpu_clock_offset', `${clockNs} ns: a clock here goes from 0 to 2^53 ns, 104 days`)
    this.clock.reset(Number(clockNs))
    this.cpuTicks = cpuTicks
  }
}
