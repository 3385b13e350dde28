/** What the window and the worker say to each other about a fleet: a part of `contract.ts`. */
import type { FleetSample } from '../../core/metrics/fleet-energy.js'
import type { HostHealth } from '../../core/hypervisor/wire/adverts.js'
import type { HostStanding } from '../../core/orchestrator/placement-policy.js'
import type { PolicyName } from '../../core/orchestrator/policies/policies.js'
import type { FleetCommand } from '../../core/session/fleet/fleet.js'
import type { FleetHostState } from '../../core/session/fleet/fleet-host.js'
import type { EventView } from './contract.js'

export type { FleetCommand, FleetHostState, FleetSample, HostHealth, HostStanding, PolicyName }

/** An example fleet, as the home view lists them. */
export interface FleetSummary {
  readonly id: string
  readonly title: string
  readonly about: string
}

/** What a run begins with; what is left out is the example's own. */
export interface FleetChoice {
  readonly policy?: PolicyName
  readonly seed?: string
}

export type FleetRequest =
  /** Build an example fleet, its clock at 0. Answered by views. */
  | { readonly kind: 'open-fleet'; readonly id: string; readonly choice: FleetChoice }
  /** Its capture goes, too. */
  | { readonly kind: 'close-fleet' }
  | { readonly kind: 'command-fleet'; readonly command: FleetCommand }

export interface FleetHostView {
  readonly name: string
  readonly state: FleetHostState
  readonly health: HostHealth
  /** What the orchestrator takes it for; null before it has heard of it. */
  readonly standing: HostStanding | null
  /** Its adverts leave it. */
  readonly isSending: boolean
  readonly cores: number
  /** Of all its cores, over the last second. */
  readonly busyShare: number
  /** Over the last second. */
  readonly watts: number
}

export interface FleetGuestView {
  readonly name: string
  /** Where it lives, or lived before it was lost. */
  readonly host: string
  /** `moving`: it runs here and its memory goes over; `stopped`: it stands still for the last of it. */
  readonly state: 'running' | 'moving' | 'stopped' | 'lost'
  /** The share of its own processor that it is to keep busy. */
  readonly load: number
  /** Where it is being moved to. */
  readonly destination: string | null
  /** How far, 0 to 1. */
  readonly progress: number
  /** Where it came from a moment ago. */
  readonly cameFrom: string | null
}

/** A move that ended, or a guest that was started anew. */
export interface FleetMoveView {
  readonly startNs: number
  readonly atNs: number
  readonly vm: string
  readonly source: string
  readonly destination: string
  /** The orchestrator's reason for it. */
  readonly why: string
  readonly outcome: string
  /** What went wrong; empty if nothing did. */
  readonly reason: string
  readonly isRestart: boolean
  /** Of a guest that moved; null of all others. */
  readonly downtimeNs: number | null
  readonly octets: number
}

/** A fleet at one instant. Lists whose names begin with `new` hold only what came since the last view. */
export interface FleetView {
  readonly kind: 'fleet'
  readonly id: string
  readonly title: string
  readonly about: string
  readonly policy: PolicyName
  readonly policies: readonly PolicyName[]
  readonly seed: string
  readonly nowNs: number
  /** Where it stops by itself; playing on goes on from there. */
  readonly endNs: number
  readonly playing: boolean
  readonly speed: number
  readonly hosts: readonly FleetHostView[]
  readonly guests: readonly FleetGuestView[]
  readonly joules: number
  readonly joulesAllOn: number
  readonly newSamples: readonly FleetSample[]
  readonly newMoves: readonly FleetMoveView[]
  readonly newEvents: readonly EventView[]
  /** While the clock stands still. */
  readonly traceHash: string | null
  /** This view begins a run: the window drops what it kept of an earlier one. */
  readonly fresh: boolean
}
