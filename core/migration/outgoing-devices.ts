/** The devices of a VM that stands still, each as a section of its own. */
import type { MigratableVm } from './guest-memory.js'
import { RAM_SECTION_ID } from './outgoing-ram.js'
import { encodeDeviceState } from './wire/device-codec.js'
import type { StreamWriter } from './wire/stream-writer.js'

export function writeDevices(writer: StreamWriter, { devices }: MigratableVm): void {
  let sectionId = RAM_SECTION_ID
  for (const device of devices) {
    const { idstr, instanceId, version } = device.stateDescription
    const body = encodeDeviceState(device.stateDescription, device.saveState())
    writer.sectionFull({ sectionId: ++sectionId, idstr, instanceId, version }, body)
  }
}
