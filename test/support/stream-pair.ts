import type { Kernel } from '../../core/kernel/kernel.js'
import { joinPaced, PacedStream, withPacedDefaults, type PacedStreamOptions } from '../../core/kernel/paced-stream.js'

export type { PacedStreamOptions as StreamPairOptions }

/** Sees, and may change, every segment that crosses towards one end. */
export interface Wiretap {
  /** What arrives instead of `octets`, which begin at `offset` of the stream; several pieces, or none. */
  cross(octets: Uint8Array, offset: number): Uint8Array[]
}

/** One end of a paced connection that somebody may stand in. */
export class PairedStream extends PacedStream {
  /** On what this end sends. */
  wiretap: Wiretap | null = null

  /** A copy: a reader owns what it gets, and tests may look at what they wrote. */
  override read(octetsMax: number): Uint8Array {
    return super.read(octetsMax).slice()
  }

  protected override carry(octets: Uint8Array, offset: number): readonly Uint8Array[] {
    return this.wiretap?.cross(octets, offset) ?? super.carry(octets, offset)
  }
}

/** Two joined ends; both are open one delay after now. */
export function streamPair(kernel: Kernel, options: PacedStreamOptions = {}): [PairedStream, PairedStream] {
  const full = withPacedDefaults(options)
  const near = new PairedStream(kernel, full)
  const far = new PairedStream(kernel, full)
  joinPaced(kernel, near, far, full)
  return [near, far]
}
