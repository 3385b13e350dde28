/** Takes whole Ethernet frames, without preamble and frame check sequence. The sink may keep `frame`; nobody changes it. */
export interface FrameSink {
  receiveFrame(frame: Uint8Array): void
}
