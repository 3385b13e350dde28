import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../../core/base/units.js'
import type { PortSecurityOptions } from '../../../../core/net/switch/port-options.js'
import { MAC_BROADCAST } from '../../../../core/net/wire/addresses.js'
import { frameOf, SwitchFixture } from '../../../support/switch-fixture.js'

const secured = (security: PortSecurityOptions, recoverNs: number | null = null) =>
  new SwitchFixture([{ security }, {}, {}], { recoverNs })

const macs = (net: SwitchFixture) =>
  net.device.macTable().map(({ mac, switchPort, type }) => `${mac.slice(-2)} ${switchPort} ${type}`)

describe('PortSecurity', () => {
  it('learns as many addresses as it may, which neither age nor move', () => {
    const net = secured({ maximum: 2, violation: 'protect' })
    for (const source of [1, 2, 3]) net.send(0, frameOf(source, 9))
    expect(macs(net)).toEqual(['01 0 secure', '02 0 secure'])
    net.kernel.runUntil(seconds(1000))
    net.send(1, frameOf(1, MAC_BROADCAST)) // a forger at a port without security
    expect(net.send(2, frameOf(8, 1))).toEqual([['8>1'], [], []])
    expect(net.device.portTable()[0]).toMatchObject({
      secureAddresses: 2,
      violations: 1,
      lastViolator: '00:00:00:00:00:03',
    })
  })

  it('protect drops without a word, restrict reports once a second, shutdown disables', () => {
    const reports = (violation: 'protect' | 'restrict' | 'shutdown') => {
      const net = secured({ violation })
      net.send(0, frameOf(1, 9))
      for (let count = 0; count < 30; count++) {
        expect(net.send(0, frameOf(66, 9))).toEqual([[], [], []])
        net.kernel.runUntil(net.kernel.nowNs + milliseconds(100))
      }
      const { status, violations, dropped } = net.device.portTable()[0]!
      const rows = net.kernel.trace.rows('port-violation').map(({ action, mac }) => `${action} ${mac.slice(-2)}`)
      return { status, violations, disabled: dropped['port-disabled'], rows, known: net.send(0, frameOf(1, 9))[1] }
    }
    expect(reports('protect')).toEqual({ status: 'connected', violations: 30, disabled: 0, rows: [], known: ['1>9'] })
    expect(reports('restrict')).toEqual({
      ...{ status: 'connected', violations: 30, disabled: 0, known: ['1>9'] },
      rows: ['restrict 42', 'restrict 42', 'restrict 42'],
    })
    expect(reports('shutdown')).toEqual({
      ...{ status: 'err-disabled', violations: 1, disabled: 29, known: [] },
      rows: ['shutdown 42'],
    })
  })

  it('comes back by hand or after a while, and has forgotten what it learned', () => {
    const byHand = secured({})
    byHand.send(0, frameOf(1, 9))
    byHand.send(0, frameOf(2, 9))
    expect(byHand.port(0).errDisabled).toBe('port-security')
    expect(macs(byHand)).toEqual([])
    byHand.port(0).configure({ isShut: true })
    byHand.port(0).configure({ isShut: false })
    expect(byHand.send(0, frameOf(2, 9))[1]).toEqual(['2>9'])

    const byItself = secured({}, seconds(30))
    byItself.send(0, frameOf(1, 9))
    byItself.send(0, frameOf(2, 9))
    byItself.kernel.runUntil(seconds(29))
    expect(byItself.send(0, frameOf(2, 9))[1]).toEqual([])
    byItself.kernel.runUntil(seconds(31))
    expect(byItself.send(0, frameOf(2, 9))[1]).toEqual(['2>9'])
  })

  it('keeps sticky and configured addresses', () => {
    const net = secured({ maximum: 2, sticky: true, addresses: [5] })
    net.send(0, frameOf(1, 9))
    expect(macs(net)).toEqual(['01 0 sticky', '05 0 static'])
    net.send(0, frameOf(2, 9))
    expect(net.port(0).errDisabled).toBe('port-security')
    expect(macs(net)).toEqual(['01 0 sticky', '05 0 static'])
    net.port(0).recover()
    net.port(0).configure({ security: { maximum: 3, sticky: true } })
    expect(macs(net)).toEqual(['01 0 sticky'])
    net.port(0).configure({ security: null })
    expect(macs(net)).toEqual([])
  })

  it('moves configured addresses to the VLAN of the port', () => {
    const net = secured({ addresses: [5] })
    net.port(0).configure({ accessVlan: 7 })
    expect(net.device.macTable()).toMatchObject([{ vlan: 7, mac: '00:00:00:00:00:05', type: 'static' }])
  })

  it('takes no address that is secure elsewhere, nor a group address', () => {
    const net = new SwitchFixture([
      { security: { maximum: 5, violation: 'restrict' } },
      { security: { addresses: [1] } },
    ])
    expect(net.send(0, frameOf(1, 9))[1]).toEqual([])
    expect(net.send(0, frameOf(MAC_BROADCAST, 9))[1]).toEqual([])
    expect(net.port(0).security?.violations).toBe(2)
    expect(() => net.port(0).configure({ security: { addresses: [1] } })).toThrow(/secure address of port 1 already/)
  })

  it('stops the flood of addresses that makes a switch send everything everywhere', () => {
    const leak = (security: PortSecurityOptions | null) => {
      const net = new SwitchFixture([{}, {}, { security }], { addressesMax: 1000 })
      // As macof does: a new source and destination with every frame.
      const mac = (count: number) => 0x0200_0000_0000 + ((count * 0x9e3779) % 2 ** 24)
      for (let count = 0; count < 3000; count++) net.port(2).receiveFrame(frameOf(mac(2 * count), mac(2 * count + 1)))
      net.take()
      // Two stations that the switch has not heard before speak with one another.
      net.send(0, frameOf(1, 2))
      return { answer: net.send(1, frameOf(2, 1)), size: net.device.macTable().length, missed: net.device.notLearned }
    }
    expect(leak(null)).toEqual({ answer: [['2>1'], [], ['2>1']], size: 1000, missed: 2002 })
    const stopped = leak({ maximum: 1, violation: 'restrict' })
    expect(stopped).toEqual({ answer: [['2>1'], [], []], size: 3, missed: 0 })
    expect(leak({ maximum: 1 }).answer).toEqual([['2>1'], [], []])
  })
})
