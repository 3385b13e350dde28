/** A virtual host: cores, memory, and the VMs on it. */
import { InputError } from '../base/errors.js'
import type { FrameSink } from '../base/frame-sink.js'
import { HostCores } from '../kernel/cores.js'
import type { Kernel } from '../kernel/kernel.js'
import type { VirtualisationCosts } from './profiles/hypervisor-profile.js'
import { SelfAnnouncer } from './self-announcer.js'
import { VirtualMachine, type VmOptions, type VmOwner } from './virtual-machine.js'

export interface HostOptions {
  readonly name: string
  readonly coreCount: number
  readonly ramOctets: number
  /** Of running a guest here. */
  readonly costs: VirtualisationCosts
}

/** The way a VM gets onto its host's virtual switch. */
export interface VmNetwork {
  /** Frames given to the result go into the network; frames for the VM's address go to `vm`. */
  plug(vm: VirtualMachine): FrameSink
  unplug(vm: VirtualMachine): void
}

/** Memory that is kept for a VM that has not come yet. */
export interface MemoryReservation {
  readonly octets: number
}

export class Host {
  readonly cores: HostCores
  private readonly vms = new Map<string, VirtualMachine>()
  private readonly reservations = new Set<MemoryReservation>()

  constructor(
    private readonly kernel: Kernel,
    readonly options: HostOptions,
    private readonly network: VmNetwork,
    private readonly owner: VmOwner,
  ) {
    this.cores = new HostCores(kernel, options.name, options.coreCount)
  }

  get name(): string {
    return this.options.name
  }

  /** The VM of that name on this host, whatever its state. */
  vm(name: string): VirtualMachine | undefined {
    return this.vms.get(name)
  }

  allVms(): readonly VirtualMachine[] {
    return [...this.vms.values()]
  }

  /** Octets of memory that no VM has, and that is kept for none. */
  freeRamOctets(): number {
    let free = this.options.ramOctets
    for (const vm of this.vms.values()) free -= vm.options.ramOctets
    for (const { octets } of this.reservations) free -= octets
    return free
  }

  /** Keep memory for whoever comes. Throws `InputError` when it is not there. */
  reserve(name: string, octets: number): MemoryReservation {
    this.expectFree(name, octets)
    const reservation = { octets }
    this.reservations.add(reservation)
    return reservation
  }

  release(reservation: MemoryReservation): void {
    this.reservations.delete(reservation)
  }

  /** Make a VM with empty memory. Throws `InputError` when the name is taken or the memory is not there. */
  create(options: VmOptions): VirtualMachine {
    if (this.vms.has(options.name)) throw new InputError(`${this.name} already has a VM named ${options.name}`)
    this.expectFree(options.name, options.ramOctets)
    const vm = new VirtualMachine(this.kernel, options, this.cores, this.options.costs, this.owner)
    this.vms.set(options.name, vm)
    return vm
  }

  /** Connect a VM to the network: done when it starts here, so that an incoming copy stays silent. */
  plug(vm: VirtualMachine): void {
    vm.network = this.network.plug(vm)
  }

  /** Tell the network that the VM's address is here now. */
  announce(vm: VirtualMachine): void {
    if (vm.network !== null) new SelfAnnouncer(this.kernel, vm.options.mac, vm.network).start()
  }

  /** Take a VM and its memory away. */
  remove(vm: VirtualMachine): void {
    this.vms.delete(vm.name)
    if (vm.network !== null) this.network.unplug(vm)
    vm.network = null
    vm.machine.ram.release()
  }

  private expectFree(name: string, octets: number): void {
    const free = this.freeRamOctets()
    if (octets > free) throw new InputError(`${this.name} has ${free} octets of memory free, ${name} needs ${octets}`)
  }
}
