/** SiFive test finisher: a store ends the run (QEMU's hw/misc/sifive_test.c). */
import type { DeviceStateDescription, StatefulDevice, StateValues } from './device-state.js'
import { StateReader } from './state-values.js'

/** How a machine stopped: powered off, failed with `code`, or asks to be reset. */
export interface MachineExit {
  readonly kind: 'pass' | 'fail' | 'reset'
  readonly code: number
}

const KINDS: Readonly<Record<number, MachineExit['kind']>> = { 0x5555: 'pass', 0x3333: 'fail', 0x7777: 'reset' }

const DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'riscv.sifive.test',
  instanceId: 0,
  version: 1,
  vmsdName: 'riscv.sifive.test',
  fields: [{ name: 'status', type: 'uint32' }],
} satisfies DeviceStateDescription)

export class Finisher implements StatefulDevice {
  readonly stateDescription = DESCRIPTION
  /** The word that ended the run: kind in the lower half, code in the upper; 0 while it goes on. */
  private status = 0

  get exit(): MachineExit | null {
    const kind = KINDS[this.status & 0xffff]
    return kind === undefined ? null : { kind, code: this.status >>> 16 }
  }

  /** A store to the first register of 2 or 4 octets; other values do nothing. */
  store(offset: number, value: number): void {
    if (offset === 0 && KINDS[value & 0xffff] !== undefined) this.status = value
  }

  /** QEMU has no section for it: its machine is gone when the run has ended. */
  isNeeded(): boolean {
    return this.status !== 0
  }

  saveState(): StateValues {
    return { status: this.status }
  }

  loadState(values: StateValues): void {
    const state = new StateReader('riscv.sifive.test', values)
    const status = state.u32('status')
    if (status !== 0 && KINDS[status & 0xffff] === undefined) state.refuse('status', 'not a known way to end')
    this.status = status
  }
}
