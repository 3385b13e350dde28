/**
 * A program that receives a migration and trusts what it reads, after Xen 3.1 and the device model behind it. Its buffers, its return
 * address and its heap lie in emulated memory, and it computes as C does with 32 bits; so a hostile stream does to it what it would do
 * to the original, and nothing to us.
 *
 * It starts from the beginning on every run: the same stream always does the same, and a part of one waits for the rest.
 */
import { concatOctets } from '../../base/octets.js'
import { DeviceModel } from './device-model.js'
import { DomainRestore } from './domain-restore.js'
import { EmulatedMemory } from './emulated-memory.js'
import { EmulatedProcess, type ProcessState, type ReceiverOptions } from './emulated-process.js'
import { CODE_OCTETS, HEAP_OCTETS, STACK_OCTETS } from './program-layout.js'

export interface ReceivedGuest {
  readonly name: string
  readonly pages: ReadonlyMap<number, Uint8Array>
  readonly freed: readonly number[]
  readonly isVerified: boolean
  /** What the guest took of its keyboard when it went on. */
  readonly keysTaken: Uint8Array
}

export interface ReceiverRun extends ProcessState {
  /** Once it is loaded. */
  readonly guest: ReceivedGuest | null
}

export class Receiver {
  private readonly memory: EmulatedMemory

  constructor(private readonly options: ReceiverOptions) {
    const { checksRedZones, layout, mappedPages } = options
    const regions = [
      // What its instructions are is of no interest.
      { start: layout.code, octets: new Uint8Array(CODE_OCTETS), isWritable: false },
      { start: layout.stack, octets: new Uint8Array(STACK_OCTETS), isWritable: true },
      { start: layout.heap, octets: new Uint8Array(HEAP_OCTETS), isWritable: true },
      { start: layout.mapped, octets: concatOctets(mappedPages), isWritable: false },
    ]
    this.memory = new EmulatedMemory(regions, checksRedZones)
  }

  /** A new process reads `stream`. @param isEnded nothing comes after it */
  run(stream: Uint8Array, isEnded: boolean): ReceiverRun {
    const process = new EmulatedProcess(stream, isEnded, this.memory, this.options)
    const domain = new DomainRestore(process)
    const devices = new DeviceModel(process)
    try {
      domain.open()
      domain.restore()
      devices.load()
      devices.goOn()
    } catch (error) {
      return { ...process.stateAfter(error), guest: null }
    }
    const { name, pages, freed, isVerified } = domain
    const guest = { name, pages, freed, isVerified, keysTaken: devices.keysTaken }
    return { ...process.state({ status: 'loaded', detail: 'the guest runs', access: null }), guest }
  }
}
