/** `virsh migrate` and the commands about migrations (libvirt 9.0, docs/manpages/virsh.rst, tools/virsh-domain.c). */
import { InputError } from '../../base/errors.js'
import { parseDuration, parseOctetRate } from '../../base/units.js'
import type { MigrationParameters, PageCompression } from '../../migration/migration.js'
import { shapingNames } from '../../secure/shaping/shaping.js'
import {
  channelNames,
  strategies,
  type ChannelName,
  type MigrationScenario,
  type MigrationStrategy,
} from '../scenario.js'
import type { CommandOption, GivenOptions } from './command-options.js'
import { DOMAIN, domainOf, notValid, runningDomain, type VirshCommand, type VirshContext } from './virsh-command.js'

const MIB = 1024 ** 2
/** libvirt's default number of connections of `--parallel` is QEMU's. */
const PARALLEL_CONNECTIONS = 2
/** Milliseconds in an int of C. */
const TIMEOUT_SECONDS_MAX = Math.floor((2 ** 31 - 1) / 1000)
const COMP_METHODS = ['xbzrle', 'mt', 'zlib', 'zstd'] as const

const flag = (name: string, help: string): CommandOption => ({ name, kind: 'flag', help })
const number = (name: string, help: string): CommandOption => ({ name, kind: 'number', help })

const migrateOptions: readonly CommandOption[] = [
  DOMAIN,
  {
    name: 'desturi',
    kind: 'data',
    help: 'connection URI of the destination host: HOST, qemu+ssh://HOST/system, qemu+tcp://…, qemu+tls://…',
    values: 'host',
  },
  flag('live', 'live migration'),
  flag('offline', 'the domain stands still for all of its memory'),
  flag('p2p', 'peer-2-peer migration'),
  flag('direct', 'direct migration'),
  flag('tunnelled', "tunnelled migration: the memory goes through the hosts' control connection"),
  flag('persistent', 'persist VM on destination'),
  flag('undefinesource', 'undefine VM on source'),
  flag('suspend', 'do not restart the domain on the destination host'),
  flag('copy-storage-all', 'migration with non-shared storage with full disk copy'),
  flag('unsafe', 'force migration even if it may be unsafe'),
  flag('verbose', 'display the progress of migration'),
  flag('compressed', 'compress repeated pages during live migration'),
  flag('auto-converge', 'force convergence during live migration'),
  flag('abort-on-error', 'abort on soft errors during migration'),
  flag('postcopy', 'enable post-copy migration; switch to it using migrate-postcopy command'),
  flag('postcopy-after-precopy', 'automatically switch to post-copy migration after one pass of pre-copy'),
  flag('postcopy-resume', 'resume failed post-copy migration'),
  number(
    'timeout',
    'run action specified by --timeout-* option (suspend by default) if live migration exceeds timeout (in seconds)',
  ),
  flag('timeout-suspend', 'suspend the guest after timeout'),
  flag('timeout-postcopy', 'switch to post-copy after timeout'),
  {
    name: 'comp-methods',
    kind: 'string',
    help: 'comma separated list of compression methods to be used',
    values: COMP_METHODS,
  },
  number('comp-xbzrle-cache', 'page cache size (in bytes) for xbzrle compression'),
  number('auto-converge-initial', 'initial CPU throttling rate for auto-convergence'),
  number('auto-converge-increment', 'CPU throttling rate increment for auto-convergence'),
  flag('parallel', 'enable parallel migration'),
  number('parallel-connections', 'number of connections for parallel migration'),
  number('bandwidth', 'migration bandwidth limit in MiB/s'),
  number('postcopy-bandwidth', 'post-copy migration bandwidth limit in MiB/s'),
  flag('tls', 'use TLS for migration'),
  {
    name: 'channel',
    kind: 'string',
    help: 'how the memory is protected on its way (not in libvirt)',
    values: channelNames,
  },
  {
    name: 'shaping',
    kind: 'string',
    help: 'disguise lengths, or lengths and pace, inside the channel (not in libvirt)',
    values: shapingNames,
  },
  number('shaping-rate', 'of a constant rate, in MiB/s (not in libvirt)'),
  number('rounds', 'exactly so many rounds while it runs, whatever is left (not in libvirt)'),
  { name: 'strategy', kind: 'string', help: 'how it is moved (not in libvirt)', values: strategies },
]

interface Destination {
  readonly host: string
  /** How the control connection is protected; the memory only goes through it with `--tunnelled`. */
  readonly transport: 'ssh' | 'tcp' | 'tls' | null
}

const URI = /^(?:qemu|xen)(?:\+(ssh|tcp|tls))?:\/\/(?:[^/@]*@)?([^/:]+)(?::\d+)?\/(?:system|session)?$/

function destinationOf({ desk }: VirshContext, given: GivenOptions): Destination | null {
  const uri = given.text('desturi')
  if (uri === undefined) return null
  const [, scheme = 'tls', named] = URI.exec(uri) ?? []
  if (named === undefined && uri.includes(':'))
    throw new InputError(`error: invalid argument: '${uri}' is no URI of a host: qemu+ssh://HOST/system`)
  const host = named ?? uri
  const transport = named === undefined ? null : (scheme as 'ssh' | 'tcp' | 'tls')
  if (desk.hostNames.includes(host)) return { host, transport }
  throw new InputError(
    transport === 'ssh'
      ? `error: Cannot recv data: ssh: Could not resolve hostname ${host}: Name or service not known: Connection reset by peer`
      : `error: unable to connect to server at '${host}:${transport === 'tls' ? 16514 : 16509}': Name or service not known`,
  )
}

function excludeEachOther(given: GivenOptions, a: string, b: string): void {
  if (given.has(a) && given.has(b)) throw new InputError(`error: Options --${a} and --${b} are mutually exclusive`)
}

function requires(given: GivenOptions, option: string, needed: string): void {
  if (given.has(option) && !given.has(needed))
    throw new InputError(`error: Option --${needed} is required by option --${option}`)
}

function checkTogether(given: GivenOptions): void {
  for (const [a, b] of [
    ['live', 'offline'],
    ['timeout-suspend', 'timeout-postcopy'],
    ['persistent', 'offline'],
    ['tunnelled', 'parallel'],
    ['tunnelled', 'postcopy'],
    ['tunnelled', 'tls'],
    ['tunnelled', 'channel'],
    ['tls', 'channel'],
  ] as const)
    excludeEachOther(given, a, b)
  for (const [option, needed] of [
    ['postcopy-after-precopy', 'postcopy'],
    ['timeout-postcopy', 'postcopy'],
    ['timeout-suspend', 'timeout'],
    ['timeout-postcopy', 'timeout'],
    ['auto-converge-initial', 'auto-converge'],
    ['auto-converge-increment', 'auto-converge'],
    ['parallel-connections', 'parallel'],
  ] as const)
    requires(given, option, needed)
  if (given.has('timeout') && !given.has('live'))
    throw new InputError('error: migrate: Unexpected timeout for offline migration')
  if (given.number('rounds') === 0) throw new InputError('error: invalid argument: there is at least 1 round')
  const timeoutSeconds = given.number('timeout') ?? 1
  if (timeoutSeconds < 1) throw new InputError('error: migrate: Invalid timeout')
  if (timeoutSeconds > TIMEOUT_SECONDS_MAX) throw new InputError('error: migrate: Timeout is too big')
  if (given.has('tunnelled') && !given.has('p2p'))
    throw notValid('cannot perform tunnelled migration without using peer2peer flag')
}

function oneOf<T extends string>(names: readonly T[], given: GivenOptions, option: string): T | undefined {
  const text = given.text(option)
  const found = names.find((name) => name === text)
  if (text !== undefined && found === undefined)
    throw new InputError(`error: invalid argument: ${text} is not a ${option}: ${names.join(', ')}`)
  return found
}

function strategyOf(given: GivenOptions): MigrationStrategy {
  const named = oneOf(strategies, given, 'strategy')
  if (named !== undefined) return named
  if (given.has('postcopy')) return 'hybrid'
  return given.has('live') ? 'precopy' : 'stop-and-copy'
}

/** Which channel carries the memory. An SSH address alone protects nothing of it. */
function channelOf(given: GivenOptions, destination: Destination | null): ChannelName | undefined {
  if (given.has('tls')) return 'tls'
  if (!given.has('tunnelled')) return oneOf(channelNames, given, 'channel')
  const { transport } = destination ?? { transport: null }
  if (transport === 'ssh' || transport === 'tls') return transport
  throw new InputError(
    'error: invalid argument: a tunnel goes through the connection of the URI: qemu+ssh://HOST/system or qemu+tls://HOST/system',
  )
}

function compressionOf(given: GivenOptions): Partial<MigrationParameters> {
  const methods = given.text('comp-methods')?.split(',') ?? (given.has('compressed') ? ['xbzrle'] : [])
  const unknown = methods.find((method) => !(COMP_METHODS as readonly string[]).includes(method))
  if (unknown !== undefined)
    throw new InputError(`error: invalid argument: Unsupported compression method '${unknown}'`)
  if (methods.includes('zstd'))
    throw new InputError("error: Operation not supported: Compression method 'zstd' is not supported by QEMU here")
  const isParallel = given.has('parallel')
  if (methods.includes('zlib') && !isParallel)
    throw new InputError("error: invalid argument: Compression method 'zlib' requires parallel migration")
  if (methods.includes('mt') && isParallel)
    throw new InputError("error: invalid argument: Compression method 'mt' isn't supported with parallel migration")
  const cache = given.number('comp-xbzrle-cache')
  const compression: PageCompression = methods.includes('mt') || methods.includes('zlib') ? 'zlib' : 'none'
  return {
    xbzrle: methods.includes('xbzrle'),
    compression,
    ...(cache === undefined ? {} : { xbzrleCacheOctets: cache }),
  }
}

/** The engine's parameters; what is not named is as the session has it. */
function settingsOf(given: GivenOptions, destination: Destination | null): Partial<MigrationScenario> {
  const channel = channelOf(given, destination)
  const shaping = oneOf(shapingNames, given, 'shaping')
  const shapingRate = given.number('shaping-rate')
  const rounds = given.number('rounds')
  const bandwidth = given.number('bandwidth')
  const postcopyBandwidth = given.number('postcopy-bandwidth')
  const throttleInitial = given.number('auto-converge-initial')
  const throttleIncrement = given.number('auto-converge-increment')
  return {
    strategy: strategyOf(given),
    ...(channel === undefined ? {} : { channel }),
    ...(shaping === undefined ? {} : { shaping }),
    ...(shapingRate === undefined ? {} : { shapingRate: shapingRate * MIB }),
    ...(rounds === undefined ? {} : { roundsMin: rounds, roundsMax: rounds }),
    ...(given.has('compressed') || given.has('comp-methods') ? compressionOf(given) : {}),
    ...(given.has('auto-converge') ? { autoConverge: true } : {}),
    ...(throttleInitial === undefined ? {} : { cpuThrottleInitial: throttleInitial }),
    ...(throttleIncrement === undefined ? {} : { cpuThrottleIncrement: throttleIncrement }),
    ...(given.has('parallel') ? { multifdChannels: given.number('parallel-connections') ?? PARALLEL_CONNECTIONS } : {}),
    ...(given.has('postcopy') ? { postcopyAfterRounds: given.has('postcopy-after-precopy') ? 1 : 0 } : {}),
    ...(given.has('copy-storage-all') ? { copyStorage: true } : {}),
    ...(bandwidth === undefined ? {} : { maxBandwidth: bandwidth * MIB }),
    ...(postcopyBandwidth === undefined ? {} : { maxPostcopyBandwidth: postcopyBandwidth * MIB }),
  }
}

function migrate(context: VirshContext, given: GivenOptions): string {
  const { desk } = context
  domainOf(context, given)
  checkTogether(given)
  const destination = destinationOf(context, given)
  const settings = settingsOf(given, destination)
  const vm = runningDomain(context, given)
  if (given.has('postcopy-resume')) {
    desk.guestDesk.recoverMigration()
  } else {
    if (destination?.host === vm.hostName)
      throw new InputError(`error: internal error: Attempt to migrate guest to the same host ${vm.hostName}`)
    desk.guestDesk.migrate(destination?.host, { ...settings, autostart: !given.has('suspend') })
  }
  context.watchMigration({
    isVerbose: given.has('verbose'),
    timeoutSeconds: given.number('timeout') ?? null,
    afterTimeout: given.has('timeout-postcopy') ? 'postcopy' : 'suspend',
  })
  return ''
}

/** `300` milliseconds, or with a unit. */
function setMaxDowntime(context: VirshContext, given: GivenOptions): string {
  domainOf(context, given)
  const text = given.required('downtime')
  const limitNs = parseDuration(/^\d+$/.test(text) ? `${text}ms` : text)
  if (limitNs <= 0) throw new InputError('error: invalid argument: migrate: Invalid downtime')
  context.desk.guestDesk.configureMigration({ downtimeLimitNs: limitNs })
  return ''
}

/** `128` MiB a second, or with a unit; 0 for no limit. */
function setSpeed(context: VirshContext, given: GivenOptions): string {
  domainOf(context, given)
  const text = given.required('bandwidth')
  const rate = /^\d+$/.test(text) ? Number(text) * MIB : parseOctetRate(text)
  context.desk.guestDesk.configureMigration(
    given.has('postcopy') ? { maxPostcopyBandwidth: rate } : { maxBandwidth: rate },
  )
  return ''
}

const POSTCOPY = flag('postcopy', 'of post-copy')

export const migrationCommands: readonly VirshCommand[] = [
  {
    name: 'migrate',
    help: 'migrate domain to another host',
    description:
      'Migrate domain to another host. Add --live for live migration. The URI says how the hosts are spoken to; unless --tunnelled, the memory itself goes in clear to TCP port 49152.',
    options: migrateOptions,
    run: migrate,
  },
  {
    name: 'migrate-postcopy',
    help: 'Switch running migration from pre-copy to post-copy',
    description:
      'Switch running migration from pre-copy to post-copy. The migration must have been started with --postcopy option.',
    options: [DOMAIN],
    run: (context, given) => {
      runningDomain(context, given)
      context.desk.guestDesk.startPostcopy()
      return ''
    },
  },
  {
    name: 'migrate-setmaxdowntime',
    help: 'set maximum tolerable downtime',
    description:
      'Set maximum tolerable downtime of a domain which is being live-migrated to another host, and of later ones.',
    options: [
      DOMAIN,
      {
        name: 'downtime',
        kind: 'data',
        isRequired: true,
        help: 'maximum tolerable downtime (in milliseconds) for migration',
      },
    ],
    run: setMaxDowntime,
  },
  {
    name: 'migrate-getmaxdowntime',
    help: 'get maximum tolerable downtime',
    description: 'Get maximum tolerable downtime of a domain which is being live-migrated to another host.',
    options: [DOMAIN],
    run: (context, given) => {
      domainOf(context, given)
      return `${Math.floor(context.desk.guestDesk.migrationSettings.downtimeLimitNs / 1e6)}\n\n`
    },
  },
  {
    name: 'migrate-setspeed',
    help: 'Set the maximum migration bandwidth',
    description: 'Set the maximum migration bandwidth (in MiB/s) for a domain which is being migrated to another host.',
    options: [
      DOMAIN,
      { name: 'bandwidth', kind: 'data', isRequired: true, help: 'migration bandwidth limit in MiB/s' },
      POSTCOPY,
    ],
    run: setSpeed,
  },
  {
    name: 'migrate-getspeed',
    help: 'Get the maximum migration bandwidth',
    description: 'Get the maximum migration bandwidth (in MiB/s) for a domain.',
    options: [DOMAIN, POSTCOPY],
    run: (context, given) => {
      domainOf(context, given)
      const { maxBandwidth, maxPostcopyBandwidth } = context.desk.guestDesk.migrationSettings
      return `${Math.floor((given.has('postcopy') ? maxPostcopyBandwidth : maxBandwidth) / MIB)}\n\n`
    },
  },
]
