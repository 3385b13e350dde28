import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import { Clint } from '../../../core/machine/clint.js'
import { GuestClock } from '../../../core/machine/guest-clock.js'
import { TimerState } from '../../../core/machine/timer-state.js'

const MSIP = 0x0000
const MTIMECMP = 0x4000
const MTIME = 0xbff8

function clint(): Clint {
  return new Clint(new GuestClock(50e6))
}

const timeOf = (device: Clint, guestNs: number): bigint =>
  (BigInt(device.load(MTIME + 4, 4, guestNs)) << 32n) | BigInt(device.load(MTIME, 4, guestNs))

describe('CLINT', () => {
  test('mtime counts 10 million a second', () => {
    const device = clint()
    expect(timeOf(device, 99)).toBe(0n)
    expect(timeOf(device, 100)).toBe(1n)
    expect(timeOf(device, 3600e9)).toBe(36_000_000_000n)
  })

  test('mtime and mtimecmp can be set to any value, in halves, and count on modulo 2^64', () => {
    const word = fc.integer({ min: 0, max: 0xffff_ffff })
    fc.assert(
      fc.property(
        word,
        word,
        word,
        word,
        fc.nat(1e12),
        fc.nat(1e12),
        (high, low, compareHigh, compareLow, at, later) => {
          const device = clint()
          device.store(MTIME, 4, low, at)
          device.store(MTIME + 4, 4, high, at)
          const set = (BigInt(high) << 32n) | BigInt(low)
          expect(timeOf(device, at)).toBe(set)
          const afterNs = Math.floor(at / 100) * 100 + later
          const now = BigInt.asUintN(64, set + BigInt(Math.floor(later / 100)))
          expect(timeOf(device, afterNs)).toBe(now)

          device.store(MTIMECMP, 4, compareLow, afterNs)
          device.store(MTIMECMP + 4, 4, compareHigh, afterNs)
          const compare = (BigInt(compareHigh) << 32n) | BigInt(compareLow)
          expect(device.isTimerPending(afterNs)).toBe(now >= compare)
          const changeNs = device.lineChangeNs(afterNs)
          if (changeNs !== null) {
            expect(changeNs).toBeGreaterThan(afterNs)
            expect(timeOf(device, changeNs)).toBe(now >= compare ? 0n : compare)
            expect(device.isTimerPending(changeNs - 1)).toBe(now >= compare)
          }
        },
      ),
    )
  })

  test('the interrupt falls when mtime goes on from its highest value to 0, and does not come back', () => {
    const device = clint()
    for (const half of [MTIMECMP, MTIMECMP + 4, MTIME + 4]) device.store(half, 4, 0xffff_ffff, 0)
    device.store(MTIME, 4, 0xffff_fffd, 0)
    expect([device.isTimerPending(0), device.lineChangeNs(0)]).toEqual([false, 200])
    expect([device.isTimerPending(200), device.lineChangeNs(200)]).toEqual([true, 300])
    expect([device.isTimerPending(300), device.lineChangeNs(300)]).toEqual([false, null])
  })

  test('msip has one bit; nothing else is there, and only words can be read or written', () => {
    const device = clint()
    expect(device.store(MSIP, 4, 0xffff_ffff, 0)).toBe(true)
    expect([device.msip, device.load(MSIP, 4, 0)]).toEqual([true, 1])
    device.store(MSIP, 4, 0xffff_fffe, 0)
    expect(device.msip).toBe(false)
    expect([device.load(0x4, 4, 0), device.load(MTIME, 1, 0), device.store(MSIP, 2, 1, 0)]).toEqual([0, -1, false])
  })

  test('mtimecmp is 0 after reset, so the timer interrupt is pending until it is set', () => {
    const device = clint()
    expect([device.isTimerPending(0), device.lineChangeNs(0)]).toEqual([true, null])
    device.store(MTIMECMP + 4, 4, 0xffff_ffff, 0)
    expect([device.isTimerPending(1e15), device.lineChangeNs(0)]).toEqual([false, null])
  })

  test('the state goes into another machine, whose clock stands at the same time to the nanosecond', () => {
    const clock = new GuestClock(50e6)
    const device = new Clint(clock)
    device.store(MTIMECMP + 4, 4, 0, 0)
    device.store(MTIMECMP, 4, 5000, 0)
    clock.startSlice(1_000_000)
    clock.stop(1_123_456)
    const state = device.saveState()
    expect(state).toEqual({ timecmp: 5000n })
    expect(new TimerState(clock, device).saveState()['cpu_clock_offset']).toBe(123_456n)

    const otherClock = new GuestClock(50e6)
    const other = new Clint(otherClock)
    new TimerState(otherClock, other).loadState(new TimerState(clock, device).saveState())
    other.loadState(state)
    expect(other.saveState()).toEqual(state)
    otherClock.startSlice(9e9)
    expect(timeOf(other, otherClock.atVirtualNs(9e9 + 44))).toBe(1235n)
    expect(otherClock.virtualNsAt(other.lineChangeNs(otherClock.afterSteps(0))!)).toBe(9e9 + 500_000 - 123_456)
  })

  test('a time that the guest set moves in the clock, or beside it when it is too high for one', () => {
    for (const high of [3, 0x8000_0000]) {
      const [clock, otherClock] = [new GuestClock(50e6), new GuestClock(50e6)]
      const [device, other] = [new Clint(clock), new Clint(otherClock)]
      clock.stop(1_123_456)
      device.store(MTIME + 4, 4, high, 0)
      const timer = new TimerState(clock, device).saveState()
      new TimerState(otherClock, other).loadState(timer)
      other.loadState(device.saveState())
      expect(timeOf(other, otherClock.afterSteps(0))).toBe(timeOf(device, clock.afterSteps(0)))
      expect([new TimerState(otherClock, other).saveState(), other.saveState()]).toEqual([timer, device.saveState()])
      expect(Object.keys(device.saveState())).toHaveLength(high === 3 ? 1 : 2)
    }
  })

  test.each([{ timecmp: -1n }, { timecmp: 2n ** 64n }, { timecmp: 5 }, { 'riscv_mtimer/time_delta': {} }])(
    'refuses the state %o',
    (damage) => {
      const device = clint()
      expect(() => device.loadState({ ...device.saveState(), ...damage })).toThrow(WireError)
    },
  )

  test.each([{ cpu_clock_offset: -1n }, { cpu_clock_offset: 2n ** 53n }, { cpu_ticks_offset: 0 }])(
    'a clock at %o is refused',
    (damage) => {
      const clock = new GuestClock(50e6)
      const timer = new TimerState(clock, new Clint(clock))
      expect(() => timer.loadState({ ...timer.saveState(), ...damage })).toThrow(WireError)
    },
  )
})
