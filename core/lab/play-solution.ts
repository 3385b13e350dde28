/** Plays a lab's reference solution: the same commands a student gives, at the times a patient student gives them. */
import { assert } from '../base/errors.js'
import { seconds } from '../base/units.js'
import { computeRuns } from '../metrics/compute-runs.js'
import type { Session } from '../session/session.js'
import { fillTemplate, labProgress, measure, secretNamed, type StepProgress } from './lab-progress.js'
import type { Lab, LabStep, SolutionAction } from './lab-schema.js'

/** A migration that takes longer than this is not going to end. */
const MIGRATION_PATIENCE_NS = seconds(600)

/** Play every step, or those before `untilStep`. Returns where the student stands then. */
export function playSolution(lab: Lab, session: Session, untilStep?: string): readonly StepProgress[] {
  for (const step of lab.steps) {
    if (step.id === untilStep) break
    playStep(step, session)
  }
  return labProgress(lab, session)
}

export function playStep(step: LabStep, session: Session): void {
  for (const action of step.solution) play(action, step, session)
}

function play(action: SolutionAction, step: LabStep, session: Session): void {
  switch (action.do) {
    case 'boot':
      return session.do({ kind: 'boot' })
    case 'type':
      return session.do({ kind: 'type', console: action.console, text: fillTemplate(action.text, session.planted) })
    case 'choose-channel':
      return session.do({ kind: 'configure-migration', settings: { channel: action.channel } })
    case 'migrate':
      session.do({ kind: 'migrate' })
      session.runWhile(({ isMigrating }) => isMigrating, MIGRATION_PATIENCE_NS)
      return
    case 'wait':
      return session.runFor(action.time)
    case 'answer': {
      const answer = action.answer ?? rightAnswer(step, action.question, session)
      return session.do({ kind: 'answer', question: action.question, answer })
    }
  }
}

/** What a student who looked would answer. */
function rightAnswer(step: LabStep, id: string, session: Session): string {
  const question = step.questions.find((candidate) => candidate.id === id)
  assert(question !== undefined, `step ${step.id} has no question ${id}`)
  switch (question.kind) {
    case 'choice':
      return question.answer
    case 'secret':
      return secretNamed(session.planted, question.answer) ?? ''
    case 'number': {
      const { channel, metric } = question.answer
      const run = computeRuns(session.trace, session.planted).findLast(
        (candidate) => candidate.channel === channel && candidate.status === 'completed',
      )
      return run === undefined ? '' : (measure(run, metric)?.toFixed(1) ?? '')
    }
  }
}
