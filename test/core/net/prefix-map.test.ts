import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { PrefixMap } from '../../../core/net/prefix-map.js'
import { parseIp, parsePrefix, type IpAddress } from '../../../core/net/wire/addresses.js'
import { SlowPrefixMap } from '../../support/slow-prefix-map.js'

// Few different bits, so that prefixes contain one another.
const ipv4: fc.Arbitrary<IpAddress> = fc
  .tuple(fc.constantFrom(0, 0x0a00_0000, 0xc0a8_0000), fc.nat(0x3ff))
  .map(([high, low]) => high + low)
const ipv6: fc.Arbitrary<IpAddress> = fc
  .tuple(fc.constantFrom(0n, 0xfd00n << 112n), fc.nat(0x3ff))
  .map(([high, low]) => high + BigInt(low))

describe('PrefixMap', () => {
  it.each([
    ['IPv4', ipv4, 32],
    ['IPv6', ipv6, 128],
  ] as const)('finds the longest prefix, as the slow twin does: %s', (_, address, bits) => {
    const change = fc.record({ address, prefixLength: fc.integer({ min: 0, max: bits }), isSet: fc.boolean() })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), fc.array(address, { minLength: 5 }), (changes, sought) => {
        const [fast, slow] = [new PrefixMap<number>(), new SlowPrefixMap<number>()]
        changes.forEach(({ address: prefix, prefixLength, isSet }, index) => {
          if (isSet || index < 40) {
            fast.set(prefix, prefixLength, index)
            slow.set(prefix, prefixLength, index)
          } else {
            fast.delete(prefix, prefixLength)
            slow.delete(prefix, prefixLength)
          }
        })
        for (const one of sought) expect(fast.find(one)).toBe(slow.find(one))
      }),
    )
  })

  it('prefers the host to the network and the network to the default', () => {
    const map = new PrefixMap<string>()
    for (const text of ['0.0.0.0/0', '10.0.0.0/8', '10.1.0.0/16', '10.1.2.3/32']) {
      const { address, prefixLength } = parsePrefix(text)
      map.set(address, prefixLength, text)
    }
    expect(['10.1.2.3', '10.1.2.4', '10.2.0.0', '192.0.2.1'].map((address) => map.find(parseIp(address)))).toEqual([
      '10.1.2.3/32',
      '10.1.0.0/16',
      '10.0.0.0/8',
      '0.0.0.0/0',
    ])
  })
})
