import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError, WireError } from '../../../../core/base/errors.js'
import { hexOf, octetsOfHex } from '../../../../core/base/octets.js'
import { ipv4Text, isGroupMac, macText, parseIpv4, parseMac, sameSubnet } from '../../../../core/net/wire/addresses.js'
import { decodeArp, encodeArp, encodeRarpAnnouncement } from '../../../../core/net/wire/arp.js'
import { decodeEthernet, encodeEthernet } from '../../../../core/net/wire/ethernet.js'
import { decodeIcmp, encodeIcmp } from '../../../../core/net/wire/icmp.js'
import { decodeIcmpv6, encodeIcmpv6 } from '../../../../core/net/wire/icmpv6.js'
import { decodeIpv4, encodeIpv4 } from '../../../../core/net/wire/ipv4.js'
import { decodeIpv6, encodeIpv6 } from '../../../../core/net/wire/ipv6.js'
import { decodeCapturedTcp, networkLayerOf } from '../../../../core/net/wire/link-layer.js'
import {
  decodeNeighbourMessage,
  encodeNeighbourMessage,
  type NeighbourMessage,
} from '../../../../core/net/wire/neighbour-discovery.js'
import { decodeRip, encodeRip } from '../../../../core/net/wire/rip.js'
import { decodeTcp, encodeTcp } from '../../../../core/net/wire/tcp.js'
import { decodeUdp, encodeUdp } from '../../../../core/net/wire/udp.js'

const u8 = fc.nat(0xff)
const u16 = fc.nat(0xffff)
const u32 = fc.nat(0xffffffff)
const mac = fc.nat(0xffffffffffff)
const payload = fc.uint8Array({ maxLength: 200 })
const pair = { source: 0x0a000001, destination: 0x0a000002 }

const arp = fc.record({ operation: u16, senderMac: mac, senderAddress: u32, targetMac: mac, targetAddress: u32 })
const ethernet = fc.record({
  destination: mac,
  source: mac,
  vlan: fc.option(fc.record({ id: fc.nat(4095), priority: fc.nat(7), isDropEligible: fc.boolean() })),
  etherType: fc.integer({ min: 0x0600, max: 0xffff }).filter((type) => type !== 0x8100),
  payload,
})
const ipv4 = fc.record({
  source: u32,
  destination: u32,
  protocol: u8,
  ttl: u8,
  dscpEcn: u8,
  identification: u16,
  dontFragment: fc.boolean(),
  moreFragments: fc.boolean(),
  fragmentOffset: fc.nat(0x1fff).map((units) => units * 8),
  payload,
})
const icmp = fc.record({ type: u8, code: u8, identifier: u16, sequence: u16, payload })
const udp = fc.record({ sourcePort: u16, destinationPort: u16, payload })
const ipv6Address = fc.bigInt({ min: 0n, max: 2n ** 128n - 1n })
const ipv6 = fc
  .record({
    source: ipv6Address,
    destination: ipv6Address,
    // Not the number of an extension header.
    protocol: fc.constantFrom(6, 17, 58, 59, 200),
    ttl: u8,
    trafficClass: u8,
    flowLabel: fc.nat(0xfffff),
    isFragment: fc.boolean(),
    identification: u32,
    moreFragments: fc.boolean(),
    fragmentOffset: fc.nat(0x1fff).map((units) => units * 8),
    payload,
  })
  .map((packet) =>
    packet.isFragment ? packet : { ...packet, identification: 0, moreFragments: false, fragmentOffset: 0 },
  )
const ipv6Pair = { source: 1n << 127n, destination: 0xfd00n << 112n }
const icmpv6 = fc.record({ type: u8, code: u8, word: u32, payload })
const optionalMac = fc.option(mac)
const prefixInformation = fc.record({
  prefix: ipv6Address,
  prefixLength: fc.nat(128),
  isOnLink: fc.boolean(),
  isAutonomous: fc.boolean(),
  validSeconds: u32,
  preferredSeconds: u32,
})
const neighbourMessage: fc.Arbitrary<NeighbourMessage> = fc.oneof(
  fc.record({ kind: fc.constant('neighbour-solicitation'), target: ipv6Address, sourceMac: optionalMac }),
  fc.record({
    kind: fc.constant('neighbour-advertisement'),
    target: ipv6Address,
    targetMac: optionalMac,
    isRouter: fc.boolean(),
    isSolicited: fc.boolean(),
    isOverride: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('router-solicitation'), sourceMac: optionalMac }),
  fc.record({
    kind: fc.constant('router-advertisement'),
    hopLimit: u8,
    lifetimeSeconds: u16,
    sourceMac: optionalMac,
    mtu: fc.option(u32),
    prefixes: fc.array(prefixInformation, { maxLength: 3 }),
  }),
  fc.record({
    kind: fc.constant('redirect'),
    target: ipv6Address,
    destination: ipv6Address,
    targetMac: optionalMac,
  }),
)
const rip = fc.record({
  command: u8,
  entries: fc.array(
    fc.record({
      family: fc.constantFrom(0, 2),
      routeTag: u16,
      prefix: u32,
      prefixLength: fc.nat(32),
      nextHop: u32,
      metric: fc.integer({ min: 1, max: 16 }),
    }),
    { maxLength: 24 },
  ),
  authentication: fc.option(
    fc.record({ keyId: u8, sequence: u32, digest: fc.uint8Array({ minLength: 16, maxLength: 32 }) }),
  ),
})
const tcp = fc
  .record({
    sourcePort: u16,
    destinationPort: u16,
    sequence: u32,
    acknowledgment: u32,
    flags: u8,
    window: u16,
    urgentPointer: u16,
    mss: fc.option(u16),
    windowScale: fc.option(fc.nat(14)),
    sackPermitted: fc.boolean(),
    hasTimestamps: fc.boolean(),
    tsVal: u32,
    tsEcr: u32,
    sackBlocks: fc.array(fc.record({ left: u32, right: u32 }), { maxLength: 1 }),
    payload,
  })
  .map((segment) => (segment.hasTimestamps ? segment : { ...segment, tsVal: 0, tsEcr: 0 }))

/** Decoding what was encoded gives every field back (decoders may add offsets). */
function roundTrips<T>(
  name: string,
  values: fc.Arbitrary<T>,
  encode: (value: T) => Uint8Array,
  decode: (octets: Uint8Array) => object,
): void {
  it(`${name}: decode of encode is identity`, () => {
    fc.assert(fc.property(values, (value) => void expect(decode(encode(value))).toMatchObject(value as object)))
  })
  it(`${name}: damaged or random octets give a value or WireError`, () => {
    const attempt = (octets: Uint8Array): void => {
      try {
        decode(octets)
      } catch (error) {
        if (!(error instanceof WireError)) throw error
      }
    }
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), attempt))
    fc.assert(
      fc.property(values, fc.nat(), u8, fc.nat(), (value, at, octet, length) => {
        const octets = encode(value)
        octets[at % octets.length] = octet
        attempt(octets.subarray(0, 1 + (length % octets.length)))
      }),
    )
  })
}

describe('wire codecs', () => {
  roundTrips('ethernet', ethernet, encodeEthernet, decodeEthernet)
  roundTrips('arp', arp, encodeArp, decodeArp)
  roundTrips('ipv4', ipv4, encodeIpv4, decodeIpv4)
  roundTrips('icmp', icmp, encodeIcmp, decodeIcmp)
  roundTrips('ipv6', ipv6, encodeIpv6, decodeIpv6)
  roundTrips(
    'icmpv6',
    icmpv6,
    (value) => encodeIcmpv6(value, ipv6Pair),
    (octets) => decodeIcmpv6(octets, ipv6Pair),
  )
  // The type and the first word stand outside the message's own payload.
  roundTrips(
    'neighbour discovery',
    neighbourMessage,
    (value) => encodeIcmpv6(encodeNeighbourMessage(value), ipv6Pair),
    (octets) => decodeNeighbourMessage(decodeIcmpv6(octets, ipv6Pair)) ?? {},
  )
  it('neighbour discovery: any options give a value or WireError', () => {
    const types = fc.integer({ min: 133, max: 137 })
    fc.assert(
      fc.property(types, u32, fc.uint8Array({ maxLength: 120 }), (type, word, options) => {
        try {
          expect(decodeNeighbourMessage({ type, code: 0, word, payload: options })).not.toBeNull()
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
    )
  })
  roundTrips('rip', rip, encodeRip, decodeRip)
  roundTrips(
    'udp',
    udp,
    (value) => encodeUdp(value, pair),
    (octets) => decodeUdp(octets, pair),
  )
  roundTrips(
    'tcp',
    tcp,
    (value) => encodeTcp(value, pair),
    (octets) => decodeTcp(octets, pair),
  )

  it('refuses wrong checksums, with the place', () => {
    const octets = encodeTcp({ ...fc.sample(tcp, 1)[0]!, payload: new Uint8Array(3) }, pair)
    octets[octets.length - 1]! ^= 1
    expect(() => decodeTcp(octets, pair)).toThrow(/tcp: at octet 16: checksum/)
  })

  it('writes the announcement of QEMU: 60 octets, reverse request, the address in both places', () => {
    const frame = encodeRarpAnnouncement(parseMac('52:54:00:12:34:56'))
    expect(hexOf(frame)).toBe(
      'ffffffffffff525400123456' + '8035' + '0001080006040003' + '52540012345600000000'.repeat(2) + '00'.repeat(18),
    )
  })

  it('finds the packet behind every link type', () => {
    expect(networkLayerOf(1, octetsOfHex('000000000000000000000000' + '81000005' + '88a80006' + '0800'))).toEqual({
      etherType: 0x0800,
      start: 22,
    })
    expect(networkLayerOf(113, octetsOfHex('00'.repeat(14) + '0800'))).toEqual({ etherType: 0x0800, start: 16 })
    expect(networkLayerOf(276, octetsOfHex('0800' + '00'.repeat(18)))).toEqual({ etherType: 0x0800, start: 20 })
    expect(networkLayerOf(101, octetsOfHex('60'))).toEqual({ etherType: 0x86dd, start: 0 })
    expect(() => networkLayerOf(147, octetsOfHex('60'))).toThrow(WireError)
    fc.assert(
      fc.property(fc.constantFrom(1, 101, 113, 276, 7), fc.uint8Array({ maxLength: 90 }), (linkType, octets) => {
        try {
          decodeCapturedTcp(linkType, octets)
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
        }
      }),
    )
  })

  it('takes a segment that the capture cut short', () => {
    const segment = encodeTcp({ ...fc.sample(tcp, 1)[0]!, payload: new Uint8Array(100).fill(7) }, pair)
    const header = {
      ttl: 64,
      dscpEcn: 0,
      identification: 0,
      dontFragment: true,
      moreFragments: false,
      fragmentOffset: 0,
    }
    const packet = encodeIpv4({ ...pair, ...header, protocol: 6, payload: segment })
    const captured = decodeCapturedTcp(101, packet.subarray(0, packet.length - 60))
    expect(captured?.segment.payload).toEqual(new Uint8Array(40).fill(7))
  })
})

describe('addresses', () => {
  it('are written and read as people write them', () => {
    fc.assert(fc.property(mac, (value) => parseMac(macText(value)) === value))
    fc.assert(fc.property(u32, (value) => parseIpv4(ipv4Text(value)) === value))
    expect(() => parseIpv4('10.0.0.256')).toThrow(InputError)
    expect(() => parseMac('52:54:00')).toThrow(InputError)
    expect(isGroupMac(parseMac('01:00:5e:00:00:01'))).toBe(true)
    expect(isGroupMac(parseMac('52:54:00:00:00:01'))).toBe(false)
    expect(sameSubnet(parseIpv4('10.0.0.1'), parseIpv4('10.0.1.1'), 24)).toBe(false)
    expect(sameSubnet(parseIpv4('10.0.0.1'), parseIpv4('10.0.1.1'), 23)).toBe(true)
  })
})
