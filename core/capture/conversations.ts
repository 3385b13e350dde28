/** Who talked to whom, and how much each way: by Ethernet address, IP address, TCP connection or UDP port. */
import { ipText, macText } from '../net/wire/addresses.js'
import type { CaptureIndex } from './capture-index.js'
import { MARK, NETWORK, NONE } from './packet-columns.js'
import type { StreamEnd } from './stream/tcp-stream.js'

export const conversationKinds = ['eth', 'ip', 'ipv6', 'tcp', 'udp'] as const
export type ConversationKind = (typeof conversationKinds)[number]

export interface Conversation {
  /** Who sent the first packet of it. */
  readonly a: string
  readonly b: string
  readonly packetsToB: number
  readonly octetsToB: number
  readonly packetsToA: number
  readonly octetsToA: number
  /** Since the first packet of the capture. */
  readonly startNs: number
  readonly durationNs: number
  /** Bits a second over the duration; 0 when there is none. */
  readonly bitRateToB: number
  readonly bitRateToA: number
  /** Of TCP: the number of the stream, for a filter. */
  readonly stream: number | null
}

interface Counts {
  readonly a: string
  readonly b: string
  readonly stream: number | null
  packetsToB: number
  octetsToB: number
  packetsToA: number
  octetsToA: number
  readonly startNs: number
  endNs: number
}

/** Conversations of one kind that are kept; further ones are left out. */
const CONVERSATIONS_MAX = 100_000

/** In the order of their first packets. Octets are those of whole frames. `matches` leaves packets out. */
export function conversationsOf(
  index: CaptureIndex,
  kind: ConversationKind,
  matches: (packet: number) => boolean = () => true,
): Conversation[] {
  const { columns } = index
  const all = new Map<string, Counts>()
  for (let packet = index.firstPacket; packet <= index.lastPacket; packet++) {
    const row = columns.row(packet)
    if (!isOfKind(index, kind, row) || !matches(packet)) continue
    const [from, to, stream] = endsOf(index, kind, row)
    const [first, second] = from < to ? [from, to] : [to, from]
    const key = stream === null ? `${first} ${second}` : String(stream)
    let counts = all.get(key)
    if (counts === undefined) {
      if (all.size >= CONVERSATIONS_MAX) continue
      const startNs = columns.timeNs[row]!
      counts = {
        a: from,
        b: to,
        stream,
        packetsToB: 0,
        octetsToB: 0,
        packetsToA: 0,
        octetsToA: 0,
        startNs,
        endNs: startNs,
      }
      all.set(key, counts)
    }
    counts.endNs = columns.timeNs[row]!
    if (counts.a === from) {
      counts.packetsToB++
      counts.octetsToB += columns.length[row]!
    } else {
      counts.packetsToA++
      counts.octetsToA += columns.length[row]!
    }
  }
  return Array.from(all.values(), (counts) => finished(counts, index.firstNs))
}

/** `10.0.0.1:49153`, `[fd00::1]:22`. */
export function endText(index: CaptureIndex, { network, address, port }: StreamEnd): string {
  const ip = index.address(network, address)
  const text = ip === null ? '?' : ipText(ip)
  return network === NETWORK.ipv6 ? `[${text}]:${port}` : `${text}:${port}`
}

function isOfKind({ columns }: CaptureIndex, kind: ConversationKind, row: number): boolean {
  switch (kind) {
    case 'eth':
      return (columns.marks[row]! & MARK.ethernet) !== 0
    case 'ip':
      return columns.network[row] === NETWORK.ipv4
    case 'ipv6':
      return columns.network[row] === NETWORK.ipv6
    case 'tcp':
      return columns.stream[row] !== NONE
    case 'udp':
      return columns.ipProtocol[row] === 17 && (columns.marks[row]! & (MARK.fragment | MARK.malformed)) === 0
  }
}

function endsOf(index: CaptureIndex, kind: ConversationKind, row: number): readonly [string, string, number | null] {
  const { columns } = index
  if (kind === 'eth') return [macText(columns.ethSource[row]!), macText(columns.ethDestination[row]!), null]
  const network = columns.network[row]!
  const from = { network, address: columns.source[row]!, port: columns.sourcePort[row]! }
  const to = { network, address: columns.destination[row]!, port: columns.destinationPort[row]! }
  if (kind === 'tcp' || kind === 'udp')
    return [endText(index, from), endText(index, to), kind === 'tcp' ? columns.stream[row]! : null]
  const text = ({ address }: StreamEnd): string => {
    const ip = index.address(network, address)
    return ip === null ? '?' : ipText(ip)
  }
  return [text(from), text(to), null]
}

function finished(counts: Counts, firstNs: number): Conversation {
  const { a, b, packetsToB, octetsToB, packetsToA, octetsToA, startNs, endNs, stream } = counts
  const durationNs = endNs - startNs
  const rate = (octets: number): number => (durationNs > 0 ? (octets * 8e9) / durationNs : 0)
  return {
    a,
    b,
    packetsToB,
    octetsToB,
    packetsToA,
    octetsToA,
    startNs: startNs - firstNs,
    durationNs,
    bitRateToB: rate(octetsToB),
    bitRateToA: rate(octetsToA),
    stream,
  }
}
