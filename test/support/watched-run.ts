import { expect } from 'vitest'
import { milliseconds } from '../../core/base/units.js'
import type { Session } from '../../core/session/session.js'

/** Let time pass; at every instant at which a VM's state changes, at most one copy runs and one copy is the live one. */
export function runWatched(session: Session, spanNs: number): void {
  const untilNs = session.nowNs + spanNs
  for (;;) {
    const nextNs = session.world.kernel.nextEventNs()
    if (nextNs === undefined || nextNs > untilNs) return session.runUntil(untilNs)
    const states = session.trace.count('vm-state')
    session.world.kernel.step()
    if (session.trace.count('vm-state') !== states) expectOneLife(session)
  }
}

export function expectOneLife(session: Session): void {
  const running = session.world.allVms().filter(({ state }) => state === 'running')
  expect(running.length).toBeLessThanOrEqual(1)
  const live = session.world.liveVm()
  expect(live).toBeDefined()
  if (running[0] !== undefined) expect(live).toBe(running[0])
}

/** One copy is left, and its guest works. */
export function expectAlive(session: Session): void {
  expect(session.world.allVms().map(({ state }) => state)).toEqual(['running'])
  const before = session.world.liveVm()?.instructions ?? 0
  session.runFor(milliseconds(50))
  expect(session.world.liveVm()?.instructions ?? 0).toBeGreaterThan(before)
}
