import { describe, expect, it } from 'vitest'
import { disguisePrice, withPrice } from '../../../../core/metrics/leak/disguise-price.js'
import type { RunMetrics } from '../../../../core/metrics/run-metrics.js'

const run = (part: Partial<RunMetrics>): RunMetrics =>
  ({
    ...{ migration: 1, status: 'completed', channel: 'nacl', strategy: 'precopy', linkBps: 1e9, ramOctets: 4096 },
    ...{ disguise: null, priceOfDisguise: null, wireOctets: 1000, totalTimeMs: 50, downtimeMs: 5, ...part },
  }) as RunMetrics
const disguised = run({
  ...{ migration: 2, disguise: { roundsMin: 6, cells: null } },
  ...{ wireOctets: 1500, totalTimeMs: 80, downtimeMs: 4 },
})

describe('price of a disguise', () => {
  it('is the difference, and none of what one of the two has not', () => {
    expect(disguisePrice(disguised, run({}))).toEqual({ wireOctets: 500, totalTimeMs: 30, downtimeMs: -1 })
    expect(disguisePrice(disguised, run({ downtimeMs: null })).downtimeMs).toBeNull()
  })

  it('stands beside the last run that is as it but for the disguise', () => {
    const runs = [run({}), disguised, run({ migration: 3, wireOctets: 1400 })]
    expect(withPrice(disguised, runs).priceOfDisguise).toMatchObject({ plainMigration: 3, wireOctets: 100 })
  })

  it('is not asked of a plain run, nor told from one that went otherwise', () => {
    expect(withPrice(run({}), [run({})]).priceOfDisguise).toBeNull()
    const others = [
      run({ channel: 'tls' }),
      run({ status: 'failed' }),
      run({ strategy: 'cold' }),
      run({ linkBps: 1e8 }),
    ]
    expect(withPrice(disguised, others).priceOfDisguise).toBeNull()
  })
})
