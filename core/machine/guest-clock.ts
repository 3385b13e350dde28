import { assert } from '../base/errors.js'
import type { Nanos } from '../base/units.js'

/**
 * The guest's own time, in nanoseconds since it was made or loaded. It runs with virtual time while the machine runs
 * and stands still while the machine is paused, so a guest that was paused or migrated never sees its time jump.
 */
export class GuestClock {
  /** Guest time at the start of the present slice, or at the end of the last one. */
  private sliceStartNs: Nanos = 0
  /** Guest time less virtual time; null while the clock stands still. */
  private offsetNs: Nanos | null = null

  constructor(private readonly stepsPerSecond: number) {
    assert(Number.isInteger(stepsPerSecond) && stepsPerSecond > 0, `hart frequency ${stepsPerSecond}`)
  }

  /** A slice begins at virtual time `nowNs`; the clock goes on if it stood still. It never runs backwards. */
  startSlice(nowNs: Nanos): void {
    this.offsetNs ??= this.sliceStartNs - nowNs
    this.sliceStartNs = this.atVirtualNs(nowNs)
  }

  /** The slice is over after `steps` instructions. */
  endSlice(steps: number): void {
    this.sliceStartNs = this.afterSteps(steps)
  }

  /** Guest time at virtual time `nowNs`, not before the present slice. */
  atVirtualNs(nowNs: Nanos): Nanos {
    return this.offsetNs === null ? this.sliceStartNs : Math.max(this.sliceStartNs, nowNs + this.offsetNs)
  }

  /** Stand still from virtual time `nowNs` until the next slice. */
  stop(nowNs: Nanos): void {
    this.sliceStartNs = this.atVirtualNs(nowNs)
    this.offsetNs = null
  }

  /** Guest time after `steps` instructions of the present slice. */
  afterSteps(steps: number): Nanos {
    return this.sliceStartNs + Math.floor((steps * 1e9) / this.stepsPerSecond)
  }

  /** The fewest instructions of the present slice after which guest time has reached `guestNs`, or `limit` if fewer. */
  stepsUntil(guestNs: Nanos, limit: number): number {
    if (this.afterSteps(limit) < guestNs) return limit
    let steps = Math.max(0, Math.ceil(((guestNs - this.sliceStartNs) * this.stepsPerSecond) / 1e9) - 1)
    while (this.afterSteps(steps) < guestNs) steps++
    return steps
  }

  /** Virtual time at which guest time will be `guestNs` if the machine runs on; null while the clock stands still. */
  virtualNsAt(guestNs: Nanos): Nanos | null {
    return this.offsetNs === null ? null : guestNs - this.offsetNs
  }

  /** Begin again at `guestNs`, standing still. */
  reset(guestNs: Nanos): void {
    this.sliceStartNs = guestNs
    this.offsetNs = null
  }
}
