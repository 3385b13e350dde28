/** What a source has to write, cut into pieces: a disk, the rounds and the last stage, what follows the guest, or a machine alone. */
import type { Nanos } from '../base/units.js'
import type { Trace } from '../kernel/trace.js'
import type { MigratableVm } from './guest-memory.js'
import type { MigrationLabels, MigrationOptions } from './migration.js'
import type { OutgoingRam } from './outgoing-ram.js'
import type { OutgoingStorage } from './outgoing-storage.js'
import type { OutgoingStream } from './outgoing-stream.js'
import type { Pacing } from './pacing.js'

/** What a piece came to, and with that when the next one is due. */
export type OutgoingStep =
  /** It takes so much time on a core. */
  | { readonly kind: 'worked'; readonly workNs: Nanos }
  /** The bandwidth limit lets nothing go until then. */
  | { readonly kind: 'sleeps'; readonly untilNs: Nanos }
  /** The extra connections have to take what they have. */
  | { readonly kind: 'waits' }
  /** The guest is to be stopped: the next piece begins the last stage. `isForced`: though more is left than the stop rule waits for. */
  | { readonly kind: 'switchover'; readonly isForced: boolean }
  /** The guest is to go on at the destination. */
  | { readonly kind: 'postcopy' }

export interface OutgoingWork {
  /** All is written: the connection has to take it, and there is no next piece. */
  readonly isAllWritten: boolean
  next(nowNs: Nanos): OutgoingStep
}

/** What the pieces are made of, up to where the guest may leave. */
export interface OutgoingParts {
  readonly vm: MigratableVm
  readonly ram: OutgoingRam
  readonly out: OutgoingStream
  readonly pacing: Pacing
  /** Null where no disk is moved. */
  readonly storage: OutgoingStorage | null
  /** Limits among them may change. */
  readonly options: MigrationOptions
  readonly labels: MigrationLabels
  readonly trace: Trace
}
