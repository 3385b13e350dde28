/**
 * A program that receives a migration and trusts what it reads, after Xen 3.1 and the device model behind it. Its buffers, its return
 * address and its heap lie in emulated memory, and it computes as C does with 32 bits; so a hostile stream does to it what it would do
 * to the original, and nothing to us.
 *
 * It starts from the beginning on every call: the same stream always does the same, and a part of one waits for the rest.
 */
import { DeviceModel } from './device-model.js'
import { DomainRestore } from './domain-restore.js'
import { EmulatedProcess, type ProcessState, type ReceiverOptions } from './emulated-process.js'

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

/** @param isEnded nothing comes after `stream` */
export function receiveStream(stream: Uint8Array, isEnded: boolean, options: ReceiverOptions): ReceiverRun {
  const process = new EmulatedProcess(stream, isEnded, options)
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
  return { ...process.state('loaded', 'the guest runs'), guest }
}
