/**
 * QEMU 7.2's capabilities (qapi/migration.json, MigrationCapability), in the order it lists them: how each stands in the
 * engine's parameters, or why it cannot be had here.
 */
import { includesPostcopy, type MigrationParameters } from '../../migration/migration.js'
import { QmpError } from '../wire/qmp.js'
import type { MonitorSettings } from './monitor-settings.js'

type Settings = Partial<MigrationParameters>

interface Capability {
  readonly name: string
  readonly isOn: (parameters: MigrationParameters, settings: MonitorSettings) => boolean
  /** The engine's parameters that come with it. A capability without is as it is, for the reason given. */
  readonly change?: (isOn: boolean, settings: MonitorSettings) => Settings
  readonly reason?: string
}

const off = (): boolean => false
const absent = (name: string, reason: string): Capability => ({ name, isOn: off, reason })

const NO_RDMA = 'the virtual network has no RDMA'
const NO_FILES = 'all memory of a guest is its own, and crosses'

export const migrationCapabilities: readonly Capability[] = [
  { name: 'xbzrle', isOn: ({ xbzrle }) => xbzrle, change: (isOn) => ({ xbzrle: isOn }) },
  absent('rdma-pin-all', NO_RDMA),
  { name: 'auto-converge', isOn: ({ autoConverge }) => autoConverge, change: (isOn) => ({ autoConverge: isOn }) },
  { name: 'zero-blocks', isOn: ({ zeroBlocks }) => zeroBlocks, change: (isOn) => ({ zeroBlocks: isOn }) },
  {
    name: 'compress',
    isOn: ({ compression, multifdChannels }) => compression !== 'none' && multifdChannels === 0,
    change: (isOn) => ({ compression: isOn ? 'zlib' : 'none' }),
  },
  {
    name: 'events',
    isOn: (_, { events }) => events,
    change: (isOn, settings) => {
      settings.events = isOn
      return {}
    },
  },
  {
    name: 'postcopy-ram',
    isOn: ({ strategy }) => includesPostcopy(strategy),
    // Pre-copy first, and over to post-copy when told to.
    change: (isOn) => (isOn ? { strategy: 'hybrid', postcopyAfterRounds: 0 } : { strategy: 'precopy' }),
  },
  absent('x-colo', 'no second copy is kept in step'),
  absent('release-ram', 'memory is given back when the copy is gone'),
  { name: 'block', isOn: ({ copyStorage }) => copyStorage, change: (isOn) => ({ copyStorage: isOn }) },
  { name: 'return-path', isOn: () => true, reason: 'the source always waits for the destination to confirm' },
  {
    name: 'pause-before-switchover',
    isOn: ({ pauseBeforeSwitchover }) => pauseBeforeSwitchover,
    change: (isOn) => ({ pauseBeforeSwitchover: isOn }),
  },
  {
    name: 'multifd',
    isOn: ({ multifdChannels }) => multifdChannels > 0,
    change: (isOn, { multifdChannels, multifdCompression }) =>
      isOn
        ? { multifdChannels, compression: multifdCompression, zeroPageDetection: 'legacy' }
        : { multifdChannels: 0, compression: 'none' },
  },
  absent('dirty-bitmaps', 'disks have no bitmaps'),
  absent('postcopy-blocktime', 'the charts show how long a page was waited for'),
  absent('late-block-activate', 'no disk is shared'),
  absent('x-ignore-shared', NO_FILES),
  absent('validate-uuid', 'a migration is known by its connection'),
  absent('background-snapshot', 'snapshots are kept outside the machine'),
  absent('zero-copy-send', 'sending costs no copy that could be spared'),
  absent('postcopy-preempt', 'a page that was asked for goes first on the one channel'),
]

export interface CapabilityChange {
  readonly capability: string
  readonly state: boolean
}

/** The engine's parameters that change; `settings` are changed with them. Throws `QmpError`. */
export function changeCapabilities(
  changes: readonly CapabilityChange[],
  parameters: MigrationParameters,
  settings: MonitorSettings,
): Settings {
  const wanted = new Map(migrationCapabilities.map(({ name, isOn }) => [name, isOn(parameters, settings)]))
  for (const { capability, state } of changes) wanted.set(capability, state)
  const changed = migrationCapabilities.filter(({ name, isOn }) => wanted.get(name) !== isOn(parameters, settings))
  for (const { name, change, reason = '' } of changed)
    if (change === undefined) throw new QmpError(`Capability '${name}' cannot be changed here: ${reason}`)
  if (wanted.get('multifd') === true && wanted.get('compress') === true)
    throw new QmpError('Multifd is not compatible with compress')
  // Switched off before others are switched on: they may share a parameter.
  const order = [...changed].sort((a, b) => Number(wanted.get(a.name)) - Number(wanted.get(b.name)))
  return Object.assign(
    {},
    ...order.map(({ name, change }) => change?.(wanted.get(name) === true, settings)),
  ) as Settings
}
