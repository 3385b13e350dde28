/** What an operator can see and do. Everything throws `InputError` when it cannot be done. */
import type { Host } from '../../hypervisor/host.js'
import type { HypervisorProfile } from '../../hypervisor/profiles/hypervisor-profile.js'
import type { Monitor } from '../../hypervisor/monitor/monitor.js'
import type { VirtualMachine } from '../../hypervisor/virtual-machine.js'
import type { Crossing } from '../crossing.js'
import type { GuestDesk } from '../guest-desk.js'
import type { NetworkDesk } from '../network-commands.js'

export interface OperatorDesk {
  readonly network: NetworkDesk
  readonly guestName: string
  readonly profile: HypervisorProfile
  /** Octets of RAM of a guest that is not there yet. */
  readonly guestRamOctets: number
  readonly hosts: readonly Host[]
  readonly hostNames: readonly string[]
  /** One a host, in the same order. */
  readonly monitors: readonly Monitor[]
  /** The guest among its hosts. */
  readonly guestDesk: GuestDesk
  /** The migration under way, or the last one. */
  readonly crossing: Crossing | null
  allVms(): readonly VirtualMachine[]
  /** The copy of the guest that runs, or would go on. */
  liveVm(): VirtualMachine | undefined
  boot(): void
  /** The operator's terminal has something to show though nobody typed. */
  operatorTold(): void
}
