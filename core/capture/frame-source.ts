/** Where captured frames come from: a tap while the lab runs, or a capture file. */
import { CaptureReader } from '../net/wire/capture-reader.js'

export interface FrameSource {
  /** Packets are numbered from 1. Those before this one were dropped. */
  readonly firstPacket: number
  /** 0 when there is none yet. */
  readonly lastPacket: number
  /** Undefined when it was dropped or never was. The octets are good until they are dropped: look, or copy. */
  frame(packet: number): Uint8Array | undefined
  timeNs(packet: number): number | undefined
  /** As in pcapng: 1 is Ethernet. */
  linkType(packet: number): number
  interfaceName(packet: number): string
  comment(packet: number): string | undefined
}

/** A whole capture file in memory: pcapng or pcap. */
export class CaptureFileSource implements FrameSource {
  readonly firstPacket = 1
  /** What could not be read. */
  readonly warnings: readonly string[]
  /** When the first packet was captured, in nanoseconds since 1970. */
  readonly startNs: bigint
  private readonly frames: Uint8Array[] = []
  private readonly timesNs: number[] = []
  private readonly interfaceIds: number[] = []
  private readonly interfaces: readonly { readonly name: string; readonly linkType: number }[]
  private readonly comments = new Map<number, string>()

  /** Keeps views of `octets`. Throws `WireError` when they are no capture. */
  constructor(octets: Uint8Array) {
    const reader = new CaptureReader(octets)
    for (let packet = reader.next(); packet !== null; packet = reader.next()) {
      this.frames.push(packet.octets)
      this.timesNs.push(packet.timeNs)
      this.interfaceIds.push(packet.interfaceId)
      if (packet.comment !== null) this.comments.set(packet.number, packet.comment)
    }
    this.interfaces = reader.interfaces
    this.warnings = reader.warnings
    this.startNs = reader.startNs ?? 0n
  }

  get lastPacket(): number {
    return this.frames.length
  }
  frame(packet: number): Uint8Array | undefined {
    return this.frames[packet - 1]
  }
  timeNs(packet: number): number | undefined {
    return this.timesNs[packet - 1]
  }
  linkType(packet: number): number {
    return this.interfaces[this.interfaceIds[packet - 1] ?? 0]?.linkType ?? 1
  }
  interfaceName(packet: number): string {
    return this.interfaces[this.interfaceIds[packet - 1] ?? 0]?.name ?? ''
  }
  comment(packet: number): string | undefined {
    return this.comments.get(packet)
  }
}
