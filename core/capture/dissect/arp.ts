/** ARP (RFC 826) and RARP (RFC 903). */
import { readU16be, readU32be } from '../../base/octets.js'
import { readMac } from '../../net/wire/addresses.js'
import { need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'

export const arpFields = {
  arp: protocol('arp', 'Address Resolution Protocol'),
  hardwareType: field('arp.hw.type', 'Hardware type', 'uint16', { words: { 1: 'Ethernet' } }),
  protocolType: field('arp.proto.type', 'Protocol type', 'uint16', { base: 'hex', words: { 0x0800: 'IPv4' } }),
  hardwareSize: field('arp.hw.size', 'Hardware size', 'uint8'),
  protocolSize: field('arp.proto.size', 'Protocol size', 'uint8'),
  operation: field('arp.opcode', 'Opcode', 'uint16', {
    words: { 1: 'request', 2: 'reply', 3: 'reverse request', 4: 'reverse reply' },
  }),
  isGratuitous: field('arp.isgratuitous', 'Is gratuitous', 'bool'),
  senderMac: field('arp.src.hw_mac', 'Sender MAC address', 'mac'),
  senderAddress: field('arp.src.proto_ipv4', 'Sender IP address', 'ipv4'),
  targetMac: field('arp.dst.hw_mac', 'Target MAC address', 'mac'),
  targetAddress: field('arp.dst.proto_ipv4', 'Target IP address', 'ipv4'),
}

const names: Readonly<Record<number, string>> = {
  1: 'Address Resolution Protocol (request)',
  2: 'Address Resolution Protocol (reply)',
  3: 'Reverse Address Resolution Protocol (request)',
  4: 'Reverse Address Resolution Protocol (reply)',
}

/** Returns where the message ends. */
export function dissectArp({ octets, sink }: Dissection, start: number, end: number): number {
  need('arp', start, 8, end)
  const hardwareSize = octets[start + 4] ?? 0
  const protocolSize = octets[start + 5] ?? 0
  const length = 8 + 2 * (hardwareSize + protocolSize)
  const operation = readU16be(octets, start + 6)
  sink.open(arpFields.arp, start, Math.min(length, end - start), null, sink.wantsText ? names[operation] : '')
  sink.field(arpFields.hardwareType, start, 2, readU16be(octets, start))
  sink.field(arpFields.protocolType, start + 2, 2, readU16be(octets, start + 2))
  sink.field(arpFields.hardwareSize, start + 4, 1, hardwareSize)
  sink.field(arpFields.protocolSize, start + 5, 1, protocolSize)
  sink.field(arpFields.operation, start + 6, 2, operation)
  need('arp', start, length, end)
  if (hardwareSize === 6 && protocolSize === 4) {
    const sender = readU32be(octets, start + 14)
    const target = readU32be(octets, start + 24)
    if (sender === target && (operation === 1 || operation === 2)) sink.field(arpFields.isGratuitous, start, length, 1)
    sink.field(arpFields.senderMac, start + 8, 6, readMac(octets, start + 8))
    sink.field(arpFields.senderAddress, start + 14, 4, sender)
    sink.field(arpFields.targetMac, start + 18, 6, readMac(octets, start + 18))
    sink.field(arpFields.targetAddress, start + 24, 4, target)
  }
  sink.close()
  return start + length
}
