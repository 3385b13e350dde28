import { describe, expect, it } from 'vitest'
import { seconds } from '../../../core/base/units.js'
import { joinPorts, partPorts } from '../../../core/net/frame-port.js'
import type { PortOptions } from '../../../core/net/switch/port-options.js'
import { Tap } from '../../../core/net/tap.js'
import { encodeDtpFrame } from '../../../core/net/wire/dtp.js'
import {
  expectSameOctets,
  NetworkFixture,
  patternOctets,
  TestListener,
  TestOwner,
} from '../../support/network-fixture.js'
import { arpFrame, frameOf, SwitchFixture } from '../../support/switch-fixture.js'
import { tsharkComplaints, tsharkFields } from '../../support/tshark.js'

/** A capture of what leaves the first port of a switch with such ports, to which `play` gives frames. */
function captureOf(ports: readonly PortOptions[], play: (net: SwitchFixture) => void): Uint8Array {
  const net = new SwitchFixture(ports, { domain: 'lab', mac: 0x0253_0000_0000 })
  const tap = new Tap(net.kernel, 'port 0')
  net.port(0).watch(tap, 'out')
  play(net)
  return tap.toPcapng()
}

describe('layer 2 by tshark', () => {
  it('sees the tags of a trunk, and both of a doubly tagged frame', () => {
    const capture = captureOf([{ mode: 'nonegotiate', nativeVlan: 99 }, { accessVlan: 10 }], (net) => {
      net.send(1, arpFrame({ senderMac: 2, senderAddress: 0x0a000002 }, { tags: [0] }))
      const frame = frameOf(2, 9, 10, 20)
      frame[14] = 0xb0 // priority 5, drop eligible
      net.send(1, frame)
    })
    const fields = ['frame.protocols', 'vlan.id', 'vlan.priority', 'vlan.dei'] as const
    const [first, second] = tsharkFields(capture, fields)
    expect(first).toEqual({
      ...{ 'frame.protocols': 'eth:ethertype:vlan:ethertype:arp' },
      ...{ 'vlan.id': '10', 'vlan.priority': '0', 'vlan.dei': '0' },
    })
    expect(second).toMatchObject({ 'vlan.id': '10,20', 'vlan.priority': '5,0', 'vlan.dei': '1,0' })
  })

  it('reads what our ports say by DTP', () => {
    const fields = ['dtp.version', 'dtp.domain', 'dtp.tos', 'dtp.tas', 'dtp.tot', 'dtp.tat', 'dtp.senderid'] as const
    const said = (mode: PortOptions['mode'] & string) => {
      const capture = captureOf([{ mode }], (net) => {
        net.kernel.runUntil(0)
        net.send(
          0,
          encodeDtpFrame({
            ...{ domain: '', isTrunk: false, administrativeStatus: 'desirable', sender: 66 },
            ...{ operatingType: 'dot1q', administrativeType: 'dot1q' },
          }),
        )
        net.kernel.runUntil(seconds(1))
      })
      expect(tsharkComplaints(capture)).toEqual([])
      return tsharkFields(capture, fields).map((row) => Object.values(row).join(' '))
    }
    // Operating status and type, then what was configured: 3 desirable, 4 auto, 1 on; 5 is 802.1Q, 1 native, 0 negotiated.
    const sender = '02:53:00:00:00:01'
    expect(said('dynamic-auto')).toEqual([`1 lab 0x00 0x04 0x01 0x00 ${sender}`, `1 lab 0x01 0x04 0x05 0x00 ${sender}`])
    expect(said('dynamic-desirable')[1]).toBe(`1 lab 0x01 0x03 0x05 0x00 ${sender}`)
    expect(said('trunk')[0]).toBe(`1 lab 0x01 0x01 0x05 0x05 ${sender}`)
  })

  it('reads TCP in a VLAN between two switches, with every checksum right', () => {
    const net = new NetworkFixture({ hostCount: 2 })
    const far = new SwitchFixture([{ mode: 'nonegotiate' }, { accessVlan: 10 }], {}, net.kernel, 'far')
    const uplink = net.device.addPort({ mode: 'nonegotiate' })
    joinPorts(uplink, far.port(0))
    for (const port of net.ports) port.configure({ accessVlan: 10 })
    // The second host moves to the other switch: what it says goes over the trunk now.
    const [port, cable] = [net.ports[1], net.links[1]]
    if (port === undefined || cable === undefined) throw new Error('no second host')
    partPorts(port, cable.b)
    joinPorts(cable.b, far.port(1))
    const tap = new Tap(net.kernel, 'trunk')
    uplink.watch(tap)
    const [client, server] = [new TestOwner(patternOctets(100_000)), new TestOwner()]
    client.endsWhenSent = true
    server.endsWhenPeerEnds = true
    net.host(1).listen(49152, new TestListener(server))
    net.host(0).connect(net.host(1).address, 49152).owner = client
    net.kernel.runUntil(seconds(1))
    expectSameOctets(server.receivedWhole(), patternOctets(100_000))
    const decodeAs = ['tcp.port==49152,data']
    expect(tsharkComplaints(tap.toPcapng(), { decodeAs })).toEqual([])
    const rows = tsharkFields(tap.toPcapng(), ['frame.protocols', 'vlan.id', 'tcp.len'], { decodeAs })
    expect([...new Set(rows.map((row) => row['frame.protocols']))]).toEqual([
      'eth:ethertype:vlan:ethertype:arp',
      'eth:ethertype:vlan:ethertype:ip:tcp',
      'eth:ethertype:vlan:ethertype:ip:tcp:data',
    ])
    expect(new Set(rows.map((row) => row['vlan.id']))).toEqual(new Set(['10']))
    expect(rows.reduce((sum, row) => sum + Number(row['tcp.len']), 0)).toBe(100_000)
  })
})
