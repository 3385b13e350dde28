import { describe, expect, it } from 'vitest'
import type { FrameSink } from '../../../../core/base/frame-sink.js'
import { seconds } from '../../../../core/base/units.js'
import { Kernel } from '../../../../core/kernel/kernel.js'
import { joinPorts } from '../../../../core/net/frame-port.js'
import { Switch, type SwitchOptions } from '../../../../core/net/switch/switch.js'
import { MAC_BROADCAST } from '../../../../core/net/wire/addresses.js'
import { encodeEthernet } from '../../../../core/net/wire/ethernet.js'

class Received implements FrameSink {
  readonly texts: string[] = []
  receiveFrame(frame: Uint8Array): void {
    this.texts.push(`${frame[11]}>${frame[5]}`)
  }
}

const frameOf = (source: number, destination: number) =>
  encodeEthernet({ source, destination, vlan: null, etherType: 0x0800, payload: new Uint8Array(46) })

function switchWith(portCount: number, options: SwitchOptions = {}) {
  const kernel = new Kernel('switch')
  const device = new Switch(kernel, 'sw', options)
  const ports = Array.from({ length: portCount }, () => device.addPort())
  const received = ports.map((port) => (port.output = new Received()))
  const send = (port: number, source: number, destination: number) =>
    ports[port]!.receiveFrame(frameOf(source, destination))
  return { kernel, device, ports, send, texts: () => received.map(({ texts }) => texts) }
}

describe('Switch', () => {
  it('floods what it does not know and forwards what it learned', () => {
    const { send, texts } = switchWith(3)
    send(0, 1, 2)
    send(1, 2, 1)
    send(0, 1, 2)
    expect(texts()).toEqual([['2>1'], ['1>2', '1>2'], ['1>2']])
  })

  it('floods broadcasts and does not send a frame back where it came from', () => {
    const { ports, send, texts } = switchWith(3)
    send(0, 1, 3)
    send(0, 3, 1)
    ports[0]!.receiveFrame(frameOf(1, MAC_BROADCAST))
    expect(texts()).toEqual([[], ['1>3', '1>255'], ['1>3', '1>255']])
  })

  it('writes into the trace when it learns and when an address moves', () => {
    const { kernel, send } = switchWith(3)
    send(0, 1, 2)
    send(0, 1, 2)
    send(2, 1, 2)
    expect(kernel.trace.rows('switch-learned').map(({ mac, switchPort }) => [mac, switchPort])).toEqual([
      ['00:00:00:00:00:01', 0],
      ['00:00:00:00:00:01', 2],
    ])
  })

  it('forwards to where an address is now, as after a migration', () => {
    const { device, send, texts } = switchWith(3)
    send(0, 1, 2)
    send(2, 1, 2) // the same station, announced at another port
    expect(device.portOf(1)?.index).toBe(2)
    send(1, 2, 1)
    expect(texts()).toEqual([['1>2'], ['1>2', '1>2'], ['1>2', '2>1']])
  })

  it('forgets what was silent too long', () => {
    const { kernel, device, send, texts } = switchWith(3, { ageingNs: seconds(10) })
    send(1, 2, 1)
    kernel.runUntil(seconds(11))
    expect(device.portOf(2)).toBeNull()
    send(0, 1, 2)
    expect(texts()[2]).toEqual(['2>1', '1>2'])
  })

  it('floods when its table is full, until old addresses make room', () => {
    const { kernel, device, send } = switchWith(2, { addressesMax: 2, ageingNs: seconds(10) })
    for (const source of [1, 2, 3]) send(0, source, 9)
    expect([1, 2, 3].map((mac) => device.portOf(mac)?.index ?? null)).toEqual([0, 0, null])
    kernel.runUntil(seconds(20))
    send(0, 3, 9)
    expect(device.portOf(3)?.index).toBe(0)
  })

  it('learns no group addresses', () => {
    const { device, send } = switchWith(2)
    send(0, MAC_BROADCAST, 9)
    expect(device.portOf(MAC_BROADCAST)).toBeNull()
  })

  it('mirrors both directions of a port, each frame once, before it goes on', () => {
    const { device, ports, send, texts } = switchWith(5)
    device.mirrorPorts([ports[0]!, ports[1]!], ports[4]!)
    send(0, 1, 2) // flooded from a mirrored port, and to one
    send(1, 2, 1) // between two mirrored ports
    send(2, 3, 1) // to a mirrored port
    send(0, 1, 3) // from a mirrored port
    send(3, 4, 3) // neither
    send(3, 4, 7) // flooded to mirrored ports
    expect(texts()[4]).toEqual(['1>2', '2>1', '3>1', '1>3', '4>7'])
    send(4, 9, 1) // what is sent into the mirror port is lost
    expect(texts()[0]).toEqual(['2>1', '3>1', '4>7'])
    device.stopMirroring(ports[4]!)
    send(0, 1, 3)
    expect(texts()[4]).toHaveLength(5)
  })

  it('ends loops of cables without delay', () => {
    const kernel = new Kernel('loop')
    const [one, two] = [new Switch(kernel, 'one'), new Switch(kernel, 'two')]
    const end = new Received()
    for (let cable = 0; cable < 2; cable++) joinPorts(one.addPort(), two.addPort())
    two.addPort().output = end
    one.addPort().receiveFrame(frameOf(1, MAC_BROADCAST))
    // Round and round, as without spanning tree, but not for ever.
    expect(end.texts.length).toBeGreaterThan(1)
    expect(end.texts.length).toBeLessThan(32)
    expect(one.framesLooped).toBe(2)
  })
})
