/** `virsh domjobinfo` and `domjobabort` (libvirt 9.0, tools/virsh-domain.c). */
import { queryMigrate, type MigrationInfo } from '../../migration/query-migrate.js'
import type { GivenOptions } from './command-options.js'
import { DOMAIN, domainOf, notValid, type VirshCommand, type VirshContext } from './virsh-command.js'

const NAME_COLUMN = 17
const UNITS = ['B', 'KiB', 'MiB', 'GiB'] as const
const line = (name: string, value: string): string => `${name.padEnd(NAME_COLUMN)} ${value}\n`
const count = (name: string, value: number, unit = ''): string =>
  line(name, `${String(Math.floor(value)).padEnd(12)}${unit === '' ? '' : ` ${unit}`}`)

/** As `vshPrettyCapacity`. */
function size(name: string, octets: number, suffix = ''): string {
  let unit = 0
  let value = octets
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024
    unit++
  }
  return line(name, `${value.toFixed(3)} ${UNITS[unit] ?? ''}${suffix}`)
}

function type(context: VirshContext, wantsCompleted: boolean): 'None' | 'Unbounded' | 'Completed' {
  const { crossing } = context.desk
  if (crossing === null) return 'None'
  if (!crossing.isOver) return wantsCompleted ? 'None' : 'Unbounded'
  return wantsCompleted && crossing.source.status === 'completed' ? 'Completed' : 'None'
}

function jobInfo(context: VirshContext, given: GivenOptions): string {
  domainOf(context, given)
  const { crossing } = context.desk
  const kind = type(context, given.has('completed'))
  const head = line('Job type:', kind.padEnd(12))
  if (kind === 'None' || crossing === null) return `${head}\n`
  const info = queryMigrate(crossing.source, context.nowNs)
  return [
    head,
    line('Operation:', 'Outgoing migration'.padEnd(12)),
    count('Time elapsed:', info['total-time'] ?? 0, 'ms'),
    ...memoryLines(info),
    kind === 'Completed'
      ? count('Total downtime:', info.downtime ?? 0, 'ms')
      : count('Expected downtime:', info['expected-downtime'] ?? 0, 'ms'),
    count('Setup time:', info['setup-time'] ?? 0, 'ms'),
    ...compressionLines(info),
    '\n',
  ].join('')
}

function memoryLines({ ram }: MigrationInfo): readonly string[] {
  if (ram === undefined) return []
  const ends = (name: string): readonly string[] => [
    size(`${name} processed:`, ram.transferred),
    size(`${name} remaining:`, ram.remaining),
    size(`${name} total:`, ram.total),
  ]
  return [
    ...ends('Data'),
    ...ends('Memory'),
    ...(ram.mbps > 0 ? [size('Memory bandwidth:', (ram.mbps * 1e6) / 8, '/s')] : []),
    count('Dirty rate:', ram['dirty-pages-rate'], 'pages/s'),
    count('Page size:', ram['page-size'], 'bytes'),
    count('Iteration:', ram['dirty-sync-count']),
    count('Postcopy requests:', ram['postcopy-requests']),
    count('Constant pages:', ram.duplicate),
    count('Normal pages:', ram.normal),
    size('Normal data:', ram['normal-bytes']),
  ]
}

function compressionLines({
  'xbzrle-cache': cache,
  'cpu-throttle-percentage': throttle,
}: MigrationInfo): readonly string[] {
  return [
    ...(cache === undefined
      ? []
      : [
          size('Compression cache:', cache['cache-size']),
          size('Compressed data:', cache.bytes),
          count('Compressed pages:', cache.pages),
          count('Compression cache misses:', cache['cache-miss']),
          count('Compression overflows:', cache.overflow),
        ]),
    ...(throttle === undefined ? [] : [count('Auto converge throttle:', throttle)]),
  ]
}

export const jobCommands: readonly VirshCommand[] = [
  {
    name: 'domjobinfo',
    help: 'domain job information',
    description: 'Returns information about jobs running on a domain.',
    options: [DOMAIN, { name: 'completed', kind: 'flag', help: 'return statistics of a recently completed job' }],
    run: jobInfo,
  },
  {
    name: 'domjobabort',
    help: 'abort active domain job',
    description: 'Aborts the currently running domain job.',
    options: [DOMAIN],
    run: (context, given) => {
      domainOf(context, given)
      if (context.desk.crossing?.isOver !== false) throw notValid('no job is active on the domain')
      context.desk.guestDesk.cancelMigration()
      return ''
    },
  },
]
