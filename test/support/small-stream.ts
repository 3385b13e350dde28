import { latin1Octets } from '../../core/base/octets.js'
import type { DeviceStateDescription } from '../../core/machine/device-state.js'
import { encodeDeviceState } from '../../core/migration/wire/device-codec.js'
import { RAM_SECTION } from '../../core/migration/wire/qevm.js'
import { StreamWriter } from '../../core/migration/wire/stream-writer.js'
import { describeDevice, descriptionText } from '../../core/migration/wire/vmdesc.js'

export const toyTimer: DeviceStateDescription = {
  idstr: 'toy-timer',
  instanceId: 0,
  version: 1,
  vmsdName: 'toy-timer',
  fields: [
    { name: 'count', type: 'uint32' },
    { name: 'reload', type: 'uint32' },
    { name: 'ctrl', type: 'uint32' },
  ],
}

/** One block of 16 pages, all zero but page 1 (`toy!` again and again), one device of three words. */
export function smallStream(): Uint8Array {
  const writer = new StreamWriter()
  writer.fileHeader()
  writer.configuration('toy')
  writer.sectionStart({ sectionId: 0, ...RAM_SECTION })
  writer.memorySize([{ name: 'ram', octets: 0x10000 }])
  writer.endOfRecords()
  writer.footer(0)
  writer.sectionPart(0)
  const page = latin1Octets('toy!'.repeat(1024))
  for (let index = 0; index < 16; index++)
    if (index === 1) writer.page('ram', 0x1000, page)
    else writer.zeroPage('ram', 0x1000 * index)
  writer.endOfRecords()
  writer.footer(0)
  writer.sectionEnd(0)
  writer.endOfRecords()
  writer.footer(0)
  const values = { count: 0x11223344, reload: 1000, ctrl: 3 }
  const { idstr, instanceId, version } = toyTimer
  writer.sectionFull({ sectionId: 1, idstr, instanceId, version }, encodeDeviceState(toyTimer, values))
  writer.endOfState()
  writer.description(descriptionText([describeDevice(toyTimer, values)]))
  return writer.take()
}
