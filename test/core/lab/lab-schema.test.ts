import { describe, expect, it } from 'vitest'
import { readLabs } from '../../../cli/lab-files.js'
import { LabError } from '../../../core/base/errors.js'
import { parseLab, scenarioOf } from '../../../core/lab/lab-schema.js'

const minimal = {
  id: 'tiny',
  title: 'Tiny',
  goal: 'Show the schema.',
  minutes: 1,
  level: 'beginner',
  teaches: 'nothing',
  steps: [
    {
      id: 'only',
      title: 'Only',
      minutes: 1,
      text: 'Boot it.',
      done: { kind: 'vm-state', vm: 'web', state: 'running' },
      hints: ['nudge', 'answer'],
      solution: [{ do: 'boot' }],
    },
  ],
}

describe('parseLab', () => {
  it('takes the labs of the project', () => {
    const labs = readLabs()
    expect(labs.map(({ id }) => id)).toContain('01-first-crossing')
    for (const lab of labs) expect(lab.steps.length).toBeGreaterThanOrEqual(3)
  })

  it('fills in the scenario from the defaults', () => {
    const lab = parseLab({ ...minimal, scenario: { ram: '32MiB', bandwidth: '10Gbit' } })
    const scenario = scenarioOf(lab)
    expect(scenario.guest.ramOctets).toBe(32 * 1024 ** 2)
    expect(scenario.bandwidthBps).toBe(1e10)
    expect(scenario.migration.downtimeLimitNs).toBe(300e6)
  })

  it('takes another guest, with what can be set of it', () => {
    const guestOptions = { hotPages: 8, content: 'zeros' }
    const { guest } = scenarioOf(parseLab({ ...minimal, scenario: { guest: 'stress', guestOptions } }))
    expect([guest.image, guest.options]).toEqual(['stress', guestOptions])
  })

  it.each([
    [{ ...minimal, level: 'hard' }, 'level'],
    [{ ...minimal, steps: [{ ...minimal.steps[0], hints: ['one'] }] }, 'steps[0].hints'],
    [{ ...minimal, steps: [{ ...minimal.steps[0], done: { kind: 'wish' } }] }, 'steps[0].done.kind'],
    [{ ...minimal, steps: [{ ...minimal.steps[0], done: { kind: 'answered', question: 'none' } }] }, 'steps[0].done'],
    [{ ...minimal, steps: [minimal.steps[0], minimal.steps[0]] }, 'steps[1].id'],
    [{ ...minimal, scenario: { ram: 'much' } }, 'scenario.ram'],
    [{ ...minimal, scenario: { guestOptions: { hotPages: 3 } } }, 'scenario.guestOptions'],
    [{ ...minimal, scenario: { guest: 'stress', guestOptions: { content: 'prose' } } }, 'scenario.guestOptions'],
    [{ ...minimal, script: 'alert(1)' }, 'lab'],
    ['no lab at all', 'lab'],
  ])('names the place that is wrong: %#', (value, path) => {
    try {
      parseLab(value)
      expect.unreachable()
    } catch (error) {
      expect(error).toBeInstanceOf(LabError)
      expect((error as LabError).path).toBe(path)
    }
  })
})
