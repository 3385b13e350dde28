import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BulkTraffic } from '../../../../core/attack/traffic/bulk-traffic.js'

describe('BulkTraffic', () => {
  it('counts octets by time, whatever the order of directions', () => {
    const traffic = new BulkTraffic()
    traffic.add(true, 1000, 5e6)
    traffic.add(false, 10, 6.5e6)
    traffic.add(true, 1000, 9e6)
    expect(traffic.octetsUntil(5e6)).toBe(0)
    expect(traffic.octetsUntil(8e6)).toBe(1010)
    expect(traffic.octetsUntil(1e9)).toBe(2010)
    expect(traffic.octetsToServer).toBe(2000)
  })

  it('loses no octet when bins are merged', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(1e4), fc.nat(10e9)), { minLength: 1, maxLength: 50 }), (pieces) => {
        const traffic = new BulkTraffic()
        let atNs = 0
        for (const [octets, stepNs] of pieces) traffic.add(true, octets, (atNs += stepNs))
        expect(traffic.octetsUntil(atNs + traffic.binNs)).toBe(pieces.reduce((sum, [octets]) => sum + octets, 0))
      }),
    )
  })
})
