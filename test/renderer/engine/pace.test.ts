import { describe, expect, it } from 'vitest'
import { Pace, TURN_MS } from '../../../renderer/engine/pace.js'

/** A wall clock that goes on by `readMs` whenever it is read. */
function paceOf(readMs: number) {
  const clock = { nowMs: 1000 }
  const pace = new Pace({ wallMs: () => (clock.nowMs += readMs) })
  const run = (natural = 1): number => {
    let ranNs = 0
    pace.turn(
      () => natural,
      (spanNs) => (ranNs += spanNs),
    )
    return ranNs
  }
  return { clock, pace, run }
}

describe('Pace', () => {
  it('runs as much virtual time as wall time has passed, times the speed', () => {
    const { clock, pace, run } = paceOf(0)
    pace.start()
    clock.nowMs += 20
    expect(run()).toBeCloseTo(20e6, -3)
    pace.asked = 0.1
    clock.nowMs += 20
    expect(run()).toBeCloseTo(2e6, -3)
    expect(pace.speed(7)).toBe(0.1)
  })

  it('takes the natural speed when none is asked for, asked anew at every stride', () => {
    const { clock, pace, run } = paceOf(0)
    pace.start()
    clock.nowMs += 20
    expect(run(0.5)).toBeCloseTo(10e6, -3)
    expect(pace.speed(0.5)).toBe(0.5)
  })

  it('ends a turn in time, also at full speed, and does not catch up for ever', () => {
    const { clock, pace, run } = paceOf(1)
    pace.asked = Infinity
    pace.start()
    clock.nowMs += 60_000
    const before = clock.nowMs
    expect(run()).toBe((TURN_MS - 1) * 1e6)
    expect(clock.nowMs - before).toBeLessThanOrEqual(TURN_MS + 1)
    const slow = paceOf(0)
    slow.pace.start()
    slow.clock.nowMs += 60_000
    expect(slow.run()).toBeCloseTo(100e6, -3)
  })
})
