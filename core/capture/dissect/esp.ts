/** ESP (RFC 4303): two numbers in clear, everything else sealed. */
import { readU32be } from '../../base/octets.js'
import { need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'
import type { TransportRange } from './transport.js'

export const espFields = {
  esp: protocol('esp', 'Encapsulating Security Payload'),
  spi: field('esp.spi', 'SPI', 'uint32', { base: 'hex' }),
  sequence: field('esp.sequence', 'Sequence', 'uint32'),
  sealed: field('esp.encrypted_data', 'Sealed', 'octets'),
}

export function dissectEsp({ octets, sink }: Dissection, { start, end }: TransportRange): void {
  need('esp', start, 8, end)
  sink.open(espFields.esp, start, end - start, null)
  sink.field(espFields.spi, start, 4, readU32be(octets, start))
  sink.field(espFields.sequence, start + 4, 4, readU32be(octets, start + 4))
  if (end > start + 8) sink.field(espFields.sealed, start + 8, end - start - 8, null)
  sink.close()
}
