import type { FrameSink } from '../../core/base/frame-sink.js'
import type { LinkEnd } from '../../core/net/link.js'
import { decodeCapturedTcp, LINK_TYPE } from '../../core/net/wire/link-layer.js'
import { ETHERNET_HEADER_OCTETS } from '../../core/net/wire/ethernet.js'
import { IPV4_HEADER_OCTETS } from '../../core/net/wire/ipv4.js'
import { writeTcpChecksum } from '../../core/net/wire/tcp.js'

/**
 * Sits on a cable and changes one octet of what a TCP connection to one of `ports` carries, with the checksum put right, so
 * that only the channel above can notice. `offset` counts the octets that crossed in that direction; retransmissions are
 * not expected.
 */
export class FrameTamper implements FrameSink {
  private crossed = 0
  /** True once it was done. */
  done = false
  private readonly next: FrameSink | null

  constructor(
    end: LinkEnd,
    private readonly ports: readonly number[],
    private readonly offset: number,
    /** Of the answers that come from such a port, instead. */
    private readonly options: { readonly isFromPort?: boolean } = {},
  ) {
    this.next = end.output
    end.output = this
  }

  receiveFrame(frame: Uint8Array): void {
    this.next?.receiveFrame(this.changed(frame))
  }

  private changed(frame: Uint8Array): Uint8Array {
    const tcp = decodeCapturedTcp(LINK_TYPE.ethernet, frame)
    if (this.done || tcp === null) return frame
    const { ip, segment } = tcp
    const length = segment.payload.length
    const port = this.options.isFromPort === true ? segment.sourcePort : segment.destinationPort
    if (!this.ports.includes(port) || length === 0) return frame
    const at = this.offset - this.crossed
    this.crossed += length
    if (at >= length) return frame
    const copy = frame.slice()
    const octet = segment.payloadStart + at
    copy[octet] = (copy[octet] ?? 0) ^ 0x01
    const segmentStart = ETHERNET_HEADER_OCTETS + IPV4_HEADER_OCTETS
    copy.fill(0, segmentStart + 16, segmentStart + 18)
    writeTcpChecksum(copy, segmentStart, segment.payloadEnd, ip)
    this.done = true
    return copy
  }
}
