import { describe, expect, it } from 'vitest'
import { milliseconds } from '../../../core/base/units.js'
import { IterationPolicy } from '../../../core/migration/iteration-policy.js'
import { RateWindow } from '../../../core/migration/rate-window.js'

const rule = { downtimeLimitNs: milliseconds(300), roundsMax: 3 }

describe('IterationPolicy', () => {
  it.each([
    ['nothing is left', { rounds: 1, pendingOctets: 0, bandwidth: 0 }, 'switchover'],
    ['what is left fits 300 ms', { rounds: 1, pendingOctets: 29_999_999, bandwidth: 1e8 }, 'switchover'],
    ['it does not fit', { rounds: 1, pendingOctets: 30_000_001, bandwidth: 1e8 }, 'iterate'],
    ['the rounds are used up', { rounds: 3, pendingOctets: 30_000_001, bandwidth: 1e8 }, 'forced'],
  ] as const)('when %s', (_name, outcome, next) => {
    expect(new IterationPolicy(rule).afterRound(outcome)).toBe(next)
  })

  it('has no end without a cap', () => {
    const policy = new IterationPolicy({ ...rule, roundsMax: 0 })
    expect(policy.afterRound({ rounds: 1e6, pendingOctets: 1e9, bandwidth: 1 })).toBe('iterate')
  })
})

describe('RateWindow', () => {
  it('gives a tenth of the limit to each window of 100 ms', () => {
    const rate = new RateWindow(1000)
    rate.start(0, 50)
    expect(rate.limitOctets).toBe(150)
    rate.advance(milliseconds(99), 150)
    expect(rate.limitOctets).toBe(150)
    expect(rate.lastWindow).toBe(0)
    expect(rate.measured(milliseconds(50), 100)).toBe(1000)
    rate.advance(milliseconds(100), 130)
    expect(rate.limitOctets).toBe(230)
    expect(rate.lastWindow).toBe(800)
    expect(rate.measured(milliseconds(150), 999)).toBe(800)
  })

  it('has no limit at 0', () => {
    expect(new RateWindow(0).limitOctets).toBe(Number.MAX_SAFE_INTEGER)
  })
})
