import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parseMeasuredRuns } from '../../../core/reproduction/measured-runs.js'
import { reproduce } from '../../../core/reproduction/reproduce.js'

const text = readFileSync(new URL('../../fixtures/qemu-measurements.csv', import.meta.url), 'utf8')

describe('migrations of a real QEMU that were measured, done by the engine', () => {
  it.each(
    parseMeasuredRuns(text).map((group) => {
      const { mode, workingSetPages, targetPagesPerSecond, bandwidthMiBps } = group.choice
      return [`${mode}: ${workingSetPages} pages at ${targetPagesPerSecond}/s, ${bandwidthMiBps} MiB/s`, group] as const
    }),
  )('%s', (_, group) => {
    const { convergenceAgrees, passes, octets, totalTimeMs, agrees } = reproduce(group)
    expect(convergenceAgrees).toBe(true)
    for (const agreement of [passes, octets, totalTimeMs]) {
      if (agreement === null) continue
      expect(agreement.engine).toBeGreaterThanOrEqual(agreement.from)
      expect(agreement.engine).toBeLessThanOrEqual(agreement.to)
    }
    expect(agrees).toBe(true)
  })
})
