import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { seconds } from '../../../core/base/units.js'
import { predictRounds } from '../../../core/metrics/predict-rounds.js'

/** A first round of `pages` in one second, and as many later ones as asked for. */
const rounds = (pages: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({
    zeroPages: 0,
    normalPages: index === 0 ? pages : 0,
    startNs: seconds(index),
    endNs: seconds(index + 1),
  }))

describe('predictRounds', () => {
  it('is the geometric series of Clark et al. while the working set is larger', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 1e6 }),
        fc.double({ min: 0.01, max: 0.99, noNaN: true }),
        fc.integer({ min: 2, max: 12 }),
        (pages, ratio, count) => {
          const workload = { workingSetPages: pages, dirtyPagesPerSecond: ratio * pages }
          const predicted = predictRounds(rounds(pages, count), workload)
          expect(predicted[0]).toBeNull()
          for (let round = 1; round < count; round++)
            expect(predicted[round]! / (pages * ratio ** round)).toBeCloseTo(1, 9)
        },
      ),
    )
  })

  it('never leaves more than the working set', () => {
    expect(predictRounds(rounds(1000, 3), { workingSetPages: 300, dirtyPagesPerSecond: 5000 })).toEqual([
      null,
      300,
      300,
    ])
  })

  it('says nothing without a workload, without rounds, and of a guest without pages', () => {
    expect(predictRounds(rounds(1000, 2), undefined)).toEqual([null, null])
    expect(predictRounds([], { workingSetPages: 1, dirtyPagesPerSecond: 1 })).toEqual([])
    expect(predictRounds(rounds(0, 3), { workingSetPages: 10, dirtyPagesPerSecond: 4 })).toEqual([null, 4, 0])
  })
})
