/** A view of a fleet for tests of the window: what matters is changed. */
import type { FleetGuestView, FleetHostView, FleetMoveView, FleetView } from '../../renderer/engine/fleet-contract.js'

export const hostView = (name: string, change: Partial<FleetHostView> = {}): FleetHostView => ({
  ...{ name, state: 'on', health: 'ok', standing: 'up', isSending: true, cores: 2, busyShare: 0.25, watts: 182 },
  ...change,
})

export const guestView = (name: string, host: string, change: Partial<FleetGuestView> = {}): FleetGuestView => ({
  ...{ name, host, state: 'running', load: 0.1, destination: null, progress: 0, cameFrom: null },
  ...change,
})

export const moveView = (vm: string, change: Partial<FleetMoveView> = {}): FleetMoveView => ({
  ...{ vm, source: 'host-01', destination: 'host-02', why: 'host-01 is warning', outcome: 'completed', reason: '' },
  ...{ startNs: 2e9, atNs: 2.1e9, isRestart: false, downtimeNs: 1.2e6, octets: 270_000 },
  ...change,
})

export const fleetView = (change: Partial<FleetView> = {}): FleetView => ({
  kind: 'fleet',
  ...{ id: 'f', title: 'A fleet', about: '', policy: 'evacuate', policies: ['balance', 'consolidate', 'evacuate'] },
  ...{ seed: '1', nowNs: 0, endNs: 20e9, playing: false, speed: 1, hosts: [], guests: [] },
  ...{ joules: 0, joulesAllOn: 0, newSamples: [], newMoves: [], newEvents: [], traceHash: null, fresh: false },
  ...change,
})
