/** Every lab's reference solution meets its checks, for any student's seed; wrong turns do not. */
import { describe, expect, it } from 'vitest'
import { readGuestImage } from '../../cli/guest-images.js'
import { readLabs } from '../../cli/lab-files.js'
import { milliseconds, seconds } from '../../core/base/units.js'
import { labProgress, type StepProgress } from '../../core/lab/lab-progress.js'
import { scenarioOf, type Lab } from '../../core/lab/lab-schema.js'
import { playSolution, playStep } from '../../core/lab/play-solution.js'
import { Session } from '../../core/session/session.js'

const labs = readLabs()
const firstCrossing = labs.find(({ id }) => id === '01-first-crossing')!

function open(lab: Lab, seed: string): Session {
  const scenario = scenarioOf(lab)
  return new Session({ scenario, seed, image: readGuestImage(scenario.guest.image) })
}

const done = (progress: readonly StepProgress[]): string[] =>
  progress.filter(({ state }) => state === 'done').map(({ step }) => step.id)

describe.each(labs.map((lab) => [lab.id, lab] as const))('%s', (_, lab) => {
  it.each(['1', 'another student'])('its solution meets every check, with evidence, for seed %s', (seed) => {
    const progress = playSolution(lab, open(lab, seed))
    for (const { step, state, missing, evidence } of progress) {
      expect(`${step.id}: ${state} ${missing}`).toBe(`${step.id}: done `)
      expect(evidence.length).toBeGreaterThan(0)
    }
  })

  it('nothing is met by waiting', () => {
    const session = open(lab, '1')
    session.runFor(seconds(30))
    expect(done(labProgress(lab, session))).toEqual([])
  })
})

describe('first-crossing', () => {
  it('counts the password that was typed in every run from the one in which it was found', () => {
    const session = open(firstCrossing, '1')
    playSolution(firstCrossing, session)
    const counted = session.world.runs().map(({ secretsFound, secretsPlanted }) => [secretsFound, secretsPlanted])
    expect(counted).toEqual([
      [26, 26],
      [0, 26],
      [0, 26],
    ])
  })
})

describe('wrong turns in first-crossing', () => {
  const play = (session: Session, ...ids: string[]): void => {
    for (const id of ids)
      playStep(
        firstCrossing.steps.find((step) => step.id === id)!,
        session,
      )
  }
  const state = (session: Session, id: string): StepProgress =>
    labProgress(firstCrossing, session).find(({ step }) => step.id === id)!

  it('a wrong password does not log in', () => {
    const session = open(firstCrossing, '1')
    session.do({ kind: 'boot' })
    session.runFor(seconds(2))
    session.do({ kind: 'type', console: 'guest', text: 'alice\rguess\r' })
    session.runFor(seconds(3))
    expect(state(session, 'boot')).toMatchObject({
      state: 'current',
      missing: 'the console of web has not said "Welcome"',
    })
  })

  it('a sealed first move does not count as the clear one', () => {
    const session = open(firstCrossing, '1')
    play(session, 'boot', 'migrate-nacl')
    expect(state(session, 'migrate-clear')).toMatchObject({
      state: 'current',
      missing: 'no migration in clear has been started',
    })
  })

  it('a cancelled move does not count', () => {
    const session = open(firstCrossing, '1')
    play(session, 'boot')
    session.do({ kind: 'migrate' })
    session.runFor(milliseconds(10))
    session.do({ kind: 'cancel-migration' })
    session.runFor(seconds(2))
    const { state: where, missing } = state(session, 'migrate-clear')
    expect(where).toBe('current')
    expect(missing).toContain('cancelled')
  })

  it('a guessed answer does not count, and a right one may follow', () => {
    const session = open(firstCrossing, '1')
    play(session, 'boot', 'migrate-clear')
    session.do({ kind: 'type', console: 'attacker', text: 'search\r' })
    session.do({ kind: 'answer', question: 'token', answer: 'hunter2' })
    session.do({ kind: 'answer', question: 'downtime', answer: '9999' })
    expect(state(session, 'what-leaked').questions.map(({ isCorrect }) => isCorrect)).toEqual([false, false])
    expect(state(session, 'what-leaked').state).toBe('current')
    play(session, 'what-leaked')
    expect(state(session, 'what-leaked').state).toBe('done')
  })

  it('asking for hints is counted and changes nothing else', () => {
    const session = open(firstCrossing, '1')
    for (let i = 0; i < 5; i++) session.do({ kind: 'hint', step: 'boot' })
    expect(state(session, 'boot')).toMatchObject({ hintsShown: 2, state: 'current' })
  })
})
