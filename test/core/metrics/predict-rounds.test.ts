import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { milliseconds, PAGE_OCTETS, seconds } from '../../../core/base/units.js'
import { predictRounds } from '../../../core/metrics/predict-rounds.js'

/** A first round of `pages` in one second, and as many later ones as asked for. */
const rounds = (pages: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    zeroPages: 0,
    normalPages: index === 0 ? pages : 0,
    xbzrlePages: 0,
    startNs: seconds(index),
    endNs: seconds(index + 1),
    paused: 0,
  }))

/** A run of a guest of 1000 pages that nothing ends but what a test says. */
const endless = {
  stopRule: 'whole-rounds',
  downtimeLimitNs: 0,
  maxBandwidth: 0,
  roundsMax: 0,
  linkBps: 1e9,
  ramOctets: 1000 * PAGE_OCTETS,
}
/** Writes half as fast as the rounds of this file send. */
const half = { workingSetPages: 1000, dirtyPagesPerSecond: 500 }

describe('predictRounds', () => {
  it('is the geometric series of Clark et al. while the working set is larger', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 1e6 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.integer({ min: 2, max: 12 }),
        (pages, ratio, count) => {
          const workload = { workingSetPages: pages, dirtyPagesPerSecond: ratio * pages }
          const predicted = predictRounds(
            rounds(pages, count),
            { ...endless, ramOctets: pages * PAGE_OCTETS },
            workload,
          )
          expect(predicted[0]).toBeNull()
          for (let round = 1; round < count; round++)
            expect(predicted[round]! / (pages * ratio ** round)).toBeCloseTo(1, 9)
        },
      ),
    )
  })

  it('never leaves more than the working set', () => {
    expect(predictRounds(rounds(1000, 3), endless, { workingSetPages: 300, dirtyPagesPerSecond: 5000 })).toEqual([
      null,
      300,
      300,
    ])
  })

  it('says nothing without a workload, without rounds, and of a guest without pages', () => {
    expect(predictRounds(rounds(1000, 2), endless, undefined)).toEqual([null, null])
    expect(predictRounds([], endless, { workingSetPages: 1, dirtyPagesPerSecond: 1 })).toEqual([])
    expect(
      predictRounds(rounds(0, 3), { ...endless, ramOctets: 0 }, { workingSetPages: 10, dirtyPagesPerSecond: 4 }),
    ).toEqual([null, 4, 0])
  })

  it('stops the guest when what is left fits the downtime limit, and expects nothing after that', () => {
    const start = { ...endless, downtimeLimitNs: milliseconds(100) }
    expect(predictRounds(rounds(1000, 6), start, half)).toEqual([null, 500, 250, 125, 62.5, null])
  })

  it('ends a round where QEMU finds that the rest fits the downtime limit', () => {
    const start = { ...endless, stopRule: 'qemu', downtimeLimitNs: milliseconds(100) }
    // 50 pages between two looks, 100 when a limit makes windows of the time.
    expect(predictRounds(rounds(1000, 8), start, half)).toEqual([null, 400, 200, 100, 50, 50, 50, 75])
    const limited = { ...start, maxBandwidth: 1000 * PAGE_OCTETS }
    expect(predictRounds(rounds(1000, 5), limited, half)).toEqual([null, 400, 200, 100, 100])
    const cut = [{ ...rounds(1000, 1)[0]!, normalPages: 900, endNs: milliseconds(900) }, ...rounds(1000, 3).slice(1)]
    expect(predictRounds(cut, start, half)).toEqual([null, 450, 250])
  })

  it('does not look before the first window of 100 ms is over', () => {
    const start = { ...endless, stopRule: 'qemu', downtimeLimitNs: milliseconds(40), ramOctets: 100 * PAGE_OCTETS }
    const [first, second] = rounds(100, 2)
    const quick = [{ ...first!, endNs: milliseconds(20) }, second!]
    // A look after 50 ms would find 150 of 400 pages left, which take 30 ms.
    const workload = { workingSetPages: 1000, dirtyPagesPerSecond: 20_000 }
    expect(predictRounds(quick, start, workload)).toEqual([null, 400])
  })

  it('stops the guest by the rules of Xen: few pages, five rounds, or three times the memory', () => {
    const start = { ...endless, stopRule: 'xen' }
    expect(predictRounds(rounds(1000, 7), start, half)).toEqual([null, 500, 250, 125, 62.5, 31.25, null])
    const busy = { workingSetPages: 800, dirtyPagesPerSecond: 5000 }
    expect(predictRounds(rounds(1000, 7), start, busy)).toEqual([null, 800, 800, 800, 800, 800, null])
    const legacy = { ...endless, stopRule: 'xen-legacy' }
    expect(predictRounds(rounds(1000, 7), legacy, busy)).toEqual([null, 800, 800, 800, 800, null, null])
    expect(predictRounds(rounds(1000, 8), legacy, half).slice(4)).toEqual([62.5, 31.25, 15.625, null])
  })

  it('stops the guest after as many rounds as there may be, or where it was stopped', () => {
    expect(predictRounds(rounds(1000, 5), { ...endless, roundsMax: 2 }, half)).toEqual([null, 500, 250, null, null])
    const stopped = rounds(1000, 3).map((round, index) => ({ ...round, paused: index === 2 ? 1 : 0 }))
    const start = { ...endless, stopRule: 'qemu', downtimeLimitNs: milliseconds(100) }
    expect(predictRounds(stopped, start, half)).toEqual([null, 400, 300])
  })
})
