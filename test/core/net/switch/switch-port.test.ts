import { describe, expect, it } from 'vitest'
import { InputError } from '../../../../core/base/errors.js'
import { copyGraph } from '../../../../core/base/snapshot.js'
import { seconds } from '../../../../core/base/units.js'
import { joinPorts } from '../../../../core/net/frame-port.js'
import type { PortOptions } from '../../../../core/net/switch/port-options.js'
import { MAC_BROADCAST } from '../../../../core/net/wire/addresses.js'
import { frameOf, frameText, SwitchFixture } from '../../../support/switch-fixture.js'

const access = (accessVlan: number): PortOptions => ({ mode: 'access', accessVlan })
const trunk = (more: PortOptions = {}): PortOptions => ({ mode: 'nonegotiate', ...more })

describe('SwitchPort', () => {
  it('keeps VLANs apart, with an address table for each', () => {
    const net = new SwitchFixture([access(10), access(10), access(20), access(20)])
    expect(net.send(0, frameOf(1, MAC_BROADCAST))).toEqual([[], ['1>*'], [], []])
    expect(net.send(2, frameOf(1, MAC_BROADCAST))).toEqual([[], [], [], ['1>*']])
    expect(net.send(1, frameOf(2, 1))).toEqual([['2>1'], [], [], []])
    expect(net.send(3, frameOf(2, 1))).toEqual([[], [], ['2>1'], []])
    expect(net.device.macTable().map(({ vlan, mac, switchPort }) => `${vlan} ${mac} ${switchPort}`)).toEqual([
      '10 00:00:00:00:00:01 0',
      '10 00:00:00:00:00:02 1',
      '20 00:00:00:00:00:01 2',
      '20 00:00:00:00:00:02 3',
    ])
  })

  it('puts tags on and takes them off at trunks', () => {
    const net = new SwitchFixture([access(10), trunk(), trunk({ nativeVlan: 10 }), trunk({ allowedVlans: '20-30' })])
    expect(net.send(0, frameOf(1, 9))).toEqual([[], ['[10]1>9'], ['1>9'], []])
    expect(net.send(1, frameOf(2, 9, 10))).toEqual([['2>9'], [], ['2>9'], []])
    expect(net.send(1, frameOf(2, 9, 20))).toEqual([[], [], ['[20]2>9'], ['[20]2>9']])
    expect(net.send(3, frameOf(3, 9, 10))).toEqual([[], [], [], []])
    expect(net.device.portTable()[3]?.dropped.vlan).toBe(1)
    // Without a tag: the native VLAN, which is 1 here, and not allowed there.
    expect(net.send(1, frameOf(4, 9))).toEqual([[], [], ['[1]4>9'], []])
    expect(net.send(3, frameOf(4, 9))).toEqual([[], [], [], []])
  })

  it('keeps priorities between trunks, and fills in the VLAN of a tag that has none', () => {
    const net = new SwitchFixture([trunk({ nativeVlan: 7, tagsNative: false }), trunk()])
    const seen: string[] = []
    net.port(1).watch({ record: (frame) => seen.push(Buffer.from(frame.subarray(12, 16)).toString('hex')) }, 'out')
    const frame = (id: number): Uint8Array => {
      const octets = frameOf(1, 9, id)
      octets[14]! |= 0xb0
      return octets
    }
    net.port(0).receiveFrame(frame(20))
    net.port(0).receiveFrame(frame(0))
    expect(seen).toEqual(['8100b014', '8100b007'])
  })

  it('refuses what comes without a tag when the native VLAN is tagged', () => {
    const net = new SwitchFixture([trunk({ tagsNative: true }), trunk({ tagsNative: true }), access(1)])
    expect(net.send(0, frameOf(1, 9))).toEqual([[], [], []])
    expect(net.device.portTable()[0]?.dropped.untagged).toBe(1)
    expect(net.send(0, frameOf(1, 9, 1))).toEqual([[], ['[1]1>9'], ['1>9']])
  })

  it('takes a frame tagged with its own VLAN at an access port, and no other', () => {
    const net = new SwitchFixture([access(10), access(10), access(20)])
    expect(net.send(0, frameOf(1, 9, 10))).toEqual([[], ['1>9'], []])
    expect(net.send(0, frameOf(1, 9, 20))).toEqual([[], [], []])
  })

  it('lets a double tag hop into another VLAN over a native one, and no longer when that is tagged', () => {
    const near = new SwitchFixture([access(1), trunk()])
    const far = new SwitchFixture([access(20), trunk()], {}, near.kernel, 'far')
    joinPorts(near.port(1), far.port(1))
    near.port(0).receiveFrame(frameOf(66, 9, 1, 20))
    expect(far.logs[0]?.take()).toEqual(['66>9'])
    near.port(1).configure({ tagsNative: true })
    far.port(1).configure({ tagsNative: true })
    near.port(0).receiveFrame(frameOf(66, 9, 1, 20))
    expect(far.logs[0]?.take()).toEqual([])
  })

  it('carries tags unread in a switch that knows no VLANs', () => {
    const net = new SwitchFixture([{}, {}], { isVlanAware: false })
    expect(net.send(0, frameOf(1, 9, 5, 6))).toEqual([[], ['[5][6]1>9']])
    expect(() => net.port(0).configure({ mode: 'trunk' })).toThrow(InputError)
  })

  it('forgets what was behind it when its VLAN changes or it is shut, and drops while it is', () => {
    const net = new SwitchFixture([access(1), access(1), access(1)])
    net.send(0, frameOf(1, 9))
    net.port(0).configure({ accessVlan: 2 })
    expect(net.send(1, frameOf(2, 1))).toEqual([[], [], ['2>1']])
    net.port(1).configure({ isShut: true })
    expect(net.device.macTable()).toEqual([])
    expect(net.send(1, frameOf(2, 1))).toEqual([[], [], []])
    expect(net.send(2, frameOf(3, MAC_BROADCAST))).toEqual([[], [], []])
    const { status, dropped } = net.device.portTable()[1]!
    expect([status, dropped['port-disabled']]).toEqual(['shut', 1])
    net.port(1).configure({ isShut: false })
    expect(net.send(2, frameOf(3, MAC_BROADCAST))).toEqual([[], ['3>*'], []])
  })

  it('refuses what makes no sense, and then nothing has changed', () => {
    const net = new SwitchFixture([access(10)])
    const before = net.device.portTable()
    const refused: [PortOptions, RegExp][] = [
      [{ accessVlan: 4095 }, /access VLAN is 4095/],
      [{ nativeVlan: 0 }, /native VLAN is 0/],
      [{ allowedVlans: '10,2-1' }, /ends before it begins/],
      [{ allowedVlans: 'ten' }, /not a list of VLANs/],
      [{ mode: 'hybrid' as 'access' }, /not a port mode/],
      [{ mode: 'dynamic-auto', security: {} }, /for good/],
      [{ security: { maximum: 0 } }, /0 addresses/],
      [{ security: { addresses: [1, 2] } }, /more than the maximum/],
      [{ security: { addresses: [MAC_BROADCAST] } }, /group address/],
      [{ arpRateMax: 0 }, /ARP rate 0/],
    ]
    for (const [changes, words] of refused) {
      expect(() => net.port(0).configure(changes)).toThrow(words)
      expect(() => net.port(0).configure(changes)).toThrow(InputError)
    }
    expect(net.device.portTable()).toEqual(before)
  })

  it('shows witnesses what is on its cable, dropped or not', () => {
    const net = new SwitchFixture([access(10), trunk()])
    const seen: string[] = []
    const witness = (name: string) => ({ record: (frame: Uint8Array) => seen.push(`${name} ${frameText(frame)}`) })
    net.port(0).watch(witness('in'), 'in')
    const both = witness('trunk')
    net.port(1).watch(both)
    net.send(0, frameOf(1, 9))
    net.send(0, frameOf(1, 9, 99))
    net.send(1, frameOf(2, 1, 10))
    expect(seen).toEqual(['in 1>9', 'trunk [10]1>9', 'in [99]1>9', 'trunk [10]2>1'])
    net.port(1).unwatch(both)
    net.send(1, frameOf(2, 1, 10))
    expect(seen).toHaveLength(4)
  })

  it('counts frames and octets, and keeps addresses for the bridge itself to itself', () => {
    const net = new SwitchFixture([{}, {}])
    net.send(0, frameOf(1, 9))
    net.send(0, frameOf(1, 0x0180_c200_0000))
    net.send(0, new Uint8Array(13))
    net.port(1).output = null
    net.send(0, frameOf(1, 9))
    const [first, second] = net.device.portTable()
    expect([first?.framesIn, first?.octetsIn, second?.framesOut, second?.octetsOut]).toEqual([4, 193, 1, 60])
    expect([first?.dropped['reserved-address'], first?.dropped.runt]).toEqual([1, 1])
    expect(second?.status).toBe('not-connected')
  })

  it('writes into the trace when it becomes a trunk', () => {
    const net = new SwitchFixture([{}, trunk()])
    net.kernel.runUntil(seconds(1))
    net.port(0).configure({ mode: 'nonegotiate' })
    net.port(0).configure({ mode: 'access' })
    expect(
      net.kernel.trace.rows('port-mode').map(({ atNs, switchPort, mode, cause }) => [atNs, switchPort, mode, cause]),
    ).toEqual([
      [0, 1, 'trunk', 'configured'],
      [1e9, 0, 'trunk', 'configured'],
      [1e9, 0, 'access', 'configured'],
    ])
  })

  it('can be kept and gone on from, with all that it knows', () => {
    const net = new SwitchFixture([
      { mode: 'dynamic-desirable' },
      { security: { maximum: 2, sticky: true } },
      trunk(),
      {},
    ])
    net.device.mirror({ sources: [{ port: net.port(1) }], destination: net.port(3) })
    net.device.inspectArp({ vlans: '1' })?.bindings.add({ vlan: 1, address: 1, mac: 1, switchPort: null })
    net.send(1, frameOf(1, 9))
    const copied = copyGraph(net)
    expect(copied.device.macTable()).toEqual(net.device.macTable())
    for (const each of [net, copied]) {
      each.kernel.runUntil(seconds(5))
      each.send(2, frameOf(2, 1))
    }
    expect(copied.device.portTable()).toEqual(net.device.portTable())
    expect(copied.kernel.trace.hash()).toBe(net.kernel.trace.hash())
  })
})
