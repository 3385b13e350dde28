/** What the window knows of a fleet: the latest view, and the lists that its `new…` parts add up to. */
import { onScopeDispose, shallowRef, type ShallowRef } from 'vue'
import type { EventView } from '../engine/contract.js'
import type { FleetMoveView, FleetSample, FleetView } from '../engine/fleet-contract.js'
import { growing, SLOWLY_MS, type Grown } from './growing.js'

export interface FleetRun {
  /** Changes every frame. */
  readonly view: Readonly<ShallowRef<FleetView | null>>
  /** The same, ten times a second at most: for words and tables. */
  readonly seen: Readonly<ShallowRef<FleetView | null>>
  readonly samples: Readonly<ShallowRef<Grown<FleetSample>>>
  readonly moves: Readonly<ShallowRef<Grown<FleetMoveView>>>
  readonly events: Readonly<ShallowRef<Grown<EventView>>>
  readonly take: (view: FleetView) => void
  /** Forgets the fleet on show; views of it that are still under way are passed over. */
  readonly drop: () => void
}

export function useFleet(): FleetRun {
  const view = shallowRef<FleetView | null>(null)
  const seen = shallowRef<FleetView | null>(null)
  const samples = growing<FleetSample>()
  const moves = growing<FleetMoveView>()
  const events = growing<EventView>()
  const lists = [samples, moves, events]
  let slowTimer: ReturnType<typeof setTimeout> | null = null

  function publish(): void {
    slowTimer = null
    seen.value = view.value
    lists.forEach((list) => list.publish())
  }
  onScopeDispose(() => {
    if (slowTimer !== null) clearTimeout(slowTimer)
  })

  return {
    view,
    seen,
    samples: samples.grown,
    moves: moves.grown,
    events: events.grown,
    take(next) {
      if (view.value === null && !next.fresh) return
      if (next.fresh) lists.forEach((list) => list.clear())
      view.value = next
      samples.add(next.newSamples)
      moves.add(next.newMoves)
      events.add(next.newEvents)
      if (next.fresh) publish()
      else slowTimer ??= setTimeout(publish, SLOWLY_MS)
    },
    drop() {
      view.value = null
      lists.forEach((list) => list.clear())
      publish()
    },
  }
}
