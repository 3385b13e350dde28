/** UDP (RFC 768). */
import { WireError } from '../../base/errors.js'
import { readU16be } from '../../base/octets.js'
import { need, type Dissection } from '../dissection.js'
import { anyOf, field, protocol } from '../field.js'
import { dissectData } from './data.js'
import { dissectIsakmp, ISAKMP_PORT } from './isakmp.js'
import { dissectRip, RIP_PORT } from './rip.js'
import type { TransportRange } from './transport.js'
import { CHECKSUM_STATUS, CHECKSUM_WORDS, isTransportSumGood, putChecksum } from './transport-checksum.js'

const sourcePort = field('udp.srcport', 'Source port', 'uint16')
const destinationPort = field('udp.dstport', 'Destination port', 'uint16')

export const udpFields = {
  udp: protocol('udp', 'User Datagram Protocol'),
  sourcePort,
  destinationPort,
  port: anyOf('udp.port', 'Source or destination port', [sourcePort, destinationPort]),
  length: field('udp.length', 'Length', 'uint16'),
  checksum: field('udp.checksum', 'Checksum', 'uint16', { base: 'hex' }),
  checksumStatus: field('udp.checksum.status', 'Checksum status', 'uint8', { words: CHECKSUM_WORDS }),
}

export function dissectUdp(dissection: Dissection, { start, end, isWhole }: TransportRange): void {
  const { octets, sink } = dissection
  need('udp', start, 8, end)
  const [from, to, length] = [readU16be(octets, start), readU16be(octets, start + 2), readU16be(octets, start + 4)]
  const text = sink.wantsText ? `User Datagram Protocol, Src Port: ${from}, Dst Port: ${to}` : ''
  sink.open(udpFields.udp, start, 8, null, text)
  sink.field(sourcePort, start, 2, from)
  sink.field(destinationPort, start + 2, 2, to)
  sink.field(udpFields.length, start + 4, 2, length)
  if (length < 8 || (isWhole && start + length > end))
    throw new WireError('udp', start + 4, `length field is ${length}`)
  const dataEnd = Math.min(end, start + length)
  const sum = readU16be(octets, start + 6)
  putChecksum(dissection, udpFields, start + 6, sum, statusOf(dissection, { start, end: dataEnd, isWhole }, sum))
  sink.close()
  if (sink.isDone) return
  if (dissection.depth === 0 && (from === RIP_PORT || to === RIP_PORT)) dissectRip(dissection, start + 8, dataEnd)
  else if (dissection.depth === 0 && from === ISAKMP_PORT && to === ISAKMP_PORT)
    dissectIsakmp(dissection, start + 8, dataEnd)
  else dissectData(dissection, start + 8, dataEnd)
}

/** A sum of zero says that none was made. */
function statusOf(dissection: Dissection, { start, end, isWhole }: TransportRange, sum: number): number {
  if (sum === 0) return CHECKSUM_STATUS.notPresent
  if (!isWhole || dissection.depth > 0) return CHECKSUM_STATUS.unverified
  return isTransportSumGood(dissection, start, end, 17) ? CHECKSUM_STATUS.good : CHECKSUM_STATUS.bad
}
