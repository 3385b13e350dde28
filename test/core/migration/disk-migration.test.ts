import { describe, expect, it } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import { fillDisk } from '../../../core/hypervisor/disk-contents.js'
import { VirtualDisk } from '../../../core/hypervisor/virtual-disk.js'
import { RandomStream } from '../../../core/kernel/random.js'
import { DISK_CHUNK_OCTETS } from '../../../core/migration/guest-disk.js'
import { IncomingDisk } from '../../../core/migration/incoming-disk.js'
import type { MigrationOptions } from '../../../core/migration/migration.js'
import { ToyMigration } from '../../support/toy-migration.js'

const OCTETS = 2 * DISK_CHUNK_OCTETS + 192 * 1024

function disks(octets = OCTETS): { disk: VirtualDisk; copy: VirtualDisk } {
  const disk = new VirtualDisk('disk0', OCTETS)
  fillDisk(disk, new RandomStream('disk'), true)
  return { disk, copy: new VirtualDisk('disk0', octets) }
}

function moving(options: Partial<MigrationOptions>, { disk, copy }: ReturnType<typeof disks>): ToyMigration {
  return new ToyMigration({ disk }, { copyStorage: true, ...options }, {}, { disk: copy })
}

describe('a disk that is moved with its guest', () => {
  it.each(['precopy', 'stop-and-copy'] as const)('arrives before memory, by %s', (strategy) => {
    const both = disks()
    const migration = moving({ strategy }, both).run()
    expect(migration.source.status).toBe('completed')
    expect(migration.comparison).toEqual({ ramDifferences: 0, deviceDifferences: 0, diskDifferences: 0 })
    expect(both.disk.differingOctets(both.copy)).toBe(0)
    const { trace } = migration.kernel
    const [bulk, rest] = trace.rows('migration-disk')
    expect(bulk).toMatchObject({ device: 'disk0', chunks: 3, zeroChunks: 0 })
    expect(rest).toMatchObject({ chunks: 0, zeroChunks: 0, paused: 1 })
    expect(bulk?.octets).toBeGreaterThan(3 * DISK_CHUNK_OCTETS)
    expect(migration.source.rounds[0]?.startNs ?? bulk?.endNs).toBeGreaterThanOrEqual(bulk?.endNs ?? Infinity)
    for (const { octets } of migration.source.rounds) expect(octets).toBeLessThan(DISK_CHUNK_OCTETS)
    expect(migration.source.diskStatistics).toEqual({ transferred: OCTETS, remaining: 0, total: OCTETS })
  })

  it.each([
    [false, 4, 0],
    [true, 3, 1],
  ])('has its zeros sent as such if that is wanted: %s', (zeroBlocks, chunks, zeroChunks) => {
    const [disk, copy] = [
      new VirtualDisk('disk0', 4 * DISK_CHUNK_OCTETS),
      new VirtualDisk('disk0', 4 * DISK_CHUNK_OCTETS),
    ]
    fillDisk(disk, new RandomStream('disk'), false)
    const migration = moving({ zeroBlocks }, { disk, copy }).run()
    const [bulk] = migration.kernel.trace.rows('migration-disk')
    expect(bulk).toMatchObject({ chunks, zeroChunks })
    expect(Math.floor((bulk?.octets ?? 0) / DISK_CHUNK_OCTETS)).toBe(chunks)
    expect(disk.differingOctets(copy)).toBe(0)
  })

  it('is sent again where it was written meanwhile, the guest standing still', () => {
    const both = disks()
    const migration = moving({ maxBandwidth: 4 * 1024 ** 2 }, both)
    while (migration.kernel.trace.count('migration-disk') === 0) migration.kernel.step()
    both.disk.write(DISK_CHUNK_OCTETS + 5, Uint8Array.of(1, 2, 3))
    migration.run()
    expect(migration.source.status).toBe('completed')
    expect(migration.comparison?.diskDifferences).toBe(0)
    expect(migration.kernel.trace.rows('migration-disk')[1]).toMatchObject({ chunks: 1, paused: 1 })
  })

  it('stays where it is unless told otherwise', () => {
    const both = disks()
    const migration = moving({ copyStorage: false }, both).run()
    expect(both.copy.differingOctets(new VirtualDisk('disk0', OCTETS))).toBe(0)
    expect(migration.kernel.trace.count('migration-disk')).toBe(0)
    expect(migration.source.diskStatistics).toBeNull()
  })

  it.each([
    [DISK_CHUNK_OCTETS, 'sector 2048 of disk0, which has 2048 here'],
    [4 * DISK_CHUNK_OCTETS, '1 chunks of disk disk0 never came'],
  ])('is refused by one of %i octets', (octets, reason) => {
    const both = disks(octets)
    const migration = moving({}, both).run()
    expect(migration.source.status).toBe('failed')
    expect(migration.destination.cause?.message).toContain(reason)
    expect(migration.vm.isRunning).toBe(true)
  })
})

describe('IncomingDisk', () => {
  it.each<[string, number, string]>([
    ['disk1', 0, 'unknown disk "disk1"'],
    ['disk0', 8, 'does not begin a chunk'],
    ['disk0', 2 ** 50, 'which has 4480 here'],
  ])('refuses a chunk of %s at sector %i', (device, sector, reason) => {
    const incoming = new IncomingDisk(disks().copy)
    expect(() => incoming.chunk(device, sector, null)).toThrow(WireError)
    expect(() => incoming.chunk(device, sector, null)).toThrow(reason)
  })

  it('refuses any where none is expected', () => {
    expect(() => new IncomingDisk(null).chunk('disk0', 0, null)).toThrow('no disk is expected')
  })
})
