/**
 * The closed form of pre-copy with constant rates, one term at a time: a round leaves behind what the guest dirtied
 * while it was sent, at most its working set. With r = dirty rate / rate of sending, that is the geometric series of
 * Clark et al. (NSDI 2005, section 3) capped at W; written as a recurrence it needs no logarithm.
 */
import type { TimedRow } from '../kernel/trace-tables.js'

type Round = Pick<TimedRow<'migration-round'>, 'zeroPages' | 'normalPages' | 'startNs' | 'endNs'>
type Workload = Pick<TimedRow<'workload'>, 'workingSetPages' | 'dirtyPagesPerSecond'>

/**
 * Pages each measured round should have had. The first round is the measurement the rate of sending comes from, so it
 * has no prediction (null); nor has anything when the workload is not known.
 */
export function predictRounds(rounds: readonly Round[], workload: Workload | undefined): (number | null)[] {
  const first = rounds[0]
  if (first === undefined || workload === undefined) return rounds.map(() => null)
  const pagesPerSecond = first.normalPages / ((first.endNs - first.startNs) / 1e9)
  let durationS = (first.endNs - first.startNs) / 1e9
  return rounds.map((_, index) => {
    if (index === 0) return null
    const pages = Math.min(workload.dirtyPagesPerSecond * durationS, workload.workingSetPages)
    durationS = pagesPerSecond > 0 ? pages / pagesPerSecond : 0
    return pages
  })
}
