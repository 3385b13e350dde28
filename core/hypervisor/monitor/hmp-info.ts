/** What QEMU's human monitor shows under `info` (migration/migration-hmp-cmds.c, version 7.2). Lines end in CR LF. */
import { QEMU_VERSION } from '../wire/qmp.js'
import { migrationCapabilities } from './migration-capabilities.js'
import type { MigrationInfo } from './migration-info.js'
import { migrationParameters, type ParameterValue } from './migration-parameters.js'
import type { Monitor } from './monitor.js'

const GLOBALS = [
  'globals:',
  'store-global-state: on',
  'only-migratable: off',
  'send-configuration: on',
  'send-section-footer: on',
  'decompress-error-check: on',
  'clear-bitmap-shift: 18',
]

const kbytes = (octets: number): string => `${Math.floor(octets / 1024)} kbytes`
const onOff = (isOn: boolean): string => (isOn ? 'on' : 'off')

/** A line is left out when there is nothing to say. */
type Line = string | undefined

function present<T>(value: T | undefined, line: (value: T) => string): Line {
  return value === undefined ? undefined : line(value)
}

function ramLines({ ram }: MigrationInfo): Line[] {
  if (ram === undefined) return []
  const missed = ram['dirty-sync-missed-zero-copy']
  return [
    `transferred ram: ${kbytes(ram.transferred)}`,
    `throughput: ${ram.mbps.toFixed(2)} mbps`,
    `remaining ram: ${kbytes(ram.remaining)}`,
    `total ram: ${kbytes(ram.total)}`,
    `duplicate: ${ram.duplicate} pages`,
    `skipped: ${ram.skipped} pages`,
    `normal: ${ram.normal} pages`,
    `normal bytes: ${kbytes(ram['normal-bytes'])}`,
    `dirty sync count: ${ram['dirty-sync-count']}`,
    `page size: ${kbytes(ram['page-size'])}`,
    `multifd bytes: ${kbytes(ram['multifd-bytes'])}`,
    `pages-per-second: ${Math.floor(ram['pages-per-second'])}`,
    ram['dirty-pages-rate'] > 0 ? `dirty pages rate: ${Math.floor(ram['dirty-pages-rate'])} pages` : undefined,
    ram['postcopy-requests'] > 0 ? `postcopy request count: ${ram['postcopy-requests']}` : undefined,
    ram['precopy-bytes'] > 0 ? `precopy ram: ${kbytes(ram['precopy-bytes'])}` : undefined,
    ram['downtime-bytes'] > 0 ? `downtime ram: ${kbytes(ram['downtime-bytes'])}` : undefined,
    ram['postcopy-bytes'] > 0 ? `postcopy ram: ${kbytes(ram['postcopy-bytes'])}` : undefined,
    missed > 0 ? `Zero-copy-send fallbacks happened: ${missed} times` : undefined,
  ]
}

function diskLines({ disk }: MigrationInfo): Line[] {
  if (disk === undefined) return []
  return [
    `transferred disk: ${kbytes(disk.transferred)}`,
    `remaining disk: ${kbytes(disk.remaining)}`,
    `total disk: ${kbytes(disk.total)}`,
  ]
}

function xbzrleLines({ 'xbzrle-cache': cache }: MigrationInfo): Line[] {
  if (cache === undefined) return []
  return [
    `cache size: ${cache['cache-size']} bytes`,
    `xbzrle transferred: ${kbytes(cache['bytes'])}`,
    `xbzrle pages: ${cache['pages']} pages`,
    `xbzrle cache miss: ${cache['cache-miss']} pages`,
    `xbzrle cache miss rate: ${cache['cache-miss-rate'].toFixed(2)}`,
    `xbzrle encoding rate: ${cache['encoding-rate'].toFixed(2)}`,
    `xbzrle overflow: ${cache['overflow']}`,
  ]
}

function compressionLines({ compression }: MigrationInfo): Line[] {
  if (compression === undefined) return []
  return [
    `compression pages: ${compression['pages']} pages`,
    `compression busy: ${compression['busy']}`,
    `compression busy rate: ${compression['busy-rate'].toFixed(2)}`,
    `compressed size: ${kbytes(compression['compressed-size'])}`,
    `compression rate: ${compression['compression-rate'].toFixed(2)}`,
  ]
}

function migrateInfo(info: MigrationInfo): Line[] {
  const { status, 'error-desc': reason } = info
  const head =
    status === undefined
      ? []
      : [
          `Migration status: ${status}${status === 'failed' && reason !== undefined ? ` (${reason})` : ''}`,
          `total time: ${Math.floor(info['total-time'] ?? 0)} ms`,
          present(info['expected-downtime'], (ms) => `expected downtime: ${Math.floor(ms)} ms`),
          present(info.downtime, (ms) => `downtime: ${Math.floor(ms)} ms`),
          present(info['setup-time'], (ms) => `setup: ${Math.floor(ms)} ms`),
        ]
  const addresses = info['socket-address']?.map(({ host, port }) => `\ttcp:${host}:${port}`)
  return [
    ...GLOBALS,
    ...head,
    ...ramLines(info),
    ...diskLines(info),
    ...xbzrleLines(info),
    ...compressionLines(info),
    present(info['cpu-throttle-percentage'], (percent) => `cpu throttle percentage: ${percent}`),
    ...(addresses === undefined ? [] : ['socket address: [', ...addresses, ']']),
  ]
}

function shown(value: ParameterValue, kind: string): string {
  if (typeof value === 'boolean') return onOff(value)
  return kind === 'string' ? `'${value}'` : String(value)
}

export interface InfoCommand {
  readonly help: string
  readonly lines: (monitor: Monitor) => readonly Line[]
}

export const infoCommands: Readonly<Record<string, InfoCommand>> = {
  migrate: { help: 'show migration status', lines: ({ target }) => migrateInfo(target.migrationInfo()) },
  migrate_capabilities: {
    help: 'show current migration capabilities',
    lines: ({ target, settings }) =>
      migrationCapabilities.map(({ name, isOn }) => `${name}: ${onOff(isOn(target.migrationParameters(), settings))}`),
  },
  migrate_parameters: {
    help: 'show current migration parameters',
    lines: ({ target, settings }) =>
      migrationParameters.map(({ name, kind, unit, value }) =>
        present(unit, (suffix) => `${name}: ${shown(value(target.migrationParameters(), settings), kind)}${suffix}`),
      ),
  },
  name: { help: 'show the current VM name', lines: ({ target }) => [target.vmName] },
  status: {
    help: 'show the current VM status (running|paused)',
    lines: ({ target }) => {
      const state = target.runState()
      if (state === 'running') return ['VM status: running']
      return [`VM status: paused${state === 'paused' ? '' : ` (${state})`}`]
    },
  },
  version: {
    help: 'show the version of QEMU',
    lines: ({ packageName }) => {
      const { major, minor, micro } = QEMU_VERSION
      return [`${major}.${minor}.${micro}${packageName}`]
    },
  },
}

export function infoText(monitor: Monitor, { lines }: InfoCommand): string {
  return lines(monitor)
    .filter((line) => line !== undefined)
    .map((line) => `${line}\r\n`)
    .join('')
}
