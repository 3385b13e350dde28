import { describe, expect, test } from 'vitest'
import { MAC_BROADCAST, parseIpv4, readMac } from '../../../core/net/wire/addresses.js'
import { ARP_OPERATION, decodeArp, encodeArp } from '../../../core/net/wire/arp.js'
import { decodeEthernet, encodeEthernet, ETHERTYPE } from '../../../core/net/wire/ethernet.js'
import { decodeIcmp, encodeIcmp, ICMP_TYPE } from '../../../core/net/wire/icmp.js'
import { decodeIpv4, encodeIpv4, IP_PROTOCOL, Ipv4Header } from '../../../core/net/wire/ipv4.js'
import { decodeUdp, encodeUdp } from '../../../core/net/wire/udp.js'
import { bootGuest, GUEST_MAC, type RunningMachine } from '../../support/guest-machine.js'

const guestMac = readMac(GUEST_MAC, 0)
const ourMac = 0x0200_0000_0001
const guestAddress = parseIpv4('10.1.0.7')
const ourAddress = parseIpv4('10.1.0.99')

function bootedGuest(): RunningMachine {
  const guest = bootGuest({ ip: guestAddress })
  guest.expect('login: ')
  return guest
}

/** What the guest sends within 10 ms of getting `frame`. */
function answers(guest: RunningMachine, frame: Uint8Array): Uint8Array[] {
  guest.machine.nic.receiveFrame(frame)
  guest.run(10e6)
  return guest.machine.nic.takeFrames()
}

function ipFrame(protocol: number, payload: Uint8Array, changes: Partial<Ipv4Header> = {}): Uint8Array {
  const header = { ...new Ipv4Header(), source: ourAddress, destination: guestAddress, protocol, ...changes }
  const packet = encodeIpv4({ ...header, payload })
  const link = { destination: guestMac, source: ourMac, vlan: null, etherType: ETHERTYPE.ipv4 }
  return encodeEthernet({ ...link, payload: packet })
}

const ping = (octets: number): Uint8Array =>
  encodeIcmp({
    type: ICMP_TYPE.echoRequest,
    code: 0,
    identifier: 7,
    sequence: 9,
    payload: new Uint8Array(octets).fill(5),
  })

describe('the guest on the network', () => {
  test('announces its address at boot, and answers who asks for it, and only for it', () => {
    const guest = bootedGuest()
    const [announcement, ...others] = guest.machine.nic.takeFrames()
    expect(others).toEqual([])
    const announced = decodeArp(decodeEthernet(announcement!).payload)
    expect([announced.senderMac, announced.senderAddress, announced.targetAddress]).toEqual([
      guestMac,
      guestAddress,
      guestAddress,
    ])

    const ask = (targetAddress: number): Uint8Array[] => {
      const request = { operation: ARP_OPERATION.request, senderMac: ourMac, senderAddress: ourAddress, targetMac: 0 }
      const link = { destination: MAC_BROADCAST, source: ourMac, vlan: null, etherType: ETHERTYPE.arp }
      return answers(guest, encodeEthernet({ ...link, payload: encodeArp({ ...request, targetAddress }) }))
    }
    const [reply] = ask(guestAddress)
    const frame = decodeEthernet(reply!)
    expect([frame.destination, frame.source]).toEqual([ourMac, guestMac])
    expect(decodeArp(frame.payload)).toEqual({
      operation: ARP_OPERATION.reply,
      senderMac: guestMac,
      senderAddress: guestAddress,
      targetMac: ourMac,
      targetAddress: ourAddress,
    })
    expect(ask(guestAddress + 1)).toEqual([])
  })

  test.each([0, 1, 56, 1400, 1472])('answers a ping of %i octets with right checksums', (octets) => {
    const guest = bootedGuest()
    guest.machine.nic.takeFrames()
    const sent = answers(guest, ipFrame(IP_PROTOCOL.icmp, ping(octets)))
    expect(sent).toHaveLength(1)
    const frame = decodeEthernet(sent[0]!)
    const packet = decodeIpv4(frame.payload)
    expect([frame.destination, frame.source, packet.source, packet.destination]).toEqual([
      ourMac,
      guestMac,
      guestAddress,
      ourAddress,
    ])
    expect(decodeIcmp(packet.payload)).toEqual({ ...decodeIcmp(ping(octets)), type: ICMP_TYPE.echoReply })
  })

  test('echoes UDP on port 7, and says nothing on another, to another address, or to a fragment', () => {
    const guest = bootedGuest()
    guest.machine.nic.takeFrames()
    const pair = { source: ourAddress, destination: guestAddress }
    const datagram = { sourcePort: 5000, destinationPort: 7, payload: Uint8Array.of(1, 2, 3) }
    const [sent] = answers(guest, ipFrame(IP_PROTOCOL.udp, encodeUdp(datagram, pair)))
    const packet = decodeIpv4(decodeEthernet(sent!).payload)
    const echoed = decodeUdp(packet.payload, { source: guestAddress, destination: ourAddress })
    expect(echoed).toMatchObject({ sourcePort: 7, destinationPort: 5000, payload: datagram.payload })

    expect(answers(guest, ipFrame(IP_PROTOCOL.udp, encodeUdp({ ...datagram, destinationPort: 8 }, pair)))).toEqual([])
    expect(answers(guest, ipFrame(IP_PROTOCOL.icmp, ping(8), { destination: guestAddress + 1 }))).toEqual([])
    expect(answers(guest, ipFrame(IP_PROTOCOL.icmp, ping(8), { moreFragments: true }))).toEqual([])
  })

  test('echoes what UDP says is there, and nothing that is damaged or would be answered for ever', () => {
    const guest = bootedGuest()
    guest.machine.nic.takeFrames()
    const pair = { source: ourAddress, destination: guestAddress }
    const datagram = { sourcePort: 5000, destinationPort: 7, payload: Uint8Array.of(1, 2, 3, 4) }
    const whole = encodeUdp(datagram, pair)
    const ask = (udp: Uint8Array): Uint8Array[] => answers(guest, ipFrame(IP_PROTOCOL.udp, udp))
    expect(ask(whole)).toHaveLength(1)
    const [padded] = ask(Uint8Array.from([...whole, 9, 9, 9])) // octets after the datagram are not part of it
    expect(decodeIpv4(decodeEthernet(padded!).payload).payload).toHaveLength(whole.length)
    for (const [at, octet] of [
      [4, 0xff], // longer than the packet
      [5, 7], // shorter than its header
      [8, 0xaa], // not what was summed
    ] as const)
      expect(ask(whole.with(at, octet))).toEqual([])
    expect(ask(whole.with(6, 0).with(7, 0))).toHaveLength(1) // not summed at all (RFC 768)
    for (const sourcePort of [7, 0]) expect(ask(encodeUdp({ ...datagram, sourcePort }, pair))).toEqual([])
  })

  test('takes no request for one of ARP that is of another kind of address', () => {
    const guest = bootedGuest()
    guest.machine.nic.takeFrames()
    const request = { operation: ARP_OPERATION.request, senderMac: ourMac, senderAddress: ourAddress, targetMac: 0 }
    const arp = encodeArp({ ...request, targetAddress: guestAddress })
    const ask = (payload: Uint8Array): Uint8Array[] =>
      answers(
        guest,
        encodeEthernet({ destination: MAC_BROADCAST, source: ourMac, vlan: null, etherType: ETHERTYPE.arp, payload }),
      )
    expect(ask(arp)).toHaveLength(1)
    for (let at = 0; at < 8; at++) expect(ask(arp.with(at, arp[at]! ^ 1)), `octet ${at}`).toEqual([])
  })

  test('a flood of frames leaves the console alive', () => {
    const guest = bootedGuest()
    guest.type('x')
    let said = ''
    for (let slice = 0; slice < 400 && !said.includes('x'); slice++) {
      for (let i = 0; i < 64; i++) guest.machine.nic.receiveFrame(ipFrame(IP_PROTOCOL.icmp, ping(56)))
      guest.run(50e3)
      guest.machine.nic.takeFrames()
      said += guest.expect('')
    }
    expect(said).toBe('x')
  })

  test('answers a thousand pings, one by one and in bursts, without losing its rings', () => {
    const guest = bootedGuest()
    guest.machine.nic.takeFrames()
    let answered = 0
    for (let burst = 0; burst < 50; burst++) {
      for (let i = 0; i < 20; i++) guest.machine.nic.receiveFrame(ipFrame(IP_PROTOCOL.icmp, ping(64)))
      guest.run(10e6)
      answered += guest.machine.nic.takeFrames().length
    }
    expect([answered, guest.machine.nic.droppedFrames]).toEqual([1000, 0])
  })

  test('octets that are no packet at all are ignored', () => {
    const guest = bootedGuest()
    guest.machine.nic.takeFrames()
    const good = ipFrame(IP_PROTOCOL.icmp, ping(64))
    for (let length = 1; length < good.length; length += 3) expect(answers(guest, good.slice(0, length))).toEqual([])
    for (let at = 12; at < 34; at++) answers(guest, good.with(at, good[at]! ^ 0xff))
    guest.machine.nic.takeFrames()
    expect(answers(guest, good)).toHaveLength(1)
    guest.type('x')
    guest.expect('x')
  })
})
