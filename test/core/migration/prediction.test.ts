import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { milliseconds, PAGE_OCTETS } from '../../../core/base/units.js'
import { predictPrecopy } from '../../../core/migration/prediction.js'
import { ToyMigration } from '../../support/toy-migration.js'

const MB = 1e6

describe('predictPrecopy', () => {
  it('equals the closed form where the link is faster than the guest', () => {
    const model = fc.record({
      ramOctets: fc.integer({ min: MB, max: 1e10 }),
      bandwidth: fc.integer({ min: MB, max: 1e9 }),
      ratio: fc.double({ min: 0.01, max: 0.97, noNaN: true }),
      workingSet: fc.double({ min: 0.01, max: 1, noNaN: true }),
      limitMs: fc.integer({ min: 10, max: 1000 }),
    })
    fc.assert(
      fc.property(model, ({ ramOctets, bandwidth, ratio, workingSet, limitMs }) => {
        const workingSetOctets = workingSet * ramOctets
        const limit = (bandwidth * limitMs) / 1e3
        const found = predictPrecopy({
          ramOctets,
          bandwidth,
          dirtyRate: ratio * bandwidth,
          workingSetOctets,
          downtimeLimitNs: milliseconds(limitMs),
          roundsMax: 0,
        })!
        const c = Math.min(ratio * ramOctets, workingSetOctets)
        const exact = c <= limit ? 1 : 1 + Math.log(limit / c) / Math.log(ratio)
        expect(Math.abs(found.rounds - exact)).toBeLessThan(1 + 1e-6)
        const n = found.rounds
        const left = c * ratio ** (n - 1)
        const octets = ramOctets + (c * (1 - ratio ** (n - 1))) / (1 - ratio) + left
        expect(found.octets / octets).toBeCloseTo(1, 9)
        expect(found.downtimeNs).toBeCloseTo((left / bandwidth) * 1e9, -1)
        expect(found.converges).toBe(true)
      }),
    )
  })

  it('says what a cap does to a guest that is faster than the link', () => {
    const model = {
      ramOctets: 100 * MB,
      bandwidth: 10 * MB,
      dirtyRate: 20 * MB,
      workingSetOctets: 30 * MB,
      downtimeLimitNs: milliseconds(300),
      roundsMax: 4,
    }
    expect(predictPrecopy(model)).toEqual({
      converges: false,
      rounds: 4,
      octets: (100 + 4 * 30) * MB,
      totalNs: 22e9,
      downtimeNs: 3e9,
    })
    expect(predictPrecopy({ ...model, roundsMax: 0 })).toBeNull()
  })

  it.each([
    [1000, 400, 1500],
    [1000, 300, 2000],
    [1000, 800, 2400],
  ])(
    'is what the engine does: %i pages, %i of them written at %i a second',
    (pages, workingSetPages, pagesPerSecond) => {
      const maxBandwidth = 16 * MB
      const downtimeLimitNs = milliseconds(20)
      const roundsMax = 30
      const toy = { pages, filledPages: pages, workingSetPages, pagesPerSecond }
      // The wire is as fast as the limit, so that the last round is no faster than the others.
      const migration = new ToyMigration(
        toy,
        { maxBandwidth: 0, downtimeLimitNs, roundsMax },
        { rateBps: maxBandwidth * 8 },
      ).run()
      const record = PAGE_OCTETS + 8
      const predicted = predictPrecopy({
        ramOctets: pages * record,
        bandwidth: maxBandwidth,
        dirtyRate: pagesPerSecond * record,
        workingSetOctets: workingSetPages * record,
        downtimeLimitNs,
        roundsMax,
      })!
      expect(migration.source.octetsWritten / predicted.octets).toBeGreaterThan(0.93)
      expect(migration.source.octetsWritten / predicted.octets).toBeLessThan(1.07)
      // QEMU's rule reads the log again as soon as what is left of a round would fit: more rounds, shorter ones.
      expect(migration.source.rounds.length - 1).toBeGreaterThanOrEqual(predicted.rounds)
      expect(migration.source.forced).toBe(!predicted.converges)
    },
  )
})
