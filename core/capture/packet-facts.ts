/** From an index: what it knows of a packet, and the packet dissected. */
import type { CaptureIndex } from './capture-index.js'
import type { PacketFacts, TcpFacts } from './dissection.js'
import { dissectFrame } from './dissect/frame.js'
import type { FieldDefinition } from './field.js'
import type { FieldSink } from './field-sink.js'
import { TreeSink, type PacketTree } from './packet-tree.js'
import { SegmentUnits } from './stream/stream-units.js'
import { ValueSink } from './value-sink.js'

export function packetFacts(index: CaptureIndex, packet: number): PacketFacts {
  const { source, columns } = index
  const hasPrevious = columns.has(packet - 1)
  return {
    packet,
    timeNs: source.timeNs(packet) ?? 0,
    previousNs: hasPrevious ? columns.timeNs[columns.row(packet - 1)]! : null,
    firstNs: index.firstNs,
    linkType: source.linkType(packet),
    interfaceName: source.interfaceName(packet),
    comment: source.comment(packet),
    tcp: tcpFacts(index, packet),
  }
}

function tcpFacts(index: CaptureIndex, packet: number): TcpFacts | null {
  const found = index.streamOf(packet)
  if (found === null) return null
  const { stream, direction } = found
  const { columns } = index
  const row = columns.row(packet)
  const other = stream.opposite(direction)
  return {
    stream: stream.number,
    sequenceBase: direction.flow.base,
    acknowledgmentBase: other.flow.base,
    windowShift: direction.flow.effectiveShift(other.flow),
    analysis: columns.analysis[row]!,
    duplicateAckNumber: columns.duplicateNumber[row]!,
    duplicateAckPacket: columns.duplicateOf[row]!,
    units: columns.payloadLength[row]! > 0 ? new SegmentUnits(index, packet, direction) : null,
  }
}

/** Dissect a packet of the capture into a sink. False when its frame is not there any more. */
export function dissectPacket(index: CaptureIndex, packet: number, sink: FieldSink): boolean {
  const frame = index.source.frame(packet)
  if (frame === undefined || !index.columns.has(packet)) return false
  dissectFrame(frame, sink, packetFacts(index, packet))
  return true
}

/** The tree of a packet, or null when its frame is not there any more. */
export function packetTree(index: CaptureIndex, packet: number): PacketTree | null {
  const frame = index.source.frame(packet)
  if (frame === undefined) return null
  const sink = new TreeSink(frame)
  if (!dissectPacket(index, packet, sink)) return null
  return { packet, sources: sink.sources, layers: sink.layers }
}

/** The values of some fields of a packet (of all when `wanted` is null), or null when its frame is gone. */
export function packetValues(
  index: CaptureIndex,
  packet: number,
  wanted: ReadonlySet<FieldDefinition> | null,
): ValueSink | null {
  const frame = index.source.frame(packet)
  if (frame === undefined) return null
  const sink = new ValueSink(frame, wanted)
  return dissectPacket(index, packet, sink) ? sink : null
}
