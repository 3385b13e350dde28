/** A machine out of a stream that was written to a file: by this program, or by a real QEMU's board `virt`. */
import { WireError } from '../base/errors.js'
import { PAGE_OCTETS } from '../base/units.js'
import { Machine, RAM_BLOCK } from '../machine/machine.js'
import type { MigratableVm } from './guest-memory.js'
import { IncomingState } from './incoming-state.js'
import type { RamBlockSize } from './wire/qevm.js'
import { SilentObserver } from './wire/stream-observer.js'
import { StreamReader } from './wire/stream-reader.js'

/** The list of blocks stands within the first so many octets. */
const OPENING_OCTETS = 16 * PAGE_OCTETS

class Opening extends SilentObserver {
  blocks: readonly RamBlockSize[] = []

  override memorySize(blocks: readonly RamBlockSize[]): void {
    this.blocks = blocks
  }
}

/**
 * The machine as it was saved, standing still: with as much RAM as the stream says, and QEMU's whole board if that is what was
 * saved. Throws `WireError` for what is no stream or not one of this machine, `InputError` for a size of RAM that cannot be.
 * `nicMac` is the address of a network device that the guest does not use.
 */
export function machineFromFile(octets: Uint8Array, nicMac: Uint8Array): Machine {
  const opening = new Opening()
  new StreamReader(opening, { unknownDevices: 'recover' }).push(octets.subarray(0, OPENING_OCTETS))
  const ram = opening.blocks.find(({ name }) => name === RAM_BLOCK)
  if (ram === undefined) throw new WireError('qevm', 0, `there is no block ${RAM_BLOCK}: it is of another machine`)
  const machine = new Machine({ ramOctets: ram.octets, nicMac, qemuBoard: opening.blocks.length > 1 })
  const incoming = new IncomingState(new SavedMachine(machine), null)
  const reader = new StreamReader(incoming, { devices: incoming.knownDevices(), unknownDevices: 'refuse' })
  reader.push(octets)
  if (!reader.stateComplete) throw new WireError('qevm', octets.length, 'the stream ends before the state is complete')
  return machine
}

class SavedMachine implements MigratableVm {
  readonly name = 'saved'
  readonly machineType = 'virt'

  constructor(private readonly machine: Machine) {}

  get memory(): MigratableVm['memory'] {
    return this.machine.memory
  }
  get devices(): MigratableVm['devices'] {
    return this.machine.devices
  }
  pause(): void {}
  resume(): void {}
}
