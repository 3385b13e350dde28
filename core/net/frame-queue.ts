import type { CopyPurpose, SelfCopying } from '../base/snapshot.js'
import type { Nanos } from '../base/units.js'

/**
 * Frames in the order in which they came, each with an instant: a ring that grows. Pushing and shifting make no garbage once
 * it is large enough.
 */
export class FrameQueue implements SelfCopying {
  private frames: (Uint8Array | null)[] = new Array<Uint8Array | null>(8).fill(null)
  private timesNs = new Float64Array(8)
  private head = 0
  private count = 0

  get length(): number {
    return this.count
  }

  push(frame: Uint8Array, atNs: Nanos = 0): void {
    if (this.count === this.frames.length) this.grow()
    const slot = (this.head + this.count) & (this.frames.length - 1)
    this.frames[slot] = frame
    this.timesNs[slot] = atNs
    this.count++
  }

  /** The instant of the first frame; -1 when there is none. */
  firstNs(): Nanos {
    return this.count === 0 ? -1 : (this.timesNs[this.head] ?? 0)
  }

  /** The first frame; null when there is none. */
  shift(): Uint8Array | null {
    if (this.count === 0) return null
    const frame = this.frames[this.head] ?? null
    this.frames[this.head] = null
    this.head = (this.head + 1) & (this.frames.length - 1)
    this.count--
    return frame
  }

  /** Copies each frame by itself: copying the memory that they were cut from would copy all that lies beside them. */
  copySelf(_copy: <T>(value: T) => T, register: (copied: object) => void, _purpose: CopyPurpose): object {
    const copied = new FrameQueue()
    register(copied)
    for (let index = 0; index < this.count; index++) {
      const slot = (this.head + index) & (this.frames.length - 1)
      copied.push(this.frames[slot]?.slice() ?? new Uint8Array(0), this.timesNs[slot])
    }
    return copied
  }

  /** The length stays a power of two, so that wrapping is a mask. */
  private grow(): void {
    const { frames, timesNs, head, count } = this
    this.frames = new Array<Uint8Array | null>(2 * count).fill(null)
    this.timesNs = new Float64Array(2 * count)
    for (let index = 0; index < count; index++) {
      const slot = (head + index) & (count - 1)
      this.frames[index] = frames[slot] ?? null
      this.timesNs[index] = timesNs[slot] ?? 0
    }
    this.head = 0
  }
}
