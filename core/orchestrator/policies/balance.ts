/**
 * Even out the load: a machine of the busiest host goes to the idlest, if that brings the two closer. A gap that opens slowly
 * is left alone until it is wide, and a move must close a good part of it, so that machines do not go to and fro.
 */
import { busyShare, percent, type KnownVm, type PlacementPolicy } from '../placement-policy.js'
import { TrialPlacement, type TrialHost } from '../trial-placement.js'

/** Shares of all cores of a host: the gap that is tolerated, and what a move has to take off it. */
export const BALANCE_GAP = 0.25
const GAIN_MIN = 0.1

export const balance: PlacementPolicy = (view) => {
  const trial = new TrialPlacement(view)
  const share = ({ busyCores, known }: TrialHost): number => busyShare({ busyCores, cores: known.cores })
  const settled = trial.hosts.filter(({ known }) => known.standing === 'up' && known.isSettled)
  for (const hot of [...settled].sort((a, b) => share(b) - share(a))) {
    if (hot.isTaken) continue
    for (const cold of [...settled].sort((a, b) => share(a) - share(b))) {
      const gap = share(hot) - share(cold)
      if (gap <= BALANCE_GAP) break
      const vm = bestOf(trial, hot, cold)
      if (vm === null) continue
      const reason = `${hot.known.name} is ${percent(share(hot))} busy, ${cold.known.name} ${percent(share(cold))}`
      trial.move(vm, hot, cold, reason)
      break
    }
  }
  return trial.proposals
}

/** The machine whose move leaves the smallest gap, or null when none is worth it. */
function bestOf(trial: TrialPlacement, hot: TrialHost, cold: TrialHost): KnownVm | null {
  const [hotCores, coldCores] = [hot.known.cores, cold.known.cores]
  const gap = hot.busyCores / hotCores - cold.busyCores / coldCores
  let best: KnownVm | null = null
  let bestGap = gap - GAIN_MIN
  for (const vm of hot.vms) {
    const after = Math.abs(gap - vm.busyCores * (1 / hotCores + 1 / coldCores))
    if (after > bestGap || (best !== null && after === bestGap) || !trial.fits(vm, cold)) continue
    best = vm
    bestGap = after
  }
  return best
}
