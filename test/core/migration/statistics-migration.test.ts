import { describe, expect, it } from 'vitest'
import { seconds } from '../../../core/base/units.js'
import { StatisticsMigration, type StatisticsMigrationOptions } from '../../../core/migration/statistics-migration.js'

const guest: StatisticsMigrationOptions['guest'] = {
  name: 'guest',
  machineType: 'virt',
  blocks: [
    {
      name: 'ram',
      pageCount: 262_144,
      filled: [{ firstPage: 1000, pageCount: 4000 }],
      writes: [
        { firstPage: 1000, pageCount: 500, pagesPerSecond: 1_000_000, order: 'cyclic' },
        { firstPage: 8000, pageCount: 500, pagesPerSecond: 3000, order: 'random' },
      ],
    },
    { name: 'rom', pageCount: 3, filled: [{ firstPage: 0, pageCount: 3 }], writes: [] },
  ],
}

describe('a migration of a page-statistics guest', () => {
  it.each(['precopy', 'stop-and-copy'] as const)('brings 1 GiB over as it was, by %s', (strategy) => {
    const migration = new StatisticsMigration({ guest, migration: { strategy } }).run()
    expect(migration.source.status).toBe('completed')
    expect(migration.comparison).toEqual({ ramDifferences: 0, deviceDifferences: 0 })
    expect([migration.vm.isRunning, migration.copy.isRunning]).toEqual([false, true])
    // And the writes go on where they stopped.
    const { stores } = migration.vm
    migration.kernel.runUntil(migration.kernel.nowNs + seconds(1))
    expect(migration.vm.stores).toBe(stores)
    expect(migration.copy.stores - stores).toBeGreaterThan(1_000_000)
  })

  it('sends what changed as differences', () => {
    const options = { maxBandwidth: 8 * 1024 * 1024, downtimeLimitNs: 1_000_000, roundsMax: 8 }
    const plain = new StatisticsMigration({ guest, migration: options }).run()
    const xbzrle = new StatisticsMigration({ guest, migration: { ...options, xbzrle: true } }).run()
    expect(xbzrle.comparison).toEqual({ ramDifferences: 0, deviceDifferences: 0 })
    expect(xbzrle.source.statistics.xbzrle.pages).toBeGreaterThan(1000)
    expect(xbzrle.source.statistics.transferred).toBeLessThan(0.8 * plain.source.statistics.transferred)
  })

  it('lets it run at the destination first, by post-copy', () => {
    const migration = new StatisticsMigration({ guest, migration: { strategy: 'postcopy' } }).run()
    expect(migration.source.status).toBe('completed')
    expect(migration.copy.userfault.missingPages).toBe(0)
    expect([migration.vm.isRunning, migration.copy.isRunning]).toEqual([false, true])
    // Every page once: 4003 were filled, and what was written since besides.
    expect(migration.source.statistics.normal).toBeLessThanOrEqual(4503)
  })

  it('is cancelled when it does not come to its end, and the guest goes on', () => {
    const hopeless = { roundsMax: 0, downtimeLimitNs: 1000, maxBandwidth: 1024 * 1024 }
    const migration = new StatisticsMigration({ guest, migration: hopeless }).run(seconds(30))
    expect(migration.source.status).toBe('cancelled')
    expect([migration.vm.isRunning, migration.copy.isRunning]).toEqual([true, false])
  })
})
