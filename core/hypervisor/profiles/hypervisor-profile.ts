/**
 * What differs between the hypervisors that a rack can have: how they run a guest, what that costs, how a migration crosses
 * the network, what they choose when nobody says otherwise, and the words of their operators.
 */
import type { MigrationParameters } from '../../migration/migration.js'

export const hypervisorNames = ['kvm', 'qemu', 'xen', 'xend', 'vmware-6.0', 'vmware-6.7', 'vmware-encrypted'] as const
export type HypervisorName = (typeof hypervisorNames)[number]

/** On the bare machine, or as a program (and a module) of an operating system. */
export type HostLayer = 'type 1' | 'type 2'

export type Virtualisation = 'hardware-assisted' | 'paravirtualised' | 'emulated'

/** Whether the memory is sealed on its way when nobody says so. */
export type EncryptionRule =
  /** In clear: what seals it, an operator asks for. */
  | 'none'
  /** Inside a connection of SSH. */
  | 'ssh tunnel'
  /** Sealed when both hosts can, else in clear, and nobody is told: an operator who asks for clear text gets it. */
  | 'opportunistic'
  /** Sealed or not at all. */
  | 'required'

export interface HypervisorProfile {
  readonly name: HypervisorName
  readonly title: string
  readonly hostLayer: HostLayer
  readonly virtualisation: Virtualisation
  readonly costs: VirtualisationCosts
  /** TCP port of a migration without a tunnel, and of the toolstack. */
  readonly migrationPort: number
  readonly controlPort: number
  readonly streamFormat: 'qemu' | 'libxc'
  readonly encryption: EncryptionRule
  /** The channel, by its name in core/secure, that the encryption rule comes to in this rack. */
  readonly channel: 'none' | 'ssh' | 'vmotion-opportunistic' | 'vmotion-required'
  /** Where they are not QEMU's. */
  readonly defaults: Partial<MigrationParameters>
  /** Of a migration: what the hypervisor cannot do is refused. */
  readonly features: MigrationFeatures
  /** The operator's own command; virsh speaks to all of them. */
  readonly toolstack: 'virsh' | 'xl'
}

export interface MigrationFeatures {
  readonly postcopy: boolean
  readonly xbzrle: boolean
  readonly compression: boolean
  readonly multifd: boolean
  /** A disk goes in the stream, before memory. */
  readonly blockMigration: boolean
}

export interface VirtualisationCosts {
  /** The part of a core's speed that a guest's processor has: 1 for that of the bare machine. */
  readonly vcpuSpeed: number
  /** Of a vCPU, when its guest loads from or stores to a device and somebody else answers, in nanoseconds. */
  readonly deviceAccessNs: number
  /** Of a vCPU, at the first store to a page since the dirty log was read, in nanoseconds. */
  readonly loggedStoreNs: number
  /** Where the figures are from. */
  readonly source: string
}
