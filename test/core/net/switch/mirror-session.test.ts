import { describe, expect, it } from 'vitest'
import { InputError } from '../../../../core/base/errors.js'
import type { MirrorDirection } from '../../../../core/net/switch/mirror-session.js'
import { frameOf, SwitchFixture } from '../../../support/switch-fixture.js'

describe('MirrorSession', () => {
  it('copies what a port receives, sends or both, with the tags that it has there', () => {
    const copies = (direction: MirrorDirection) => {
      const net = new SwitchFixture([{ accessVlan: 10 }, { mode: 'nonegotiate' }, {}])
      net.device.mirror({ sources: [{ port: net.port(1), direction }], destination: net.port(2) })
      net.send(0, frameOf(1, 9))
      const received = net.send(1, frameOf(2, 1, 10))[2]
      return [received, net.send(0, frameOf(1, 2))[2]]
    }
    expect(copies('rx')).toEqual([['[10]2>1'], []])
    expect(copies('tx')).toEqual([[], ['[10]1>2']])
    expect(copies('both')).toEqual([['[10]2>1'], ['[10]1>2']])
  })

  it('copies what comes in a VLAN at any port, and what a port receives though it is dropped', () => {
    const net = new SwitchFixture([{ accessVlan: 10 }, { mode: 'nonegotiate', allowedVlans: '10' }, {}, {}])
    net.device.mirror({ vlans: '10', destination: net.port(2) })
    net.device.mirror({ sources: [{ port: net.port(1), direction: 'rx' }], destination: net.port(3) })
    net.send(0, frameOf(1, 9))
    expect(net.send(0, frameOf(1, 9)).slice(2)).toEqual([['1>9'], []])
    expect(net.send(1, frameOf(2, 9, 10)).slice(2)).toEqual([['[10]2>9'], ['[10]2>9']])
    expect(net.send(1, frameOf(2, 9, 20)).slice(2)).toEqual([[], ['[20]2>9']])
  })

  it('gives its port back when it ends', () => {
    const net = new SwitchFixture([{}, {}, {}])
    net.send(2, frameOf(3, 9))
    net.device.mirror({ sources: [{ port: net.port(0) }], destination: net.port(2) })
    expect(net.device.portOf(3)).toBeNull()
    expect(net.device.portTable()[2]?.status).toBe('mirror-destination')
    expect(net.send(2, frameOf(3, 9))).toEqual([[], [], []])
    net.device.stopMirroring(net.port(2))
    expect(net.send(2, frameOf(3, 9))).toEqual([['3>9'], ['3>9'], []])
  })

  it('does not mirror a port to itself', () => {
    const net = new SwitchFixture([{}])
    const wrong = { sources: [{ port: net.port(0) }], destination: net.port(0) }
    expect(() => net.device.mirror(wrong)).toThrow(InputError)
    expect(net.device.portTable()[0]?.status).toBe('connected')
  })
})
