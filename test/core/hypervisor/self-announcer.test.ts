import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { SelfAnnouncer } from '../../../core/hypervisor/self-announcer.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { decodeArp } from '../../../core/net/wire/arp.js'
import { MAC_BROADCAST, readMac } from '../../../core/net/wire/addresses.js'
import { decodeEthernet, ETHERTYPE } from '../../../core/net/wire/ethernet.js'

const mac = Uint8Array.of(0x52, 0x54, 0, 0, 0, 1)

describe('SelfAnnouncer', () => {
  it('sends five RARP broadcasts from the VM’s address, at once and then in growing steps', () => {
    const kernel = new Kernel('announce')
    const seen: { atNs: number; frame: Uint8Array }[] = []
    const network = { receiveFrame: (frame: Uint8Array) => void seen.push({ atNs: kernel.nowNs, frame }) }
    kernel.runUntil(seconds(3))
    new SelfAnnouncer(kernel, mac, network).start()
    kernel.runUntil(seconds(60))
    // qapi/net.json: initial 50 ms, step 100 ms, at most 550 ms.
    expect(seen.map(({ atNs }) => (atNs - seconds(3)) / milliseconds(1))).toEqual([0, 50, 200, 450, 800])
    for (const { frame } of seen) {
      const { source, destination, etherType, payload } = decodeEthernet(frame)
      expect([source, destination, etherType]).toEqual([readMac(mac, 0), MAC_BROADCAST, ETHERTYPE.rarp])
      expect(decodeArp(payload)).toMatchObject({ senderMac: readMac(mac, 0), targetMac: readMac(mac, 0) })
    }
    expect(kernel.nextEventNs()).toBeUndefined()
  })
})
