/** Frames in an array as a source of packets; the first ones may be dropped, as a ring does. */
import type { FrameSource } from '../../core/capture/frame-source.js'
import { PcapngWriter } from '../../core/net/wire/pcapng.js'

export class FrameList implements FrameSource {
  firstPacket = 1

  constructor(
    readonly frames: Uint8Array[],
    private readonly intervalNs = 1_000_000,
  ) {}

  get lastPacket(): number {
    return this.frames.length
  }
  frame(packet: number): Uint8Array | undefined {
    return packet < this.firstPacket ? undefined : this.frames[packet - 1]
  }
  timeNs(packet: number): number {
    return packet * this.intervalNs
  }
  linkType(): number {
    return 1
  }
  interfaceName(): string {
    return 'test'
  }
  comment(): undefined {
    return undefined
  }

  toPcapng(): Uint8Array {
    const writer = new PcapngWriter()
    const id = writer.addInterface('test')
    this.frames.forEach((frame, index) => writer.addPacket(id, this.timeNs(index + 1), frame))
    return writer.take()
  }
}
