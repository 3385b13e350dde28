import { describe, expect, it } from 'vitest'
import { findLab } from '../../../cli/lab-files.js'
import { readGuestImage } from '../../../cli/guest-images.js'
import { scenarioOf } from '../../../core/lab/lab-schema.js'
import { playSolution } from '../../../core/lab/play-solution.js'
import { buildReport } from '../../../core/report/build-report.js'
import { Session } from '../../../core/session/session.js'
import { bootedSession, migrateToEnd } from '../../support/lab-session.js'

describe('buildReport', () => {
  it('holds a sandbox session: settings, runs, probes and throughput', () => {
    const session = bootedSession({ migration: { channel: 'nacl' } })
    migrateToEnd(session)
    const report = buildReport(session, null, '1.2.3')
    expect(report).toMatchObject({
      format: 'midstream-report',
      version: '1.2.3',
      labId: 'sandbox',
      seed: 'test',
      traceHash: session.trace.hash(),
      virtualNs: session.nowNs,
      settings: { channel: 'nacl', downtimeLimitMs: 2, workingSetPages: 64, bandwidthBps: 1e9 },
      steps: [],
    })
    expect(report.runs).toMatchObject([{ status: 'completed', channel: 'nacl', forced: false }])
    expect(report.probes.length).toBe(session.trace.count('probe'))
    const sum = report.throughput.reduce((octets, { migrationOctets }) => octets + migrationOctets, 0)
    expect(sum).toBe(report.runs[0]?.wireOctets)
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })

  it('holds what a student did in a lab, and explains only what was answered rightly', () => {
    const lab = findLab('01')
    const scenario = scenarioOf(lab)
    const session = new Session({ scenario, seed: '1', image: readGuestImage(scenario.guest.image) })
    session.do({ kind: 'hint', step: 'boot' })
    playSolution(lab, session, 'what-leaked')
    session.do({ kind: 'answer', question: 'token', answer: 'hunter2' })
    const { steps } = buildReport(session, lab, '0')
    expect(steps.map(({ done }) => done)).toEqual([true, true, false, false, false, false])
    expect(steps[0]).toMatchObject({ hintsUsed: 1, missing: '' })
    expect(steps[0]?.evidence.length).toBeGreaterThan(0)
    expect(steps[2]?.missing).not.toBe('')
    expect(steps[2]?.questions[0]).toMatchObject({ answer: 'hunter2', correct: false, explanation: '' })
    expect(steps[2]?.questions[1]).toMatchObject({ answer: null, correct: null })
  })
})
