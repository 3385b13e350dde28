/** The devices of a VM that stands still, each as a section of its own (QEMU migration/savevm.c). */
import type { MigratableVm } from './guest-memory.js'
import { RAM_SECTION_ID } from './outgoing-ram.js'
import { encodeDeviceState } from './wire/device-codec.js'
import type { StreamWriter } from './wire/stream-writer.js'
import { describeDevice, type DeviceDescription } from './wire/vmdesc.js'

/** QEMU numbers sections as they are registered: its clock is 0, RAM 2, and the board begins at 4. */
const FIRST_SECTION_ID = 0
const BOARD_SECTION_ID = RAM_SECTION_ID + 2

/** Every device that has something to send. Returns what the description at the end of the stream says of them. */
export function writeDevices(writer: StreamWriter, { devices }: MigratableVm): readonly DeviceDescription[] {
  const descriptions: DeviceDescription[] = []
  for (const device of devices) {
    if (device.isNeeded?.() === false) continue
    const { stateDescription } = device
    const { idstr, instanceId, version } = stateDescription
    const values = device.saveState()
    const sectionId = descriptions.length === 0 ? FIRST_SECTION_ID : BOARD_SECTION_ID + descriptions.length - 1
    writer.sectionFull({ sectionId, idstr, instanceId, version }, encodeDeviceState(stateDescription, values))
    descriptions.push(describeDevice(stateDescription, values))
  }
  return descriptions
}
