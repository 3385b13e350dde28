/** Frames in words. */
import { describe, expect, it } from 'vitest'
import { frameOf } from '../../../../core/attack/send/packet-text.js'
import { InputError } from '../../../../core/base/errors.js'
import { latin1Text } from '../../../../core/base/octets.js'
import { MAC_BROADCAST, parseIpv4, parseIpv6, parseMac } from '../../../../core/net/wire/addresses.js'
import { decodeArp } from '../../../../core/net/wire/arp.js'
import { decodeEthernet } from '../../../../core/net/wire/ethernet.js'
import { decodeIcmp } from '../../../../core/net/wire/icmp.js'
import { decodeIcmpv6 } from '../../../../core/net/wire/icmpv6.js'
import { decodeIpv4 } from '../../../../core/net/wire/ipv4.js'
import { decodeIpv6 } from '../../../../core/net/wire/ipv6.js'
import { decodeNeighbourMessage } from '../../../../core/net/wire/neighbour-discovery.js'
import { decodeTcp, TCP_FLAG } from '../../../../core/net/wire/tcp.js'
import { decodeUdp } from '../../../../core/net/wire/udp.js'

const sender = { mac: parseMac('02:00:00:00:00:66'), address: parseIpv4('10.0.0.66') }
const frame = (text: string) => decodeEthernet(frameOf(text, sender))
const packet = (text: string) => decodeIpv4(frame(text).payload)

describe('frameOf', () => {
  it('makes an ARP message as it is told, the rest as a station would', () => {
    const { destination, source, payload } = frame(
      'Ether(dst="02:00:00:00:00:01")/ARP(op=2, psrc="10.0.0.2", pdst="10.0.0.1")',
    )
    expect([destination, source]).toEqual([parseMac('02:00:00:00:00:01'), sender.mac])
    expect(decodeArp(payload)).toEqual({
      operation: 2,
      senderMac: sender.mac,
      senderAddress: parseIpv4('10.0.0.2'),
      targetMac: 0,
      targetAddress: parseIpv4('10.0.0.1'),
    })
    expect(frame('Ether()/ARP(pdst="10.0.0.1")').destination).toBe(MAC_BROADCAST)
  })

  it('makes TCP segments with flags, numbers and true checksums, in any name', () => {
    const ip = packet(
      'Ether()/IP(src="10.0.0.2", dst="10.0.0.1", ttl=9)/TCP(sport=22, dport=0x50, flags="RA", seq=7)/"ha / ha"',
    )
    expect([ip.source, ip.destination, ip.ttl]).toEqual([parseIpv4('10.0.0.2'), parseIpv4('10.0.0.1'), 9])
    const segment = decodeTcp(ip.payload, ip)
    expect(segment).toMatchObject({
      sourcePort: 22,
      destinationPort: 80,
      sequence: 7,
      flags: TCP_FLAG.rst | TCP_FLAG.ack,
    })
    expect(latin1Text(segment.payload)).toBe('ha / ha')
  })

  it('makes UDP, ICMP, and what is of no protocol', () => {
    const udp = packet('Ether()/IP(dst="10.0.0.1")/UDP(dport=53)/Raw(load="a, b)")')
    expect(udp.source).toBe(sender.address)
    expect(latin1Text(decodeUdp(udp.payload, udp).payload)).toBe('a, b)')
    expect(decodeIcmp(packet('Ether()/IP(dst="10.0.0.1")/ICMP(id=5)').payload)).toMatchObject({
      type: 8,
      identifier: 5,
    })
    expect(packet('Ether()/IP(dst="10.0.0.1")/"x"').protocol).toBe(253)
    expect(frame('Ether(type=0x1234)/"x"').etherType).toBe(0x1234)
  })

  it('makes a neighbour advertisement that overrides', () => {
    const ip = decodeIpv6(
      frame('Ether()/IPv6(src="fd00::2", dst="fd00::1")/ICMPv6ND_NA(tgt="fd00::2", lladdr="02:00:00:00:00:66")')
        .payload,
    )
    expect(ip.ttl).toBe(255)
    expect(decodeNeighbourMessage(decodeIcmpv6(ip.payload, ip))).toMatchObject({
      kind: 'neighbour-advertisement',
      target: parseIpv6('fd00::2'),
      targetMac: sender.mac,
      isOverride: true,
    })
  })

  it.each([
    ['', 'begins with Ether'],
    ['IP(dst="10.0.0.1")', 'begins with Ether'],
    ['Ether()/ARP(pdst="10.0.0.1"', 'a layer is a name'],
    ['Ether()/Smtp()', 'choose a layer of'],
    ['Ether()/TCP()', 'TCP cannot be in Ether'],
    ['Ether()/IP(to="10.0.0.1")', 'IP has no to'],
    ['Ether()/IP(dst=10.0.0.1)', 'write field=1'],
    ['Ether()/IP(dst="10.0.0.1")/TCP(dport=70000)', 'dport=70000'],
    ['Ether()/IP(dst="10.0.0.1")/TCP(flags="XMAS")', 'flags="XMAS"'],
    ['Ether()/IP()', 'say dst="…" too'],
    ['Ether()ARP()', 'joined by a stroke'],
    [`Ether()/"${'x'.repeat(1600)}"`, '1600 octets'],
    ['Ether()/toString()', 'choose a layer of'],
  ])('refuses %s', (text, problem) => {
    expect(() => frameOf(text, sender)).toThrow(InputError)
    expect(() => frameOf(text, sender)).toThrow(problem)
  })
})
