import { describe, expect, it } from 'vitest'
import { isCorrect } from '../../../core/lab/lab-progress.js'
import type { LabQuestion } from '../../../core/lab/lab-schema.js'
import { computeRuns } from '../../../core/metrics/compute-runs.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'

describe('a question for a number', () => {
  const session = bootedSession()
  migrateToEnd(session)
  const runs = computeRuns(session.trace, session.planted)
  const question: LabQuestion = {
    id: 'downtime',
    kind: 'number',
    text: 'How long?',
    unit: 'ms',
    answer: { metric: 'downtimeMs', channel: 'none', tolerance: 0.1 },
    explanation: '',
  }
  const accepts = (answer: string): boolean => isCorrect(question, answer, runs, session.planted)
  const downtimeMs = runs[0]?.downtimeMs ?? Number.NaN

  it('takes it in the unit it asks for, with a point or a comma', () => {
    expect(accepts(downtimeMs.toFixed(2))).toBe(true)
    expect(accepts(` ${downtimeMs.toFixed(2).replace('.', ',')} `)).toBe(true)
  })

  it('takes it in the unit the chart shows', () => {
    const micros = (downtimeMs * 1000).toFixed(0)
    for (const unit of [' µs', 'μs', 'us']) expect(accepts(micros + unit)).toBe(true)
    expect(accepts(`${downtimeMs.toFixed(2)} ms`)).toBe(true)
    expect(accepts(`${(downtimeMs / 1000).toFixed(6)}s`)).toBe(true)
  })

  it('refuses another number, the same number of another unit, and what is no number', () => {
    for (const answer of [
      String(downtimeMs * 2),
      (downtimeMs * 1000).toFixed(0),
      `${downtimeMs} s`,
      '',
      'long',
      '1e999',
    ])
      expect(accepts(answer)).toBe(false)
  })
})
