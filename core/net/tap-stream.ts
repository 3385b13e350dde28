import { PcapngWriter } from './wire/pcapng.js'
import type { Tap } from './tap.js'

/** What a tap captures as one pcapng that grows: for a pipe into another program, piece by piece. */
export class TapStream {
  private readonly writer = new PcapngWriter()
  private readonly interfaceId: number
  /** The next packet to be written. */
  private next: number
  private framesMissing: number

  constructor(private readonly tap: Tap) {
    this.interfaceId = this.writer.addInterface(tap.name)
    this.next = tap.firstPacket
    this.framesMissing = tap.framesDropped
  }

  /** What was captured since the last call; some `octetsMax` at most, so that nobody has to hold it all. Empty when nothing was. */
  take(octetsMax = Infinity): Uint8Array {
    const { tap, writer, interfaceId } = this
    if (this.next < tap.firstPacket) {
      this.framesMissing += tap.firstPacket - this.next
      this.next = tap.firstPacket
    }
    let octets = 0
    for (; this.next <= tap.lastPacket && octets < octetsMax; this.next++) {
      const frame = tap.frame(this.next)
      if (frame === undefined) continue
      writer.addPacket(interfaceId, tap.timeNs(this.next) ?? 0, frame, { comment: tap.comment(this.next) })
      octets += frame.length
    }
    return writer.take()
  }

  /** Whether `take` has more to give. */
  get isBehind(): boolean {
    return this.next <= this.tap.lastPacket
  }

  /** The end: how many frames there were, and how many of them are missing here because the tap had to drop them. */
  finish(): Uint8Array {
    const { tap, writer, interfaceId } = this
    const timeNs = tap.timeNs(tap.lastPacket) ?? 0
    writer.addStatistics(interfaceId, timeNs, { received: tap.lastPacket, dropped: this.framesMissing })
    return writer.take()
  }
}
