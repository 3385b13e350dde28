/** What an orchestrator knows, and what a policy may propose: plain data on both sides, so that a policy is a pure function. */
import type { HostHealth } from '../hypervisor/wire/adverts.js'

/**
 * `up`: its adverts come. `silent`: they stopped, and nobody knows why. `dead`: they stopped, and its management controller
 * says that it is off: its machines are lost. `off` and `starting`: the orchestrator switched it off, or on.
 */
export type HostStanding = 'up' | 'silent' | 'dead' | 'off' | 'starting'

export interface KnownVm {
  readonly name: string
  readonly ramOctets: number
  /** Cores that it keeps busy. */
  readonly busyCores: number
  /** Hosts that lately failed to take it. */
  readonly refusedBy: readonly string[]
}

export interface KnownHost {
  readonly name: string
  readonly standing: HostStanding
  readonly health: HostHealth
  readonly cores: number
  readonly busyCores: number
  readonly ramOctets: number
  readonly freeRamOctets: number
  /** A machine is on its way from or to it: it takes part in no other move until that is over. */
  readonly isMoving: boolean
  /** What is known of it is newer than the last thing that was done to it. */
  readonly isSettled: boolean
  readonly vms: readonly KnownVm[]
}

export interface FleetView {
  /** In the order of their names. */
  readonly hosts: readonly KnownHost[]
}

export type Proposal =
  | { readonly kind: 'move'; readonly vm: string; readonly from: string; readonly to: string; readonly reason: string }
  /** Start a machine anew whose host is dead; its memory is lost. */
  | {
      readonly kind: 'restart'
      readonly vm: string
      readonly from: string
      readonly to: string
      readonly reason: string
    }
  | { readonly kind: 'power-off'; readonly host: string; readonly reason: string }
  | { readonly kind: 'power-on'; readonly host: string; readonly reason: string }
  /** Make sure that a silent host is off, so that its machines may be started elsewhere. */
  | { readonly kind: 'fence'; readonly host: string; readonly reason: string }

/** The same view gives the same proposals. A host takes part in one move of them at most. */
export type PlacementPolicy = (view: FleetView) => readonly Proposal[]

export const busyShare = ({ busyCores, cores }: Pick<KnownHost, 'busyCores' | 'cores'>): number => busyCores / cores

export const percent = (share: number): string => `${Math.round(share * 100)} %`

/** Whether machines may be moved to it at all. */
export function mayReceive({ standing, health, isMoving }: KnownHost): boolean {
  return standing === 'up' && health === 'ok' && !isMoving
}
