import type { FrameSink } from '../../core/base/frame-sink.js'
import type { RandomStream } from '../../core/kernel/random.js'

export interface Faults {
  /** Out of 1000 frames. */
  readonly lostPerMille?: number
  readonly duplicatedPerMille?: number
  /** Held back until the next frame has passed. */
  readonly swappedPerMille?: number
  readonly damagedPerMille?: number
}

/** Passes frames on, but for what goes wrong. Put between a host and its cable. */
export class FaultySink implements FrameSink {
  framesLost = 0
  /** Numbers of frames (from 1) to lose, besides those that chance takes. */
  readonly losesFrames = new Set<number>()
  framesSeen = 0
  private held: Uint8Array | null = null

  constructor(
    private readonly output: FrameSink,
    private readonly random: RandomStream,
    private readonly faults: Faults = {},
  ) {}

  receiveFrame(frame: Uint8Array): void {
    const { lostPerMille = 0, duplicatedPerMille = 0, swappedPerMille = 0, damagedPerMille = 0 } = this.faults
    this.framesSeen++
    if (this.losesFrames.has(this.framesSeen) || this.random.below(1000) < lostPerMille) {
      this.framesLost++
      return
    }
    if (this.held === null && this.random.below(1000) < swappedPerMille) {
      this.held = frame
      return
    }
    const second = frame.slice()
    if (this.random.below(1000) < damagedPerMille) frame[this.random.below(frame.length)]! ^= 1 << this.random.below(8)
    this.output.receiveFrame(frame)
    if (this.random.below(1000) < duplicatedPerMille) this.output.receiveFrame(second)
    const { held } = this
    this.held = null
    if (held !== null) this.output.receiveFrame(held)
  }
}
