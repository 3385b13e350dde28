import { describe, expect, test } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import { Finisher } from '../../../core/machine/finisher.js'

describe('test finisher', () => {
  test.each([
    [0x5555, { kind: 'pass', code: 0 }],
    [0x0007_3333, { kind: 'fail', code: 7 }],
    [0x7777, { kind: 'reset', code: 0 }],
    [0x1234, null],
  ])('a store of %i', (value, exit) => {
    const finisher = new Finisher()
    finisher.store(4, value)
    expect(finisher.exit).toBeNull()
    finisher.store(0, value)
    expect(finisher.exit).toEqual(exit)
    const other = new Finisher()
    other.loadState(finisher.saveState())
    expect(other.exit).toEqual(exit)
  })

  test('refuses a state it could never be in', () => {
    expect(() => new Finisher().loadState({ status: 1 })).toThrow(WireError)
  })
})
