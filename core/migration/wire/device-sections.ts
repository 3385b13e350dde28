/**
 * Device sections have no length, so an observer who does not know the devices keeps them whole until the description
 * at the end of the stream says how long each is.
 */
import { WireError } from '../../base/errors.js'
import { latin1Text, OctetReader, readU32be } from '../../base/octets.js'
import { measureBody } from './observed-fields.js'
import { FOOTER_OCTETS, QEMU_VM } from './qevm.js'
import type { StreamObserver } from './stream-observer.js'
import { deviceKey, parseDescription, type DeviceDescription } from './vmdesc.js'

const OPEN_BRACE = 0x7b

/**
 * Sort `tail`, which begins at a FULL section and ends with the stream. Tells the observer every section, the end of
 * state and the description; or what it was that could not be read, and why. True when all of it was read.
 */
export function recoverDeviceSections(tail: Uint8Array, observer: StreamObserver): boolean {
  const descriptionAt = findDescription(tail)
  if (descriptionAt < 0) {
    observer.unreadDevices(tail, 'the stream was cut before its description, which alone says how long they are')
    return false
  }
  const json = latin1Text(tail.subarray(descriptionAt + 5, descriptionAt + 5 + readU32be(tail, descriptionAt + 1)))
  const reader = new OctetReader(tail.subarray(0, descriptionAt), 'qevm')
  let sectionAt = 0
  try {
    const devices = new Map<string, DeviceDescription>()
    for (const device of parseDescription(json).devices) devices.set(deviceKey(device.name, device.instanceId), device)
    for (;;) {
      sectionAt = reader.offset
      const type = reader.u8('item')
      if (type === QEMU_VM.EOF) break
      if (type !== QEMU_VM.SECTION_FULL)
        throw new WireError('qevm', sectionAt, `0x${type.toString(16)} opens no device`)
      readSection(reader, devices, observer)
    }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    observer.unreadDevices(tail.subarray(sectionAt, descriptionAt), error.message)
    return false
  }
  observer.endOfState()
  observer.description(json)
  return true
}

function readSection(
  reader: OctetReader,
  devices: ReadonlyMap<string, DeviceDescription>,
  observer: StreamObserver,
): void {
  const sectionId = reader.u32('section id')
  const idstr = reader.latin1(reader.u8('name length'), 'idstr')
  const header = { sectionId, idstr, instanceId: reader.u32('instance'), version: reader.u32('version') }
  const description = devices.get(deviceKey(idstr, header.instanceId))
  if (description === undefined) throw new WireError('qevm', reader.offset, `${idstr} is not in the description`)
  const length = measureBody(description, reader.octets, reader.offset, reader.octets.length)
  const body = reader.view(Math.abs(length), idstr)
  if (reader.u8('footer') !== QEMU_VM.SECTION_FOOTER || reader.u32('footer') !== sectionId)
    throw new WireError('qevm', reader.offset - FOOTER_OCTETS, `${idstr} is not as long as described`)
  observer.deviceSection(header, body, description)
}

/** Where the description begins: 06, a length that reaches the end (white space aside), a brace. -1 if nowhere. */
export function findDescription(tail: Uint8Array): number {
  let { length } = tail
  while (length > 0 && (tail[length - 1] === 0x0a || tail[length - 1] === 0x0d)) length--
  for (let at = length - 6; at >= 0; at--)
    if (tail[at] === QEMU_VM.VMDESCRIPTION && tail[at + 5] === OPEN_BRACE) {
      const end = at + 5 + readU32be(tail, at + 1)
      if (end >= length && end <= tail.length) return at
    }
  return -1
}
