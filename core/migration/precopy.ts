/** When iterative pre-copy stops iterating: QEMU's rule (migration/migration.c `migration_iteration_run`), and a cap. */
import type { Nanos } from '../base/units.js'

export interface RoundOutcome {
  /** Rounds sent with the guest running, this one included. */
  readonly rounds: number
  /** Left to send once the dirty log was read after this round. */
  readonly pendingOctets: number
  /** Measured octets a second. */
  readonly bandwidth: number
}

export interface StopRule {
  readonly downtimeLimitNs: Nanos
  /** Rounds with the guest running, at most; 0 for no end, as in QEMU. */
  readonly roundsMax: number
}

/** `forced`: it does not fit the downtime limit, but the rounds are used up. */
export type NextStep = 'iterate' | 'switchover' | 'forced'

/** Octets that can be sent within the downtime limit. */
export function thresholdOctets(bandwidth: number, downtimeLimitNs: Nanos): number {
  return (bandwidth * downtimeLimitNs) / 1e9
}

/**
 * Stop the guest when what is pending can be sent within the downtime limit. A guest that dirties memory faster than
 * the link drains it never gets there: `roundsMax` then ends it, with a downtime over the limit.
 */
export function afterRound({ rounds, pendingOctets, bandwidth }: RoundOutcome, rule: StopRule): NextStep {
  if (pendingOctets === 0 || pendingOctets < thresholdOctets(bandwidth, rule.downtimeLimitNs)) return 'switchover'
  return rule.roundsMax > 0 && rounds >= rule.roundsMax ? 'forced' : 'iterate'
}
