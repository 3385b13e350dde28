import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyGraph } from '../../../core/base/snapshot.js'
import { milliseconds } from '../../../core/base/units.js'
import { MIGRATION_LANE } from '../../../core/migration/costs.js'
import { ToyMigration } from '../../support/toy-migration.js'

const busy = { pages: 1024, filledPages: 700, workingSetPages: 400, pagesPerSecond: 20_000 }

function expectMoved(migration: ToyMigration): void {
  expect(migration.source.cause).toBeNull()
  expect(migration.destination.cause).toBeNull()
  expect(migration.source.status).toBe('completed')
  expect(migration.comparison).toEqual({ ramDifferences: 0, deviceDifferences: 0, diskDifferences: 0 })
  expect(migration.copy.isRunning).toBe(true)
}

describe('multifd', () => {
  it('carries the pages on extra connections, in turn', () => {
    const migration = new ToyMigration(busy, { multifdChannels: 4, maxBandwidth: 0, roundsMax: 3 }, { rateBps: 200e6 })
    expectMoved(migration.run())
    const { statistics, rounds } = migration.source
    const normalPages = rounds.reduce((sum, round) => sum + round.normalPages, 0)
    expect(rounds[0]).toMatchObject({ normalPages: 700, zeroPages: 324 + 3 })
    expect(statistics.normal).toBe(normalPages)
    expect(statistics.transferred).toBe(statistics.multifdOctets + statistics.precopyOctets + statistics.downtimeOctets)
    // A packet of 128 pages at most has 1344 octets before them.
    expect(statistics.multifdOctets).toBeGreaterThan(normalPages * 4096 + (normalPages / 128) * 1344)
    expect((statistics.multifdOctets - normalPages * 4096) % 1344).toBe(0)
    const shares = migration.channels.map(({ octetsSent }) => octetsSent)
    expect(Math.max(...shares)).toBeLessThan(2 * Math.min(...shares))
    expect(migration.near.octetsSent).toBeLessThan(20_000)
  })

  it('is as much faster as there are connections, where each has its own limit', () => {
    const toy = { pages: 1024, filledPages: 1024 }
    const spanOf = (multifdChannels: number): number =>
      new ToyMigration(toy, { multifdChannels, maxBandwidth: 0 }, { rateBps: 100e6 }).run().source.endedAtNs!
    expect(spanOf(4)).toBeLessThan(spanOf(0) / 3)
  })

  it('looks for zero pages itself when told to', () => {
    const options = { multifdChannels: 2, zeroPageDetection: 'multifd' } as const
    const migration = new ToyMigration(busy, options).run()
    expectMoved(migration)
    expect(migration.source.statistics.duplicate).toBeGreaterThan(300)
    expect(migration.near.octetsSent).toBeLessThan(2000)
  })

  it('compresses each packet, on the thread of its connection', () => {
    const migration = new ToyMigration(busy, { multifdChannels: 2, compression: 'zlib', maxBandwidth: 0 }).run()
    expectMoved(migration)
    expect(migration.source.statistics.multifdOctets).toBeLessThan(200_000)
    expect([...migration.sourceCores.booked().keys()]).toEqual(['migration', 'multifd 0', 'multifd 1'])
  })

  it('keeps the bandwidth limit over all connections', () => {
    const options = { multifdChannels: 3, maxBandwidth: 16 * 1024 ** 2, roundsMax: 2, downtimeLimitNs: milliseconds(1) }
    const migration = new ToyMigration({ ...busy, pages: 4096, filledPages: 4096 }, options).run()
    expectMoved(migration)
    const [first] = migration.source.rounds
    const rate = (first!.octets * 1e9) / (first!.endNs - first!.startNs)
    // A window ends with the packet that reaches its limit, half a mebioctet long, as in QEMU.
    expect(rate).toBeGreaterThan(14 * 1024 ** 2)
    expect(rate).toBeLessThan(25 * 1024 ** 2)
  })

  it.each([
    [8, 10.09],
    [4, 5.03],
    [1, 5.05],
  ])(
    'sends whole packets in each window: where %i MiB/s are allowed, the %d that QEMU was measured to send',
    (limit, rate) => {
      const options = { multifdChannels: 2, maxBandwidth: limit * 1024 ** 2, downtimeLimitNs: milliseconds(1) }
      const migration = new ToyMigration({ pages: 4096, filledPages: 4096, pagesPerSecond: 0 }, options).run()
      const [first] = migration.source.rounds
      const sent = (first!.octets * 1e9) / (first!.endNs - first!.startNs) / 1024 ** 2
      expect(Math.abs(sent / rate - 1)).toBeLessThan(0.05)
    },
  )

  it('takes no page while its thread is at work on those before', () => {
    const { kernel, source, sourceCores } = new ToyMigration(busy, { multifdChannels: 2, maxBandwidth: 0 })
    const early: number[] = []
    for (let taken = 0; source.endedAtNs === null;) {
      const freeAtNs = sourceCores.busyUntilNs(MIGRATION_LANE)
      if (!kernel.step()) break
      const { normal, duplicate } = source.statistics
      if (normal + duplicate > taken && kernel.nowNs < freeAtNs) early.push(kernel.nowNs)
      taken = normal + duplicate
    }
    expect(source.status).toBe('completed')
    expect(early).toEqual([])
  })

  const choices = fc.record({
    multifdChannels: fc.integer({ min: 1, max: 5 }),
    zeroPageDetection: fc.constantFrom('none', 'legacy', 'multifd'),
    compression: fc.constantFrom('none', 'zlib'),
    roundsMax: fc.integer({ min: 1, max: 4 }),
    downtimeLimitNs: fc.constantFrom(0, milliseconds(5)),
  })
  const toy = { pages: 400, filledPages: 260, workingSetPages: 120, pagesPerSecond: 30_000 }

  it('moves the guest whatever is chosen, and goes on the same from a kept state', () => {
    fc.assert(
      fc.property(choices, fc.integer({ min: 1, max: 3000 }), (options, steps) => {
        const migration = new ToyMigration(toy, options, { rateBps: 100e6 })
        for (let step = 0; step < steps && migration.source.endedAtNs === null; step++) migration.kernel.step()
        const kept = copyGraph(migration)
        expectMoved(migration.run())
        expectMoved(kept.run())
        expect(kept.kernel.trace.hash()).toBe(migration.kernel.trace.hash())
      }),
      { numRuns: 20 },
    )
  })

  it('leaves exactly one live copy when it is cancelled, or a connection is lost or ended, at any instant', () => {
    const options = { multifdChannels: 3, roundsMax: 3 }
    const endNs = new ToyMigration(toy, options).run().source.endedAtNs!
    fc.assert(
      fc.property(fc.nat(endNs), fc.constantFrom(-1, 0, 1, 2), fc.boolean(), (atNs, victim, isEnded) => {
        const migration = new ToyMigration(toy, options)
        migration.kernel.runUntil(atNs)
        if (victim < 0) migration.source.cancel()
        else if (isEnded) migration.channels[victim]!.end()
        else {
          const stream = migration.channels[victim]!
          stream.abort()
          stream.owner?.streamFailed(stream, { kind: 'connection', protocol: 'pair', message: 'cut' })
        }
        migration.run(2)
        migration.kernel.runUntil(migration.kernel.nowNs + milliseconds(20))
        expect(migration.liveCopies).toBe(1)
        expect(['completed', 'failed', 'cancelled']).toContain(migration.source.status)
      }),
      { numRuns: 40 },
    )
  })
})
