/** What the catalogue says that a person types does it, where the hosts have the hypervisor that it names. */
import { describe, expect, it } from 'vitest'
import { readGuestImage } from '../../../../cli/guest-images.js'
import { catalogue } from '../../../../core/attack/catalogue/catalogue.js'
import { seconds } from '../../../../core/base/units.js'
import { profiles } from '../../../../core/hypervisor/profiles/profiles.js'
import { defaultScenario } from '../../../../core/session/scenario.js'
import { Session } from '../../../../core/session/session.js'
import { says } from '../../../support/operator-says.js'

function bootedWith(profile: keyof typeof profiles): Session {
  const { defaults, channel } = profiles[profile]
  const migration = { ...defaultScenario.migration, ...defaults, channel }
  const session = new Session({
    scenario: { ...defaultScenario, profile, migration, attackerPosition: 'access' },
    seed: 'by hand',
    image: readGuestImage(defaultScenario.guest.image),
  })
  session.do({ kind: 'boot' })
  session.runFor(seconds(1.5))
  return session
}

describe.each(catalogue.filter(({ plane }) => plane === 'module').map(({ name, byHand }) => [name, byHand] as const))(
  '%s',
  (_name, byHand) => {
    it('reads a page of the guest on the host', () => {
      const session = bootedWith(byHand?.hypervisor ?? 'kvm')
      for (const line of byHand?.lines ?? []) says(session, 'attacker', line)
      session.runFor(seconds(1))
      const told = session.trace.rows('attack-stage').map(({ stage, text }) => `${stage}: ${text}`)
      expect(told.at(-1)).toMatch(/^read: (page 9 of web: .*Cookie: session=|page 0 of another guest)/)
    })
  },
)
