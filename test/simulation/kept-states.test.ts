/** States kept at random instants of a migration go on as if nothing had happened. */
import { describe, expect, it } from 'vitest'
import type { KeptGraph } from '../../core/base/snapshot.js'
import { equalOctets } from '../../core/base/octets.js'
import { milliseconds } from '../../core/base/units.js'
import { RandomStream } from '../../core/kernel/random.js'
import { channelNames, strategies } from '../../core/session/scenario.js'
import type { Session } from '../../core/session/session.js'
import { bootedSession } from '../support/lab-session.js'
import { simulationSeeds, withSeed } from '../support/seeds.js'

/** Every channel comes once before any comes again, each time with another strategy. */
const ways = strategies.flatMap((_, shift) =>
  channelNames.map((channel, index) => ({ channel, strategy: strategies[(index + shift) % strategies.length]! })),
)
const cases = simulationSeeds(channelNames.length).map((seed, index) => ({ seed, ...ways[index % ways.length]! }))
/** Of a whole migration of this guest, and of its handshakes, of which SSH's takes longest; ciphers of the past need more. */
const MOVE_NS = milliseconds(30)
const HANDSHAKE_NS = milliseconds(4)
const INSTANTS = 6

describe('a state kept at a random instant', () => {
  it.each(cases)('goes on the same: $channel, $strategy ($seed)', ({ channel, strategy, seed }) => {
    withSeed(seed, () => {
      const random = new RandomStream(`kept ${channel} ${strategy} ${seed}`)
      const session = bootedSession({ seed, migration: { channel, strategy } })
      session.do({ kind: 'migrate' })
      const startNs = session.nowNs
      const instants = Array.from({ length: INSTANTS }, (_, index) =>
        random.below(index % 2 === 0 ? HANDSHAKE_NS : MOVE_NS),
      ).sort((a, b) => a - b)
      const kept: KeptGraph<Session>[] = []
      for (const instant of instants) {
        session.runUntil(startNs + instant)
        kept.push(session.keep())
      }
      const endNs = startNs + milliseconds(400)
      session.runUntil(endNs)
      expect(session.world.lastRun()?.status).toBe('completed')
      const hash = session.trace.hash()
      const capture = session.world.rack.tap.toPcapng()
      kept.forEach((state, index) => {
        const other = state.restore()
        other.runUntil(endNs)
        expect(other.trace.hash(), `kept after ${instants[index] ?? 0} ns`).toBe(hash)
        expect(equalOctets(other.world.rack.tap.toPcapng(), capture)).toBe(true)
      })
    })
  })
})
