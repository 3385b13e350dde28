/** Whose address is where: neighbour advertisements, relays, time to live. */
import { describe, expect, it } from 'vitest'
import { encodeEthernet, ETHERTYPE } from '../../../../core/net/wire/ethernet.js'
import { encodeIcmpv6 } from '../../../../core/net/wire/icmpv6.js'
import { IP_PROTOCOL } from '../../../../core/net/wire/ipv4.js'
import { encodeIpv6 } from '../../../../core/net/wire/ipv6.js'
import { encodeNeighbourMessage } from '../../../../core/net/wire/neighbour-discovery.js'
import { ipv4Frame, signsOf, signWords, tcpFrame, type Ends, type TimedFrame } from '../../../support/signs-of.js'

const timed = (frames: readonly Uint8Array[]): TimedFrame[] =>
  frames.map((octets, index) => ({ atNs: index * 1e6, octets }))

const TARGET = 0xfd00n << 112n
function advertisement(mac: number, isOverride: boolean): Uint8Array {
  const pair = { source: TARGET + 1n, destination: TARGET + 2n }
  const said = { target: TARGET + 1n, targetMac: mac, isRouter: false, isSolicited: true, isOverride }
  const payload = encodeIcmpv6(encodeNeighbourMessage({ kind: 'neighbour-advertisement', ...said }), pair)
  const packet = encodeIpv6({
    ...{ ...pair, protocol: IP_PROTOCOL.icmpv6, ttl: 255, trafficClass: 0, flowLabel: 0, isFragment: false },
    ...{ identification: 0, moreFragments: false, fragmentOffset: 0, payload },
  })
  const header = { destination: 2, source: mac, vlan: null, etherType: ETHERTYPE.ipv6 }
  return encodeEthernet({ ...header, payload: packet })
}

describe('signs of an address in two places', () => {
  it('are neighbour advertisements that override another’s', () => {
    expect(signWords(timed([advertisement(1, true), advertisement(66, true)]))).toContain(
      'overriding-advertisement 1 2',
    )
    expect(signWords(timed([advertisement(1, true), advertisement(1, true)]))).toEqual([])
  })

  it('are no second station that serves an address and overrides nobody (anycast)', () => {
    const kinds = signsOf(timed([advertisement(1, true), advertisement(5, false)])).map(({ kind }) => kind)
    expect(kinds).not.toContain('overriding-advertisement')
  })

  it('are packets that go to a station and come from it again', () => {
    const packet: Ends = { from: 1, to: 2, identification: 7 }
    const octets = Uint8Array.of(8, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0)
    const direct = ipv4Frame({ ...packet, identification: 6 }, IP_PROTOCOL.icmp, octets)
    const there = ipv4Frame({ ...packet, toMac: 66 }, IP_PROTOCOL.icmp, octets)
    const on = ipv4Frame({ ...packet, fromMac: 66, ttl: 63 }, IP_PROTOCOL.icmp, octets)
    expect(signWords(timed([direct, there, on]))).toEqual(['relayed 2 3', 'other-station 2 3', 'other-distance 2 3'])
    expect(signsOf(timed([direct, there, on]))[0]?.text).toMatch(/ 1000.0 µs later$/)
  })

  it('are not stations without an address yet, nor the same address in another VLAN', () => {
    const nobody = (mac: number): Uint8Array =>
      ipv4Frame({ from: -0x0a00_0000, to: 9, fromMac: mac }, IP_PROTOCOL.udp, new Uint8Array(16))
    expect(signWords(timed([nobody(1), nobody(2)]))).toEqual([])
    const tagged = (vlan: number, mac: number): Uint8Array => {
      const frame = tcpFrame({ from: 1, to: 2, fromMac: mac, sequence: 1 })
      const tag = { id: vlan, priority: 0, isDropEligible: false }
      const header = { destination: 2, source: mac, vlan: tag, etherType: ETHERTYPE.ipv4 }
      return encodeEthernet({ ...header, payload: frame.subarray(14) })
    }
    expect(signWords(timed([tagged(10, 1), tagged(20, 5)]))).toEqual([])
    expect(signWords(timed([tagged(10, 1), tagged(10, 5)]))).toEqual(['other-station 1 2'])
  })
})
