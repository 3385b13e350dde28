/** Post-copy between two hosts: the guest runs before its memory is there, whatever happens to the connection. */
import { describe, expect, it } from 'vitest'
import { milliseconds, PAGE_OCTETS, seconds } from '../../../core/base/units.js'
import { CaptureIndex } from '../../../core/capture/capture-index.js'
import { packetTree } from '../../../core/capture/packet-facts.js'
import { StreamReader } from '../../../core/migration/wire/stream-reader.js'
import { deviceKey } from '../../../core/migration/wire/vmdesc.js'
import type { Session } from '../../../core/session/session.js'
import { channelNames, type MigrationScenario } from '../../../core/session/scenario.js'
import { bootedSession } from '../../support/lab-session.js'
import { StreamLog } from '../../support/stream-log.js'
import { expectAlive, runWatched } from '../../support/watched-run.js'

interface Way {
  readonly migration?: Partial<MigrationScenario>
  readonly dirtyPagesPerSecond?: number
  readonly workingSetPages?: number
  readonly bandwidthBps?: number
}

/** Booting takes longer than moving: all begin with this one. */
const booted = bootedSession().keep()

/** Some 12 ms of pages behind the switch, at 1 Gbit/s. */
function migrating({
  migration,
  dirtyPagesPerSecond = 2000,
  workingSetPages = 64,
  bandwidthBps = 1e9,
}: Way = {}): Session {
  const session = booted.restore()
  session.do({ kind: 'configure-migration', settings: { strategy: 'postcopy', ...migration } })
  session.do({ kind: 'configure-workload', workload: { workingSetPages, dirtyPagesPerSecond } })
  session.do({ kind: 'configure-network', bandwidthBps })
  session.world.guestDesk.evidence = { hashRam: false, recordStream: true }
  session.do({ kind: 'migrate' })
  return session
}

/** The guest runs at the destination, most of its memory is at the source. */
function behind(way: Way = {}): Session {
  const session = migrating(way)
  runWatched(session, milliseconds(4))
  expect(session.world.crossing?.source.status).toBe('postcopy-active')
  expect(session.world.liveVm()).toMatchObject({ hostName: 'host-b', state: 'running' })
  expect(session.world.liveVm()?.missingPages).toBeGreaterThan(300)
  return session
}

function runToEnd(session: Session): void {
  session.runWhile(({ isMigrating }) => isMigrating, seconds(20))
}

function expectFollowed(session: Session): void {
  expect(session.world.lastRun()).toMatchObject({ status: 'completed', destination: 'host-b' })
  expect(session.trace.rows('migration-compare')).toMatchObject([{ ramDifferences: 0, deviceDifferences: 0 }])
  expect(session.world.liveVm()?.hostName).toBe('host-b')
  expect(session.world.liveVm()?.missingPages).toBe(0)
  expect(session.world.hosts.map((host) => host.freeRamOctets())).toEqual([2 ** 32, 2 ** 32 - 4 * 2 ** 20])
  expectAlive(session)
}

/** What a run's stream says, and how many pages of it came after RUN. */
function streamOf(session: Session): string[] {
  const log = new StreamLog()
  const reader = new StreamReader(log, { unknownDevices: 'recover' })
  reader.push(session.world.crossing!.recording!.recorded())
  expect(reader.stateComplete).toBe(true)
  return log.lines
}

describe('post-copy', () => {
  it.each(channelNames)('moves a guest whose memory follows it: %s', (channel) => {
    const session = migrating({ migration: { channel } })
    runToEnd(session)
    expectFollowed(session)
    const statuses = session.trace.rows('migration-status').map(({ status }) => status)
    expect(statuses).toEqual(['setup', 'active', 'postcopy-active', 'completed'])
    const [postcopy] = session.trace.rows('migration-postcopy')
    expect(postcopy!.zeroPages + postcopy!.normalPages).toBe(1024)
    // What is sealed slowly takes longest, and a TLS client that goes on while the server still verifies its certificate.
    expect(session.world.lastRun()?.downtimeMs).toBeLessThan(10)
    const metrics = session.world.lastRun()!.postcopy!
    expect(metrics.zeroPages + metrics.normalPages).toBe(1024)
    expect(metrics.endNs).toBeGreaterThan(metrics.startNs)
    expect(metrics.faults).toHaveLength(postcopy!.requests)
    // At the same instant where the page came just after the guest stopped for it.
    for (const { askedNs, arrivedNs } of metrics.faults) expect(arrivedNs).toBeGreaterThanOrEqual(askedNs)
    expect(metrics.faults.some(({ askedNs, arrivedNs }) => arrivedNs > askedNs)).toBe(true)
  })

  it('asks for each page once, and says how long the guest stood still for it', () => {
    const session = migrating({ dirtyPagesPerSecond: 20_000, migration: { maxPostcopyBandwidth: 2 ** 22 } })
    runToEnd(session)
    const faults = session.trace.rows('migration-fault')
    expect(faults.length).toBeGreaterThan(20)
    expect(new Set(faults.map(({ page }) => page)).size).toBe(faults.length)
    for (const { askedNs, arrivedNs, blockedNs } of faults) {
      expect(arrivedNs).toBeGreaterThan(askedNs)
      expect(blockedNs).toBeLessThanOrEqual(arrivedNs - askedNs)
    }
    const [postcopy] = session.trace.rows('migration-postcopy')
    expect(postcopy!.requests).toBe(faults.length)
    expect(postcopy!.blockedNs).toBe(faults.reduce((sum, { blockedNs }) => sum + blockedNs, 0))
    expect(session.world.crossing?.source.statistics.postcopyRequests).toBe(faults.length)
  })

  it('goes over the wire as in QEMU', () => {
    const session = migrating()
    runToEnd(session)
    expectFollowed(session)
    const lines = streamOf(session)
    const pages = lines.filter((line) => /^(page|filled) 0/.test(line))
    expect(new Set(pages.map((line) => line.split(' ')[2])).size).toBe(1024)
    expect(pages).toHaveLength(1024)
    const others = lines.filter((line) => !/^(page|filled)/.test(line)).map((line) => line.slice(0, 90))
    expect(others.slice(0, 8)).toEqual([
      'configuration virt',
      'command 1 ', // OPEN_RETURN_PATH
      'command 2 00000001', // PING
      'command 3 00000000000010000000000000001000', // POSTCOPY_ADVISE
      'start 2 ram 0 v4',
      'blocks riscv_virt_board.ram:4194304',
      'end of records',
      'command 6 001472697363765f766972745f626f6172642e72616d0000000000000000000000000000400000', // RAM_DISCARD
    ])
    expect(others[8]).toBe('command 2 00000002')
    expect(others[9]).toMatch(/^packaged 0800040000/)
    expect(others.slice(10, 12)).toEqual(['command 2 00000004', 'part 2'])
    expect(others.slice(-3)).toEqual(['end 2', 'end of records', 'end of state'])
  })

  it('carries LISTEN, every device, a ping and RUN in the package', () => {
    const session = migrating()
    runToEnd(session)
    const items = new StreamLog()
    const { devices } = session.world.liveVm()!
    const reader = new StreamReader(items, {
      devices: new Map(
        devices.map(({ stateDescription }) => [
          deviceKey(stateDescription.idstr, stateDescription.instanceId),
          stateDescription,
        ]),
      ),
      unknownDevices: 'refuse',
      start: 'items',
    })
    const [packaged] = streamOf(session).filter((line) => line.startsWith('packaged'))
    reader.push(Uint8Array.from(Buffer.from(packaged!.slice(9), 'hex')))
    expect(items.lines.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual([
      'command 4 ',
      ...devices
        .filter((device) => device.isNeeded?.() !== false)
        .map(({ stateDescription: { idstr } }, index) => `device ${index === 0 ? 0 : 3 + index} ${idstr}`),
      'command 2 00000003',
      'command 5 ',
    ])
  })

  it('leaks as much as a pre-copy to who listens', () => {
    const session = migrating()
    runToEnd(session)
    session.runFor(milliseconds(100))
    const { secretsFound, secretsPlanted, ramOctetsRecovered } = session.world.lastRun()!
    expect(secretsPlanted).toBeGreaterThan(5)
    expect(secretsFound).toBe(secretsPlanted)
    expect(ramOctetsRecovered).toBeGreaterThan(2 ** 20)
    const stream = session.world.sniffer.report().streams.find(({ protocol }) => protocol === 'qevm')
    expect(stream?.seen.join('; ')).toMatch(/post-copy.*the state of 11 devices came in a package/)
  })

  it('pushes faster once its limit was raised', () => {
    const [slow, raised] = [4, 400].map((megabytes) => {
      const session = behind({ migration: { maxPostcopyBandwidth: 4e6 } })
      session.do({ kind: 'configure-migration', settings: { maxPostcopyBandwidth: megabytes * 1e6 } })
      runToEnd(session)
      expectFollowed(session)
      return session.world.lastRun()!.totalTimeMs
    })
    expect(raised).toBeLessThan(slow! / 2)
  })

  it('asks for less when pages around those asked for come along', () => {
    const requests = [0, 16].map((postcopyPrepagingPages) => {
      const session = migrating({
        migration: { postcopyPrepagingPages, maxPostcopyBandwidth: 1024 * 1024 },
        dirtyPagesPerSecond: 5000,
      })
      runToEnd(session)
      expectFollowed(session)
      return session.trace.count('migration-fault')
    })
    expect(requests[1]).toBeLessThan(requests[0]! / 2)
  })

  it('keeps its own bandwidth limit, but not for pages that are asked for', () => {
    const session = migrating({ migration: { maxPostcopyBandwidth: 1024 * 1024 } })
    runToEnd(session)
    expectFollowed(session)
    const { startNs, endNs, octets } = session.trace.rows('migration-postcopy')[0]!
    expect(endNs - startNs).toBeGreaterThan(seconds(0.9))
    expect(octets).toBeLessThan(1.5 * 1024 * PAGE_OCTETS)
    // A page that is asked for takes a round trip, not a window of 100 ms.
    const faults = session.trace.rows('migration-fault')
    expect(faults.length).toBeGreaterThan(50)
    for (const { askedNs, arrivedNs } of faults) expect(arrivedNs - askedNs).toBeLessThan(milliseconds(20))
  })

  it('leaves the guest at its source when the connection breaks before it runs at the destination', () => {
    let latestNs = 0
    for (let atNs = 0; ; atNs += 40_000) {
      const session = migrating()
      runWatched(session, atNs)
      if (session.world.crossing?.isPostcopy === true) return
      latestNs = atNs
      session.do({ kind: 'cancel-migration' })
      expect(session.isMigrating).toBe(false)
      expect(session.world.liveVm()?.hostName).toBe('host-a')
      runWatched(session, milliseconds(10))
      expectAlive(session)
      expect(latestNs).toBeLessThan(milliseconds(2))
    }
  })

  it('cannot be cancelled once the guest runs at the destination, and says why', () => {
    const session = behind()
    expect(() => session.do({ kind: 'cancel-migration' })).toThrow(
      'too late: web runs on host-b, and host-a alone has the rest of its memory',
    )
    runToEnd(session)
    expectFollowed(session)
  })

  it('ends when the guest switches itself off meanwhile', () => {
    const session = bootedSession({ guest: { hasSecrets: false }, migration: { strategy: 'postcopy' } })
    session.do({ kind: 'type', console: 'guest', text: 'alice\r' })
    session.runFor(milliseconds(300))
    session.do({ kind: 'configure-migration', settings: { maxPostcopyBandwidth: 2 ** 17 } })
    session.do({ kind: 'migrate' })
    session.runWhile(({ world }) => world.crossing?.isPostcopy !== true, seconds(1))
    session.do({ kind: 'type', console: 'guest', text: 'poweroff\r' })
    runToEnd(session)
    expect(session.world.lastRun()).toMatchObject({
      status: 'failed',
      cause: 'web shut down while it was being migrated',
    })
    expect(session.world.allVms().map(({ state, hostName }) => [state, hostName])).toEqual([['shutdown', 'host-b']])
    session.do({ kind: 'boot' })
    session.runFor(seconds(1))
    expectAlive(session)
  })

  it('tells a guest of a new workload once the page it reads it from is there', () => {
    const session = behind()
    session.do({ kind: 'configure-workload', workload: { workingSetPages: 10, dirtyPagesPerSecond: 77 } })
    runToEnd(session)
    expectFollowed(session)
    expect(session.trace.rows('workload').at(-1)).toMatchObject({ dirtyPagesPerSecond: 77 })
  })
})

function interrupt(session: Session, how: 'pause' | 'cut'): void {
  if (how === 'pause') return session.do({ kind: 'pause-migration' })
  session.do({ kind: 'cut-link', link: 'host-b' })
  session.runWhile(({ world }) => world.crossing?.source.status !== 'postcopy-paused', seconds(2000))
  session.do({ kind: 'restore-link', link: 'host-b' })
}

describe('a post-copy that is interrupted', () => {
  it.each(['pause', 'cut'] as const)('stands still where a page is missing, and is recovered: %s', (how) => {
    const session = behind()
    interrupt(session, how)
    expect(session.world.crossing?.source.status).toBe('postcopy-paused')
    runWatched(session, seconds(1))
    const vm = session.world.liveVm()!
    const missing = vm.missingPages
    expect(missing).toBeGreaterThan(0)
    expect(vm.machine.isStalled).toBe(true)
    expect(session.isMigrating).toBe(true)

    session.do({ kind: 'recover-migration' })
    runToEnd(session)
    expectFollowed(session)
    const statuses = session.trace.rows('migration-status').map(({ status }) => status)
    expect(statuses.slice(-4)).toEqual(['postcopy-paused', 'postcopy-recover', 'postcopy-active', 'completed'])
    const [postcopy] = session.trace.rows('migration-postcopy')
    // Some were under way when it broke and went twice.
    expect(postcopy!.zeroPages + postcopy!.normalPages).toBeGreaterThanOrEqual(1024)
  })

  it.each(['pause', 'cut'] as const)(
    'leaks all of its memory though a second connection brings the rest: %s',
    (how) => {
      const session = behind()
      interrupt(session, how)
      session.do({ kind: 'recover-migration' })
      runToEnd(session)
      session.runFor(milliseconds(100))
      expectFollowed(session)
      const { secretsFound, secretsPlanted, ramOctetsRecovered, ramOctets } = session.world.lastRun()!
      expect(ramOctetsRecovered).toBe(ramOctets)
      expect(secretsFound).toBe(secretsPlanted)
      const streams = session.world.sniffer.report().streams.filter(({ protocol }) => protocol === 'qevm')
      expect(streams.map(({ blocks }) => blocks.map(({ pagesRecovered }) => pagesRecovered))).toEqual([[1024], []])
      expect(streams[0]?.seen).toContain('the connection broke, and the rest came on another one')

      const index = new CaptureIndex(session.world.rack.tap)
      index.update()
      const carriers = Array.from({ length: index.lastPacket }, (_, at) => at + 1).filter((packet) =>
        packetTree(index, packet)?.layers.some(({ label }) => label.startsWith('QEMU Migration Stream, page at 0x')),
      )
      const connections = new Set(carriers.map((packet) => index.streamOf(packet)?.stream))
      expect(connections.size).toBe(2)
    },
  )

  it('is recovered again and again', () => {
    const session = behind()
    for (let times = 0; times < 5; times++) {
      session.do({ kind: 'pause-migration' })
      runWatched(session, milliseconds(5))
      session.do({ kind: 'recover-migration' })
      runWatched(session, milliseconds(2))
    }
    runToEnd(session)
    expectFollowed(session)
  })

  it('is recovered though the recovery was interrupted', () => {
    const session = behind()
    session.do({ kind: 'pause-migration' })
    for (let afterNs = 0; afterNs < milliseconds(1.2); afterNs += 50_000) {
      session.do({ kind: 'recover-migration' })
      runWatched(session, afterNs)
      session.do({ kind: 'pause-migration' })
      runWatched(session, afterNs)
    }
    session.do({ kind: 'recover-migration' })
    runToEnd(session)
    expectFollowed(session)
  })

  it('is given up: the loss is said, and the guest is no more', () => {
    const session = behind()
    session.do({ kind: 'pause-migration' })
    const missing = session.world.liveVm()!.missingPages
    session.do({ kind: 'abandon-postcopy' })
    expect(session.trace.rows('migration-loss')).toMatchObject([{ vm: 'web', host: 'host-b', pagesLost: missing }])
    expect(session.world.lastRun()).toMatchObject({
      status: 'failed',
      cause: `given up: ${missing} pages of web were on host-a alone`,
    })
    expect(session.world.allVms().map(({ state }) => state)).toEqual(['internal-error'])
    expect(() => session.do({ kind: 'migrate' })).toThrow('boot it first')
    session.do({ kind: 'boot' })
    session.runFor(seconds(1))
    expectAlive(session)
  })

  it.each([
    ['start-postcopy', 'too late to go over to post-copy: the migration is postcopy-active'],
    ['recover-migration', 'only a post-copy that was interrupted can be recovered; this one is postcopy-active'],
    ['abandon-postcopy', 'only a post-copy that was interrupted can be given up; this one is postcopy-active'],
  ] as const)('%s is refused while it is not', (kind, reason) => {
    const session = behind()
    expect(() => session.do({ kind })).toThrow(reason)
    runToEnd(session)
    expectFollowed(session)
    expect(() => session.do({ kind })).toThrow('no migration is under way')
  })

  it('goes on the same from a state that was kept at any time of it', () => {
    const session = behind()
    const kept = [session.keep()]
    const commands = ['pause-migration', 'recover-migration'] as const
    const atNs = session.nowNs
    const finish = (each: Session, from: number): string => {
      for (let index = from; index < commands.length; index++) {
        each.do({ kind: commands[index]! })
        each.runUntil(atNs + milliseconds(3 * (index + 1)))
        if (each === session) kept.push(session.keep())
      }
      each.runUntil(atNs + milliseconds(100))
      expectFollowed(each)
      return each.trace.hash()
    }
    const hash = finish(session, 0)
    kept.forEach((state, index) => expect(finish(state.restore(), index)).toBe(hash))
  })
})

describe('a hybrid', () => {
  const busy = { dirtyPagesPerSecond: 40_000, workingSetPages: 256, bandwidthBps: 1e8 }

  it.each([
    ['as it is', {}],
    ['with differences', { xbzrle: true }],
    ['compressed', { compression: 'zlib' }],
  ] as const)('goes over to post-copy by itself when rounds bring nothing: %s', (_, features) => {
    const session = migrating({ ...busy, migration: { strategy: 'hybrid', postcopyAfterRounds: 2, ...features } })
    runToEnd(session)
    expectFollowed(session)
    const rounds = session.trace.rows('migration-round')
    expect(rounds.length).toBeGreaterThanOrEqual(2)
    expect(new Set(rounds.map(({ round }) => round)).size).toBe(rounds.length)
    expect(session.trace.rows('migration-status').map(({ status }) => status)).not.toContain('postcopy-paused')
    const [postcopy] = session.trace.rows('migration-postcopy')
    expect(postcopy!.normalPages).toBeLessThan(300)
    expect(session.world.lastRun()?.downtimeMs).toBeLessThan(20)
    expect(session.world.crossing!.source.downtimeNs).toBeGreaterThan(0)
    expect(session.world.crossing!.source.downtimeNs).toBeLessThan(milliseconds(20))
  })

  it('goes over when it is told to, in the midst of a round', () => {
    const session = migrating({ ...busy, migration: { strategy: 'hybrid', postcopyAfterRounds: 0, roundsMax: 0 } })
    runWatched(session, milliseconds(50))
    expect(session.world.crossing?.source.status).toBe('active')
    session.do({ kind: 'start-postcopy' })
    runToEnd(session)
    expectFollowed(session)
    expect(session.trace.count('migration-postcopy')).toBe(1)
  })

  it('is a pre-copy when that converges', () => {
    const session = migrating({ dirtyPagesPerSecond: 100, migration: { strategy: 'hybrid' } })
    runToEnd(session)
    expect(session.world.lastRun()).toMatchObject({ status: 'completed' })
    expect(session.trace.count('migration-postcopy')).toBe(0)
    expectAlive(session)
  })

  it('is what post-copy needs: a pre-copy is not turned into one', () => {
    const session = migrating({ migration: { strategy: 'precopy' } })
    expect(() => session.do({ kind: 'start-postcopy' })).toThrow('choose strategy hybrid before it starts')
    expect(() => session.do({ kind: 'pause-migration' })).toThrow('only a post-copy that is active can be paused')
    runToEnd(session)
    expectAlive(session)
  })
})
