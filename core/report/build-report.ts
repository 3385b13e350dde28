/** A session in, a report value out. */
import { computeRuns, probeSamples, throughputSamples } from '../metrics/compute-runs.js'
import type { RunMetrics } from '../metrics/run-metrics.js'
import { labProgress } from '../lab/lab-progress.js'
import type { Lab } from '../lab/lab-schema.js'
import { places } from '../session/rack.js'
import type { Session } from '../session/session.js'
import type { ReportData, ReportStep } from './report-data.js'

/** `lab` is null for the sandbox. `version` is Midstream's own. */
export function buildReport(session: Session, lab: Lab | null, version: string): ReportData {
  const { world, trace, planted } = session
  const runs = computeRuns(trace, planted)
  const { strategy, channel, downtimeLimitNs, maxBandwidth } = world.guestDesk.migrationSettings
  return {
    format: 'midstream-report',
    version,
    labId: lab?.id ?? 'sandbox',
    title: lab?.title ?? 'Sandbox',
    goal: lab?.goal ?? '',
    seed: session.parts.seed,
    traceHash: trace.hash(),
    virtualNs: session.nowNs,
    settings: {
      strategy,
      channel,
      downtimeLimitMs: downtimeLimitNs / 1e6,
      maxBandwidth,
      bandwidthBps: world.network.bandwidthBps,
      ...world.guest.workload,
    },
    steps: lab === null ? [] : reportSteps(lab, session, runs),
    runs,
    probes: probeSamples(trace),
    // Every migration passes this link.
    throughput: throughputSamples(trace, places.hostA.name),
  }
}

function reportSteps(lab: Lab, session: Session, runs: readonly RunMetrics[]): ReportStep[] {
  return labProgress(lab, session, runs).map(({ step, state, missing, evidence, hintsShown, questions }) => ({
    id: step.id,
    title: step.title,
    done: state === 'done',
    hintsUsed: hintsShown,
    missing,
    evidence,
    questions: questions.map(({ question, answer, isCorrect }) => ({
      text: question.text,
      unit: question.kind === 'number' ? question.unit : '',
      answer,
      correct: isCorrect,
      explanation: isCorrect === true ? question.explanation : '',
    })),
  }))
}
