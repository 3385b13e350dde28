import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { GuestClock } from '../../../core/machine/guest-clock.js'

describe('GuestClock', () => {
  test('follows virtual time while slices run, stands still from a stop to the next slice', () => {
    const clock = new GuestClock(50e6)
    clock.startSlice(1000)
    expect(clock.afterSteps(0)).toBe(0)
    clock.endSlice(2500)
    expect(clock.afterSteps(0)).toBe(50_000)
    clock.startSlice(101_000)
    expect(clock.afterSteps(5)).toBe(100_100)
    clock.stop(151_000)
    expect([clock.atVirtualNs(9e9), clock.virtualNsAt(150_000)]).toEqual([150_000, null])
    clock.startSlice(9e9)
    expect([clock.afterSteps(0), clock.virtualNsAt(150_100)]).toEqual([150_000, 9e9 + 100])
  })

  test('never runs backwards when a slice ran past the start of the next', () => {
    const clock = new GuestClock(50e6)
    clock.startSlice(0)
    clock.endSlice(5000)
    clock.startSlice(50_000)
    expect(clock.afterSteps(0)).toBe(100_000)
  })

  test('stepsUntil is the first step at which the time has come, at any frequency', () => {
    const frequency = fc.integer({ min: 1, max: 2e9 })
    fc.assert(
      fc.property(frequency, fc.nat(1e15), fc.nat(1e9), fc.nat(1e6), (hartHz, startNs, aheadNs, limit) => {
        const clock = new GuestClock(hartHz)
        clock.reset(startNs)
        const steps = clock.stepsUntil(startNs + aheadNs, limit)
        expect(steps).toBeLessThanOrEqual(limit)
        if (steps < limit) expect(clock.afterSteps(steps)).toBeGreaterThanOrEqual(startNs + aheadNs)
        if (steps > 0) expect(clock.afterSteps(steps - 1)).toBeLessThan(startNs + aheadNs)
      }),
    )
  })
})
