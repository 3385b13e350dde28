/** What was typed and has no room in the serial port's FIFO yet: in QEMU it waits outside of the machine. */
import type { DeviceStateDescription, StatefulDevice, StateValues } from './device-state.js'
import { StateReader } from './state-values.js'
import { CONSOLE_QUEUE_OCTETS, type Uart } from './uart.js'

const DESCRIPTION: DeviceStateDescription = Object.freeze({
  idstr: 'console-queue',
  instanceId: 0,
  version: 1,
  vmsdName: 'console-queue',
  fields: [
    { name: 'count', type: 'uint32' },
    { name: 'typed', type: 'buffer', size: CONSOLE_QUEUE_OCTETS },
  ],
} satisfies DeviceStateDescription)

/** A section of ours, sent only when somebody typed faster than the guest reads: no typed octet is ever lost. */
export class ConsoleQueue implements StatefulDevice {
  readonly stateDescription = DESCRIPTION

  constructor(private readonly uart: Uart) {}

  isNeeded(): boolean {
    return this.uart.waiting().length > 0
  }

  saveState(): StateValues {
    const waiting = this.uart.waiting()
    const typed = new Uint8Array(CONSOLE_QUEUE_OCTETS)
    typed.set(waiting)
    return { count: waiting.length, typed }
  }

  /** After the serial port: what waits comes behind what is in its FIFO. */
  loadState(values: StateValues): void {
    const state = new StateReader('console-queue', values)
    const count = state.number('count', CONSOLE_QUEUE_OCTETS)
    const typed = state.octets('typed', CONSOLE_QUEUE_OCTETS)
    if (typed.subarray(count).some((octet) => octet !== 0)) state.refuse('typed', 'longer than count says')
    this.uart.setWaiting(typed.subarray(0, count))
  }
}
