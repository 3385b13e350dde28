import { describe, expect, it } from 'vitest'
import { seconds } from '../../../../core/base/units.js'
import { Cubic, CUBIC_BETA } from '../../../../core/net/tcp/cubic.js'
import { NewReno } from '../../../../core/net/tcp/new-reno.js'

const MSS = 1000

/** Acknowledge full windows, one each round trip, and return the window after each, in segments. */
function roundTrips(control: Cubic | NewReno, count: number, rttNs: number, fromNs = 0): number[] {
  return Array.from({ length: count }, (_, index) => {
    const nowNs = fromNs + (index + 1) * rttNs
    const { cwnd } = control
    for (let left = cwnd; left > 0; left -= MSS)
      control.acknowledged(Math.min(MSS, left), control.cwnd, { nowNs, srttNs: rttNs })
    return control.cwnd / MSS
  })
}

function withWindow<C extends Cubic | NewReno>(control: C, segments: number): C {
  while (control.cwnd < segments * MSS)
    control.acknowledged(Math.min(MSS, segments * MSS - control.cwnd), control.cwnd, { nowNs: 0, srttNs: 1 })
  return control
}

describe('Cubic', () => {
  it('doubles in each round trip before the first loss, like NewReno', () => {
    expect(roundTrips(new Cubic(MSS), 4, 1e8)).toEqual([20, 40, 80, 160])
    expect(roundTrips(new NewReno(MSS), 4, 1e8)).toEqual([20, 40, 80, 160])
  })

  it('keeps seven tenths after a loss, and is back after K = cbrt(0.3 W / 0.4) seconds (RFC 9438 §4.2)', () => {
    const cubic = withWindow(new Cubic(MSS), 1000)
    cubic.lossNoticed(cubic.cwnd)
    expect(cubic.cwnd).toBe(1000 * MSS * CUBIC_BETA)
    // K is 9.09 s: concave until then, convex after.
    const windows = roundTrips(cubic, 150, seconds(0.1))
    const at = (time: number): number => windows[Math.round(time * 10)]!
    expect(at(4) - at(0)).toBeGreaterThan(200)
    expect(at(8.8)).toBeGreaterThan(995)
    expect(Math.abs(at(9) - 1000)).toBeLessThan(2)
    expect(Math.abs(at(14) - (1000 + 0.4 * (14.1 - 9.09) ** 3))).toBeLessThan(8)
  })

  it('lets go of more when its window shrank since the last loss (§4.7)', () => {
    const cubic = withWindow(new Cubic(MSS), 1000)
    cubic.lossNoticed(cubic.cwnd)
    cubic.lossNoticed(cubic.cwnd)
    expect(cubic.cwnd).toBe(490 * MSS)
    // The curve now levels off at 700 (1 + 0.7) / 2 = 595.
    const windows = roundTrips(cubic, 80, seconds(0.1))
    expect(windows.filter((window) => Math.abs(window - 595) < 5).length).toBeGreaterThan(20)
  })

  it('is not slower than Reno where round trips are short (§4.3)', () => {
    const cubic = withWindow(new Cubic(MSS), 20)
    cubic.lossNoticed(cubic.cwnd)
    const windows = roundTrips(cubic, 20, seconds(0.001))
    // 14 and half a segment more in each round trip, then one: the cube of 20 ms is nothing.
    expect(windows[9]).toBeGreaterThan(18)
    expect(windows[19]! - windows[14]!).toBeGreaterThan(4)
  })

  it('begins with one segment after a timeout, and levels off where slow start ended (§4.8)', () => {
    const cubic = withWindow(new Cubic(MSS), 100)
    cubic.timedOut(cubic.cwnd, true)
    cubic.timedOut(cubic.cwnd, false)
    expect([cubic.cwnd, cubic.ssthresh]).toEqual([MSS, 70 * MSS])
    const windows = roundTrips(cubic, 12, seconds(0.5))
    expect(windows.slice(0, 6)).toEqual([2, 4, 8, 16, 32, 64])
    expect(windows[7]).toBeLessThan(73)
  })

  it('does not grow while its window is not used', () => {
    for (const control of [new Cubic(MSS), new NewReno(MSS)]) {
      const { cwnd } = control
      for (let count = 0; count < 100; count++) control.acknowledged(MSS, 2 * MSS, { nowNs: count * 1e6, srttNs: 1e6 })
      expect(control.cwnd).toBe(cwnd)
    }
  })
})
