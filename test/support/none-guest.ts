import { latin1Octets } from '../../core/base/octets.js'
import type { Kernel } from '../../core/kernel/kernel.js'
import type { DeviceStateDescription, StatefulDevice, StateValues } from '../../core/machine/device-state.js'
import type { MigratableVm, RamBlock } from '../../core/migration/guest-memory.js'
import { ToyVm, type ToyMemory } from './toy-vm.js'

class SavedDevice implements StatefulDevice {
  constructor(
    readonly stateDescription: DeviceStateDescription,
    private readonly values: StateValues,
  ) {}
  saveState(): StateValues {
    return this.values
  }
  loadState(): void {
    throw new Error('never loaded')
  }
}

const device = (
  name: string,
  version: number,
  fields: DeviceStateDescription['fields'],
  values: StateValues,
): StatefulDevice => new SavedDevice({ idstr: name, instanceId: 0, version, vmsdName: name, fields }, values)

/** The machine `none` of QEMU with 1 MiB of RAM: no CPU, no board. Its memory changes as that of a toy guest. */
export class NoneGuest implements MigratableVm {
  readonly name = 'none'
  readonly machineType = 'none'
  readonly memory: readonly RamBlock[]
  readonly devices: readonly StatefulDevice[]
  private readonly toy: ToyVm

  constructor(kernel: Kernel) {
    this.toy = new ToyVm(kernel, { pages: 256, filledPages: 200, workingSetPages: 60, pagesPerSecond: 3000 })
    this.memory = [{ name: 'ram', memory: this.toy.ram }]
    const runState = new Uint8Array(100)
    runState.set(latin1Octets('paused'))
    this.devices = [
      device(
        'timer',
        2,
        [
          { name: 'cpu_ticks_offset', type: 'int64' },
          { name: 'unused', type: 'buffer', size: 8 },
          { name: 'cpu_clock_offset', type: 'int64' },
        ],
        { cpu_ticks_offset: 0n, unused: new Uint8Array(8), cpu_clock_offset: 0n },
      ),
      device(
        'globalstate',
        1,
        [
          { name: 'size', type: 'uint32' },
          { name: 'runstate', type: 'buffer', size: 100 },
        ],
        { size: 'paused'.length + 1, runstate: runState },
      ),
    ]
  }

  get ram(): ToyMemory {
    return this.toy.ram
  }
  pause(): void {
    this.toy.pause()
  }
  resume(): void {
    this.toy.resume()
  }
}
