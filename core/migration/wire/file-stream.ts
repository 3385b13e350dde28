import { OctetReader } from '../../base/octets.js'
import { QEMU_VM } from './qevm.js'

/**
 * A stream that was sent with a return path, as it would have been written to a file: without the commands that follow
 * the configuration, which have no meaning there and which older tools refuse. Throws `WireError` when it is no stream.
 */
export function fileStream(octets: Uint8Array): Uint8Array {
  const reader = new OctetReader(octets, 'qevm')
  reader.view(8, 'header')
  if (reader.u8('configuration') !== QEMU_VM.CONFIGURATION) return octets
  reader.view(reader.u32('name length'), 'machine name')
  const configurationEnd = reader.offset
  while (reader.remaining > 0 && octets[reader.offset] === QEMU_VM.COMMAND) {
    reader.view(3, 'command')
    reader.view(reader.u16('command length'), 'command data')
  }
  const stream = new Uint8Array(octets.length - (reader.offset - configurationEnd))
  stream.set(octets.subarray(0, configurationEnd))
  stream.set(octets.subarray(reader.offset), configurationEnd)
  return stream
}
