import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../../core/base/errors.js'
import { decodeStartOrder, encodeStartOrder } from '../../../../core/hypervisor/wire/start-order.js'

describe('start orders', () => {
  it('decode to what was encoded; a long reason is cut', () => {
    for (const kind of ['start', 'started', 'refused'] as const)
      expect(decodeStartOrder(encodeStartOrder({ kind, vm: 'vm-01', reason: 'no room' }))).toEqual({
        kind,
        vm: 'vm-01',
        reason: 'no room',
      })
    expect(
      decodeStartOrder(encodeStartOrder({ kind: 'refused', vm: 'a', reason: 'x'.repeat(300) })).reason,
    ).toHaveLength(255)
  })

  it('are refused when they are anything else', () => {
    const order = encodeStartOrder({ kind: 'start', vm: 'vm-01', reason: '' })
    const changed = (at: number, value: number): Uint8Array =>
      Uint8Array.from(order, (octet, index) => (index === at ? value : octet))
    expect(() => decodeStartOrder(changed(0, 0))).toThrow('is no order')
    expect(() => decodeStartOrder(changed(4, 2))).toThrow('version')
    expect(() => decodeStartOrder(changed(5, 3))).toThrow('kind')
    expect(() => decodeStartOrder(changed(6, 4))).toThrow(WireError)
    expect(() => decodeStartOrder(Uint8Array.from([...order, 0]))).toThrow('1 octets too many')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (octets) => {
        expect(() => decodeStartOrder(octets)).toThrow(WireError)
      }),
    )
  })
})
