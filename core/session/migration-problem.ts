/** Which parameters of a migration cannot be, alone or together: QEMU's ranges and contradictions (migration/options.c). */
import { PAGE_OCTETS, seconds } from '../base/units.js'
import {
  pageCompressions,
  stopRules,
  strategies,
  zeroPageDetections,
  type MigrationParameters,
  includesPostcopy,
} from '../migration/migration.js'
import { channelNames, peerChecks, type ChannelName, type PeerCheck } from '../secure/channels.js'
import { destinationCpus, hostCpus, type DestinationCpu, type HostCpu } from '../secure/cost-tables.js'
import { shapingNames, shapingRateProblem, type ShapingParameters } from '../secure/shaping/shaping.js'

/** A setting by the name of the command line's option (QEMU's where it has one), and why it cannot be used. */
export interface MigrationProblem {
  readonly setting: MigrationSetting
  readonly reason: string
}

export type MigrationSetting =
  | 'strategy'
  | 'channel'
  | 'host-cpu'
  | 'destination-cpu'
  | 'peer-check'
  | 'shaping'
  | 'shaping-rate'
  | 'downtime-limit'
  | 'max-bandwidth'
  | 'max-postcopy-bandwidth'
  | 'rounds-min'
  | 'rounds'
  | 'stop-rule'
  | 'pause-before-switchover'
  | 'zero-page-detection'
  | 'xbzrle'
  | 'xbzrle-cache-size'
  | 'compression'
  | 'multifd-channels'
  | 'auto-converge'
  | 'cpu-throttle-initial'
  | 'cpu-throttle-increment'
  | 'max-cpu-throttle'
  | 'throttle-trigger-threshold'
  | 'vcpu-dirty-limit'
  | 'postcopy-after-rounds'
  | 'postcopy-prepaging'
  | 'copy-storage'

type Parameters = MigrationParameters &
  ShapingParameters & {
    readonly channel: ChannelName
    readonly hostCpu: HostCpu
    readonly destinationCpu: DestinationCpu
    readonly peerCheck: PeerCheck
  }

/** MAX_MIGRATE_DOWNTIME. */
const DOWNTIME_LIMIT_MAX_NS = seconds(2000)
const BANDWIDTH_MIN = 64 * 1024
const BANDWIDTH_MAX = 1e12
const ROUNDS_MAX = 1000
const CACHE_OCTETS_MAX = 1024 ** 3
/** QEMU's channel number is an octet; as many connections as that help nobody. */
const MULTIFD_CHANNELS_MAX = 255
const DIRTY_LIMIT_MIN = 1024 ** 2
const PREPAGING_PAGES_MAX = 1024

/** The first that cannot be used, or null. */
export function migrationProblem(migration: Parameters): MigrationProblem | null {
  return nameProblem(migration) ?? rangeProblem(migration) ?? throttleProblem(migration) ?? contradiction(migration)
}

function nameProblem(migration: Parameters): MigrationProblem | null {
  const choices: [MigrationSetting, string, readonly string[]][] = [
    ['strategy', migration.strategy, strategies],
    ['channel', migration.channel, channelNames],
    ['host-cpu', migration.hostCpu, hostCpus],
    ['destination-cpu', migration.destinationCpu, destinationCpus],
    ['peer-check', migration.peerCheck, peerChecks],
    ['shaping', migration.shaping, shapingNames],
    ['stop-rule', migration.stopRule, stopRules],
    ['zero-page-detection', migration.zeroPageDetection, zeroPageDetections],
    ['compression', migration.compression, pageCompressions],
  ]
  for (const [setting, name, names] of choices)
    if (!names.includes(name)) return { setting, reason: `${String(name)}: choose one of ${names.join(', ')}` }
  return null
}

const isWithin = (value: number, min: number, max: number): boolean => value >= min && value <= max
const isCount = (value: number, min: number, max: number): boolean =>
  isWithin(value, min, max) && Number.isInteger(value)

function rangeProblem(migration: Parameters): MigrationProblem | null {
  const { downtimeLimitNs, roundsMin, roundsMax, xbzrleCacheOctets, multifdChannels, vcpuDirtyLimit } = migration
  const { postcopyAfterRounds, postcopyPrepagingPages } = migration
  if (!isWithin(downtimeLimitNs, 0, DOWNTIME_LIMIT_MAX_NS))
    return { setting: 'downtime-limit', reason: `${downtimeLimitNs / 1e6} ms: choose from 0ms to 2000s` }
  const bandwidths = [
    ['max-bandwidth', migration.maxBandwidth],
    ['max-postcopy-bandwidth', migration.maxPostcopyBandwidth],
  ] as const
  for (const [setting, octets] of bandwidths)
    if (octets !== 0 && !isWithin(octets, BANDWIDTH_MIN, BANDWIDTH_MAX))
      return { setting, reason: `${octets} octets a second: choose 64KiB/s or more, 0 for no limit` }
  const rateReason = shapingRateProblem(migration)
  if (rateReason !== null) return { setting: 'shaping-rate', reason: rateReason }
  if (!isCount(roundsMin, 0, roundsMax === 0 ? ROUNDS_MAX : roundsMax))
    return { setting: 'rounds-min', reason: `${roundsMin}: choose from 0 to as many as there may be at most` }
  if (!isCount(roundsMax, 0, ROUNDS_MAX))
    return { setting: 'rounds', reason: `${roundsMax}: choose from 1 to ${ROUNDS_MAX}, 0 for no end` }
  if (!isPowerOfTwo(xbzrleCacheOctets) || !isWithin(xbzrleCacheOctets, PAGE_OCTETS, CACHE_OCTETS_MAX))
    return {
      setting: 'xbzrle-cache-size',
      reason: `${xbzrleCacheOctets} octets: choose a power of two, from one page of 4KiB to 1GiB`,
    }
  if (!isCount(multifdChannels, 0, MULTIFD_CHANNELS_MAX))
    return {
      setting: 'multifd-channels',
      reason: `${multifdChannels}: choose from 1 to ${MULTIFD_CHANNELS_MAX}, 0 for the main stream alone`,
    }
  if (vcpuDirtyLimit !== 0 && !isWithin(vcpuDirtyLimit, DIRTY_LIMIT_MIN, BANDWIDTH_MAX))
    return {
      setting: 'vcpu-dirty-limit',
      reason: `${vcpuDirtyLimit} octets a second: choose 1MiB/s or more, 0 for no limit`,
    }
  if (!isCount(postcopyAfterRounds, 0, ROUNDS_MAX))
    return {
      setting: 'postcopy-after-rounds',
      reason: `${postcopyAfterRounds}: choose from 1 to ${ROUNDS_MAX}, 0 for only when told to`,
    }
  if (!isCount(postcopyPrepagingPages, 0, PREPAGING_PAGES_MAX))
    return {
      setting: 'postcopy-prepaging',
      reason: `${postcopyPrepagingPages} pages: choose from 0 to ${PREPAGING_PAGES_MAX}`,
    }
  return null
}

function throttleProblem(migration: Parameters): MigrationProblem | null {
  const { cpuThrottleInitial, cpuThrottleMax } = migration
  const percents = [
    ['cpu-throttle-initial', cpuThrottleInitial, 99],
    ['cpu-throttle-increment', migration.cpuThrottleIncrement, 99],
    ['max-cpu-throttle', cpuThrottleMax, 99],
    ['throttle-trigger-threshold', migration.throttleTriggerThreshold, 100],
  ] as const
  for (const [setting, percent, max] of percents)
    if (!isCount(percent, 1, max)) return { setting, reason: `${percent}: choose whole per cent, from 1 to ${max}` }
  if (cpuThrottleMax < cpuThrottleInitial)
    return {
      setting: 'max-cpu-throttle',
      reason: `${cpuThrottleMax} per cent are less than cpu-throttle-initial, ${cpuThrottleInitial}`,
    }
  return null
}

/** What does not go together, and why not. */
function contradiction(migration: Parameters): MigrationProblem | null {
  const { strategy, xbzrle, compression, multifdChannels, zeroPageDetection, autoConverge, vcpuDirtyLimit } = migration
  const { channel, shaping } = migration
  const hasPostcopy = includesPostcopy(strategy)
  if (multifdChannels > 0 && hasPostcopy)
    return { setting: 'multifd-channels', reason: 'post-copy is not yet compatible with multifd' }
  if (multifdChannels > 0 && xbzrle)
    return {
      setting: 'xbzrle',
      reason: 'differences go on the main stream, with multifd no page does: choose one of both',
    }
  if (multifdChannels === 0 && zeroPageDetection === 'multifd')
    return { setting: 'zero-page-detection', reason: 'the channels look for zero pages: choose multifd-channels too' }
  if (shaping !== 'none' && channel === 'none')
    return { setting: 'shaping', reason: 'in clear anybody reads what is filler: choose a channel that seals' }
  if (autoConverge && vcpuDirtyLimit > 0)
    return { setting: 'vcpu-dirty-limit', reason: 'conflicts with auto-converge: choose one of both' }
  if (strategy === 'cold' && (xbzrle || compression !== 'none' || multifdChannels > 0))
    return { setting: 'strategy', reason: 'cold: no memory is moved, so there is nothing to compress or to spread' }
  return null
}

function isPowerOfTwo(value: number): boolean {
  let power = 1
  while (power < value) power *= 2
  return power === value
}
