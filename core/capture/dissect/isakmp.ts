/** IKEv2 (RFC 7296 section 3) under Wireshark's name: the header, and which payloads there are. What is sealed stays so. */
import { readU16be, readU32be } from '../../base/octets.js'
import { need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'

export const ISAKMP_PORT = 500
const HEADER_OCTETS = 28
const SEALED = 46
const FLAG_INITIATOR = 0x08
const FLAG_RESPONSE = 0x20

const PAYLOAD_WORDS = {
  0: 'None',
  33: 'Security Association',
  34: 'Key Exchange',
  35: 'Identification - Initiator',
  36: 'Identification - Responder',
  39: 'Authentication',
  40: 'Nonce',
  41: 'Notify',
  44: 'Traffic Selector - Initiator',
  45: 'Traffic Selector - Responder',
  46: 'Encrypted and Authenticated',
} as const
const EXCHANGE_WORDS: Readonly<Record<number, string>> = {
  34: 'IKE_SA_INIT',
  35: 'IKE_AUTH',
  36: 'CREATE_CHILD_SA',
  37: 'INFORMATIONAL',
}

export const isakmpFields = {
  isakmp: protocol('isakmp', 'Internet Security Association and Key Management Protocol'),
  initiatorSpi: field('isakmp.ispi', 'Initiator SPI', 'octets'),
  responderSpi: field('isakmp.rspi', 'Responder SPI', 'octets'),
  version: field('isakmp.version', 'Version', 'uint8', { base: 'hex' }),
  exchange: field('isakmp.exchangetype', 'Exchange type', 'uint8', { words: EXCHANGE_WORDS }),
  flags: field('isakmp.flags', 'Flags', 'uint8', { base: 'hex' }),
  messageId: field('isakmp.messageid', 'Message ID', 'uint32', { base: 'hex' }),
  length: field('isakmp.length', 'Length', 'uint32'),
  // Wireshark's are of proposals and transforms as well: these have names of their own.
  payload: field('isakmp.payload', 'Payload', 'uint8', { words: PAYLOAD_WORDS }),
  payloadLength: field('isakmp.payload.length', 'Payload length', 'uint16'),
  sealed: field('isakmp.payload.sealed', 'Sealed', 'octets'),
}

export function dissectIsakmp({ octets, sink }: Dissection, start: number, end: number): void {
  need('isakmp', start, HEADER_OCTETS, end)
  sink.open(isakmpFields.isakmp, start, end - start, null)
  sink.field(isakmpFields.initiatorSpi, start, 8, null)
  sink.field(isakmpFields.responderSpi, start + 8, 8, null)
  sink.field(isakmpFields.version, start + 17, 1, octets[start + 17] ?? 0)
  sink.field(isakmpFields.exchange, start + 18, 1, octets[start + 18] ?? 0)
  sink.field(isakmpFields.flags, start + 19, 1, octets[start + 19] ?? 0)
  sink.field(isakmpFields.messageId, start + 20, 4, readU32be(octets, start + 20))
  sink.field(isakmpFields.length, start + 24, 4, readU32be(octets, start + 24))
  let type = octets[start + 16] ?? 0
  let at = start + HEADER_OCTETS
  while (type !== 0 && at < end) {
    need('isakmp', at, 4, end)
    const length = readU16be(octets, at + 2)
    need('isakmp', at, Math.max(4, length), end)
    sink.open(isakmpFields.payload, at, length, type)
    sink.field(isakmpFields.payloadLength, at + 2, 2, length)
    if (type === SEALED && length > 4) sink.field(isakmpFields.sealed, at + 4, length - 4, null)
    sink.close()
    // What follows a sealed payload is inside it.
    type = type === SEALED ? 0 : (octets[at] ?? 0)
    at += Math.max(4, length)
  }
  sink.close()
}

/** As Wireshark's list has it: `IKE_SA_INIT MID=00 Initiator Request`. */
export function isakmpInfo(exchange: number, flags: number, messageId: number): string {
  const number = messageId.toString(16).padStart(2, '0')
  const end = (flags & FLAG_INITIATOR) !== 0 ? 'Initiator' : 'Responder'
  return `${EXCHANGE_WORDS[exchange] ?? `Exchange ${exchange}`} MID=${number} ${end} ${(flags & FLAG_RESPONSE) !== 0 ? 'Response' : 'Request'}`
}
