/** The words of a migration: what can be chosen, what it comes to, and who is told. */
import type { Failure } from '../base/errors.js'
import { milliseconds, type Nanos } from '../base/units.js'
import type { MigrationDestination } from './destination.js'
import type { MigrationSource } from './source.js'

export const strategies = ['precopy', 'stop-and-copy'] as const
export type MigrationStrategy = (typeof strategies)[number]

/** QEMU's words (qapi/migration.json, MigrationStatus). */
export type MigrationStatus =
  'none' | 'setup' | 'active' | 'device' | 'completed' | 'failed' | 'cancelling' | 'cancelled'

/** What an operator chooses: QEMU's migration parameters. */
export interface MigrationParameters {
  readonly strategy: MigrationStrategy
  readonly downtimeLimitNs: Nanos
  /**
   * Octets a second while pages are sent in rounds, by windows of 100 ms as in QEMU; 0 for no limit. The last round,
   * guest stopped, is not limited.
   */
  readonly maxBandwidth: number
  /** After so many rounds the guest is stopped whatever is left; 0 for no end. */
  readonly roundsMax: number
}

export interface MigrationOptions extends MigrationParameters {
  /** Ask the destination to confirm. False only for a stream into a file, which then holds no commands. */
  readonly returnPath: boolean
}

/** QEMU's defaults (migration/options.c); it has no `roundsMax`, 30 is Xen's old cap. */
export const DEFAULT_MIGRATION_PARAMETERS: MigrationParameters = Object.freeze({
  strategy: 'precopy',
  downtimeLimitNs: milliseconds(300),
  maxBandwidth: 128 * 1024 * 1024,
  roundsMax: 30,
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
  normalPages: number
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
}
