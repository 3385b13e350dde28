import { describe, expect, it } from 'vitest'
import { milliseconds } from '../../../core/base/units.js'
import { IterationPolicy, type RoundOutcome } from '../../../core/migration/iteration-policy.js'
import { RateWindow } from '../../../core/migration/rate-window.js'
import { XenRate } from '../../../core/migration/xen-rate.js'

const rule = {
  strategy: 'precopy',
  downtimeLimitNs: milliseconds(300),
  roundsMin: 0,
  roundsMax: 3,
  postcopyAfterRounds: 2,
  stopRule: 'qemu',
} as const
const noRound: RoundOutcome = {
  rounds: 1,
  pendingOctets: 1000 * 4096,
  bandwidth: 1,
  sentPages: 1000,
  sentPagesBefore: 1000,
  sentPagesTotal: 1000,
  memoryPages: 1000,
  isRateMax: false,
}

describe('IterationPolicy', () => {
  it.each([
    ['nothing is left', { rounds: 1, pendingOctets: 0, bandwidth: 0 }, 'switchover'],
    ['what is left fits 300 ms', { rounds: 1, pendingOctets: 29_999_999, bandwidth: 1e8 }, 'switchover'],
    ['it does not fit', { rounds: 1, pendingOctets: 30_000_001, bandwidth: 1e8 }, 'iterate'],
    ['the rounds are used up', { rounds: 3, pendingOctets: 30_000_001, bandwidth: 1e8 }, 'forced'],
  ] as const)('when %s', (_name, outcome, next) => {
    expect(new IterationPolicy(rule).afterRound({ ...noRound, ...outcome })).toBe(next)
  })

  it('has no end without a cap', () => {
    const policy = new IterationPolicy({ ...rule, roundsMax: 0 })
    expect(policy.afterRound({ ...noRound, rounds: 1e6, pendingOctets: 1e9 })).toBe('iterate')
  })
})

describe("Xen's stop rule", () => {
  const policy = new IterationPolicy({ ...rule, stopRule: 'xen', roundsMax: 0 })

  it.each([
    [{ pendingOctets: 49 * 4096 }, 'switchover'],
    [{ pendingOctets: 50 * 4096, rounds: 4 }, 'iterate'],
    [{ pendingOctets: 50 * 4096, rounds: 5 }, 'forced'],
  ] as const)('%o: %s', (outcome, next) => {
    expect(policy.afterRound({ ...noRound, ...outcome })).toBe(next)
  })

  it('reads the dirty log only when nothing is left', () => {
    expect(policy.endsRound(1, 1, 1e12)).toBe(false)
    expect(policy.endsRound(1, 0, 0)).toBe(true)
  })
})

describe("Xen 3.1's stop rule", () => {
  const policy = new IterationPolicy({ ...rule, stopRule: 'xen-legacy', roundsMax: 0 })

  it.each([
    ['few pages were sent', { sentPages: 49 }, 'switchover'],
    ['29 rounds were sent', { rounds: 29 }, 'forced'],
    ['28 rounds were sent', { rounds: 28 }, 'iterate'],
    ['more than three times memory was sent', { sentPagesTotal: 3001 }, 'forced'],
    ['three times memory was sent', { sentPagesTotal: 3000 }, 'iterate'],
    ['more than last time at full rate', { rounds: 2, sentPages: 1001, isRateMax: true }, 'forced'],
    ['more than last time, but the rate can grow', { rounds: 2, sentPages: 1001 }, 'iterate'],
    ['as much as last time at full rate', { rounds: 2, isRateMax: true }, 'iterate'],
  ] as const)('when %s', (_name, outcome, next) => {
    expect(policy.afterRound({ ...noRound, ...outcome })).toBe(next)
  })
})

describe('XenRate', () => {
  it('begins at 100 Mbit/s in slots of 100 KiB', () => {
    const rate = new XenRate(0)
    expect(rate.slotNs).toBe(7_812_500)
    expect(rate.slotOctets).toBe(102_400)
    expect(rate.isMax).toBe(false)
  })

  it('keeps 50 Mbit/s ahead of the guest, up to 500', () => {
    const rate = new XenRate(0)
    rate.adapt(1000, milliseconds(1000)) // 32.768 Mbit/s
    expect(rate.slotNs).toBe(Math.round(781_250_000 / 82.768))
    rate.adapt(20_000, milliseconds(1000))
    expect(rate.slotNs).toBe(1_562_500)
    expect(rate.isMax).toBe(true)
  })

  it('keeps to a bandwidth limit below that', () => {
    const rate = new XenRate(1_250_000)
    expect(rate.slotNs).toBe(78_125_000)
    expect(rate.isMax).toBe(true)
  })
})

describe('IterationPolicy of a hybrid', () => {
  it.each([
    ['goes over to post-copy after its rounds', 2, 2, 'postcopy'],
    ['iterates before', 1, 2, 'iterate'],
    ['iterates until it is told, or forced', 2, 0, 'iterate'],
    ['is forced as any other', 3, 0, 'forced'],
  ] as const)('%s', (_name, rounds, postcopyAfterRounds, next) => {
    const policy = new IterationPolicy({ ...rule, strategy: 'hybrid', postcopyAfterRounds })
    expect(policy.afterRound({ ...noRound, rounds, pendingOctets: 1e9, bandwidth: 1e8 })).toBe(next)
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

describe('rounds that must be', () => {
  const policy = new IterationPolicy({ ...rule, roundsMin: 3, roundsMax: 3 })

  it('sends them, and whole, though nothing is left; and no more', () => {
    const idle = { ...noRound, pendingOctets: 0 }
    expect(policy.afterRound({ ...idle, rounds: 1 })).toBe('iterate')
    expect(policy.afterRound({ ...idle, rounds: 2 })).toBe('iterate')
    expect(policy.afterRound({ ...idle, rounds: 3 })).toBe('switchover')
    expect(policy.afterRound({ ...noRound, pendingOctets: 1e12, rounds: 3 })).toBe('forced')
    expect(policy.endsRound(1, 1, 1e12)).toBe(false)
    expect(policy.endsRound(3, 1, 1e12)).toBe(true)
  })
})
