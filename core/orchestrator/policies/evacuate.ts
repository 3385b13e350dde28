/**
 * Tolerate faults: a host that warns of one is emptied while it still runs, onto the hosts with the most free memory. A host
 * that failed without a warning took its machines' memory with it: once it is certain that it is off, they start anew.
 */
import type { FleetView, PlacementPolicy } from '../placement-policy.js'
import { TrialPlacement, type TrialHost } from '../trial-placement.js'
import type { KnownVm } from '../placement-policy.js'

export const evacuate: PlacementPolicy = (view) => {
  const trial = new TrialPlacement(view)
  leave(trial)
  fence(trial, view)
  restart(trial)
  return trial.proposals
}

function leave(trial: TrialPlacement): void {
  const endangered = trial.hosts.filter(({ known }) => known.standing === 'up' && known.health !== 'ok')
  // What breaks first is left first.
  for (const health of ['failing', 'warning'])
    for (const host of endangered) {
      if (host.known.health !== health || host.isTaken) continue
      for (const vm of byMemory(host.vms)) {
        const to = roomiest(trial, vm)
        if (to === undefined) continue
        trial.move(vm, host, to, `${host.known.name} is ${health}`)
        break
      }
    }
}

function fence(trial: TrialPlacement, { hosts }: FleetView): void {
  for (const { name, standing, vms } of hosts)
    if (standing === 'silent' && vms.length > 0)
      trial.proposals.push({ kind: 'fence', host: name, reason: `${name} is silent and holds ${vms.length} machines` })
}

function restart(trial: TrialPlacement): void {
  for (const { known, vms } of trial.hosts) {
    if (known.standing !== 'dead' || !known.isSettled) continue
    for (const vm of byMemory(vms)) {
      const to = roomiest(trial, vm)
      if (to === undefined) continue
      trial.place(vm, to)
      const reason = `${known.name} failed: the memory of ${vm.name} is lost`
      trial.proposals.push({ kind: 'restart', vm: vm.name, from: known.name, to: to.known.name, reason })
    }
  }
}

function roomiest(trial: TrialPlacement, vm: KnownVm): TrialHost | undefined {
  const [first] = trial.hosts
    .filter((host) => trial.fits(vm, host))
    .sort((a, b) => b.freeRamOctets - a.freeRamOctets || a.busyCores - b.busyCores)
  return first
}

const byMemory = (vms: readonly KnownVm[]): KnownVm[] => [...vms].sort((a, b) => b.ramOctets - a.ramOctets)
