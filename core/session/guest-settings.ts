/** What the guest does, as it is set now: it reads that from a page of its memory, at boot and again while it runs. */
import type { Trace } from '../kernel/trace.js'
import type { VirtualMachine } from '../hypervisor/virtual-machine.js'
import { defaultsOfImage, writeGuestParameters, type GuestParameters } from '../machine/guest-parameters.js'
import { parseIpv4 } from '../net/wire/addresses.js'
import { checkGuestOptions, guestOptionNames, type GuestOptions } from './guest-options.js'
import { refuseProblem, workloadProblem, type GuestScenario } from './scenario.js'

export interface GuestWorkload {
  readonly workingSetPages: number
  readonly dirtyPagesPerSecond: number
}

export class GuestSettings {
  workload: GuestWorkload
  private options: Partial<GuestOptions>
  /** Something changed while it could not be told. */
  private isUntold = false

  constructor(
    private readonly guest: GuestScenario,
    private readonly seed: number,
    private readonly trace: Trace,
  ) {
    checkGuestOptions(guest.image, guest.options)
    this.options = guest.options
    this.workload = { workingSetPages: guest.workingSetPages, dirtyPagesPerSecond: guest.dirtyPagesPerSecond }
  }

  /** A guest that runs reads it at once; one that boots later starts with it. Throws `InputError`. */
  changeWorkload(workload: GuestWorkload, vm: VirtualMachine | undefined): void {
    refuseProblem(workloadProblem({ ...workload, ramOctets: this.guest.ramOctets }))
    this.workload = workload
    this.tell(vm)
  }

  /** The same, for what only some guests have. */
  changeOptions(options: Partial<GuestOptions>, vm: VirtualMachine | undefined): void {
    checkGuestOptions(this.guest.image, options)
    this.options = { ...this.options, ...options }
    this.tell(vm)
  }

  /** Every option that the guest has, as it is now. */
  allOptions(): Partial<GuestOptions> {
    const parameters = this.parameters()
    return Object.fromEntries(guestOptionNames(this.guest.image).map((name) => [name, parameters[name]]))
  }

  /** Into the memory of a machine that the guest does not look at now. */
  write(vm: VirtualMachine): void {
    writeGuestParameters(vm.machine.ram, this.parameters())
    this.trace.add('workload', { vm: this.guest.name, ...this.workload })
    for (const [option, value] of Object.entries(this.allOptions()))
      this.trace.add('guest-option', { vm: this.guest.name, option, value: String(value) })
  }

  /** All of its memory is in one place again. */
  tellLate(vm: VirtualMachine | undefined): void {
    if (this.isUntold) this.tell(vm)
  }

  parameters(): GuestParameters {
    const { guest } = this
    return {
      ...defaultsOfImage(guest.image),
      seed: this.seed,
      ip: parseIpv4(guest.address),
      fillOctets: guest.fillOctets,
      hasSecrets: guest.hasSecrets,
      tick: 'always',
      workingSetPages: this.workload.workingSetPages,
      pagesPerSecond: this.workload.dirtyPagesPerSecond,
      // A store dirties memory by what is written to it.
      writesPerSecond: this.workload.dirtyPagesPerSecond,
      ...this.options,
    }
  }

  private tell(vm: VirtualMachine | undefined): void {
    if (vm === undefined) return
    // The page it reads them from may be on its way.
    this.isUntold = vm.state === 'finish-migrate' || vm.missingPages > 0
    if (!this.isUntold) this.write(vm)
  }
}
