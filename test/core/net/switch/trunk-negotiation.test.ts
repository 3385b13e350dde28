import { describe, expect, it } from 'vitest'
import { seconds } from '../../../../core/base/units.js'
import { joinPorts } from '../../../../core/net/frame-port.js'
import { PORT_MODES, type PortMode } from '../../../../core/net/switch/port-options.js'
import { MAC_BROADCAST } from '../../../../core/net/wire/addresses.js'
import { decodeDtpFrame, encodeDtpFrame, type DtpMessage } from '../../../../core/net/wire/dtp.js'
import { frameOf, SwitchFixture } from '../../../support/switch-fixture.js'

/** Two switches, joined at port 0 of each. */
function pair(modeA: PortMode, modeB: PortMode, domains: readonly [string, string] = ['', '']) {
  const a = new SwitchFixture([{ mode: modeA }], { domain: domains[0] }, undefined, 'a')
  const b = new SwitchFixture([{ mode: modeB }], { domain: domains[1] }, a.kernel, 'b')
  joinPorts(a.port(0), b.port(0))
  return { a, b, kernel: a.kernel, modes: () => [a, b].map(({ device }) => device.portTable()[0]?.operationalMode) }
}

const request: DtpMessage = {
  ...{ domain: '', isTrunk: false, administrativeStatus: 'desirable', sender: 66 },
  ...{ operatingType: 'dot1q', administrativeType: 'dot1q' },
}

describe('TrunkNegotiation', () => {
  it('comes to what the published table of modes says', () => {
    const outcomes = PORT_MODES.flatMap((one) =>
      PORT_MODES.map((other) => {
        const { kernel, modes } = pair(one, other)
        kernel.runUntil(seconds(10))
        return `${one} + ${other}: ${modes().join(', ')}`
      }),
    )
    expect(outcomes).toMatchInlineSnapshot(`
      [
        "access + access: access, access",
        "access + trunk: access, trunk",
        "access + dynamic-auto: access, access",
        "access + dynamic-desirable: access, access",
        "access + nonegotiate: access, trunk",
        "trunk + access: trunk, access",
        "trunk + trunk: trunk, trunk",
        "trunk + dynamic-auto: trunk, trunk",
        "trunk + dynamic-desirable: trunk, trunk",
        "trunk + nonegotiate: trunk, trunk",
        "dynamic-auto + access: access, access",
        "dynamic-auto + trunk: trunk, trunk",
        "dynamic-auto + dynamic-auto: access, access",
        "dynamic-auto + dynamic-desirable: trunk, trunk",
        "dynamic-auto + nonegotiate: access, trunk",
        "dynamic-desirable + access: access, access",
        "dynamic-desirable + trunk: trunk, trunk",
        "dynamic-desirable + dynamic-auto: trunk, trunk",
        "dynamic-desirable + dynamic-desirable: trunk, trunk",
        "dynamic-desirable + nonegotiate: access, trunk",
        "nonegotiate + access: trunk, access",
        "nonegotiate + trunk: trunk, trunk",
        "nonegotiate + dynamic-auto: trunk, access",
        "nonegotiate + dynamic-desirable: trunk, access",
        "nonegotiate + nonegotiate: trunk, trunk",
      ]
    `)
  })

  it('makes a trunk for an attacker that asks an automatic port, and opens every VLAN to it', () => {
    const net = new SwitchFixture([{ mode: 'dynamic-auto' }, { accessVlan: 20 }])
    net.send(1, frameOf(2, MAC_BROADCAST))
    expect(net.take()).toEqual([[], []])
    net.send(0, encodeDtpFrame(request))
    expect(net.send(1, frameOf(2, MAC_BROADCAST))[0]).toEqual(['[20]2>*'])
    expect(net.send(0, frameOf(66, 2, 20))[1]).toEqual(['66>2'])
    expect(net.device.portTable()[0]?.neighbour).toEqual({
      ...{ mac: '00:00:00:00:00:42', isTrunk: false, administrativeStatus: 'desirable' },
    })
    expect(net.kernel.trace.rows('port-mode')).toMatchObject([{ switchPort: 0, mode: 'trunk', cause: 'negotiated' }])
  })

  it('does not listen on access ports and silent trunks, nor forward what was said', () => {
    const net = new SwitchFixture([{ mode: 'access' }, { mode: 'nonegotiate' }, {}])
    expect(net.send(0, encodeDtpFrame(request))).toEqual([[], [], []])
    expect(net.send(1, encodeDtpFrame(request))).toEqual([[], [], []])
    net.kernel.runUntil(seconds(100))
    expect(net.take()).toEqual([[], [], []])
    expect(net.device.portTable().map(({ operationalMode }) => operationalMode)).toEqual(['access', 'trunk', 'access'])
  })

  it('speaks every second while something is new, then every 30 seconds', () => {
    const net = new SwitchFixture([{ mode: 'dynamic-auto' }])
    const times: number[] = []
    net.port(0).watch({ record: () => times.push(net.kernel.nowNs / 1e9) }, 'out')
    net.kernel.runUntil(seconds(70))
    expect(times).toEqual([0, 1, 2, 32, 62])
    times.length = 0
    net.send(0, encodeDtpFrame(request))
    net.kernel.runUntil(seconds(110))
    expect(times).toEqual([70, 71, 72, 102])
  })

  it('is an access port again when the neighbour was silent for 300 seconds', () => {
    const net = new SwitchFixture([{ mode: 'dynamic-auto' }])
    const mode = () => net.device.portTable()[0]?.operationalMode
    net.send(0, encodeDtpFrame(request))
    net.kernel.runUntil(seconds(100))
    net.send(0, encodeDtpFrame(request))
    net.kernel.runUntil(seconds(399))
    expect(mode()).toBe('trunk')
    net.kernel.runUntil(seconds(401))
    expect(mode()).toBe('access')
    expect(net.device.portTable()[0]?.neighbour).toBeNull()
  })

  it('needs the same VTP domain, or none', () => {
    const outcome = (one: string, other: string) => {
      const { kernel, modes } = pair('dynamic-desirable', 'dynamic-auto', [one, other])
      kernel.runUntil(seconds(10))
      return modes()
    }
    expect(outcome('lab', 'lab')).toEqual(['trunk', 'trunk'])
    expect(outcome('lab', '')).toEqual(['trunk', 'trunk'])
    expect(outcome('lab', 'other')).toEqual(['access', 'access'])
  })

  it('makes no trunk of a kind it does not have, and none of rubbish', () => {
    const net = new SwitchFixture([{ mode: 'dynamic-auto' }])
    net.send(0, encodeDtpFrame({ ...request, administrativeType: 'isl' }))
    const broken = encodeDtpFrame(request)
    broken[29] = 99
    net.send(0, broken)
    expect(net.device.portTable()[0]?.operationalMode).toBe('access')
  })

  it('says once a second at most what is new, however often the other changes its mind', () => {
    const net = new SwitchFixture([{ mode: 'dynamic-auto' }])
    net.kernel.runUntil(seconds(60))
    net.take()
    for (let turn = 0; turn < 1000; turn++) {
      const administrativeStatus = turn % 2 === 0 ? 'desirable' : 'off'
      net.send(0, encodeDtpFrame({ ...request, administrativeStatus }))
      net.kernel.runUntil(net.kernel.nowNs + 1e6)
    }
    net.kernel.runUntil(net.kernel.nowNs + seconds(5))
    expect(net.port(0).framesOut).toBeLessThan(12)
  })

  it('stops when the mode is changed, and says what it is', () => {
    const net = new SwitchFixture([{ mode: 'trunk' }], { domain: 'lab', mac: 0x0253_0000_0000 })
    const said: DtpMessage[] = []
    net.port(0).watch({ record: (frame) => said.push(decodeDtpFrame(frame)) }, 'out')
    net.kernel.runUntil(0)
    expect(said).toEqual([
      {
        ...{ domain: 'lab', isTrunk: true, administrativeStatus: 'on', sender: 0x0253_0000_0001 },
        ...{ operatingType: 'dot1q', administrativeType: 'dot1q' },
      },
    ])
    net.port(0).configure({ mode: 'nonegotiate' })
    net.kernel.runUntil(seconds(100))
    expect(said).toHaveLength(1)
    expect(net.kernel.nextEventNs()).toBeUndefined()
  })
})
