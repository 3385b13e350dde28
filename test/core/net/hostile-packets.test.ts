import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { writeU16be } from '../../../core/base/octets.js'
import { seconds } from '../../../core/base/units.js'
import type { HostStack } from '../../../core/net/host-stack.js'
import { RipRouter } from '../../../core/net/rip/rip-router.js'
import { parseIpv6, writeMac } from '../../../core/net/wire/addresses.js'
import { internetChecksum, transportChecksum } from '../../../core/net/wire/checksum.js'
import { encodeEthernet, ETHERTYPE } from '../../../core/net/wire/ethernet.js'
import { encodeIpv4, Ipv4Header } from '../../../core/net/wire/ipv4.js'
import { encodeIpv6, Ipv6Header } from '../../../core/net/wire/ipv6.js'
import { chain, type RoutedNetwork } from '../../support/routed-network.js'

const noise = fc.uint8Array({ maxLength: 120 })
const address = fc.constantFrom(0x0a000102, 0x0a000101, 0x0a000302, 0x0a0001ff, 0xffffffff, 0, 0x7f000001, 0xe0000009)
const address6 = fc.constantFrom(
  ...['fd01::2', 'fd01::1', 'fd03::2', '::', '::1', 'ff02::1', 'ff02::1:ff00:1', 'fe80::5054:ff:fe00:3'].map(parseIpv6),
)
const mac = fc.constantFrom(0x5254_0000_0003, 0xffff_ffff_ffff, 0x3333_0000_0001, 0x0100_5e00_0009, 7)
const ends = fc.record({
  ttl: fc.constantFrom(0, 1, 2, 64, 255),
  protocol: fc.constantFrom(0, 1, 6, 17, 43, 44, 58, 60, 99),
})
const fragment = fc.record({
  moreFragments: fc.boolean(),
  fragmentOffset: fc.nat(4).map((units) => units * 8),
  identification: fc.nat(2),
  dontFragment: fc.boolean(),
})

/** Octets that are a good ICMP, ICMPv6 or UDP message as far as the checksum goes. */
function sealed(
  payload: Uint8Array,
  protocol: number,
  source: number | bigint,
  destination: number | bigint,
): Uint8Array {
  if (payload.length < 8) return payload
  const octets = payload.slice()
  const at = protocol === 17 ? 6 : 2
  if (protocol === 17) {
    writeU16be(octets, 2, (octets[3] ?? 0) & 1 ? 520 : 9)
    writeU16be(octets, 0, 520)
    writeU16be(octets, 4, octets.length)
  } else if (protocol === 1) octets[0] = [0, 3, 5, 8, 11, 12][(octets[0] ?? 0) % 6] ?? 0
  else if (protocol === 58) octets[0] = [1, 2, 3, 4, 128, 129, 133, 134, 135, 136, 137][(octets[0] ?? 0) % 11] ?? 0
  writeU16be(octets, at, 0)
  const sum =
    protocol === 1
      ? internetChecksum(octets)
      : transportChecksum(octets, 0, octets.length, protocol, source, destination)
  writeU16be(octets, at, sum)
  return octets
}

const ipv4Frame = fc
  .tuple(mac, address, address, ends, fragment, noise)
  .map(([destinationMac, source, destination, rest, cut, payload]) => {
    const message = sealed(payload, rest.protocol, source, destination)
    const packet = encodeIpv4({ ...new Ipv4Header(), ...rest, ...cut, source, destination, payload: message })
    return encodeEthernet({
      destination: destinationMac,
      source: 9,
      vlan: null,
      etherType: ETHERTYPE.ipv4,
      payload: packet,
    })
  })
const ipv6Frame = fc
  .tuple(mac, address6, address6, ends, fragment, noise, fc.boolean())
  .map(([destinationMac, source, destination, rest, cut, payload, isFragment]) => {
    const message = sealed(payload, rest.protocol, source, destination)
    const packet = encodeIpv6({
      ...new Ipv6Header(),
      ...rest,
      ...cut,
      isFragment,
      source,
      destination,
      payload: message,
    })
    return encodeEthernet({
      destination: destinationMac,
      source: 9,
      vlan: null,
      etherType: ETHERTYPE.ipv6,
      payload: packet,
    })
  })
const otherFrame = fc
  .tuple(mac, fc.constantFrom(ETHERTYPE.arp, ETHERTYPE.vlan, 0x88b5), noise)
  .map(([destination, etherType, payload]) => {
    const frame = new Uint8Array(14 + payload.length)
    writeMac(frame, 0, destination)
    writeU16be(frame, 12, etherType)
    frame.set(payload, 14)
    return frame
  })

function network(): { net: RoutedNetwork; router: HostStack } {
  const net = chain({ middleMtu: 600 })
  const router = net.host('one')
  new RipRouter(net.kernel, router)
  return { net, router }
}

describe('a router that anything is thrown at', () => {
  it('goes on: no frame fails it, and it still works', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(ipv4Frame, ipv6Frame, otherFrame, noise), { maxLength: 60 }), (frames) => {
        const { net, router } = network()
        for (const frame of frames) router.receiveFrame(frame)
        net.runFor(seconds(40))
        for (const frame of frames) net.host('client').receiveFrame(frame)
        net.runFor(seconds(40))
        expect(router.neighbourRows().length).toBeLessThan(100)
        expect(router.ip.reassembly.packetCount).toBeLessThanOrEqual(256)
      }),
      { numRuns: 150 },
    )
  })
})
