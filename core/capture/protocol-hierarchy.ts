/** How many packets and octets each protocol has, under the protocol that carries it. */
import type { CaptureIndex } from './capture-index.js'
import { MARK, NETWORK, NONE } from './packet-columns.js'
import { PROTOCOL } from './protocol-names.js'

export interface HierarchyNode {
  /** As in a filter. */
  readonly protocol: string
  packets: number
  /** Of whole frames. */
  octets: number
  readonly children: HierarchyNode[]
}

/** The tree from `frame` down. `matches` leaves packets out. */
export function protocolHierarchy(
  index: CaptureIndex,
  matches: (packet: number) => boolean = () => true,
): HierarchyNode {
  const root: HierarchyNode = { protocol: 'frame', packets: 0, octets: 0, children: [] }
  const { columns } = index
  for (let packet = index.firstPacket; packet <= index.lastPacket; packet++) {
    if (!matches(packet)) continue
    const octets = columns.length[columns.row(packet)]!
    let node = root
    count(node, octets)
    for (const protocol of layersOf(index, columns.row(packet))) {
      node = childOf(node, protocol)
      count(node, octets)
    }
  }
  return root
}

const carried: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 50: 'esp', 58: 'icmpv6' }

function layersOf(index: CaptureIndex, row: number): string[] {
  const { columns } = index
  const marks = columns.marks[row]!
  const layers: string[] = (marks & MARK.ethernet) === 0 ? [] : ['eth']
  if (columns.vlan[row] !== (NONE & 0xffff)) layers.push('vlan')
  const protocol = columns.protocol[row]!
  const network = columns.network[row]!
  if (protocol === PROTOCOL.llc || protocol === PROTOCOL.dtp) layers.push('llc')
  if (protocol === PROTOCOL.dtp) layers.push('dtp')
  if (network === NETWORK.arp) layers.push('arp')
  if (network !== NETWORK.ipv4 && network !== NETWORK.ipv6) return layers
  layers.push(network === NETWORK.ipv4 ? 'ip' : 'ipv6')
  const transport = carried[columns.ipProtocol[row]!]
  if ((marks & MARK.fragment) !== 0 || transport === undefined) return [...layers, 'data']
  layers.push(transport)
  if (protocol === PROTOCOL.rip) layers.push('rip')
  else if (protocol === PROTOCOL.isakmp) layers.push('isakmp')
  else if (transport === 'udp' && columns.payloadLength[row]! > 0) layers.push('data')
  else if (transport === 'tcp' && columns.payloadLength[row]! > 0) layers.push(streamLayer(index, row))
  return layers
}

/** What a segment's payload is part of, whether or not a unit ends in it. */
function streamLayer(index: CaptureIndex, row: number): string {
  const { columns } = index
  const stream = index.streams[columns.stream[row]!]
  const direction = stream?.from(columns.source[row]!, columns.sourcePort[row]!)
  const lastAt = columns.streamPosition[row]! + columns.payloadLength[row]! - 1
  return direction?.protocolAt(lastAt)?.layer.name ?? 'data'
}

function childOf(node: HierarchyNode, protocol: string): HierarchyNode {
  const known = node.children.find((child) => child.protocol === protocol)
  if (known !== undefined) return known
  const made: HierarchyNode = { protocol, packets: 0, octets: 0, children: [] }
  node.children.push(made)
  return made
}

function count(node: HierarchyNode, octets: number): void {
  node.packets++
  node.octets += octets
}
