/** A placement that is tried out: the hosts as they are known, and what moving machines among them would make of them. */
import { mayReceive, type FleetView, type KnownHost, type KnownVm, type Proposal } from './placement-policy.js'

export interface TrialHost {
  readonly known: KnownHost
  /** Memory that a machine can have now. What leaves gives its memory back only when it has arrived elsewhere. */
  freeRamOctets: number
  busyCores: number
  vms: KnownVm[]
  /** It takes part in a move. */
  isTaken: boolean
}

export class TrialPlacement {
  readonly hosts: readonly TrialHost[]
  readonly proposals: Proposal[] = []

  constructor({ hosts }: FleetView) {
    this.hosts = hosts.map((known) => ({
      known,
      freeRamOctets: known.freeRamOctets,
      busyCores: known.busyCores,
      vms: [...known.vms],
      isTaken: known.isMoving,
    }))
  }

  /** Whether the machine could be moved there now, its load at most `busyMax` of the cores afterwards. */
  fits(vm: KnownVm, host: TrialHost, busyMax = Infinity): boolean {
    return (
      mayReceive(host.known) &&
      !host.isTaken &&
      host.freeRamOctets >= vm.ramOctets &&
      !vm.refusedBy.includes(host.known.name) &&
      (host.busyCores + vm.busyCores) / host.known.cores <= busyMax
    )
  }

  move(vm: KnownVm, from: TrialHost, to: TrialHost, reason: string): void {
    from.vms = from.vms.filter((one) => one !== vm)
    from.busyCores -= vm.busyCores
    from.isTaken = true
    this.place(vm, to)
    to.isTaken = true
    this.proposals.push({ kind: 'move', vm: vm.name, from: from.known.name, to: to.known.name, reason })
  }

  /** The fleet when all of it is done. */
  afterwards(): FleetView {
    return {
      hosts: this.hosts.map(({ known, vms }) => {
        const ramOctets = sum(vms.map((vm) => vm.ramOctets)) - sum(known.vms.map((vm) => vm.ramOctets))
        const busyCores = sum(vms.map((vm) => vm.busyCores)) - sum(known.vms.map((vm) => vm.busyCores))
        return {
          ...known,
          vms,
          freeRamOctets: known.freeRamOctets - ramOctets,
          busyCores: known.busyCores + busyCores,
        }
      }),
    }
  }

  place(vm: KnownVm, to: TrialHost): void {
    to.vms.push(vm)
    to.busyCores += vm.busyCores
    to.freeRamOctets -= vm.ramOctets
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
