import { describe, expect, test } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import { Plic } from '../../../core/machine/plic.js'

const PENDING = 0x1000
const ENABLE = 0x2000
const THRESHOLD = 0x20_0000
const CLAIM = 0x20_0004

/** Sources 1 and 10 enabled, with the given priorities. */
function plic(priority1 = 1, priority10 = 1): Plic {
  const device = new Plic()
  device.store(4, 4, priority1)
  device.store(40, 4, priority10)
  device.store(ENABLE, 4, (1 << 1) | (1 << 10))
  return device
}

describe('PLIC (specification 1.0.0)', () => {
  test('claims go by priority, then by the lower number; a claimed source waits for its completion', () => {
    const device = plic(2, 5)
    device.setLevel(1, true)
    device.setLevel(10, true)
    expect(device.load(PENDING, 4)).toBe((1 << 1) | (1 << 10))
    expect([device.load(CLAIM, 4), device.load(CLAIM, 4), device.load(CLAIM, 4)]).toEqual([10, 1, 0])
    expect(device.isInterrupting()).toBe(false)
    const equal = plic(3, 3)
    equal.setLevel(10, true)
    equal.setLevel(1, true)
    expect(equal.load(CLAIM, 4)).toBe(1)
  })

  test('a source still high at its completion interrupts again; one that fell does not', () => {
    const device = plic()
    device.setLevel(10, true)
    expect(device.load(CLAIM, 4)).toBe(10)
    device.setLevel(10, true)
    expect(device.isInterrupting()).toBe(false)
    device.store(CLAIM, 4, 10)
    expect(device.isInterrupting()).toBe(true)
    expect(device.load(CLAIM, 4)).toBe(10)
    device.setLevel(10, false)
    device.store(CLAIM, 4, 10)
    expect(device.isInterrupting()).toBe(false)
  })

  test('a request stays pending when its line falls: the handler finds nothing to do', () => {
    const device = plic()
    device.setLevel(10, true)
    device.setLevel(10, false)
    expect([device.load(PENDING, 4), device.isInterrupting(), device.load(CLAIM, 4)]).toEqual([1 << 10, true, 10])
    device.store(CLAIM, 4, 10)
    expect([device.load(PENDING, 4), device.isInterrupting()]).toEqual([0, false])
  })

  test('threshold, priority 0 and enable bits hold interrupts back', () => {
    const device = plic(3, 0)
    device.setLevel(1, true)
    device.setLevel(10, true)
    device.store(THRESHOLD, 4, 3)
    expect(device.isInterrupting()).toBe(false)
    device.store(THRESHOLD, 4, 2)
    expect(device.isInterrupting()).toBe(true)
    device.store(ENABLE, 4, 1 << 10)
    expect([device.isInterrupting(), device.load(CLAIM, 4)]).toEqual([false, 0])
  })

  test('registers keep what they can hold: priorities of 3 bits, no source 0', () => {
    const device = plic()
    device.store(4, 4, 0xffff_ffff)
    device.store(0, 4, 7)
    device.store(ENABLE, 4, 0xffff_ffff)
    device.store(CLAIM, 4, 99)
    expect([device.load(4, 4), device.load(0, 4), device.load(ENABLE, 4)]).toEqual([7, 0, 0xffff_fffe])
    expect([device.load(THRESHOLD, 4), device.load(0x201000, 4), device.load(4, 1)]).toEqual([0, 0, -1])
    expect(device.store(4, 2, 1)).toBe(false)
  })

  test('the state of a claim in progress goes into another machine', () => {
    const device = plic(4, 2)
    device.setLevel(1, true)
    device.setLevel(10, true)
    device.load(CLAIM, 4)
    const other = new Plic()
    other.loadState(device.saveState())
    expect(other.saveState()).toEqual(device.saveState())
    other.setLevel(1, true) // its devices drive their lines again
    expect([other.load(CLAIM, 4), other.load(CLAIM, 4)]).toEqual([10, 0])
    other.store(CLAIM, 4, 1)
    expect(other.load(CLAIM, 4)).toBe(1)
  })

  test.each([
    { target_priority: 8 },
    { enable: 1 },
    { pending: [-2, 0, 0] },
    { source_priority: [1, 2] },
    { claimed: [0, 1, 0] },
  ])('refuses the state %o', (damage) => {
    expect(() => plic().loadState({ ...plic().saveState(), ...damage })).toThrow(WireError)
  })
})
