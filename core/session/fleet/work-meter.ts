/** How busy a host's cores were from one reading to the next, and with what: with machines, and with moving them. */
import type { Host } from '../../hypervisor/host.js'
import type { VirtualMachine } from '../../hypervisor/virtual-machine.js'
import type { Nanos } from '../../base/units.js'
import type { Kernel } from '../../kernel/kernel.js'

/** Parts of all cores, 0 to 1. */
export interface WorkReading {
  readonly busyShare: number
  /** Of the machines that are there now. */
  readonly vmShares: ReadonlyMap<VirtualMachine, number>
}

export class WorkMeter {
  /** Core time used up to the last reading. */
  private vmWorkNs: ReadonlyMap<VirtualMachine, Nanos> = new Map()
  private bookedNs: Nanos = 0
  private readAtNs: Nanos = 0

  constructor(
    private readonly kernel: Kernel,
    private readonly host: Host,
  ) {}

  /** Since the last reading. What a machine did that has left meanwhile counts; one that came and left was never seen. */
  read(): WorkReading {
    const { kernel, host } = this
    const coreNs = (kernel.nowNs - this.readAtNs) * host.options.coreCount
    const shareOf = (workNs: Nanos): number => (coreNs === 0 ? 0 : Math.min(1, workNs / coreNs))
    const present = host.allVms()
    const before = this.vmWorkNs
    const newNs = (vm: VirtualMachine): Nanos => workOf(vm) - (before.get(vm) ?? 0)
    const bookedNs = [...host.cores.booked().values()].reduce((sum, workNs) => sum + workNs, 0)
    let usedNs = bookedNs - this.bookedNs
    for (const vm of new Set([...before.keys(), ...present])) usedNs += newNs(vm)
    const vmShares = new Map(present.map((vm) => [vm, shareOf(newNs(vm))]))
    this.vmWorkNs = new Map(present.map((vm) => [vm, workOf(vm)]))
    this.bookedNs = bookedNs
    this.readAtNs = kernel.nowNs
    return { busyShare: shareOf(usedNs), vmShares }
  }
}

const workOf = (vm: VirtualMachine): Nanos => (vm.instructions * 1e9) / vm.options.hartHz
