import { describe, expect, it } from 'vitest'
import { seconds } from '../../../core/base/units.js'
import { ASF_PORT, encodeAsf } from '../../../core/hypervisor/wire/asf.js'
import { CommandGuard } from '../../../core/defence/command-guard.js'
import { commandSchemes } from '../../../core/hypervisor/wire/guarded-command.js'
import { ManagementController, type PowerSwitch } from '../../../core/orchestrator/management-controller.js'
import { PowerOrder } from '../../../core/orchestrator/power-order.js'
import { NetworkFixture } from '../../support/network-fixture.js'

class Switch implements PowerSwitch {
  isOn = true
  readonly refusals: string[] = []
  commandRefused(reason: string): void {
    this.refusals.push(reason)
  }
  powerUp(): void {
    this.isOn = true
  }
  powerDown(): void {
    this.isOn = false
  }
}

const keyOf = (octet: number): Uint8Array => new Uint8Array(32).fill(octet)

function ordered(
  wanted: 'on' | 'off',
  prepare: (net: NetworkFixture, power: Switch) => void = () => undefined,
  { scheme = 'none', key = keyOf(1) }: { scheme?: (typeof commandSchemes)[number]; key?: Uint8Array } = {},
) {
  const net = new NetworkFixture({ hostCount: 3 })
  const parts = { scheme, clock: net.kernel, random: net.kernel.random('challenges') }
  const guard = new CommandGuard({ ...parts, key })
  const power = new Switch()
  const controller = new ManagementController(net.host(1), power, new CommandGuard({ ...parts, key: keyOf(1) }))
  prepare(net, power)
  const ends: boolean[] = []
  const owner = { powerOrderEnded: (_: PowerOrder, isDone: boolean) => ends.push(isDone) }
  new PowerOrder(net.kernel, net.host(0), 'host-02', net.host(1).address, wanted, guard, owner)
  return { net, power, controller, ends }
}

describe('PowerOrder', () => {
  it('switches a host off and on, and is told so once', () => {
    const off = ordered('off')
    off.net.kernel.runUntil(seconds(5))
    expect([off.power.isOn, off.ends]).toEqual([false, [true]])
    const on = ordered('on', (_, power) => power.powerDown())
    on.net.kernel.runUntil(seconds(5))
    expect([on.power.isOn, on.ends]).toEqual([true, [true]])
  })

  it.each(commandSchemes)('proves itself by %s; one with another key is refused', (scheme) => {
    const { net, power, ends } = ordered('off', undefined, { scheme })
    net.kernel.runUntil(seconds(5))
    expect([power.isOn, ends, power.refusals]).toEqual([false, [true], []])
    if (scheme === 'none') return
    const stranger = ordered('off', undefined, { scheme, key: keyOf(2) })
    stranger.net.kernel.runUntil(seconds(5))
    expect([stranger.power.isOn, stranger.ends]).toEqual([true, [false]])
    expect(stranger.power.refusals[0]).toMatch(/(token|signature) is wrong/)
  })

  it('asks again until the controller can be reached', () => {
    const { net, power, ends } = ordered('off', ({ links }) => links[1]?.configure({ loss: 1 }))
    net.kernel.runUntil(seconds(1.2))
    expect([power.isOn, ends]).toEqual([true, []])
    net.links[1]?.configure({ loss: 0 })
    net.kernel.runUntil(seconds(2.5))
    expect([power.isOn, ends]).toEqual([false, [true]])
  })

  it('gives up after six times', () => {
    const { net, ends } = ordered('off', ({ links }) => links[1]?.configure({ loss: 1 }))
    net.kernel.runUntil(seconds(2.9))
    expect(ends).toEqual([])
    net.kernel.runUntil(seconds(10))
    expect(ends).toEqual([false])
  })

  it('believes neither another host nor the wrong state', () => {
    const { net, power, ends } = ordered('off', (_, power) => (power.powerDown = () => undefined))
    const liar = net.host(2).udp.open({ datagramReceived: () => undefined })
    const state = encodeAsf({ type: 'state-response', tag: 1, isOn: false })
    net.kernel.runUntil(seconds(1))
    // The first port that a host gives out is the order's.
    liar.sendTo(net.host(0).address, 49152, state)
    net.kernel.runUntil(seconds(10))
    expect([power.isOn, ends]).toEqual([true, [false]])
  })

  it('is one that a controller drops what does not decode of', () => {
    const { net, power, controller } = ordered('on')
    const socket = net.host(2).udp.open({ datagramReceived: () => undefined })
    socket.sendTo(net.host(1).address, ASF_PORT, Uint8Array.of(6, 0, 255))
    net.kernel.runUntil(seconds(1))
    expect([power.isOn, controller.malformed]).toEqual([true, 1])
  })
})
