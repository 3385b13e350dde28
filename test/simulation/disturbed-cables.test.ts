/** Migrations over cables that lose, delay, double and reorder: they arrive, and what crosses is sound to the real tshark. */
import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../core/base/units.js'
import { RandomStream } from '../../core/kernel/random.js'
import type { LinkConditions } from '../../core/session/link-conditions.js'
import { channelNames, congestionControls } from '../../core/session/scenario.js'
import { bootedSession } from '../support/lab-session.js'
import { simulationSeeds, withSeed } from '../support/seeds.js'
import { tsharkFields } from '../support/tshark.js'
import { expectAlive, runWatched } from '../support/watched-run.js'

const seeds = simulationSeeds(4)

function randomConditions(random: RandomStream): Partial<LinkConditions> {
  const percent = (most: number): number => random.below(most * 100 + 1) / 10_000
  return {
    jitterNs: random.below(300_000),
    loss: percent(2),
    duplication: percent(2),
    reordering: percent(3),
    queueOctets: random.pick([32_768, 262_144, 8_388_608]),
  }
}

describe('a migration over disturbed cables', () => {
  it.each(seeds)('arrives, and leaves a capture without damage (%s)', (seed) => {
    withSeed(seed, () => {
      const random = new RandomStream(`disturbed ${seed}`)
      const channel = random.pick(channelNames)
      const session = bootedSession({
        seed,
        migration: { channel },
        tcp: { congestionControl: random.pick(congestionControls), hasSack: random.below(3) > 0 },
        guest: { hasSecrets: false },
      })
      // Before Host A's cable disturbs it: what a tap shows is what was sent.
      const sent = session.world.rack.tapOf('host-a')
      for (const link of ['host-a', 'host-b'] as const)
        session.do({ kind: 'configure-link', link, conditions: randomConditions(random) })
      session.do({ kind: 'migrate' })
      session.runWhile(({ isMigrating }) => isMigrating, seconds(600))
      expect(session.world.lastRun()).toMatchObject({ status: 'completed', destination: 'host-b' })
      for (const link of ['host-a', 'host-b'] as const)
        session.do({
          kind: 'configure-link',
          link,
          conditions: { jitterNs: 0, loss: 0, duplication: 0, reordering: 0, queueOctets: 8_388_608 },
        })
      runWatched(session, milliseconds(500))
      expectAlive(session)
      const damage = tsharkFields(sent.toPcapng(), ['frame.number', '_ws.col.Info'], {
        filter:
          '_ws.malformed || ip.checksum.status == "Bad" || tcp.checksum.status == "Bad" || icmp.checksum.status == "Bad"',
        decodeAs: ['tcp.port==49152,data'],
      })
      expect(damage).toEqual([])
    })
  })

  it.each(seeds)('with damaged frames it arrives whole all the same (%s)', (seed) => {
    withSeed(seed, () => {
      const session = bootedSession({ seed, guest: { hasSecrets: false } })
      session.do({ kind: 'configure-link', link: 'host-b', conditions: { corruption: 0.01 } })
      session.do({ kind: 'migrate' })
      session.runWhile(({ isMigrating }) => isMigrating, seconds(600))
      expect(session.world.lastRun()?.status).toBe('completed')
      expect(session.trace.rows('migration-compare')).toMatchObject([{ ramDifferences: 0, deviceDifferences: 0 }])
      const { corrupted } = session.world.rack.link('host-b').b.counters()
      expect(corrupted.frames).toBeGreaterThan(0)
    })
  })
})
