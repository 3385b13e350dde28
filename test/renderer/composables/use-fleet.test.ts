import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { effectScope, type EffectScope } from 'vue'
import { useFleet, type FleetRun } from '../../../renderer/composables/use-fleet.js'
import { fleetView, moveView } from '../../support/fleet-view.js'

describe('useFleet', () => {
  let scope: EffectScope
  let fleet: FleetRun
  beforeEach(() => {
    vi.useFakeTimers()
    scope = effectScope()
    fleet = scope.run(() => useFleet())!
  })
  afterEach(() => {
    scope.stop()
    vi.useRealTimers()
  })

  test('the view changes at once, lists and words a little later', () => {
    fleet.take(fleetView({ fresh: true }))
    fleet.take(fleetView({ nowNs: 5, newMoves: [moveView('a')] }))
    fleet.take(fleetView({ nowNs: 6, newMoves: [moveView('b')] }))
    expect([fleet.view.value?.nowNs, fleet.seen.value?.nowNs, fleet.moves.value.items.length]).toEqual([6, 0, 0])
    vi.advanceTimersByTime(100)
    expect(fleet.seen.value?.nowNs).toBe(6)
    expect(fleet.moves.value.items.map(({ vm }) => vm)).toEqual(['a', 'b'])
  })

  test('a fresh view begins anew, and what is under way after closing is passed over', () => {
    fleet.take(fleetView({ fresh: true, newMoves: [moveView('a')] }))
    fleet.take(fleetView({ fresh: true, id: 'other' }))
    expect([fleet.seen.value?.id, fleet.moves.value.items]).toEqual(['other', []])
    fleet.drop()
    fleet.take(fleetView({ nowNs: 7 }))
    vi.advanceTimersByTime(100)
    expect([fleet.view.value, fleet.seen.value]).toEqual([null, null])
  })
})
