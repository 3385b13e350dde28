import type { FrameSink } from '../base/frame-sink.js'

/**
 * One end of a cable: frames go in by `receiveFrame` and come out at `output`. Host stacks, switch ports and the ends of
 * links are all of this form, so any two can be joined.
 */
export interface FramePort extends FrameSink {
  /** Who takes the frames that come out; null when nothing is plugged in, and then they are lost. */
  output: FrameSink | null
}

export function joinPorts(a: FramePort, b: FramePort): void {
  a.output = b
  b.output = a
}

/** Pull the cable between two joined ports. */
export function partPorts(a: FramePort, b: FramePort): void {
  if (a.output === b) a.output = null
  if (b.output === a) b.output = null
}
