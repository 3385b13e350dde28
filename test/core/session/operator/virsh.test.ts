import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../../core/base/units.js'
import type { MigrationParameters } from '../../../../core/migration/migration.js'
import type { Session } from '../../../../core/session/session.js'
import { bootedSession, smallSession } from '../../../support/lab-session.js'
import { printedSince, says } from '../../../support/operator-says.js'

const operator = (session: Session, line: string): string => says(session, 'operator', line)
const started = bootedSession({ bandwidthBps: 1e7 })
/** A guest that is up, at a slow cable. */
const slowSession = (): Session => started.fork()

/** The parameters of the migration that `options` begin. */
function parametersOf(options: string): Partial<MigrationParameters & { channel: string }> {
  const session = slowSession()
  const printed = operator(session, `virsh migrate web ${options}`)
  const { crossing } = session.world
  if (crossing === null) throw new Error(printed)
  return { ...crossing.source.options, channel: crossing.parts.channel }
}

describe('virsh migrate', () => {
  it.each([
    ['host-b', { strategy: 'stop-and-copy', channel: 'none' }],
    ['--live host-b', { strategy: 'precopy', xbzrle: false, multifdChannels: 0, channel: 'none' }],
    ['qemu+ssh://host-b/system --live', { strategy: 'precopy', channel: 'none' }],
    ['--live --p2p qemu+tcp://root@host-b:16509/system', { channel: 'none' }],
    ['--live --p2p --tunnelled qemu+ssh://host-b/system', { channel: 'ssh' }],
    ['--live --p2p --tunnelled qemu+tls://host-b/system', { channel: 'tls' }],
    ['--live --tls host-b', { channel: 'tls' }],
    ['--live --compressed', { xbzrle: true, compression: 'none' }],
    [
      '--live --comp-methods=xbzrle,mt --comp-xbzrle-cache 1048576',
      { xbzrle: true, compression: 'zlib', xbzrleCacheOctets: 1048576 },
    ],
    ['--live --parallel', { multifdChannels: 2 }],
    ['--live --parallel --parallel-connections 4 --comp-methods zlib', { multifdChannels: 4, compression: 'zlib' }],
    [
      '--live --auto-converge --auto-converge-initial 30 --auto-converge-increment 5',
      { autoConverge: true, cpuThrottleInitial: 30, cpuThrottleIncrement: 5 },
    ],
    [
      '--live --bandwidth 8 --postcopy-bandwidth 4',
      { maxBandwidth: 8 * 1024 ** 2, maxPostcopyBandwidth: 4 * 1024 ** 2 },
    ],
    ['--live --postcopy', { strategy: 'hybrid', postcopyAfterRounds: 0 }],
    ['--live --postcopy --postcopy-after-precopy', { strategy: 'hybrid', postcopyAfterRounds: 1 }],
    ['--live --persistent --undefinesource --unsafe --abort-on-error', { strategy: 'precopy' }],
    ['--live --channel nacl', { channel: 'nacl' }],
  ])('%s is what the engine does', (options, expected) => {
    expect(parametersOf(options)).toMatchObject(expected)
  })

  it.each([
    ['web --fast', "error: command 'migrate' doesn't support option --fast"],
    ['', "error: command 'migrate' requires <domain> option"],
    ['db host-b', "error: failed to get domain 'db'"],
    ['web host-b more', "error: unexpected data 'more'"],
    ['web --live --live', 'error: option --live already seen'],
    ['web --live=yes', "error: invalid '=' after option --live"],
    ['web --bandwidth', 'error: expected syntax: --bandwidth <number>'],
    ['web --bandwidth much', "error: Numeric value 'much' for <bandwidth> option is malformed or out of range"],
    ['web --live --offline', 'error: Options --live and --offline are mutually exclusive'],
    ['web --postcopy-after-precopy', 'error: Option --postcopy is required by option --postcopy-after-precopy'],
    ['web --timeout 5', 'error: migrate: Unexpected timeout for offline migration'],
    ['web --live --timeout 0', 'error: migrate: Invalid timeout'],
    ['web --live --timeout 2147484', 'error: migrate: Timeout is too big'],
    [
      'web --live --tunnelled',
      'error: Requested operation is not valid: cannot perform tunnelled migration without using peer2peer flag',
    ],
    ['web --live --p2p --tunnelled qemu+tcp://host-b/system', 'error: invalid argument: a tunnel goes'],
    ['web --live --comp-methods zstd', "error: Operation not supported: Compression method 'zstd'"],
    ['web --live --comp-methods zlib', "error: invalid argument: Compression method 'zlib' requires parallel"],
    ['web --live host-c', "error: unable to connect to server at 'host-c:16509'"],
    ['web --live qemu+ssh://host-c/system', 'error: Cannot recv data: ssh: Could not resolve hostname host-c'],
    ['web --live host-a', 'error: internal error: Attempt to migrate guest to the same host host-a'],
  ])('%s is refused in its words, and nothing moves', (words, expected) => {
    const session = slowSession()
    expect(operator(session, `virsh migrate ${words}`)).toContain(expected)
    expect(session.world.crossing).toBeNull()
    expect(session.world.guestDesk.migrationSettings).toEqual(session.parts.scenario.migration)
  })

  it('needs a guest that runs', () => {
    expect(operator(smallSession(), 'virsh migrate --live web host-b')).toBe(
      'error: Requested operation is not valid: domain is not running',
    )
  })

  it('shows how far it is when asked, and what came of it', () => {
    const session = slowSession()
    session.do({ kind: 'configure-workload', workload: { workingSetPages: 0, dirtyPagesPerSecond: 0 } })
    const printed = printedSince(session, 'operator', () => {
      operator(session, 'virsh migrate --live --verbose web host-b')
      session.runWhile(({ isMigrating }) => isMigrating, seconds(60))
    })
    const percents = [...printed.matchAll(/Migration: \[ *(\d+) %\]/g)].map(([, percent]) => Number(percent))
    expect(percents.at(-1)).toBe(100)
    expect(percents.length).toBeGreaterThan(2)
    const failed = slowSession()
    const said = printedSince(failed, 'operator', () => {
      operator(failed, 'virsh migrate --live web')
      operator(failed, 'virsh destroy web')
    })
    expect(said).toContain('error: operation failed: migration out job: web shut down while it was being migrated')
  })

  it('stops the guest when it takes longer than it may', () => {
    const session = slowSession()
    session.do({ kind: 'configure-workload', workload: { workingSetPages: 64, dirtyPagesPerSecond: 5000 } })
    operator(session, 'virsh migrate --live web --timeout 1')
    session.runWhile(({ isMigrating }) => isMigrating, seconds(5))
    expect(session.world.liveVm()?.hostName).toBe('host-b')
    expect(session.world.crossing?.source.rounds.length).toBeLessThan(5)
  })
})

describe('virsh and a migration under way', () => {
  it('limits change at once, for it and those that follow', () => {
    const session = slowSession()
    operator(session, 'virsh migrate --live web')
    operator(session, 'virsh migrate-setmaxdowntime web 700')
    operator(session, 'virsh migrate-setspeed web 1')
    expect(operator(session, 'virsh migrate-getmaxdowntime web')).toBe('700\n')
    expect(operator(session, 'virsh migrate-getspeed web')).toBe('1\n')
    expect(session.world.crossing?.source.options).toMatchObject({ downtimeLimitNs: 700e6, maxBandwidth: 1024 ** 2 })
    expect(operator(session, 'virsh migrate-setspeed web 1B/s')).toContain('max bandwidth: 1 octets a second')
    expect(operator(session, 'virsh migrate-setmaxdowntime web 0')).toContain('Invalid downtime')
  })

  it('a lower speed holds for the rest of it', () => {
    const session = bootedSession()
    operator(session, 'virsh migrate --live web')
    session.runFor(milliseconds(4))
    operator(session, 'virsh migrate-setspeed web 1')
    // Without, 1 MiB of memory is there in less than 20 ms.
    session.runFor(milliseconds(400))
    expect(session.isMigrating).toBe(true)
    operator(session, 'virsh migrate-setspeed web 0')
    session.runFor(milliseconds(300))
    expect(session.isMigrating).toBe(false)
  })

  it('domjobinfo has libvirt’s table, now and afterwards', () => {
    const session = slowSession()
    operator(session, 'virsh migrate --live --compressed web')
    session.runFor(seconds(1))
    const names = operator(session, 'virsh domjobinfo web')
      .split('\n')
      .map((line) => line.replace(/:.*/, ''))
      .filter((name) => name !== '')
    expect(names).toEqual([
      ...['Job type', 'Operation', 'Time elapsed', 'Data processed', 'Data remaining', 'Data total'],
      ...['Memory processed', 'Memory remaining', 'Memory total', 'Memory bandwidth', 'Dirty rate', 'Page size'],
      ...['Iteration', 'Postcopy requests', 'Constant pages', 'Normal pages', 'Normal data', 'Expected downtime'],
      ...['Setup time', 'Compression cache', 'Compressed data', 'Compressed pages', 'Compression cache misses'],
      'Compression overflows',
    ])
    expect(operator(session, 'virsh domjobinfo web')).toContain('Memory total:     4.000 MiB')
    expect(operator(session, 'virsh domjobinfo web --completed')).toContain('None')
    session.runWhile(({ isMigrating }) => isMigrating, seconds(60))
    expect(operator(session, 'virsh domjobinfo web')).toContain('None')
    expect(operator(session, 'virsh domjobinfo web --completed')).toMatch(/Completed[^]*Total downtime: +\d+ +ms/)
  })
})

describe('virsh', () => {
  it('starts, stops, ends and lists guests in libvirt’s words', () => {
    const session = smallSession()
    expect(operator(session, 'virsh list')).toBe(' Id   Name   Host   State\n----------------------------')
    expect(operator(session, 'virsh domstate web')).toBe('shut off\n')
    expect(operator(session, 'virsh destroy web')).toBe(
      "error: Failed to destroy domain 'web'\nerror: Requested operation is not valid: domain is not running",
    )
    expect(operator(session, 'virsh start web')).toBe("Domain 'web' started")
    expect(operator(session, 'virsh resume web')).toBe(
      "error: Failed to resume domain 'web'\nerror: Requested operation is not valid: domain is already running",
    )
    expect(operator(session, 'virsh -c qemu+ssh://host-b/system list --all')).not.toContain('web')
    expect(operator(session, 'virsh -c qemu+ssh://host-a/system list')).toMatch(/ 1 +web +host-a +running$/)
    expect(operator(session, 'virsh shutdown web')).toBe("Domain 'web' is being shutdown")
    expect(operator(session, 'virsh destroy web')).toBe("Domain 'web' destroyed")
    expect(operator(session, 'virsh list --all')).toMatch(/ - +web +host-a +shut off$/)
    expect(operator(session, 'virsh hostname')).toBe('host-a\n')
    expect(operator(session, 'virsh nodeinfo')).toContain('Memory size:         4194304 KiB')
    expect(operator(session, 'virsh fly')).toBe("error: unknown command: 'fly'")
  })

  it('hands lines to the monitor', () => {
    const session = slowSession()
    expect(operator(session, "virsh qemu-monitor-command web --hmp 'info status'")).toContain('VM status: running')
  })

  it('helps with every command, from the table it is read by', () => {
    const session = smallSession()
    const all = operator(session, 'virsh help')
    const names = [...all.matchAll(/^ {4}(\S+) /gm)].map(([, name]) => name ?? '')
    expect(names).toContain('migrate-postcopy')
    for (const name of names) {
      const help = operator(session, `virsh help ${name}`)
      expect(help).toContain(`  NAME\n    ${name} - `)
      expect(operator(session, `virsh ${name} --help`)).toBe(help)
    }
    expect(operator(session, 'virsh help migrate')).toContain('    --bandwidth <number>           migration bandwidth')
  })

  it('completes commands, options, domains, hosts and values', () => {
    const completed = (line: string): string => {
      const session = smallSession()
      session.do({ kind: 'type', console: 'operator', text: `${line}\t\r` })
      return session.trace.rows('command').at(-1)?.text ?? ''
    }
    expect(completed('vir')).toBe('virsh')
    expect(completed('virsh domjobi')).toBe('virsh domjobinfo')
    expect(completed('virsh migrate w')).toBe('virsh migrate web')
    expect(completed('virsh migrate --li')).toBe('virsh migrate --live')
    expect(completed('virsh migrate web qemu+ssh://host-b')).toBe('virsh migrate web qemu+ssh://host-b/system')
    expect(completed('virsh migrate --channel na')).toBe('virsh migrate --channel nacl')
    expect(completed('info migrate_p')).toBe('info migrate_parameters')
  })
})
