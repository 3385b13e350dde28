/**
 * When iterative pre-copy stops iterating, and what follows. Four rules to choose from, and a cap on all of them:
 *
 * - `whole-rounds`: as `qemu`, but the dirty log is read only once a round is over, as the papers have it (Clark et al., NSDI
 *   2005): the rule of the closed forms;
 * - `qemu`: what is left fits the downtime limit (migration/migration.c `migration_iteration_run`);
 * - `xen`: fewer than 50 pages are left, or 5 rounds were sent (tools/libs/guest/xg_sr_save.c `simple_precopy_policy`);
 * - `xen-legacy`: as Xen 3.1 (tools/libxc/xc_domain_save.c).
 */
import { PAGE_OCTETS, type Nanos } from '../base/units.js'
import type { MigrationOptions } from './migration.js'

/** xg_sr_save.c: SPP_TARGET_DIRTY_COUNT and SPP_MAX_ITERATIONS. */
const XEN_PAGES_LEFT = 50
const XEN_ROUNDS_MAX = 5
/** xc_domain_save.c: pages of a round that are few enough, `max_iters`, and `max_factor` times the size of memory sent in all. */
const XEN_LEGACY_PAGES_FEW = 50
const XEN_LEGACY_ROUNDS_MAX = 29
const XEN_LEGACY_SENT_FACTOR = 3

export interface RoundOutcome {
  /** Rounds sent with the guest running, this one included. */
  readonly rounds: number
  /** Left to send once the dirty log was read after this round. */
  readonly pendingOctets: number
  /** Measured octets a second. */
  readonly bandwidth: number
  /** Pages sent in this round, in the one before (0 before the first), and in all rounds. */
  readonly sentPages: number
  readonly sentPagesBefore: number
  readonly sentPagesTotal: number
  /** Pages of memory. */
  readonly memoryPages: number
  /** Xen 3.1's own rate can grow no further. */
  readonly isRateMax: boolean
}

/**
 * `switchover`: stop the guest and send the rest. `forced`: the same, though the rest is not what the rule waits for.
 * `postcopy`: let it run at the destination, and send the rest from behind.
 */
export type NextStep = 'iterate' | 'switchover' | 'forced' | 'postcopy'

/** Octets that can be sent within the downtime limit. */
function thresholdOctets(bandwidth: number, downtimeLimitNs: Nanos): number {
  return (bandwidth * downtimeLimitNs) / 1e9
}

export class IterationPolicy {
  constructor(
    private readonly options: Pick<
      MigrationOptions,
      'downtimeLimitNs' | 'roundsMin' | 'roundsMax' | 'stopRule' | 'strategy' | 'postcopyAfterRounds'
    >,
  ) {}

  /**
   * Whether it is time to read the dirty log, in the midst of a round: nothing is left, or (QEMU) what is left could be sent
   * within the downtime limit at the rate of the last whole window (octets a second; 0 before there was one). `round` counts from
   * 1; those that must be sent are sent whole.
   */
  endsRound(round: number, pendingOctets: number, lastWindow: number): boolean {
    if (pendingOctets === 0) return true
    const { stopRule, roundsMin, downtimeLimitNs } = this.options
    if (round < roundsMin) return false
    return stopRule === 'qemu' && pendingOctets < thresholdOctets(lastWindow, downtimeLimitNs)
  }

  /**
   * A guest that dirties memory faster than the link drains it never gets there: `roundsMax` then ends it, or a hybrid goes over
   * to post-copy.
   */
  afterRound(outcome: RoundOutcome): NextStep {
    const { roundsMin, roundsMax, strategy, postcopyAfterRounds } = this.options
    if (outcome.rounds < roundsMin) return 'iterate'
    const next = outcome.pendingOctets === 0 ? 'switchover' : this.byRule(outcome)
    if (next === 'switchover') return next
    if (strategy === 'hybrid' && postcopyAfterRounds > 0 && outcome.rounds >= postcopyAfterRounds) return 'postcopy'
    return next === 'iterate' && roundsMax > 0 && outcome.rounds >= roundsMax ? 'forced' : next
  }

  private byRule(outcome: RoundOutcome): NextStep {
    const { stopRule, downtimeLimitNs } = this.options
    switch (stopRule) {
      case 'qemu':
      case 'whole-rounds':
        return outcome.pendingOctets < thresholdOctets(outcome.bandwidth, downtimeLimitNs) ? 'switchover' : 'iterate'
      case 'xen':
        if (outcome.pendingOctets < XEN_PAGES_LEFT * PAGE_OCTETS) return 'switchover'
        return outcome.rounds >= XEN_ROUNDS_MAX ? 'forced' : 'iterate'
      case 'xen-legacy':
        if (outcome.sentPages < XEN_LEGACY_PAGES_FEW) return 'switchover'
        return isHopeless(outcome) ? 'forced' : 'iterate'
    }
  }
}

/** What Xen 3.1 takes for a sign that more rounds will not help. */
function isHopeless({
  rounds,
  sentPages,
  sentPagesBefore,
  sentPagesTotal,
  memoryPages,
  isRateMax,
}: RoundOutcome): boolean {
  return (
    (isRateMax && rounds > 1 && sentPages > sentPagesBefore) ||
    rounds >= XEN_LEGACY_ROUNDS_MAX ||
    sentPagesTotal > XEN_LEGACY_SENT_FACTOR * memoryPages
  )
}
