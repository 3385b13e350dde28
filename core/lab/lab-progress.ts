/** Where a student stands in a lab: a function of the lab and of what happened, so it never disagrees with the checks. */
import { parseDuration } from '../base/units.js'
import type { RunMetrics } from '../metrics/run-metrics.js'
import { computeRuns, type PlantedSecret } from '../metrics/compute-runs.js'
import type { Trace } from '../kernel/trace.js'
import { evaluateCheck, type Evidence, type Facts } from './evaluate-check.js'
import type { Lab, LabQuestion, LabStep } from './lab-schema.js'

/** What a student wrote into the session's notebook. */
export interface GivenAnswer {
  readonly question: string
  readonly answer: string
  readonly atNs: number
}

export interface SessionFacts {
  readonly trace: Trace
  readonly planted: readonly PlantedSecret[]
  readonly answers: readonly GivenAnswer[]
  /** Ids of the steps for which a hint was asked, once a hint. */
  readonly hints: readonly string[]
}

export interface QuestionProgress {
  readonly question: LabQuestion
  readonly answer: string | null
  readonly isCorrect: boolean | null
}

export interface StepProgress {
  readonly step: LabStep
  readonly state: 'locked' | 'current' | 'done'
  readonly missing: string
  readonly evidence: readonly Evidence[]
  readonly hintsShown: number
  readonly questions: readonly QuestionProgress[]
}

/** Steps in order; a step counts once every step before it is done. */
export function labProgress(lab: Lab, session: SessionFacts, runs?: readonly RunMetrics[]): readonly StepProgress[] {
  const metrics = runs ?? computeRuns(session.trace, session.planted)
  const answered = new Map<string, number>()
  for (const { question: id, answer, atNs } of session.answers) {
    const question = findQuestion(lab, id)
    if (question !== undefined && !answered.has(id) && isCorrect(question, answer, metrics, session.planted))
      answered.set(id, atNs)
  }
  const facts: Facts = { trace: session.trace, runs: metrics, answered }
  let isOpen = true
  return lab.steps.map((step) => {
    const outcome = isOpen ? evaluateCheck(step.done, facts) : null
    const state = outcome === null ? 'locked' : outcome.met ? 'done' : 'current'
    if (state !== 'done') isOpen = false
    return {
      step,
      state,
      missing: outcome !== null && !outcome.met ? outcome.missing : '',
      evidence: outcome?.met === true ? outcome.evidence : [],
      hintsShown: Math.min(step.hints.length, session.hints.filter((id) => id === step.id).length),
      questions: step.questions.map((question) => {
        const given = session.answers.findLast((answer) => answer.question === question.id)
        return {
          question,
          answer: given?.answer ?? null,
          isCorrect: given === undefined ? null : answered.has(question.id),
        }
      }),
    }
  })
}

function findQuestion(lab: Lab, id: string): LabQuestion | undefined {
  return lab.steps.flatMap((step) => step.questions).find((question) => question.id === id)
}

/** The planted secret called `password.alice` and the like. */
export function secretNamed(planted: readonly PlantedSecret[], name: string): string | undefined {
  return planted.find((secret) => `${secret.kind}.${secret.name}` === name)?.value
}

export function isCorrect(
  question: LabQuestion,
  answer: string,
  runs: readonly RunMetrics[],
  planted: readonly PlantedSecret[],
): boolean {
  switch (question.kind) {
    case 'choice':
      return answer === question.answer
    case 'secret':
      return answer.trim() === secretNamed(planted, question.answer)
    case 'number': {
      const given = numberIn(question.unit, answer)
      if (given === null) return false
      return runs
        .filter((run) => run.channel === question.answer.channel && run.status === 'completed')
        .some((run) => {
          const measured = measure(run, question.answer.metric)
          return measured !== null && Math.abs(given - measured) <= Math.max(question.answer.tolerance * measured, 0.05)
        })
    }
  }
}

/** What was typed, in `unit`: `0,97`, or with a unit of time of its own as the window shows it, `971 µs`. */
function numberIn(unit: string, typed: string): number | null {
  const text = typed.trim().replace(',', '.').replace('μ', 'µ')
  const scale = durationIn(`1${unit}`)
  const nanos = durationIn(text)
  if (scale !== null && nanos !== null) return nanos / scale
  const plain = Number(text)
  return text === '' || !Number.isFinite(plain) ? null : plain
}

function durationIn(text: string): number | null {
  try {
    return parseDuration(text)
  } catch {
    return null
  }
}

export function measure(
  run: RunMetrics,
  metric: Extract<LabQuestion, { kind: 'number' }>['answer']['metric'],
): number | null {
  return metric === 'rounds' ? run.rounds.length : run[metric]
}

/** Put the session's own values into a lab's words: `{{password.alice}}`. An unknown name stays as it is. */
export function fillTemplate(text: string, planted: readonly PlantedSecret[]): string {
  return text.replace(/\{\{([a-z0-9.-]+)\}\}/g, (whole, name: string) => secretNamed(planted, name) ?? whole)
}
