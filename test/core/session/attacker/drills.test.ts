/** Every attack against every configuration ends as its definition says. */
import { describe, expect, it } from 'vitest'
import { readGuestImage } from '../../../../cli/guest-images.js'
import { expectedVerdict } from '../../../../core/attack/catalogue/attack-definition.js'
import { catalogue } from '../../../../core/attack/catalogue/catalogue.js'
import { configurationNamesOf } from '../../../../core/attack/catalogue/configurations.js'
import { drills } from '../../../../core/session/attacker/drills/drills.js'

describe('the catalogue of attacks', () => {
  it('has a drill for every attack, and no other', () => {
    expect(Object.keys(drills).toSorted()).toEqual(catalogue.map(({ name }) => name).toSorted())
  })
})

/** A quarter of the matrix, another one for each attack; `MATRIX=full` for all of it, as `midstream attack --matrix` plays it. */
const isPlayed = (attack: number, configuration: number): boolean =>
  process.env['MATRIX'] === 'full' || configuration === 0 || (attack + configuration) % 4 === 0

describe.each(catalogue.map((definition, index) => [definition.name, definition, index] as const))(
  '%s',
  (name, definition, index) => {
    it.each(configurationNamesOf(definition.testbed).filter((_, configuration) => isPlayed(index, configuration)))(
      'against %s ends as expected',
      (configuration) => {
        const { outcome } = drills[name]!({ configuration, seed: 'matrix', image: readGuestImage })
        expect(`${outcome.verdict}: ${outcome.summary}`).toMatch(
          new RegExp(`^${expectedVerdict(definition, configuration)}: `),
        )
        if (outcome.verdict !== 'not applicable') expect(outcome.evidence.length).toBeGreaterThan(0)
      },
    )
  },
)
