import { describe, expect, it } from 'vitest'
import { InputError } from '../../../../core/base/errors.js'
import { seconds } from '../../../../core/base/units.js'
import type { ArpInspectionOptions } from '../../../../core/net/switch/arp-inspection.js'
import type { PortOptions } from '../../../../core/net/switch/port-options.js'
import { ARP_OPERATION, encodeRarpAnnouncement } from '../../../../core/net/wire/arp.js'
import { arpFrame, SwitchFixture } from '../../../support/switch-fixture.js'

const HOST = 0x0a00_0001
const VICTIM = 0x0a00_0002

/** Station 1 at port 0 has HOST, 2 at port 1 has VICTIM; the attacker is at port 2. */
function inspected(options: Partial<ArpInspectionOptions> = {}, attacker: PortOptions = {}) {
  const net = new SwitchFixture([{}, {}, attacker])
  const inspection = net.device.inspectArp({ vlans: '1', ...options })!
  inspection.bindings.add({ vlan: 1, address: HOST, mac: 1, switchPort: 0 })
  inspection.bindings.add({ vlan: 1, address: VICTIM, mac: 2, switchPort: null })
  return { net, inspection }
}

describe('ArpInspection', () => {
  it('lets through what the bindings say, and stops who says that it is another', () => {
    const { net, inspection } = inspected()
    expect(net.send(0, arpFrame({ senderMac: 1, senderAddress: HOST }))[1]).toEqual(['1>*'])
    const poison = { senderMac: 66, senderAddress: HOST }
    expect(net.send(2, arpFrame(poison))).toEqual([[], [], []])
    expect(net.send(2, arpFrame({ ...poison, operation: ARP_OPERATION.request }))).toEqual([[], [], []])
    expect(inspection.log).toMatchObject([
      { vlan: 1, switchPort: 2, fault: 'binding', senderMac: 66, senderAddress: HOST },
      { fault: 'binding' },
    ])
    expect(net.device.portTable()[2]?.dropped['arp-inspection']).toBe(2)
    expect(net.kernel.trace.rows('arp-inspection')[0]).toMatchObject({
      ...{ device: 'sw', switchPort: 2, vlan: 1, fault: 'binding' },
      ...{ senderMac: '00:00:00:00:00:42', senderAddress: '10.0.0.1' },
    })
    expect([inspection.messagesForwarded, inspection.messagesDropped]).toEqual([1, 2])
    // What was dropped taught the switch nothing.
    expect(net.device.portOf(66)).toBeNull()
  })

  it('holds a binding to its port', () => {
    const { net } = inspected()
    expect(net.send(2, arpFrame({ senderMac: 1, senderAddress: HOST }))).toEqual([[], [], []])
    expect(net.send(2, arpFrame({ senderMac: 2, senderAddress: VICTIM }))[0]).toEqual(['2>*'])
  })

  it('believes trusted ports, other VLANs and RARP', () => {
    const { net } = inspected({}, { trustsArp: true })
    expect(net.send(2, arpFrame({ senderMac: 66, senderAddress: HOST }))[0]).toEqual(['66>*'])
    const other = inspected({ vlans: '2-10' }).net
    expect(other.send(2, arpFrame({ senderMac: 66, senderAddress: HOST }))[0]).toEqual(['66>*'])
    const rarp = inspected().net
    expect(rarp.send(2, encodeRarpAnnouncement(66))[0]).toEqual(['66>*'])
  })

  it('sees messages with a tag', () => {
    const net = new SwitchFixture([{ mode: 'nonegotiate' }, { accessVlan: 20 }])
    net.device.inspectArp({ vlans: '20' })
    const poison = { senderMac: 66, senderAddress: HOST }
    expect(net.send(0, arpFrame(poison, { tags: [20] }))).toEqual([[], []])
    expect(net.device.portTable()[0]?.dropped['arp-inspection']).toBe(1)
  })

  it('compares with the frame and refuses impossible addresses when told to', () => {
    const faults = (options: Partial<ArpInspectionOptions>) => {
      const { net, inspection } = inspected(options)
      inspection.bindings.add({ vlan: 1, address: 0, mac: 2, switchPort: null })
      const own = { senderMac: 2, senderAddress: VICTIM, targetMac: 1, targetAddress: HOST }
      net.send(1, arpFrame(own, { source: 99, destination: 1 }))
      net.send(1, arpFrame(own, { destination: 7 }))
      net.send(1, arpFrame({ ...own, senderAddress: 0 }, { destination: 1 }))
      net.send(1, arpFrame({ ...own, targetAddress: 0xe000_0001 }, { destination: 1 }))
      return inspection.log.map(({ fault }) => fault)
    }
    expect(faults({})).toEqual([])
    expect(faults({ checksSourceMac: true })).toEqual(['source-mac'])
    expect(faults({ checksDestinationMac: true })).toEqual(['destination-mac'])
    expect(faults({ checksAddresses: true })).toEqual(['address', 'address'])
  })

  it('drops messages that do not decode', () => {
    const { net, inspection } = inspected()
    const broken = arpFrame({ senderMac: 1, senderAddress: HOST })
    broken[18] = 5
    net.send(0, broken)
    net.send(0, arpFrame({}).slice(0, 30))
    expect(inspection.log.map(({ fault }) => fault)).toEqual(['malformed', 'malformed'])
  })

  it('disables a port that sends more than 15 messages a second, but no trusted one', () => {
    const { net } = inspected()
    const own = () => arpFrame({ senderMac: 2, senderAddress: VICTIM })
    for (let count = 0; count < 15; count++) net.send(2, own())
    net.kernel.runUntil(seconds(1))
    for (let count = 0; count < 15; count++) net.send(2, own())
    expect(net.port(2).errDisabled).toBeNull()
    net.send(2, own())
    expect(net.port(2).errDisabled).toBe('arp-rate')
    expect(net.kernel.trace.rows('port-violation')).toMatchObject([
      { kind: 'arp-rate', switchPort: 2, action: 'shutdown' },
    ])
    const trusted = inspected({}, { trustsArp: true }).net
    for (let count = 0; count < 100; count++) trusted.send(2, own())
    expect(trusted.port(2).errDisabled).toBeNull()
  })

  it('keeps its bindings when it is told otherwise, and the last 32 drops', () => {
    const { net, inspection } = inspected({}, { arpRateMax: null })
    for (let sender = 100; sender < 150; sender++) net.send(2, arpFrame({ senderMac: sender, senderAddress: HOST }))
    expect(inspection.log.map(({ senderMac }) => senderMac)).toEqual(
      Array.from({ length: 32 }, (_, index) => 118 + index),
    )
    expect(net.device.inspectArp({ vlans: 'all' })?.bindings.list()).toHaveLength(2)
    expect(net.device.inspectArp(null)).toBeNull()
    expect(net.send(2, arpFrame({ senderMac: 66, senderAddress: HOST }))[0]).toEqual(['66>*'])
  })

  it('refuses bindings and VLANs that make no sense', () => {
    const { net, inspection } = inspected()
    expect(() => inspection.bindings.add({ vlan: 0, address: 1, mac: 1, switchPort: null })).toThrow(InputError)
    expect(() => inspection.bindings.add({ vlan: 1, address: 1, mac: 2 ** 40, switchPort: null })).toThrow(
      /group address/,
    )
    expect(() => net.device.inspectArp({ vlans: '0' })).toThrow(InputError)
    expect(() => new SwitchFixture([], { isVlanAware: false }).device.inspectArp({ vlans: '1' })).toThrow(
      /knows no VLANs/,
    )
    expect(inspection.bindings.remove(1, HOST)).toBe(true)
    expect(inspection.bindings.remove(1, HOST)).toBe(false)
  })
})
