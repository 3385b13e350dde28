/** What the analysis of sequence numbers may say of a segment: Wireshark's `tcp.analysis.*`, as bits. */
export const TCP_ANALYSIS = {
  retransmission: 0x0001,
  lostSegment: 0x0002,
  ackLostSegment: 0x0004,
  keepAlive: 0x0008,
  duplicateAck: 0x0010,
  zeroWindow: 0x0020,
  zeroWindowProbe: 0x0040,
  zeroWindowProbeAck: 0x0080,
  keepAliveAck: 0x0100,
  outOfOrder: 0x0200,
  fastRetransmission: 0x0400,
  windowUpdate: 0x0800,
  windowFull: 0x1000,
  reusedPorts: 0x2000,
  spuriousRetransmission: 0x4000,
} as const
