/** The guest that benches move. */
import { seconds } from '../../core/base/units.js'
import { defaultScenario, type Scenario } from '../../core/session/scenario.js'
import { Session } from '../../core/session/session.js'
import image from '../../labs/guests/shell.elf'
import { MIB } from './measures.js'

/** A 64 MiB guest of which all but a few pages are not zero, on a 10 Gbit/s network. */
export const bigScenario: Scenario = {
  ...defaultScenario,
  bandwidthBps: 10e9,
  guest: { ...defaultScenario.guest, ramOctets: 64 * MIB, fillOctets: 60 * MIB },
  migration: { ...defaultScenario.migration, maxBandwidth: 0 },
}

/** Up and at work. */
export function booted(scenario: Scenario): Session {
  const session = new Session({ scenario, seed: 'bench', image })
  session.do({ kind: 'boot' })
  session.runFor(seconds(4))
  return session
}

export function migrate(session: Session): void {
  session.do({ kind: 'migrate' })
  session.runWhile(({ isMigrating }) => isMigrating, seconds(60))
}
