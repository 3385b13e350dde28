/** What a monitor can see and do: one QEMU process of a host, with its machine and its migration. */
import type { MigrationParameters } from '../../migration/migration.js'
import type { RunState } from '../virtual-machine.js'
import type { MigrationInfo } from './migration-info.js'

/** `tcp:10.0.0.2:49152`. */
export interface MigrationAddress {
  readonly host: string
  readonly port: string
}

/** What cannot be done throws an `InputError` with the reason, having changed nothing. */
export interface MonitorTarget {
  readonly hostName: string
  readonly vmName: string
  /** QEMU's word for how its machine is; `inmigrate` also for a process that waits for its first machine. */
  runState(): RunState
  cont(): void
  stop(): void
  /** End the process, and the machine with it. */
  quit(): void
  migrationParameters(): MigrationParameters
  configureMigration(settings: Partial<MigrationParameters>): void
  migrationInfo(): MigrationInfo
  isMigrating(): boolean
  /** Whether this host is the source of the migration of that number in the trace. */
  sends(migration: number): boolean
  /** `once` holds for this migration alone. */
  migrate(to: MigrationAddress, once: Partial<MigrationParameters>): void
  /** A migration failed before it began, for a reason or for none that is told. */
  migrationRefused(reason: string | null): void
  listenForMigration(at: MigrationAddress): void
  cancelMigration(): void
  continueMigration(): void
  startPostcopy(): void
  pausePostcopy(): void
  recoverPostcopy(at: MigrationAddress): void
  /** Try a migration again that was paused in post-copy. */
  resumeMigration(to: MigrationAddress): void
}
