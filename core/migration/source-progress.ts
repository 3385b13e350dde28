/** How far a migration is, as its source can tell: for the monitor, the operator and the window. */
import type { Nanos } from '../base/units.js'
import type { MigrationThread } from './migration-thread.js'
import { includesPostcopy, type MigrationOptions, type MigrationRound, type MigrationStatus } from './migration.js'
import type { DiskStatistics } from './outgoing-disk.js'
import type { MigrationStatistics } from './statistics.js'

export abstract class SourceProgress {
  startedAtNs: Nanos | null = null
  endedAtNs: Nanos | null = null
  abstract readonly options: MigrationOptions
  protected abstract readonly thread: MigrationThread
  protected currentStatus: MigrationStatus = 'none'

  get status(): MigrationStatus {
    return this.currentStatus
  }

  get isOver(): boolean {
    return this.endedAtNs !== null
  }

  /** Whether it was set up to go over to post-copy. */
  get maySwitchToPostcopy(): boolean {
    return includesPostcopy(this.options.strategy)
  }

  /** When it came to its first round: what went before was set-up. */
  get activeAtNs(): Nanos | null {
    return this.thread.activeAtNs
  }

  /** When the guest was stopped. */
  get pausedAtNs(): Nanos | null {
    return this.thread.pausedAtNs
  }

  /** Rounds ran out before what was left fitted the downtime limit. */
  get forced(): boolean {
    return this.thread.forced
  }

  /** Octets of the stream written so far. */
  get octetsWritten(): number {
    return this.thread.ram.octetsWritten
  }

  /** How long the guest has stood still for it in all, as far as can be told here, or null while that is not known. */
  get downtimeNs(): Nanos | null {
    const { pausedAtNs, postcopy } = this.thread
    const resumedAtNs = postcopy.batch === null ? this.endedAtNs : postcopy.loadedAtNs
    return pausedAtNs === null || resumedAtNs === null ? null : resumedAtNs - pausedAtNs
  }

  /** What follows the guest in post-copy; null when it does not come to that. */
  get postcopyBatch(): MigrationRound | null {
    return this.thread.postcopy.batch
  }

  /** How long the guest would stand still if it were stopped now; until a bandwidth was measured, the limit. */
  get expectedDowntimeNs(): Nanos {
    const { lastWindow } = this.thread.pacing
    return lastWindow > 0 ? Math.ceil((this.remainingOctets * 1e9) / lastWindow) : this.options.downtimeLimitNs
  }

  /** Octets of memory that are still to be sent, as far as is known. */
  get remainingOctets(): number {
    return this.thread.ram.pending.octets
  }

  /** Whether page `page` of the first block is still to be sent, as far as is known. */
  isPending(page: number): boolean {
    return this.thread.ram.pending.has(0, page)
  }

  /** How much of the round at hand is sent: 0 to 1. */
  get roundProgress(): number {
    return this.thread.ram.roundProgress
  }

  get rounds(): readonly MigrationRound[] {
    return this.thread.ram.rounds
  }

  get statistics(): MigrationStatistics {
    return this.thread.ram.counters.statistics(this.status === 'completed' ? 0 : this.remainingOctets)
  }

  /** Null when no disk is moved. */
  get diskStatistics(): DiskStatistics | null {
    return this.thread.storage?.statistics ?? null
  }

  /** Percent of its time that the guest's vCPU is kept from running. */
  get throttlePercent(): number {
    return this.thread.precopy.throttlePercent
  }
}
