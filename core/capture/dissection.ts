/** One packet being dissected: its octets, where the result goes, and what is known of it from the packets before it. */
import { WireError } from '../base/errors.js'
import type { IpAddress } from '../net/wire/addresses.js'
import { field } from './field.js'
import type { FieldSink } from './field-sink.js'

/** What a capture knows of a packet beside its octets. */
export interface PacketFacts {
  readonly packet: number
  readonly timeNs: number
  /** Of the packet before it and of the first one; null when there is none. */
  readonly previousNs: number | null
  readonly firstNs: number
  readonly linkType: number
  readonly interfaceName: string
  readonly comment: string | undefined
  /** Null when it is not TCP, or its connection is not followed. */
  readonly tcp: TcpFacts | null
}

/** What is known of a segment from the segments before it. */
export interface TcpFacts {
  readonly stream: number
  /** Sequence numbers are shown relative to these. */
  readonly sequenceBase: number
  readonly acknowledgmentBase: number
  /** The sender's shift count; -1 when its SYN was not seen, -2 when that had none. */
  readonly windowShift: number
  /** `TCP_ANALYSIS` bits. */
  readonly analysis: number
  /** Of a duplicate acknowledgment: how many there were so far, and of which packet. */
  readonly duplicateAckNumber: number
  readonly duplicateAckPacket: number
  /** Dissects what the payload completes, and says what else it is part of. True when something was dissected. */
  readonly units: PayloadUnits | null
}

/** Dissects the payload of a segment as part of its stream. */
export interface PayloadUnits {
  /** The payload is `octets[start, end)`. */
  dissectUnits(dissection: Dissection, start: number, end: number): void
}

/** The way from a packet to one that it quotes, which would otherwise be a circle of imports. */
export interface NetworkLayers {
  dissectNetworkLayer(dissection: Dissection, etherType: number, start: number, end: number): void
}

export class Dissection {
  /** The addresses that checksums of the transport cover. */
  source: IpAddress = 0
  destination: IpAddress = 0
  /** Packets quoted inside others: how deep. */
  depth = 0

  constructor(
    readonly octets: Uint8Array,
    readonly sink: FieldSink,
    readonly facts: PacketFacts | null,
    readonly layers: NetworkLayers,
  ) {}

  /** The same packet's dissection in other octets: those that several packets brought. */
  within(octets: Uint8Array): Dissection {
    return new Dissection(octets, this.sink, this.facts, this.layers)
  }
}

/** Where a dissection ended because what it found makes no sense. */
export const malformedField = field('_ws.malformed', 'Malformed', 'text')

/** Run a part of a dissection. Damage in it becomes a field; layers that it left open are closed. */
export function guarded(dissection: Dissection, end: number, dissect: () => void): void {
  const { sink } = dissection
  const depth = sink.depth
  try {
    dissect()
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    while (sink.depth > depth) sink.close()
    const start = Math.min(Math.max(0, error.offset), end)
    const text = `Malformed ${error.protocol}: at octet ${start}: ${error.reason}`
    sink.field(malformedField, start, end - start, error.message, text)
  }
}

/** Throws unless `octets[at, at + length)` lies before `end`. */
export function need(layer: string, at: number, length: number, end: number): void {
  if (at + length > end) throw new WireError(layer, at, `needs ${length} octets, ${Math.max(0, end - at)} are left`)
}
