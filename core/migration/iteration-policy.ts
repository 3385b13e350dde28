/** When iterative pre-copy stops iterating, and what follows: QEMU's rule (migration/migration.c `migration_iteration_run`), and a cap. */
import type { Nanos } from '../base/units.js'
import type { MigrationOptions } from './migration.js'

export interface RoundOutcome {
  /** Rounds sent with the guest running, this one included. */
  readonly rounds: number
  /** Left to send once the dirty log was read after this round. */
  readonly pendingOctets: number
  /** Measured octets a second. */
  readonly bandwidth: number
}

/**
 * `switchover`: stop the guest and send the rest. `forced`: the same, though the rest does not fit the downtime limit.
 * `postcopy`: let it run at the destination, and send the rest from behind.
 */
export type NextStep = 'iterate' | 'switchover' | 'forced' | 'postcopy'

/** Octets that can be sent within the downtime limit. */
function thresholdOctets(bandwidth: number, downtimeLimitNs: Nanos): number {
  return (bandwidth * downtimeLimitNs) / 1e9
}

export class IterationPolicy {
  constructor(private readonly options: Pick<MigrationOptions, 'downtimeLimitNs' | 'roundsMax'>) {}

  /**
   * Whether it is time to read the dirty log, in the midst of a round: nothing is left, or what is left could be sent within
   * the downtime limit at the rate of the last whole window (octets a second; 0 before there was one).
   */
  endsRound(pendingOctets: number, lastWindow: number): boolean {
    return pendingOctets === 0 || pendingOctets < thresholdOctets(lastWindow, this.options.downtimeLimitNs)
  }

  /**
   * Stop the guest when what is pending can be sent within the downtime limit. A guest that dirties memory faster than
   * the link drains it never gets there: `roundsMax` then ends it, with a downtime over the limit.
   */
  afterRound({ rounds, pendingOctets, bandwidth }: RoundOutcome): NextStep {
    const { downtimeLimitNs, roundsMax } = this.options
    if (pendingOctets === 0 || pendingOctets < thresholdOctets(bandwidth, downtimeLimitNs)) return 'switchover'
    return roundsMax > 0 && rounds >= roundsMax ? 'forced' : 'iterate'
  }
}
