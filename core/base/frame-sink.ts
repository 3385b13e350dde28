/**
 * Takes whole Ethernet frames, without preamble and frame check sequence.
 *
 * A frame has one owner. Giving it to `receiveFrame` gives it away: the sink may change it in place, pass it on, keep it, or
 * recycle its memory (core/net/frame-pool.ts), and the giver does not look at it again. Who wants to keep octets of a frame
 * that belongs to somebody else copies them.
 */
export interface FrameSink {
  receiveFrame(frame: Uint8Array): void
}
