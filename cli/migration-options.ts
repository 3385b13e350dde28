/** The options of a migration on the command line: QEMU's names of parameters and capabilities, and a few that it has not. */
import { InputError } from '../core/base/errors.js'
import { parseDuration, parseOctetRate, parseOctets } from '../core/base/units.js'
import {
  DEFAULT_MIGRATION_PARAMETERS as qemuDefaults,
  pageCompressions,
  stopRules,
  zeroPageDetections,
} from '../core/migration/migration.js'
import type { HypervisorProfile } from '../core/hypervisor/profiles/hypervisor-profile.js'
import { DEFAULT_SHAPING, shapingNames } from '../core/secure/shaping/shaping.js'
import {
  channelNames,
  destinationCpus,
  hostCpus,
  strategies,
  type MigrationScenario,
} from '../core/session/scenario.js'
import { oneOf, quantity } from './quantities.js'

export const migrationOptions = {
  strategy: { type: 'string', default: qemuDefaults.strategy },
  channel: { type: 'string' },
  'host-cpu': { type: 'string' },
  'destination-cpu': { type: 'string' },
  'skip-peer-check': { type: 'boolean', default: false },
  shaping: { type: 'string', default: DEFAULT_SHAPING.shaping },
  'shaping-rate': { type: 'string' },
  'downtime-limit': { type: 'string' },
  'max-bandwidth': { type: 'string' },
  'max-postcopy-bandwidth': { type: 'string' },
  'rounds-min': { type: 'string' },
  rounds: { type: 'string' },
  'stop-rule': { type: 'string' },
  /** How long the operator of this command waits before going on. */
  'pause-before-switchover': { type: 'string' },
  'zero-page-detection': { type: 'string', default: qemuDefaults.zeroPageDetection },
  xbzrle: { type: 'boolean', default: qemuDefaults.xbzrle },
  'xbzrle-cache-size': { type: 'string' },
  compression: { type: 'string', default: qemuDefaults.compression },
  'multifd-channels': { type: 'string' },
  'auto-converge': { type: 'boolean', default: qemuDefaults.autoConverge },
  'cpu-throttle-initial': { type: 'string' },
  'cpu-throttle-increment': { type: 'string' },
  'max-cpu-throttle': { type: 'string' },
  'throttle-trigger-threshold': { type: 'string' },
  'vcpu-dirty-limit': { type: 'string' },
  'postcopy-after-rounds': { type: 'string' },
  'postcopy-prepaging': { type: 'string' },
  'copy-storage': { type: 'boolean', default: qemuDefaults.copyStorage },
  'zero-blocks': { type: 'boolean', default: qemuDefaults.zeroBlocks },
} as const

type Texts = { readonly [K in keyof typeof migrationOptions]?: string | boolean | undefined }

/** What is not said is as `profile` has it. */
export function migrationFrom(texts: Texts, profile: HypervisorProfile): MigrationScenario {
  const defaults = { ...qemuDefaults, ...profile.defaults, channel: profile.channel }
  const choice = <T extends string>(option: keyof Texts, names: readonly T[]): T =>
    oneOf(option, String(texts[option]), names)
  const number = (option: keyof Texts, parse: (text: string) => number, fallback: number): number => {
    const text = texts[option]
    return typeof text === 'string' ? quantity(option, text, parse) : fallback
  }
  return {
    strategy: choice('strategy', strategies),
    channel: texts.channel === undefined ? defaults.channel : choice('channel', channelNames),
    hostCpu: texts['host-cpu'] === undefined ? 'libraries' : choice('host-cpu', hostCpus),
    destinationCpu: texts['destination-cpu'] === undefined ? 'same' : choice('destination-cpu', destinationCpus),
    peerCheck: texts['skip-peer-check'] === true ? 'skip' : 'strict',
    shaping: choice('shaping', shapingNames),
    shapingRate: number('shaping-rate', parseOctetRate, DEFAULT_SHAPING.shapingRate),
    downtimeLimitNs: number('downtime-limit', parseDuration, defaults.downtimeLimitNs),
    maxBandwidth: number('max-bandwidth', parseOctetRate, defaults.maxBandwidth),
    maxPostcopyBandwidth: number('max-postcopy-bandwidth', parseOctetRate, defaults.maxPostcopyBandwidth),
    roundsMin: number('rounds-min', parseCount, defaults.roundsMin),
    roundsMax: number('rounds', parseCount, defaults.roundsMax),
    stopRule: texts['stop-rule'] === undefined ? defaults.stopRule : choice('stop-rule', stopRules),
    pauseBeforeSwitchover: texts['pause-before-switchover'] !== undefined,
    zeroPageDetection: choice('zero-page-detection', zeroPageDetections),
    xbzrle: texts.xbzrle === true,
    xbzrleCacheOctets: number('xbzrle-cache-size', parseOctets, defaults.xbzrleCacheOctets),
    compression: choice('compression', pageCompressions),
    multifdChannels: number('multifd-channels', parseCount, defaults.multifdChannels),
    autoConverge: texts['auto-converge'] === true,
    cpuThrottleInitial: number('cpu-throttle-initial', parseCount, defaults.cpuThrottleInitial),
    cpuThrottleIncrement: number('cpu-throttle-increment', parseCount, defaults.cpuThrottleIncrement),
    cpuThrottleMax: number('max-cpu-throttle', parseCount, defaults.cpuThrottleMax),
    throttleTriggerThreshold: number('throttle-trigger-threshold', parseCount, defaults.throttleTriggerThreshold),
    vcpuDirtyLimit: number('vcpu-dirty-limit', parseOctetRate, defaults.vcpuDirtyLimit),
    postcopyAfterRounds: number('postcopy-after-rounds', parseCount, defaults.postcopyAfterRounds),
    postcopyPrepagingPages: number('postcopy-prepaging', parseCount, defaults.postcopyPrepagingPages),
    copyStorage: texts['copy-storage'] === true,
    zeroBlocks: texts['zero-blocks'] === true,
  }
}

function parseCount(text: string): number {
  if (!/^\d{1,9}$/.test(text.trim())) throw new InputError(`"${text}" is not a number: write it like 20`)
  return Number(text)
}
