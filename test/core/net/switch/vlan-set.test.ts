import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { InputError } from '../../../../core/base/errors.js'
import { parseVlans, VlanSet } from '../../../../core/net/switch/vlan-set.js'

describe('VlanSet', () => {
  it('is read from what it writes', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 4094 })), (vlans) => {
        const read = parseVlans(new VlanSet(vlans).text())
        expect(Array.from({ length: 4096 }, (_, vlan) => vlan).filter((vlan) => read.has(vlan))).toEqual(
          vlans.toSorted((a, b) => a - b),
        )
      }),
    )
  })

  it('is written in the shortest form', () => {
    const texts = ['3, 1,2 ,10-12,11', 'all', '1-4094', 'none', ' 7 ']
    expect(texts.map((text) => parseVlans(text).text())).toEqual(['1-3,10-12', 'all', 'all', 'none', '7'])
  })

  it('says what is wrong', () => {
    for (const text of ['', '0', '4095', '5-', '-5', '1,,2', '9-3', '1.5', 'every'])
      expect(() => parseVlans(text), text).toThrow(InputError)
  })
})
