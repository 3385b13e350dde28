/** RISC-V privileged specification 20211203, section 3.7. */
import { describe, expect, test } from 'vitest'
import { Pmp, PMP_EXECUTE, PMP_READ, PMP_WRITE } from '../../../core/cpu/pmp.js'

const R = PMP_READ
const W = PMP_WRITE
const X = PMP_EXECUTE
const TOR = 0x08
const NA4 = 0x10
const NAPOT = 0x18
const LOCKED = 0x80

/** Entries as pairs of address word and configuration, from 0 on. */
function pmpWith(...entries: readonly (readonly [address: number, configuration: number])[]): Pmp {
  const pmp = new Pmp()
  for (const [index, [address, configuration]] of entries.entries()) {
    pmp.setAddress(index, address)
    pmp.setConfiguration(index, configuration)
  }
  return pmp
}
const user = (pmp: Pmp, address: number, octets: number, access: number): boolean =>
  pmp.allows(address, octets, access, false)
const machine = (pmp: Pmp, address: number, octets: number, access: number): boolean =>
  pmp.allows(address, octets, access, true)

describe('address matching (3.7.1)', () => {
  test.each([
    ['NA4: four octets', [[0x2000_0001, NA4 | R]], 0x8000_0004, 0x8000_0008],
    ['NAPOT: eight octets', [[0x2000_0000, NAPOT | R]], 0x8000_0000, 0x8000_0008],
    ['NAPOT: a page', [[0x2000_0000 | 0x1ff, NAPOT | R]], 0x8000_0000, 0x8000_1000],
    ['NAPOT: a page, not the first', [[0x2000_0c00 | 0x1ff, NAPOT | R]], 0x8000_3000, 0x8000_4000],
    ['TOR from 0', [[0x2000_0000, TOR | R]], 0, 0x8000_0000],
    ['TOR', [[0x2000_0400, 0], [0x2000_0c01, TOR | R]], 0x8000_1000, 0x8000_3004], // prettier-ignore
  ] as const)('%s', (_, entries, start, end) => {
    const pmp = pmpWith(...entries)
    expect(user(pmp, start, 4, R)).toBe(true)
    expect(user(pmp, end - 4, 4, R)).toBe(true)
    expect(user(pmp, end, 4, R)).toBe(false)
    expect(user(pmp, start - 4, 4, R)).toBe(false)
  })

  test('NAPOT of all ones is everything; a TOR region whose end is not after its start is nothing', () => {
    const all = pmpWith([0xffff_ffff, NAPOT | R])
    expect([user(all, 0, 4, R), user(all, 0xffff_fffc, 4, R)]).toEqual([true, true])
    const none = pmpWith([0x2000_0100, 0], [0x2000_0100, TOR | R], [0x2000_0000, TOR | R])
    for (const address of [0x8000_0000, 0x8000_0400, 0x8000_03fc]) expect(user(none, address, 4, R)).toBe(false)
    // Nor does it hold any octet of an access across where it would be.
    const across = pmpWith([0x2000_0100, 0], [0x2000_0100, TOR], [0x2000_00ff, TOR], [0xffff_ffff, NAPOT | R])
    expect(user(across, 0x8000_03fe, 4, R)).toBe(true)
  })

  test('the lowest entry that holds any octet decides, and must hold all of them', () => {
    const pmp = pmpWith([0x2000_0001, NA4], [0xffff_ffff, NAPOT | R | W | X])
    expect(user(pmp, 0x8000_0000, 4, R)).toBe(true)
    expect(user(pmp, 0x8000_0004, 4, R)).toBe(false)
    expect(user(pmp, 0x8000_0002, 4, R)).toBe(false) // two octets in each
    expect(machine(pmp, 0x8000_0002, 4, R)).toBe(false) // even for machine mode
    expect(machine(pmp, 0x8000_0004, 4, R)).toBe(true)
  })
})

describe('permissions, locks and who they hold for (3.7.1)', () => {
  test('each of read, write and execute is asked for alone', () => {
    for (const granted of [0, R, X, R | W, R | X, R | W | X]) {
      const pmp = pmpWith([0xffff_ffff, NAPOT | granted])
      for (const asked of [R, W, X]) expect(user(pmp, 0x8000_0000, 4, asked)).toBe((granted & asked) !== 0)
      expect(user(pmp, 0x8000_0000, 4, R | W)).toBe((granted & (R | W)) === (R | W))
    }
  })

  test('writable and not readable is reserved: it permits nothing', () => {
    const pmp = pmpWith([0xffff_ffff, NAPOT | W | X])
    expect(pmp.configurations[0]).toBe(NAPOT)
    expect(Pmp.isPossible(NAPOT | W)).toBe(false)
  })

  test('without an entry machine mode may do everything and user mode nothing', () => {
    const pmp = new Pmp()
    for (const access of [R, W, X]) expect([machine(pmp, 0, 4, access), user(pmp, 0, 4, access)]).toEqual([true, false])
  })

  test('a locked entry holds for machine mode, and neither it nor the bottom of its range can be changed', () => {
    const pmp = pmpWith([0x2000_0000, 0], [0x2000_0400, TOR | R | LOCKED])
    expect(pmp.hasLocked).toBe(true)
    expect([machine(pmp, 0x8000_0000, 4, R), machine(pmp, 0x8000_0000, 4, W)]).toEqual([true, false])
    expect(machine(pmp, 0x8000_1000, 4, W)).toBe(true)
    pmp.setAddress(0, 0)
    pmp.setAddress(1, 0)
    pmp.setConfiguration(1, 0)
    expect([...pmp.addresses.subarray(0, 2)]).toEqual([0x2000_0000, 0x2000_0400])
    expect(pmp.configurations[1]).toBe(TOR | R | LOCKED)
    pmp.setConfiguration(0, NA4) // the entry below is itself not locked
    expect(pmp.configurations[0]).toBe(NA4)
  })

  test('under a locked entry that is not the end of a range the address can be changed', () => {
    const pmp = pmpWith([0x2000_0000, 0], [0x2000_0400, NA4 | R | LOCKED])
    pmp.setAddress(0, 5)
    expect(pmp.addresses[0]).toBe(5)
  })

  test('a loaded state may have no locks where there were some', () => {
    const pmp = pmpWith([0x2000_0000, NA4 | LOCKED])
    pmp.load(new Array<number>(16).fill(0), new Array<number>(16).fill(0))
    expect([pmp.hasLocked, machine(pmp, 0x8000_0000, 4, W)]).toEqual([false, true])
  })

  test('bits 5 and 6 of a configuration are 0', () => {
    expect(pmpWith([0, 0x60 | R]).configurations[0]).toBe(R)
  })
})
