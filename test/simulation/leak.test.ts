/** A clear migration under any seed gives the listener every planted secret while it runs, and a sealed one none. */
import { describe, expect, it } from 'vitest'
import { bootedSession, migrateToEnd } from '../support/lab-session.js'
import { simulationSeeds, withSeed } from '../support/seeds.js'

describe('what a migration leaks', () => {
  it.each(simulationSeeds(8))('everything in clear, nothing sealed (%s)', (seed) => {
    withSeed(seed, () => {
      const image = seed.length % 2 === 0 ? 'shell' : 'shell-b'
      const session = bootedSession({ seed, image, guest: { dirtyPagesPerSecond: 5000 } })
      migrateToEnd(session)
      const clear = session.world.lastRun()!
      expect(clear).toMatchObject({ status: 'completed', secretsFound: 25, secretsPlanted: 25 })
      expect(clear.findings.filter(({ planted }) => !planted)).toEqual([])
      expect(clear.ramOctetsRecovered).toBe(clear.ramOctets)
      session.do({ kind: 'configure-migration', settings: { channel: 'nacl' } })
      migrateToEnd(session)
      expect(session.world.lastRun()).toMatchObject({ status: 'completed', secretsFound: 0, findings: [] })
    })
  })
})
