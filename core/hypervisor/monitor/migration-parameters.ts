/**
 * QEMU 7.2's migration parameters (qapi/migration.json, MigrateSetParameters), in the order of its schema: where each is in the
 * engine, its range with QEMU's words (migration/migration.c, `migrate_params_check`), and how the human monitor shows it.
 */
import { pageCompressions, type MigrationParameters } from '../../migration/migration.js'
import { QmpError } from '../wire/qmp.js'
import type { MonitorSettings } from './monitor-settings.js'
import type { QapiArguments } from './qapi-arguments.js'

type Settings = Partial<MigrationParameters>
export type ParameterValue = number | string | boolean
type ParameterKind = 'uint8' | 'uint64' | 'boolean' | 'string' | 'compression'

export interface MigrationParameter {
  readonly name: string
  readonly kind: ParameterKind
  readonly value: (parameters: MigrationParameters, settings: MonitorSettings) => ParameterValue
  /** What is wrong with a value, or undefined. */
  readonly check?: (value: number, parameters: MigrationParameters) => string | undefined
  /** The engine's parameters that follow; a parameter without has the value it has. */
  readonly change?: (value: ParameterValue, parameters: MigrationParameters, settings: MonitorSettings) => Settings
  /** After the value in `info migrate_parameters`; undefined: not shown there. */
  readonly unit?: string
}

const DOWNTIME_LIMIT_MAX_MS = 2000 * 1000

const fixed = (name: string, kind: ParameterKind, value: ParameterValue, unit?: string): MigrationParameter => ({
  name,
  kind,
  value: () => value,
  ...(unit === undefined ? {} : { unit }),
})

function isPowerOfTwo(value: number): boolean {
  const bits = BigInt(value)
  return (bits & (bits - 1n)) === 0n
}

const within =
  (name: string, min: number, max: number, words: string): NonNullable<MigrationParameter['check']> =>
  (value) =>
    value >= min && value <= max ? undefined : `Parameter '${name}' expects ${words}`

const percent = (
  name: string,
  key: 'cpuThrottleInitial' | 'cpuThrottleIncrement' | 'throttleTriggerThreshold',
  max: number,
): MigrationParameter => ({
  name,
  kind: 'uint8',
  value: (parameters) => parameters[key],
  check: within(name.replaceAll('-', '_'), 1, max, `an integer in the range of 1 to ${max}`),
  change: (value) => ({ [key]: value }),
  unit: '',
})

export const migrationParameters: readonly MigrationParameter[] = [
  fixed('announce-initial', 'uint64', 50, ' ms'),
  fixed('announce-max', 'uint64', 550, ' ms'),
  fixed('announce-rounds', 'uint64', 5, ''),
  fixed('announce-step', 'uint64', 100, ' ms'),
  fixed('compress-level', 'uint8', 1, ''),
  fixed('compress-threads', 'uint8', 8, ''),
  fixed('compress-wait-thread', 'boolean', true, ''),
  fixed('decompress-threads', 'uint8', 2, ''),
  percent('throttle-trigger-threshold', 'throttleTriggerThreshold', 100),
  percent('cpu-throttle-initial', 'cpuThrottleInitial', 99),
  percent('cpu-throttle-increment', 'cpuThrottleIncrement', 99),
  fixed('cpu-throttle-tailslow', 'boolean', false, ''),
  {
    name: 'max-cpu-throttle',
    kind: 'uint8',
    value: ({ cpuThrottleMax }) => cpuThrottleMax,
    check: (value, { cpuThrottleInitial }) =>
      value >= cpuThrottleInitial && value <= 99
        ? undefined
        : "Parameter 'max_cpu_throttle' expects an integer in the range of cpu_throttle_initial to 99",
    change: (value) => ({ cpuThrottleMax: Number(value) }),
    unit: '',
  },
  fixed('tls-creds', 'string', '', ''),
  fixed('tls-hostname', 'string', '', ''),
  {
    name: 'max-bandwidth',
    kind: 'uint64',
    value: ({ maxBandwidth }) => maxBandwidth,
    change: (value) => ({ maxBandwidth: Number(value) }),
    unit: ' bytes/second',
  },
  {
    name: 'downtime-limit',
    kind: 'uint64',
    value: ({ downtimeLimitNs }) => downtimeLimitNs / 1e6,
    check: within('downtime_limit', 0, DOWNTIME_LIMIT_MAX_MS, 'an integer in the range of 0 to (2000 * 1000) ms'),
    change: (value) => ({ downtimeLimitNs: Number(value) * 1e6 }),
    unit: ' ms',
  },
  fixed('x-checkpoint-delay', 'uint64', 20000, ' ms'),
  fixed('block-incremental', 'boolean', false, ''),
  {
    name: 'multifd-channels',
    kind: 'uint8',
    value: ({ multifdChannels }, settings) => (multifdChannels > 0 ? multifdChannels : settings.multifdChannels),
    check: within('multifd_channels', 1, 255, 'a value between 1 and 255'),
    change: (value, { multifdChannels }, settings) => {
      settings.multifdChannels = Number(value)
      return multifdChannels > 0 ? { multifdChannels: Number(value) } : {}
    },
    unit: '',
  },
  {
    name: 'multifd-compression',
    kind: 'compression',
    value: ({ multifdChannels, compression }, settings) =>
      multifdChannels > 0 ? compression : settings.multifdCompression,
    change: (value, { multifdChannels }, settings) => {
      const compression = pageCompressions.find((name) => name === value) ?? 'none'
      settings.multifdCompression = compression
      return multifdChannels > 0 ? { compression } : {}
    },
    unit: '',
  },
  {
    name: 'xbzrle-cache-size',
    kind: 'uint64',
    value: ({ xbzrleCacheOctets }) => xbzrleCacheOctets,
    check: (value) =>
      value >= 4096 && isPowerOfTwo(value)
        ? undefined
        : "Parameter 'xbzrle_cache_size' expects a power of two no less than the target page size",
    change: (value) => ({ xbzrleCacheOctets: Number(value) }),
    unit: ' bytes',
  },
  {
    name: 'max-postcopy-bandwidth',
    kind: 'uint64',
    value: ({ maxPostcopyBandwidth }) => maxPostcopyBandwidth,
    change: (value) => ({ maxPostcopyBandwidth: Number(value) }),
    unit: '',
  },
  fixed('tls-authz', 'string', '', ''),
  fixed('multifd-zlib-level', 'uint8', 1),
  fixed('multifd-zstd-level', 'uint8', 1),
]

/** Reads the members of `migrate-set-parameters`. Throws `QmpError`. */
export function readParameters(given: QapiArguments): ReadonlyMap<MigrationParameter, ParameterValue> {
  const values = new Map<MigrationParameter, ParameterValue>()
  for (const parameter of migrationParameters) {
    const value = readParameter(given, parameter)
    if (value !== undefined) values.set(parameter, value)
  }
  given.close()
  return values
}

function readParameter(given: QapiArguments, { name, kind }: MigrationParameter): ParameterValue | undefined {
  switch (kind) {
    case 'uint8':
      return given.optionalUint8(name)
    case 'uint64':
      return given.optionalUint64(name)
    case 'boolean':
      return given.optionalBoolean(name)
    case 'string':
      return given.optionalStringOrNull(name)
    case 'compression':
      return given.optionalChoice(name, pageCompressions)
  }
}

/** The engine's parameters that change; `settings` are changed with them. Throws `QmpError`. */
export function changeParameters(
  values: ReadonlyMap<MigrationParameter, ParameterValue>,
  parameters: MigrationParameters,
  settings: MonitorSettings,
): Settings {
  for (const [{ name, change, value: current }, value] of values)
    if (change === undefined && value !== current(parameters, settings))
      throw new QmpError(`Parameter '${name}' cannot be changed here: the virtual network has nothing it would change`)
  const changes = Object.assign(
    {},
    ...[...values].map(([{ change }, value]) => change?.(value, parameters, settings)),
  ) as Settings
  // As QEMU: what is given together is looked at together.
  const changed = { ...parameters, ...changes }
  for (const [{ check }, value] of values) {
    const reason = typeof value === 'number' ? check?.(value, changed) : undefined
    if (reason !== undefined) throw new QmpError(reason)
  }
  return changes
}
