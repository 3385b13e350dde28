import { readGuestImage } from '../../cli/guest-images.js'
import { milliseconds, seconds } from '../../core/base/units.js'
import {
  defaultScenario,
  type GuestScenario,
  type MigrationScenario,
  type Scenario,
  type TcpScenario,
} from '../../core/session/scenario.js'
import { Session } from '../../core/session/session.js'

export interface SmallScenario {
  readonly seed?: string
  readonly guest?: Partial<GuestScenario>
  readonly migration?: Partial<MigrationScenario>
  readonly bandwidthBps?: number
  readonly tcp?: TcpScenario
  readonly image?: string
  readonly profile?: Scenario['profile']
  readonly measuredCosts?: Scenario['measuredCosts']
}

/** A session with a small guest: 4 MiB of RAM, of which 1 MiB is filled. */
export function smallSession({
  seed = 'test',
  guest,
  migration,
  bandwidthBps = 1e9,
  tcp = defaultScenario.tcp,
  image = 'shell',
  profile = defaultScenario.profile,
  measuredCosts,
}: SmallScenario = {}): Session {
  const scenario: Scenario = {
    ...defaultScenario,
    profile,
    bandwidthBps,
    tcp,
    guest: {
      ...defaultScenario.guest,
      ramOctets: 4 * 1024 ** 2,
      fillOctets: 1024 ** 2,
      workingSetPages: 64,
      image,
      ...guest,
    },
    migration: { ...defaultScenario.migration, downtimeLimitNs: milliseconds(2), ...migration },
    ...(measuredCosts === undefined ? {} : { measuredCosts }),
  }
  return new Session({ scenario, seed, image: readGuestImage(image) })
}

/** The same, with the guest up and its secrets made. */
export function bootedSession(options: SmallScenario = {}): Session {
  const session = smallSession(options)
  session.do({ kind: 'boot' })
  session.runFor(seconds(1.5))
  return session
}

/** Migrate to the end, and give the client time to notice. */
export function migrateToEnd(session: Session): void {
  session.do({ kind: 'migrate' })
  session.runWhile(({ isMigrating }) => isMigrating, seconds(60))
  session.runFor(milliseconds(300))
}
