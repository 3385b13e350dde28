import { describe, expect, it } from 'vitest'
import { workloadClassOf } from '../../../../core/base/leak-quantities.js'
import { scoreMetadata } from '../../../../core/metrics/leak/score-metadata.js'
import type { RoundMetrics } from '../../../../core/metrics/run-metrics.js'

const round = (part: Partial<RoundMetrics>): RoundMetrics => ({
  ...{ round: 1, zeroPages: 0, normalPages: 0, xbzrlePages: 0, octets: 0, startNs: 0, endNs: 0, dirtiedPages: 0 },
  ...{ paused: false, predictedPages: null, ...part },
})
const run = {
  ramOctets: 16 * 1024 ** 2,
  rounds: [
    round({ normalPages: 300, startNs: 0, endNs: 1e9, dirtiedPages: 900 }),
    round({ startNs: 1e9, endNs: 1.5e9, dirtiedPages: 600 }),
    round({ startNs: 1.5e9, endNs: 1.6e9, paused: true }),
  ],
  followingPages: 0,
  pause: { fromNs: 1.5e9, toNs: 1.6e9 },
}
const said = (quantity: string, value: number) => ({ quantity, value, low: value, high: value })

describe('score of what lengths and times gave away', () => {
  it('is empty before anything was said', () => {
    expect(scoreMetadata([], run)).toEqual([])
  })

  it('has the truth from the trace, and errors in its units', () => {
    const rows = [
      said('sent', 4096 * 300),
      said('ram', 32 * 1024 ** 2),
      said('rounds', 3),
      said('dirty-rate', 1500),
      said('working-set', 450),
      said('stopped-at', 1.501e9),
      said('downtime', 98e6),
      said('workload', workloadClassOf(20_000)),
    ]
    const scores = Object.fromEntries(scoreMetadata(rows, run).map(({ quantity, error }) => [quantity, error]))
    expect(scores).toEqual({
      sent: 0,
      ...{ ram: 1, rounds: 0, 'dirty-rate': 0.5, 'working-set': 0.5, 'stopped-at': 1e6, downtime: 2e6, workload: 1 },
    })
  })

  it('counts what follows a guest by post-copy', () => {
    const rows = [said('sent', 4096 * 500)]
    const scores = scoreMetadata(rows, { ...run, rounds: [], followingPages: 400 })
    expect(scores.find(({ quantity }) => quantity === 'sent')).toMatchObject({ truth: 4096 * 400, error: 0.25 })
  })

  it('has no error where nothing was said, or nothing is true', () => {
    const stopped = { ...run, rounds: [round({ paused: true })] }
    const scores = scoreMetadata([said('dirty-rate', 5)], stopped)
    expect(scores.find(({ quantity }) => quantity === 'dirty-rate')).toMatchObject({
      said: 5,
      truth: null,
      error: null,
    })
    expect(scores.find(({ quantity }) => quantity === 'ram')).toMatchObject({ said: null, error: null })
  })
})
