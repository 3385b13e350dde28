/** RIP version 2 (RFC 2453 §4), and version 1's messages, which have the same form with zeros. */
import { latin1Text, readU16be, readU32be } from '../../base/octets.js'
import { ipv4Text } from '../../net/wire/addresses.js'
import { need, type Dissection } from '../dissection.js'
import { field, protocol } from '../field.js'

export const RIP_PORT = 520
const ENTRY_OCTETS = 20
const FAMILY_AUTHENTICATION = 0xffff

export const ripFields = {
  rip: protocol('rip', 'Routing Information Protocol'),
  command: field('rip.command', 'Command', 'uint8', { words: { 1: 'Request', 2: 'Response' } }),
  version: field('rip.version', 'Version', 'uint8', { words: { 1: 'RIPv1', 2: 'RIPv2' } }),
  entry: field('rip.entry', 'Route', 'none'),
  family: field('rip.family', 'Address family', 'uint16', { words: { 0: 'Unspecified', 2: 'IP' } }),
  routeTag: field('rip.route_tag', 'Route tag', 'uint16'),
  address: field('rip.ip', 'IP address', 'ipv4'),
  netmask: field('rip.netmask', 'Netmask', 'ipv4'),
  nextHop: field('rip.next_hop', 'Next hop', 'ipv4'),
  metric: field('rip.metric', 'Metric', 'uint16'),
  authenticationType: field('rip.auth.type', 'Authentication type', 'uint16', { words: { 2: 'Simple password' } }),
  password: field('rip.auth.passwd', 'Password', 'text'),
}

export function dissectRip({ octets, sink }: Dissection, start: number, end: number): void {
  need('rip', start, 4, end)
  const version = octets[start + 1] ?? 0
  sink.open(ripFields.rip, start, end - start, null)
  sink.field(ripFields.command, start, 1, octets[start] ?? 0)
  sink.field(ripFields.version, start + 1, 1, version)
  for (let at = start + 4; at < end; at += ENTRY_OCTETS) {
    need('rip', at, ENTRY_OCTETS, end)
    const family = readU16be(octets, at)
    const address = readU32be(octets, at + 4)
    const metric = readU32be(octets, at + 16)
    if (family === FAMILY_AUTHENTICATION) {
      sink.open(ripFields.entry, at, ENTRY_OCTETS, null, 'Authentication')
      sink.field(ripFields.authenticationType, at + 2, 2, readU16be(octets, at + 2))
      if (readU16be(octets, at + 2) === 2)
        sink.field(ripFields.password, at + 4, 16, latin1Text(octets.subarray(at + 4, at + 20)).replace(/\0.*$/s, ''))
    } else {
      const text = sink.wantsText ? `IP Address: ${ipv4Text(address)}, Metric: ${metric}` : ''
      sink.open(ripFields.entry, at, ENTRY_OCTETS, null, text)
      sink.field(ripFields.family, at, 2, family)
      if (version > 1) sink.field(ripFields.routeTag, at + 2, 2, readU16be(octets, at + 2))
      sink.field(ripFields.address, at + 4, 4, address)
      if (version > 1) {
        sink.field(ripFields.netmask, at + 8, 4, readU32be(octets, at + 8))
        sink.field(ripFields.nextHop, at + 12, 4, readU32be(octets, at + 12))
      }
      sink.field(ripFields.metric, at + 16, 4, metric)
    }
    sink.close()
  }
  sink.close()
}
