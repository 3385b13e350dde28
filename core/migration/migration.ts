/** The words of a migration: what can be chosen, what it comes to, and who is told. */
import type { Failure } from '../base/errors.js'
import { milliseconds, type Nanos } from '../base/units.js'
import type { MigrationDestination } from './destination.js'
import type { MigrationSource } from './source.js'

/**
 * `cold`: the guest is switched off, its disk moved, and it boots at the destination. `stop-and-copy`: it stands still for all
 * of its memory. `precopy`: rounds while it runs. `postcopy`: it runs at the destination at once, its memory follows.
 * `hybrid`: rounds, then post-copy.
 */
export const strategies = ['cold', 'stop-and-copy', 'precopy', 'postcopy', 'hybrid'] as const
export type MigrationStrategy = (typeof strategies)[number]

/** Whether the guest may run at the destination before its memory has followed. */
export function includesPostcopy(strategy: MigrationStrategy): boolean {
  return strategy === 'postcopy' || strategy === 'hybrid'
}

/** Whether the guest stands still before anything of it is sent. */
export function stopsFirst(strategy: MigrationStrategy): boolean {
  return strategy === 'cold' || strategy === 'stop-and-copy'
}

/** QEMU's words (qapi/migration.json, MigrationStatus). */
export type MigrationStatus =
  | 'none'
  | 'setup'
  | 'active'
  | 'postcopy-active'
  | 'postcopy-paused'
  | 'postcopy-recover'
  | 'pre-switchover'
  | 'device'
  | 'completed'
  | 'failed'
  | 'cancelling'
  | 'cancelled'

/** Who decides when the guest is stopped: QEMU, the papers, Xen as it is (xg_sr_save.c), or Xen 3.1 (xc_domain_save.c). */
export const stopRules = ['qemu', 'whole-rounds', 'xen', 'xen-legacy'] as const
export type StopRuleName = (typeof stopRules)[number]

export const zeroPageDetections = ['none', 'legacy', 'multifd'] as const
export type ZeroPageDetection = (typeof zeroPageDetections)[number]

export const pageCompressions = ['none', 'zlib'] as const
export type PageCompression = (typeof pageCompressions)[number]

/** What an operator chooses: QEMU's capabilities and migration parameters, in its units unless the name says another. */
export interface MigrationParameters {
  readonly strategy: MigrationStrategy
  readonly downtimeLimitNs: Nanos
  /**
   * Octets a second while pages are sent in rounds, by windows of 100 ms as in QEMU; 0 for no limit. The last round,
   * guest stopped, is not limited.
   */
  readonly maxBandwidth: number
  /** The same for what is pushed after a switch to post-copy; pages that were asked for are not limited. */
  readonly maxPostcopyBandwidth: number
  /**
   * Before so many rounds it is not, even if nothing is left; 0: as the rule has it. With as many at most, their number tells
   * nothing of the guest. QEMU has no such parameter.
   */
  readonly roundsMin: number
  /** After so many rounds the guest is stopped whatever is left; 0 for no end. */
  readonly roundsMax: number
  readonly stopRule: StopRuleName
  /** Before the last round, or before the guest leaves in post-copy, stop (guest stopped, status 'pre-switchover') until told to go on. */
  readonly pauseBeforeSwitchover: boolean
  readonly zeroPageDetection: ZeroPageDetection
  readonly xbzrle: boolean
  readonly xbzrleCacheOctets: number
  /** Of every page on the main stream (capability `compress`), or of the packets of extra channels (`multifd-compression`). */
  readonly compression: PageCompression
  /** Extra connections that carry the pages; 0: none. */
  readonly multifdChannels: number
  readonly autoConverge: boolean
  /** Percent of its time that the vCPU is kept from running. */
  readonly cpuThrottleInitial: number
  readonly cpuThrottleIncrement: number
  readonly cpuThrottleMax: number
  /** Throttle more when so many percent of what a round sent were dirtied meanwhile. */
  readonly throttleTriggerThreshold: number
  /** The guest may dirty so many octets a second (capability `dirty-limit`); 0 for no limit. */
  readonly vcpuDirtyLimit: number
  /** A hybrid goes over to post-copy by itself after so many rounds; 0: when told to. */
  readonly postcopyAfterRounds: number
  /** Pages sent along with one that was asked for: those around it. */
  readonly postcopyPrepagingPages: number
  /**
   * The guest's disk goes before its memory, in the same stream (capability `block`, libvirt's `--copy-storage-all`). False: it is
   * taken to be on storage that both hosts share.
   */
  readonly copyStorage: boolean
  /** Chunks of zeros of that disk go as a word that says so (capability `zero-blocks`); false: as 1 MiB of zeros each. */
  readonly zeroBlocks: boolean
}

/** Those that may change while a migration runs: limits, not what is sent. */
export const migrationLimits = [
  'downtimeLimitNs',
  'maxBandwidth',
  'maxPostcopyBandwidth',
  'roundsMax',
  'vcpuDirtyLimit',
] as const satisfies readonly (keyof MigrationParameters)[]
export type MigrationLimits = Pick<MigrationParameters, (typeof migrationLimits)[number]>

export interface MigrationOptions extends MigrationParameters {
  /** Ask the destination to confirm. False only for a stream into a file, which then holds no commands. */
  readonly returnPath: boolean
}

/** QEMU's defaults (migration/options.c); it has no `roundsMax`, 30 is Xen's old cap. */
export const DEFAULT_MIGRATION_PARAMETERS: MigrationParameters = Object.freeze({
  strategy: 'precopy',
  downtimeLimitNs: milliseconds(300),
  maxBandwidth: 128 * 1024 * 1024,
  maxPostcopyBandwidth: 0,
  roundsMin: 0,
  roundsMax: 30,
  stopRule: 'qemu',
  pauseBeforeSwitchover: false,
  zeroPageDetection: 'legacy',
  xbzrle: false,
  xbzrleCacheOctets: 64 * 1024 * 1024,
  compression: 'none',
  multifdChannels: 0,
  autoConverge: false,
  cpuThrottleInitial: 20,
  cpuThrottleIncrement: 10,
  cpuThrottleMax: 99,
  throttleTriggerThreshold: 50,
  vcpuDirtyLimit: 0,
  postcopyAfterRounds: 3,
  postcopyPrepagingPages: 0,
  copyStorage: false,
  zeroBlocks: false,
})

export const DEFAULT_MIGRATION_OPTIONS: MigrationOptions = Object.freeze({
  ...DEFAULT_MIGRATION_PARAMETERS,
  returnPath: true,
})

/** Names for the trace: the engine itself does not know what carries its stream. */
export interface MigrationLabels {
  /** Unique in a session. */
  readonly id: number
  readonly source: string
  readonly destination: string
  readonly channel: string
  readonly linkBps: number
}

/** Pages sent between two readings of the dirty log. */
export interface MigrationRound {
  zeroPages: number
  /** Sent whole, or compressed. */
  normalPages: number
  /** Sent as the difference to what was sent before, or not at all because there was none. */
  xbzrlePages: number
  /** Octets of the stream, its header in the first round and device state in the last. */
  octets: number
  readonly startNs: Nanos
  endNs: Nanos
  /** Pages the guest wrote meanwhile. */
  dirtiedPages: number
  /** The guest stood still. */
  readonly paused: boolean
}

/** Told of changes, from inside the event in which they happen. */
export interface MigrationOwner {
  sourceStatusChanged(source: MigrationSource): void
  destinationStatusChanged(destination: MigrationDestination): void
  /**
   * Everything has arrived and both copies stand still: the moment to compare them. Returns why this copy must not
   * live, or null; then the source is told that it is safe here. The destination does not start the VM: its owner does,
   * once the source's status is 'completed'.
   */
  destinationLoaded(destination: MigrationDestination): Failure | null
  /**
   * Post-copy: the devices are loaded and the guest is to run at the destination. Returns why it must not, or null: then it
   * lives there from now on, and the owner starts it.
   */
  destinationMayRun(destination: MigrationDestination): Failure | null
  /** Whether it does: then the source's copy never runs again, and a failure is an interruption. */
  guestHasLeft(source: MigrationSource): boolean
}
