/** What the capture itself says of a packet, and the way to its first protocol. */
import { WireError } from '../../base/errors.js'
import { LINK_TYPE, networkLayerOf } from '../../net/wire/link-layer.js'
import { Dissection, guarded, malformedField, type NetworkLayers, type PacketFacts } from '../dissection.js'
import type { FieldSink } from '../field-sink.js'
import { field, protocol } from '../field.js'
import { dissectData } from './data.js'
import { dissectEthernet, dissectNetworkLayer } from './ethernet.js'

export const frameFields = {
  frame: protocol('frame', 'Frame'),
  number: field('frame.number', 'Number', 'uint32'),
  time: field('frame.time_relative', 'Time since the first packet', 'seconds'),
  delta: field('frame.time_delta', 'Time since the packet before', 'seconds'),
  interfaceName: field('frame.interface_name', 'Interface', 'text'),
  length: field('frame.len', 'Length', 'uint32'),
  capturedLength: field('frame.cap_len', 'Captured length', 'uint32'),
  comment: field('frame.comment', 'Comment', 'text'),
  malformed: malformedField,
}

const layers: NetworkLayers = { dissectNetworkLayer }

/** Dissect a whole frame. Never throws for what is in it: damage ends the dissection with a field that says so. */
export function dissectFrame(octets: Uint8Array, sink: FieldSink, facts: PacketFacts | null): void {
  const dissection = new Dissection(octets, sink, facts, layers)
  const { length } = octets
  if (facts !== null && sink.wants(frameFields.frame)) {
    const { packet, timeNs, firstNs, previousNs, interfaceName, comment } = facts
    const text = sink.wantsText
      ? `Frame ${packet}: ${length} octets${interfaceName === '' ? '' : ` at ${interfaceName}`}`
      : ''
    sink.open(frameFields.frame, 0, length, null, text)
    sink.field(frameFields.number, 0, 0, packet)
    sink.field(frameFields.time, 0, 0, (timeNs - firstNs) / 1e9)
    sink.field(frameFields.delta, 0, 0, previousNs === null ? 0 : (timeNs - previousNs) / 1e9)
    if (interfaceName !== '') sink.field(frameFields.interfaceName, 0, 0, interfaceName)
    sink.field(frameFields.length, 0, 0, length)
    sink.field(frameFields.capturedLength, 0, 0, length)
    if (comment !== undefined) sink.field(frameFields.comment, 0, 0, comment)
    sink.close()
  }
  if (sink.isDone) return
  guarded(dissection, length, () => dissectLink(dissection, facts?.linkType ?? LINK_TYPE.ethernet))
}

function dissectLink(dissection: Dissection, linkType: number): void {
  const { octets } = dissection
  if (linkType === LINK_TYPE.ethernet) return dissectEthernet(dissection, 0, octets.length)
  try {
    const { etherType, start } = networkLayerOf(linkType, octets)
    dissectNetworkLayer(dissection, etherType, start, octets.length)
  } catch (error) {
    if (!(error instanceof WireError) || error.protocol !== 'capture') throw error
    dissectData(dissection, 0, octets.length)
  }
}
