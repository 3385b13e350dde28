import { describe, expect, it } from 'vitest'
import { QevmAnalysis } from '../../../core/attack/qevm-analysis.js'
import { milliseconds, seconds } from '../../../core/base/units.js'
import { fillDisk } from '../../../core/hypervisor/disk-contents.js'
import { VirtualDisk } from '../../../core/hypervisor/virtual-disk.js'
import { RandomStream } from '../../../core/kernel/random.js'
import { OutgoingDisk } from '../../../core/migration/outgoing-disk.js'
import { StreamWriter } from '../../../core/migration/wire/stream-writer.js'
import { strategies } from '../../../core/migration/migration.js'
import {
  defaultScenario,
  scenarioProblem,
  type MigrationScenario,
  type Scenario,
} from '../../../core/session/scenario.js'
import { Session } from '../../../core/session/session.js'
import { readGuestImage } from '../../../cli/guest-images.js'

const OCTETS = 1024 ** 2 + 64 * 1024

function scenarioWith(migration: Partial<MigrationScenario>, diskOctets = OCTETS): Scenario {
  const guest = { ...defaultScenario.guest, ramOctets: 2 * 1024 ** 2, fillOctets: 1024 ** 2, diskOctets }
  return { ...defaultScenario, guest, migration: { ...defaultScenario.migration, ...migration } }
}

function sessionWith(migration: Partial<MigrationScenario>): Session {
  const session = new Session({ scenario: scenarioWith(migration), seed: '1', image: readGuestImage('shell') })
  session.do({ kind: 'boot' })
  session.runFor(milliseconds(200))
  return session
}

function migrate(session: Session): void {
  session.do({ kind: 'migrate' })
  session.runWhile(({ isMigrating }) => isMigrating, seconds(60))
}

describe('a guest with a disk', () => {
  it.each(strategies)('has a copy of it at the destination, by %s', (strategy) => {
    const session = sessionWith({ strategy, copyStorage: true })
    const before = session.world.liveVm()?.disk
    migrate(session)
    expect(session.world.lastRun()?.cause).toBe('')
    const after = session.world.liveVm()
    expect(after?.hostName).toBe('host-b')
    expect(after?.disk === before).toBe(false) // `not.toBe` would compare two disks octet for octet
    expect(before && after?.disk?.differingOctets(before)).toBe(0)
    for (const row of session.trace.rows('migration-compare')) expect(row.diskDifferences).toBe(0)
    const source = session.world.crossing?.source
    expect(source?.diskStatistics).toEqual({ transferred: OCTETS, remaining: 0, total: OCTETS })
  })

  it.each(strategies.filter((strategy) => strategy !== 'cold'))(
    'goes on the same from a state kept while it is sent, by %s',
    (strategy) => {
      const session = sessionWith({ strategy, copyStorage: true })
      session.do({ kind: 'migrate' })
      const remaining = (): number | undefined => session.world.crossing?.source.diskStatistics?.remaining
      session.runWhile(() => remaining() === OCTETS, seconds(1))
      expect(remaining()).toBe(64 * 1024)
      expect(session.trace.count('migration-disk')).toBe(0)
      const kept = session.fork()
      for (const each of [kept, session]) each.runWhile(({ isMigrating }) => isMigrating, seconds(60))
      expect(kept.world.lastRun()?.status).toBe('completed')
      expect(kept.trace.hash()).toBe(session.trace.hash())
    },
  )

  it('has it on storage that both hosts share, unless it is to be copied', () => {
    const session = sessionWith({})
    const before = session.world.liveVm()?.disk
    migrate(session)
    expect(session.world.liveVm()?.disk).toBe(before)
    expect(session.trace.count('migration-disk')).toBe(0)
    expect(session.world.crossing?.source.diskStatistics).toBeNull()
  })

  it('is copied by virsh migrate --copy-storage-all', () => {
    const session = sessionWith({})
    const text = 'virsh migrate --live --copy-storage-all web qemu+ssh://host-b/system\r'
    session.do({ kind: 'type', console: 'operator', text })
    session.runWhile(({ isMigrating }) => isMigrating, seconds(60))
    expect(session.trace.rows('migration-disk')[0]).toMatchObject({ device: 'disk0', chunks: 2 })
  })

  it('goes on at the source with its own when the cable is cut on the way', () => {
    const session = sessionWith({ copyStorage: true })
    const before = session.world.liveVm()?.disk
    session.do({ kind: 'migrate' })
    session.runFor(milliseconds(5))
    session.do({ kind: 'cancel-migration' })
    expect(session.world.liveVm()).toMatchObject({ hostName: 'host-a', state: 'running', disk: before })
    expect(session.world.allVms()).toHaveLength(1)
  })

  it.each([
    [scenarioWith({}, 1000), 'disk'],
    [scenarioWith({}, 128 * 1024 ** 2), 'disk'],
    [{ ...scenarioWith({ copyStorage: true }), profile: 'xen' } as const, 'copy-storage'],
  ])('is refused when it cannot be (%#)', (scenario, setting) => {
    expect(scenarioProblem(scenario)?.setting).toBe(setting)
  })

  it('loses what is on its disk to whoever watches', () => {
    const disk = new VirtualDisk('disk0', OCTETS)
    fillDisk(disk, new RandomStream('disk'), true)
    const writer = new StreamWriter()
    const outgoing = new OutgoingDisk(disk, writer, { zeroBlocks: false })
    writer.fileHeader()
    outgoing.start()
    outgoing.end(0)
    const analysis = new QevmAnalysis()
    analysis.push(writer.take(), 1, 0)
    const text = String.fromCharCode(...(disk.chunk(0)?.subarray(0, 200) ?? []))
    const password = /DB_PASSWORD=(.*)/.exec(text)?.[1]
    expect(analysis.findingReports().map(({ value }) => value)).toContain(password)
    expect(analysis.blockReports()).toMatchObject([{ name: 'disk0', pagesRecovered: 512 }])
  })
})
