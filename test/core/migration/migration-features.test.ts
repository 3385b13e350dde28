import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { copyGraph } from '../../../core/base/snapshot.js'
import { milliseconds } from '../../../core/base/units.js'
import type { MigrationOptions } from '../../../core/migration/migration.js'
import { ToyMigration } from '../../support/toy-migration.js'

const busy = { pages: 512, filledPages: 512, workingSetPages: 400, pagesPerSecond: 40_000 }
const unlimited = { maxBandwidth: 0 }

function expectMoved(migration: ToyMigration): void {
  expect(migration.source.cause).toBeNull()
  expect(migration.source.status).toBe('completed')
  expect(migration.comparison).toEqual({ ramDifferences: 0, deviceDifferences: 0, diskDifferences: 0 })
  expect(migration.vm.isRunning).toBe(false)
  expect(migration.copy.isRunning).toBe(true)
}

describe('zero-page detection', () => {
  const toy = { pages: 64, filledPages: 16 }

  it('sends a zero page as its place, or whole when told not to look', () => {
    const legacy = new ToyMigration(toy).run()
    expectMoved(legacy)
    expect(legacy.source.statistics).toMatchObject({ duplicate: 64 - 16 + 3, normal: 16 })
    const none = new ToyMigration(toy, { zeroPageDetection: 'none' }).run()
    expectMoved(none)
    expect(none.source.statistics).toMatchObject({ duplicate: 0, normal: 64 + 3 })
  })
})

describe('XBZRLE', () => {
  const options = { xbzrle: true, xbzrleCacheOctets: 4 * 1024 ** 2, roundsMax: 5, downtimeLimitNs: 0, ...unlimited }

  it('fills its cache in the second round and saves from the third on', () => {
    const migration = new ToyMigration(busy, options, { rateBps: 200e6 }).run()
    expectMoved(migration)
    const { rounds, statistics } = migration.source
    expect(rounds[0]).toMatchObject({ normalPages: 512, zeroPages: 3, xbzrlePages: 0 })
    expect(rounds[1]!.normalPages).toBe(400)
    expect(rounds[1]!.xbzrlePages).toBe(0)
    expect(rounds[2]!.normalPages).toBe(0)
    expect(rounds[2]!.xbzrlePages).toBeGreaterThan(50)
    expect(rounds[2]!.octets).toBeLessThan(40 * rounds[2]!.xbzrlePages)
    // A page is missed once: when it is sent again for the first time.
    expect(statistics.xbzrle).toMatchObject({ cacheSize: 4 * 1024 ** 2, cacheMiss: 400, overflow: 0 })
    expect(statistics.xbzrle.pages).toBe(rounds.reduce((sum, { xbzrlePages }) => sum + xbzrlePages, 0))
  })

  it('sends whole what a small cache has no room for', () => {
    const migration = new ToyMigration(busy, { ...options, xbzrleCacheOctets: 16 * 4096 }, { rateBps: 200e6 }).run()
    expectMoved(migration)
    expect(migration.source.statistics.xbzrle.cacheMiss).toBeGreaterThan(800)
  })

  it('leaves memory as it is whatever the guest does between two rounds', () => {
    const pages = fc.integer({ min: 2, max: 40 })
    fc.assert(
      fc.property(
        pages,
        fc.integer({ min: 1, max: 64 }),
        fc.integer({ min: 100, max: 60_000 }),
        (ws, cachePages, pps) => {
          const toy = { pages: 40, filledPages: 20, workingSetPages: ws, pagesPerSecond: pps }
          const chosen = { ...options, xbzrleCacheOctets: cachePages * 4096 }
          expectMoved(new ToyMigration(toy, chosen, { rateBps: 20e6 }).run())
        },
      ),
      { numRuns: 25 },
    )
  })
})

describe('compression', () => {
  it('sends pages as zlib, on threads of their own', () => {
    const migration = new ToyMigration(busy, { compression: 'zlib', roundsMax: 3, ...unlimited }).run()
    expectMoved(migration)
    const { compression, normal } = migration.source.statistics
    expect(normal).toBe(2) // those that bring the name of another block than the page before
    expect(compression.pages).toBeGreaterThan(510)
    expect(compression.compressedOctets).toBeLessThan(100 * compression.pages)
    expect([...migration.sourceCores.booked().keys()].filter((lane) => lane.startsWith('compress'))).toHaveLength(8)
  })

  it('gives way to XBZRLE after the first round', () => {
    const options = { compression: 'zlib', xbzrle: true, roundsMax: 4, downtimeLimitNs: 0, ...unlimited } as const
    const migration = new ToyMigration(busy, options, { rateBps: 200e6 }).run()
    expectMoved(migration)
    const { compression, xbzrle } = migration.source.statistics
    expect(compression.pages).toBe(511)
    expect(xbzrle.pages).toBeGreaterThan(0)
  })
})

describe('auto-converge', () => {
  // 4 MiB/s are 1024 pages a second: half of what the guest writes.
  const toy = { pages: 2048, filledPages: 2048, workingSetPages: 1900, pagesPerSecond: 2000 }
  const slow: Partial<MigrationOptions> = {
    maxBandwidth: 4 * 1024 ** 2,
    downtimeLimitNs: milliseconds(100),
    roundsMax: 0,
  }

  it('slows the guest down step by step until what is left fits', () => {
    const off = new ToyMigration(toy, slow).run(30)
    expect(off.source.status).toBe('active')
    off.source.cancel()
    const on = new ToyMigration(toy, { ...slow, autoConverge: true }).run(60)
    expectMoved(on)
    const percents = on.vm.throttlePercents
    expect(percents[0]).toBe(20)
    expect(percents[1]).toBe(30)
    expect(percents.slice(0, -1)).toEqual(percents.slice(0, -1).map((_, index) => Math.min(99, 20 + 10 * index)))
    expect(percents.at(-1)).toBe(0)
    const rows = on.kernel.trace.rows('migration-throttle')
    expect(rows.map(({ percent }) => percent)).toEqual(percents)
    expect(rows[0]).toMatchObject({ rule: 'auto-converge', vm: 'toy' })
    expect(rows[0]!.dirtiedOctets).toBeGreaterThan(rows[0]!.sentOctets / 2)
    // Twice too much, in periods of more than a second.
    expect(rows[0]!.atNs).toBeGreaterThan(milliseconds(2000))
  })

  it('begins where it is told, and goes no further than it is told', () => {
    const chosen = { autoConverge: true, cpuThrottleInitial: 5, cpuThrottleIncrement: 3, cpuThrottleMax: 9 }
    const migration = new ToyMigration(toy, { ...slow, ...chosen }).run(40)
    migration.source.cancel()
    expect(migration.vm.throttlePercents).toEqual([5, 8, 9, 0])
  })
})

describe('dirty limit', () => {
  it('brings what the guest dirties down to the quota', () => {
    const toy = { pages: 2048, filledPages: 2048, workingSetPages: 1900, pagesPerSecond: 1500 }
    const quota = 2 * 1024 ** 2 // 512 pages a second
    const options = { maxBandwidth: 4 * 1024 ** 2, downtimeLimitNs: milliseconds(100), vcpuDirtyLimit: quota }
    const migration = new ToyMigration(toy, { ...options, roundsMax: 0 }).run(60)
    expectMoved(migration)
    const [first] = migration.kernel.trace.rows('migration-throttle')
    expect(first).toMatchObject({ rule: 'dirty-limit' })
    expect(first!.percent).toBeGreaterThan(40)
    expect(migration.source.statistics.dirtyPagesRate).toBeLessThan(1100)
  })

  it('lets the guest run again when its limit is lifted', () => {
    const toy = { pages: 2048, filledPages: 2048, workingSetPages: 1900, pagesPerSecond: 1500 }
    const options = { maxBandwidth: 4 * 1024 ** 2, downtimeLimitNs: 0, roundsMax: 0 }
    const migration = new ToyMigration(toy, { ...options, vcpuDirtyLimit: 2 * 1024 ** 2 }).run(5)
    expect(migration.source.throttlePercent).toBeGreaterThan(0)
    migration.source.changeLimits({ vcpuDirtyLimit: 0 })
    migration.run(10)
    expect(migration.source.throttlePercent).toBe(0)
    expect(migration.vm.throttlePercents.at(-1)).toBe(0)
    expect(migration.source.status).toBe('active')
  })
})

describe('the switch-over', () => {
  it('waits for the operator when told to, the guest standing still', () => {
    const migration = new ToyMigration({ filledPages: 30 }, { pauseBeforeSwitchover: true }).run(1)
    expect(migration.statuses).toEqual(['setup', 'active', 'pre-switchover'])
    expect(migration.vm.isRunning).toBe(false)
    expect(migration.destination.status).toBe('active')
    migration.source.continueSwitchover()
    expect(migration.source.status).toBe('device')
    expectMoved(migration.run())
    expect(() => migration.source.continueSwitchover()).toThrow('goes on by itself')
  })

  it('can be cancelled while it waits', () => {
    const migration = new ToyMigration({ filledPages: 30 }, { pauseBeforeSwitchover: true }).run(1)
    migration.source.cancel()
    expect(migration.vm.isRunning).toBe(true)
    expect(migration.source.status).toBe('cancelled')
  })

  it('comes when the operator says so, whatever is left', () => {
    const toy = { pages: 512, filledPages: 512, workingSetPages: 400, pagesPerSecond: 40_000 }
    const migration = new ToyMigration(toy, { roundsMax: 0, downtimeLimitNs: milliseconds(1) }, { rateBps: 100e6 }).run(
      1,
    )
    expect(migration.source.status).toBe('active')
    migration.source.switchOverNow()
    expectMoved(migration.run())
    expect(migration.source.forced).toBe(true)
    expect(() => migration.source.switchOverNow()).toThrow('while pages are sent in rounds')
  })
})

describe('statistics', () => {
  it('add up', () => {
    const migration = new ToyMigration(
      busy,
      { roundsMax: 3, downtimeLimitNs: milliseconds(1) },
      { rateBps: 400e6 },
    ).run()
    const { statistics, rounds } = migration.source
    expect(statistics.transferred).toBe(statistics.precopyOctets + statistics.downtimeOctets)
    expect(statistics.downtimeOctets).toBeGreaterThan(4096)
    expect(statistics.total).toBe((512 + 3) * 4096)
    expect(statistics.remaining).toBe(0)
    expect(statistics.normal).toBe(rounds.reduce((sum, { normalPages }) => sum + normalPages, 0))
    // The log is read after each round, and once more when the guest has stopped; the first reading marks all pages.
    expect(statistics.dirtySyncCount).toBe(rounds.length + 1)
    expect(statistics.transferred).toBeLessThan(migration.source.octetsWritten)
    expect(statistics.transferred).toBeGreaterThan(4104 * statistics.normal)
  })

  it('give rates of the last window', () => {
    const options = { maxBandwidth: 4 * 1024 ** 2, roundsMax: 3, downtimeLimitNs: milliseconds(1) }
    const { statistics } = new ToyMigration(busy, options).run().source
    expect(statistics.mbps).toBeGreaterThan(32)
    expect(statistics.mbps).toBeLessThan(35)
    expect(statistics.pagesPerSecond).toBeGreaterThan(1000)
  })
})

describe('any choice of features', () => {
  const choices = fc.record({
    zeroPageDetection: fc.constantFrom('none', 'legacy'),
    xbzrle: fc.boolean(),
    compression: fc.constantFrom('none', 'zlib'),
    stopRule: fc.constantFrom('qemu', 'xen', 'xen-legacy'),
    autoConverge: fc.boolean(),
    roundsMax: fc.constantFrom(1, 3, 6),
  })

  it('moves the guest, and goes on the same from a kept state', () => {
    fc.assert(
      fc.property(choices, fc.integer({ min: 1, max: 900 }), (options, steps) => {
        const toy = { pages: 160, filledPages: 90, workingSetPages: 60, pagesPerSecond: 20_000 }
        const migration = new ToyMigration(toy, options, { rateBps: 100e6 })
        for (let step = 0; step < steps && migration.source.endedAtNs === null; step++) migration.kernel.step()
        const kept = copyGraph(migration)
        expectMoved(migration.run())
        expectMoved(kept.run())
        expect(kept.kernel.trace.hash()).toBe(migration.kernel.trace.hash())
      }),
      { numRuns: 40 },
    )
  })
})
