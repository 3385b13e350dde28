import { describe, expect, test } from 'vitest'
import { migrationLimits } from '../../../core/migration/migration.js'
import { migrationProblem } from '../../../core/session/migration-problem.js'
import { defaultScenario } from '../../../core/session/scenario.js'
import type { MigrationSettings } from '../../../renderer/engine/contract.js'
import { migrationFieldGroups } from '../../../renderer/words/migration-fields.js'

const fields = migrationFieldGroups.flatMap((group) => group.fields)
const settings: MigrationSettings = {
  ...defaultScenario.migration,
  bandwidthBps: 1e9,
  workingSetPages: 16,
  dirtyPagesPerSecond: 0,
  guestOptions: {},
}

describe('the fields of a migration', () => {
  test('are every parameter, once, but strategy and channel, which the bar shows', () => {
    const parameters = Object.keys(defaultScenario.migration).filter(
      (name) => name !== 'strategy' && name !== 'channel',
    )
    expect(fields.map(({ name }) => name).toSorted()).toEqual(parameters.toSorted())
  })

  test('offer their default, and nothing that the engine refuses', () => {
    for (const { name, usual } of fields) {
      expect(usual).toContain(defaultScenario.migration[name as keyof typeof defaultScenario.migration])
      for (const value of usual)
        expect(
          migrationProblem({ ...defaultScenario.migration, channel: 'nacl', [name]: value }),
          `${name} ${value}`,
        ).toBeNull()
    }
  })

  test('can be changed while a migration runs if they are its limits', () => {
    const live = fields.filter(({ isLive }) => isLive).map(({ name }) => name)
    expect(live.toSorted()).toEqual([...migrationLimits].toSorted())
  })

  test('say each value in words of its own', () => {
    for (const { usual, format } of fields) expect(new Set(usual.map(format)).size).toBe(usual.length)
  })

  test('are shown where they say something', () => {
    const shown = (change: Partial<MigrationSettings>) =>
      fields.filter(({ isShown }) => isShown?.({ ...settings, ...change }) ?? true).map(({ name }) => name)
    expect(shown({ strategy: 'stop-and-copy' })).not.toContain('autoConverge')
    expect(shown({ strategy: 'precopy' })).not.toContain('postcopyPrepagingPages')
    expect(shown({ strategy: 'hybrid' })).toContain('postcopyAfterRounds')
    expect(shown({})).not.toContain('cpuThrottleMax')
    expect(shown({ autoConverge: true })).toContain('cpuThrottleMax')
  })
})
