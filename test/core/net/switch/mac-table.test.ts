import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DYNAMIC, MacTable } from '../../../../core/net/switch/mac-table.js'

const entry = fc.record({
  vlan: fc.nat(4),
  high: fc.nat(2),
  low: fc.nat(0xffffffff),
  port: fc.nat(3),
  hint: fc.nat(40),
})

describe('MacTable', () => {
  it('is a map from VLAN and address to port, whatever the hints', () => {
    fc.assert(
      fc.property(fc.array(entry, { maxLength: 200 }), fc.nat(3), (entries, gone) => {
        const table = new MacTable()
        const map = new Map<string, number>()
        for (const { vlan, high, low, port, hint } of entries) {
          const slot = table.slotOf(vlan, high, low, hint)
          expect(slot >= 0).toBe(map.has(`${vlan} ${high} ${low}`))
          if (slot >= 0) table.set(slot, port, DYNAMIC, 7)
          else table.add(vlan, high, low, port, DYNAMIC, 7)
          map.set(`${vlan} ${high} ${low}`, port)
        }
        expect(table.size).toBe(map.size)
        table.retain((slot) => table.portAt(slot) !== gone)
        for (const { vlan, high, low, hint } of entries) {
          const slot = table.slotOf(vlan, high, low, hint)
          const port = map.get(`${vlan} ${high} ${low}`)!
          expect(slot < 0 ? gone : table.portAt(slot)).toBe(port)
          if (slot < 0) continue
          expect(table.vlanAt(slot)).toBe(vlan)
          expect(table.macAt(slot)).toBe(high * 2 ** 32 + low)
          expect(table.seenAt(slot)).toBe(7)
        }
      }),
    )
  })
})
