import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  effectiveBandwidth,
  leastThrottle,
  postcopyClosedForm,
  precopyClosedForm,
  type PrecopyParameters,
} from '../../../core/metrics/precopy-closed-form.js'
import { predictPrecopy } from '../../../core/metrics/precopy-rounds.js'

const parameters = fc
  .record({
    memoryOctets: fc.double({ min: 1e6, max: 1e12, noNaN: true }),
    octetsPerSecond: fc.double({ min: 1e6, max: 1e10, noNaN: true }),
    ratio: fc.double({ min: 0.01, max: 3, noNaN: true }).filter((ratio) => Math.abs(ratio - 1) > 0.01),
    setShare: fc.double({ min: 0.001, max: 1, noNaN: true }),
    thresholdShare: fc.double({ min: 1e-6, max: 0.1, noNaN: true }),
    roundsMax: fc.integer({ min: 1, max: 60 }),
  })
  .map(({ memoryOctets, octetsPerSecond, ratio, setShare, thresholdShare, roundsMax }): PrecopyParameters => ({
    memoryOctets,
    octetsPerSecond,
    dirtyOctetsPerSecond: ratio * octetsPerSecond,
    workingSetOctets: setShare * memoryOctets,
    thresholdOctets: thresholdShare * memoryOctets,
    roundsMax,
    setupSeconds: 0.01,
    resumeSeconds: 0.002,
  }))

/** The slow twin: round after round, as a simulator would. */
function simulated(p: PrecopyParameters) {
  let left = p.memoryOctets
  let octets = 0
  let rounds = 0
  do {
    octets += left
    rounds++
    left = Math.min((p.dirtyOctetsPerSecond * left) / p.octetsPerSecond, p.workingSetOctets)
  } while (left > p.thresholdOctets && rounds < p.roundsMax)
  return { rounds, left, octets: octets + left, converges: left <= p.thresholdOctets }
}

/** Where what is left equals the threshold but for rounding, either number of rounds is right. */
function isClear(leftOctets: number, { thresholdOctets }: PrecopyParameters): boolean {
  return Math.abs(leftOctets / thresholdOctets - 1) > 1e-9
}

describe('the closed form of pre-copy', () => {
  it('is what a simulation of every round comes to', () => {
    fc.assert(
      fc.property(parameters, (p) => {
        const expected = simulated(p)
        const got = precopyClosedForm(p)
        fc.pre(isClear(got.leftOctets, p) && isClear(expected.left, p))
        expect([got.rounds, got.converges]).toEqual([expected.rounds, expected.converges])
        expect(Math.abs(got.leftOctets / expected.left - 1)).toBeLessThan(1e-6)
        expect(Math.abs(got.octets / expected.octets - 1)).toBeLessThan(1e-6)
        const seconds = 0.01 + expected.octets / p.octetsPerSecond + 0.002
        expect(Math.abs(got.totalSeconds / seconds - 1)).toBeLessThan(1e-6)
        expect(Math.abs(got.downtimeSeconds / (expected.left / p.octetsPerSecond + 0.002) - 1)).toBeLessThan(1e-6)
      }),
      { numRuns: 2000 },
    )
  })

  it('has the number of rounds that the logarithms of the literature give', () => {
    fc.assert(
      fc.property(parameters, (given) => {
        const p = { ...given, roundsMax: 0 }
        const ratio = p.dirtyOctetsPerSecond / p.octetsPerSecond
        fc.pre(ratio < 1)
        const first = Math.min(ratio * p.memoryOctets, p.workingSetOctets)
        const exact = Math.log(p.thresholdOctets / first) / Math.log(ratio)
        fc.pre(Math.abs(exact - Math.round(exact)) > 1e-6)
        expect(precopyClosedForm(p).rounds).toBe(first <= p.thresholdOctets ? 1 : 1 + Math.ceil(exact))
      }),
    )
  })

  it('is M (1 - r^(n+1)) / (1 - r) where the guest may write all of its memory', () => {
    const M = 1e9
    const { rounds, octets, amplification } = precopyClosedForm({
      ...{ memoryOctets: M, octetsPerSecond: 1e8, dirtyOctetsPerSecond: 5e7, workingSetOctets: M },
      ...{ thresholdOctets: 1e6, roundsMax: 0, setupSeconds: 0, resumeSeconds: 0 },
    })
    expect(rounds).toBe(10) // ln 0.001 / ln 0.5 is 9.97
    expect(octets).toBeCloseTo((M * (1 - 0.5 ** 11)) / 0.5, 0)
    expect(amplification).toBeCloseTo(octets / M, 12)
  })

  it('has no end where rounds do not get shorter and nothing caps them', () => {
    const hopeless = {
      ...{ memoryOctets: 1e9, octetsPerSecond: 1e8, dirtyOctetsPerSecond: 1e8, workingSetOctets: 2e8 },
      ...{ thresholdOctets: 3e7, roundsMax: 0, setupSeconds: 0, resumeSeconds: 0.01 },
    }
    expect(precopyClosedForm(hopeless)).toMatchObject({ converges: false, rounds: Infinity, octets: Infinity })
    // After N rounds V = M + N W, and the working set is sent while the guest stands still.
    const capped = precopyClosedForm({ ...hopeless, roundsMax: 30 })
    expect(capped).toMatchObject({ converges: false, rounds: 30, octets: 1e9 + 30 * 2e8, leftOctets: 2e8 })
    expect(capped.downtimeSeconds).toBeCloseTo(2.01, 12)
    // It would fit if the working set did.
    expect(precopyClosedForm({ ...hopeless, workingSetOctets: 2e7 })).toMatchObject({ converges: true, rounds: 1 })
  })
})

describe('pre-copy round by round', () => {
  it('is the closed form where that holds', () => {
    fc.assert(
      fc.property(parameters, (p) => {
        const closed = precopyClosedForm(p)
        fc.pre(isClear(closed.leftOctets, p) && isClear(simulated(p).left, p))
        const { rounds, pages, leftPages, converges } = predictPrecopy({
          pages: p.memoryOctets,
          zeroSeconds: 0,
          pagesPerSecond: p.octetsPerSecond,
          writes: [{ pageCount: p.workingSetOctets, pagesPerSecond: p.dirtyOctetsPerSecond, order: 'cyclic' }],
          thresholdPages: p.thresholdOctets,
          roundsMax: p.roundsMax,
          lookSeconds: 0,
        })
        expect([rounds.length, converges]).toEqual([closed.rounds, closed.converges])
        expect(Math.abs(pages / closed.octets - 1)).toBeLessThan(1e-6)
        expect(Math.abs(leftPages / closed.leftOctets - 1)).toBeLessThan(1e-6)
      }),
    )
  })

  it('sums hot and cold pages: H (1 - e^-λt) of each', () => {
    const { rounds } = predictPrecopy({
      ...{ pages: 10_000, zeroSeconds: 0, pagesPerSecond: 1000, thresholdPages: 1, roundsMax: 1, lookSeconds: 0 },
      writes: [
        { pageCount: 100, pagesPerSecond: 50, order: 'random' },
        { pageCount: 5000, pagesPerSecond: 100, order: 'random' },
      ],
    })
    const expected = 100 * (1 - Math.exp(-0.5 * 10)) + 5000 * (1 - Math.exp(-0.02 * 10))
    expect(rounds[0]!.leftPages).toBeCloseTo(expected, 6)
  })
})

describe('other closed forms', () => {
  it('of post-copy: each page once, and the guest stands still for its devices only', () => {
    const forecast = postcopyClosedForm({
      ...{ memoryOctets: 1e9, octetsPerSecond: 1e8, deviceOctets: 1e6, setupSeconds: 0.1, resumeSeconds: 0.02 },
      ...{ faults: 1000, faultSeconds: 0.001 },
    })
    expect(forecast.octets).toBe(1_001_000_000)
    expect(forecast.totalSeconds).toBeCloseTo(10.13, 9)
    expect(forecast.downtimeSeconds).toBeCloseTo(0.03, 9)
    expect(forecast).toMatchObject({ degradedSeconds: 10, blockedSeconds: 1 })
  })

  it('of encryption: a cipher can turn a migration that converges into one that does not', () => {
    const link = { linkOctetsPerSecond: 500e6, overhead: 0, lanes: 1, copySecondsPerOctet: 0.5e-9 }
    expect(effectiveBandwidth({ ...link, cipherSecondsPerOctet: 0 })).toBe(500e6)
    expect(effectiveBandwidth({ ...link, cipherSecondsPerOctet: 2.5e-9 })).toBeCloseTo(333e6, -6)
    const guest = {
      ...{ memoryOctets: 4e9, dirtyOctetsPerSecond: 400e6, workingSetOctets: 2e9, thresholdOctets: 1e8 },
      ...{ roundsMax: 30, setupSeconds: 0, resumeSeconds: 0 },
    }
    const at = (octetsPerSecond: number) => precopyClosedForm({ ...guest, octetsPerSecond }).converges
    expect(at(500e6)).toBe(true)
    expect(at(333e6)).toBe(false)
  })

  it('of throttling: it must take away what the link cannot carry', () => {
    expect(leastThrottle(100e6, 400e6)).toBe(0.75)
    expect(leastThrottle(400e6, 100e6)).toBe(0)
  })
})
