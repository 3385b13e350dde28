import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { FrameSink } from '../../../../core/base/frame-sink.js'
import { hexOf } from '../../../../core/base/octets.js'
import { Kernel } from '../../../../core/kernel/kernel.js'
import { copyFrame, recycleFrame } from '../../../../core/net/frame-pool.js'
import { Switch } from '../../../../core/net/switch/switch.js'
import { encodeEthernet } from '../../../../core/net/wire/ethernet.js'
import { SlowSwitch } from '../../../support/slow-switch.js'

const PORTS = 5
// Few VLANs and stations, so that they meet.
const vlan = fc.integer({ min: 1, max: 4 })
const port = fc.record({
  isTrunk: fc.boolean(),
  ownVlan: vlan,
  allowed: fc.uniqueArray(vlan, { maxLength: 4 }),
  tagsNative: fc.boolean(),
})
const index = fc.nat(PORTS - 1)
const mirror = fc
  .record({
    rx: fc.uniqueArray(index),
    tx: fc.uniqueArray(index),
    vlans: fc.uniqueArray(vlan, { maxLength: 2 }),
    destination: index,
  })
  .map(({ rx, tx, vlans, destination }) => {
    const others = (list: number[]) => list.filter((source) => source !== destination)
    return { rx: others(rx), tx: others(tx), vlans, destination }
  })
const mac = fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant(0xffff_ffff_ffff), fc.constant(0x0100_5e00_0001))
const tag = fc.record({ id: fc.integer({ min: 0, max: 5 }), priority: fc.nat(7), isDropEligible: fc.boolean() })
const sending = fc.record({
  ingress: index,
  destination: mac,
  source: mac,
  tags: fc.array(tag, { maxLength: 3 }),
  payload: fc.uint8Array({ minLength: 4, maxLength: 8 }),
})

class Collector implements FrameSink {
  constructor(
    private readonly left: { port: number; octets: string }[],
    private readonly index: number,
  ) {}
  receiveFrame(frame: Uint8Array): void {
    this.left.push({ port: this.index, octets: hexOf(frame) })
    recycleFrame(frame)
  }
}

describe('Switch', () => {
  it('lets out what its slow twin lets out, with the same tags', () => {
    fc.assert(
      fc.property(
        fc.array(port, { minLength: PORTS, maxLength: PORTS }),
        fc.option(mirror),
        fc.integer({ min: 1, max: 12 }),
        fc.array(sending, { maxLength: 30 }),
        (ports, session, addressesMax, sendings) => {
          const slow = new SlowSwitch(ports, session, addressesMax)
          const device = new Switch(new Kernel('twin'), 'sw', { addressesMax })
          const left: { port: number; octets: string }[] = []
          for (const [at, { isTrunk, ownVlan, allowed, tagsNative }] of ports.entries()) {
            const allowedVlans = allowed.length === 0 ? 'none' : allowed.join(',')
            const made = device.addPort(
              isTrunk
                ? { mode: 'nonegotiate', nativeVlan: ownVlan, allowedVlans, tagsNative }
                : { mode: 'access', accessVlan: ownVlan },
            )
            made.output = new Collector(left, at)
          }
          if (session !== null)
            device.mirror({
              sources: [
                ...session.rx.map((source) => ({ port: device.ports[source]!, direction: 'rx' as const })),
                ...session.tx.map((source) => ({ port: device.ports[source]!, direction: 'tx' as const })),
              ],
              vlans: session.vlans.length === 0 ? 'none' : session.vlans.join(','),
              destination: device.ports[session.destination]!,
            })
          for (const { ingress, tags, ...rest } of sendings) {
            const [outer = null, ...innerVlans] = tags
            const octets = encodeEthernet({ ...rest, vlan: outer, innerVlans, etherType: 0x0800 })
            const expected = slow.forward(octets, ingress)
            device.ports[ingress]!.receiveFrame(copyFrame(octets))
            expect(left.splice(0)).toEqual(expected.map(({ port, octets }) => ({ port, octets: hexOf(octets) })))
          }
          const states = device.portTable()
          for (const { framesIn, dropped } of states)
            expect(framesIn).toBeGreaterThanOrEqual(Object.values(dropped).reduce((sum, count) => sum + count, 0))
        },
      ),
      { numRuns: 400 },
    )
  })
})
