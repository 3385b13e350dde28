/** A session in, a report value out. */
import { computeRuns, probeSamples, throughputSamples } from '../metrics/compute-runs.js'
import { labProgress } from '../lab/lab-progress.js'
import type { Lab } from '../lab/lab-schema.js'
import type { Session } from '../session/session.js'
import type { ReportData, ReportStep } from './report-data.js'

/** The link whose throughput a report shows: every migration passes it. */
const REPORT_LINK = 'host-a'

/** `lab` is null for the sandbox. `version` is Midstream's own. */
export function buildReport(session: Session, lab: Lab | null, version: string): ReportData {
  const { world, trace, planted } = session
  const { strategy, channel, downtimeLimitNs, maxBandwidth } = world.migrationSettings
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
      bandwidthBps: world.bandwidth,
      ...world.workload,
    },
    steps: lab === null ? [] : reportSteps(lab, session),
    runs: computeRuns(trace, planted),
    probes: probeSamples(trace),
    throughput: throughputSamples(trace, REPORT_LINK),
  }
}

function reportSteps(lab: Lab, session: Session): ReportStep[] {
  return labProgress(lab, session).map(({ step, state, missing, evidence, hintsShown, questions }) => ({
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
