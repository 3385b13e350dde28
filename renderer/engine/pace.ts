/** Lets virtual time follow the wall clock at a speed, in turns so short that the worker goes on listening. */
import type { Nanos } from '../../core/base/units.js'

/** Wall time a turn may take before the worker listens again. */
export const TURN_MS = 12
/** Wall time between two turns while the clock runs. */
export const REST_MS = 4
/** Wall time that is caught up with when a turn comes late. */
const LATE_MS = 100
/** Virtual time between two looks at the wall clock: at most, and at full speed. */
const STRIDE_NS = 200_000
const FULL_STRIDE_NS = 1e6

export class Pace {
  /** Virtual seconds a second of wall time, as it was asked for. */
  asked: number | 'auto' = 'auto'
  private lastTurnMs = 0

  constructor(private readonly host: { wallMs(): number }) {}

  /** The wall clock counts from now on. */
  start(nowMs: number = this.host.wallMs()): void {
    this.lastTurnMs = nowMs
  }

  /** `natural` is the speed that is best when it is left to the engine. */
  speed(natural: number): number {
    return this.asked === 'auto' ? natural : this.asked
  }

  /** Advance by what the wall clock and the speed ask for, as far as a turn's time goes. */
  turn(natural: () => number, runFor: (spanNs: Nanos) => void): void {
    const { host } = this
    const startMs = host.wallMs()
    let credit = Math.min(LATE_MS, startMs - this.lastTurnMs) * 1e6
    this.lastTurnMs = startMs
    while (credit > 0 && host.wallMs() - startMs < TURN_MS) {
      const speed = this.speed(natural())
      const isFull = speed === Infinity
      const strideNs = isFull ? FULL_STRIDE_NS : Math.max(1, Math.floor(Math.min(credit * speed, STRIDE_NS)))
      runFor(strideNs)
      if (!isFull) credit -= strideNs / speed
    }
  }
}
