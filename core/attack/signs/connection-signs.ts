/**
 * What of TCP connections shows that somebody meddles: a connection that two stations open, octets that are sent again and are others,
 * resets that the peer never sent (after Weaver, Sommer, Paxson: Detecting Forged TCP Reset Packets, NDSS 2009).
 */
import { endpointText, macText, type IpAddress, type MacAddress } from '../../net/wire/addresses.js'
import { transportChecksum } from '../../net/wire/checksum.js'
import { IP_PROTOCOL } from '../../net/wire/ipv4.js'
import type { CapturedTcp } from '../../net/wire/link-layer.js'
import { TCP_FLAG } from '../../net/wire/tcp.js'
import { hopsOf, type SeenFrame, type SignKind, type SignList } from './intruder-sign.js'

const CONNECTIONS_MAX = 1024
/** Segments with octets that are kept, of all connections together: what is sent again is seldom older. */
const KEPT_SEGMENTS = 1024
/** Resets further behind than any window answer nothing that is under way. */
const FAR_BEHIND = 2 ** 24
const GUESSES_MIN = 3
/** Whom a reset is compared with must have been heard so often. */
const SEGMENTS_MIN = 2

interface Side {
  readonly address: IpAddress
  readonly port: number
  /** Who sent the first segment of it. */
  mac: MacAddress
  ttl: number
  segments: number
  openingSequence: number | null
  openingPacket: number
  lastPacket: number
  /** After the last octet that was sent. */
  next: number | null
  /** Its first reset, and how far it had sent by then. */
  reset: { readonly packet: number; readonly next: number } | null
  guesses: number
  lastGuess: number
}

interface Connection {
  readonly sides: readonly [Side, Side]
  /** Two stations speak for one end: sequence numbers mean nothing any more. */
  isSplit: boolean
  readonly told: Set<SignKind>
}

/** Views of captured octets, nothing copied. */
interface KeptSegment {
  readonly side: Side
  readonly sequence: number
  readonly tcp: CapturedTcp
  readonly octets: Uint8Array
  readonly packet: number
}

export class ConnectionSigns {
  private readonly connections = new Map<string, Connection>()
  private last: Connection | null = null
  /** A ring. */
  private readonly kept: KeptSegment[] = []
  private keptCount = 0

  constructor(private readonly list: SignList) {}

  segment(frame: SeenFrame, tcp: CapturedTcp): void {
    const connection = this.connectionOf(frame, tcp)
    const { segment, ip } = tcp
    const side = ownSide(connection, ip.source, segment.sourcePort)
    if ((segment.flags & TCP_FLAG.syn) !== 0) this.opening(connection, side, frame, segment.sequence)
    if (connection.isSplit) return
    if ((segment.flags & TCP_FLAG.rst) !== 0) return this.reset(connection, side, frame, tcp)
    side.segments++
    side.ttl = ip.ttl
    side.lastPacket = frame.packet
    if (segment.payload.length > 0) this.octets(connection, side, frame, tcp)
  }

  private opening(connection: Connection, side: Side, { source, packet, atNs }: SeenFrame, sequence: number): void {
    const { openingSequence, openingPacket, mac } = side
    if (openingSequence === sequence) return
    if (openingSequence !== null && mac !== source && side.reset === null) {
      connection.isSplit = true
      this.list.tell(connection.told, 'opened-twice', [openingPacket, packet], atNs, () => {
        const end = endpointText(side.address, side.port)
        return `${end} opens one connection twice, from ${macText(mac)} and from ${macText(source)}: somebody ends it and opens it anew`
      })
      return
    }
    Object.assign(side, newSide(side.address, side.port, source))
    side.openingSequence = sequence
    side.openingPacket = packet
    side.next = (sequence + 1) >>> 0
  }

  private reset(
    connection: Connection,
    side: Side,
    { source, packet, atNs }: SeenFrame,
    { ip, segment }: CapturedTcp,
  ): void {
    const end = endpointText(side.address, side.port)
    const tell = (kind: SignKind, before: number, words: () => string): void =>
      this.list.tell(connection.told, kind, [before, packet], atNs, words)
    if (side.segments >= SEGMENTS_MIN && hopsOf(ip.ttl) !== hopsOf(side.ttl))
      tell('forged-reset', side.lastPacket, () => {
        return `a reset of ${end} has a time to live of ${ip.ttl}, all else of it ${side.ttl}: another station sent it`
      })
    if (side.segments >= SEGMENTS_MIN && source !== side.mac)
      tell('forged-reset', side.lastPacket, () => {
        return `a reset of ${end} comes from ${macText(source)}, all else of it from ${macText(side.mac)}`
      })
    const { next } = side
    if (next === null) return
    const ahead = (segment.sequence - next) | 0
    side.reset ??= { packet, next: ahead > 0 ? segment.sequence : next }
    if ((ahead <= 0 && ahead > -FAR_BEHIND) || segment.sequence === side.lastGuess) return
    side.lastGuess = segment.sequence
    if (++side.guesses === GUESSES_MIN)
      tell('guessed-resets', side.reset.packet, () => {
        return `${GUESSES_MIN} resets of ${end} stand where it never was in the connection: somebody guesses`
      })
  }

  private octets(connection: Connection, side: Side, frame: SeenFrame, tcp: CapturedTcp): void {
    const { sequence, payload } = tcp.segment
    const after = (sequence + payload.length) >>> 0
    const { reset, next } = side
    if (reset !== null && ((after - reset.next) | 0) > 0)
      this.list.tell(connection.told, 'forged-reset', [reset.packet, frame.packet], frame.atNs, () => {
        return `${endpointText(side.address, side.port)} goes on after its reset, so the reset was not its own`
      })
    const isAgain = next !== null && ((sequence - next) | 0) < 0
    // A probe whether the peer is alive may carry any octet (RFC 9293 §3.8.4).
    const isProbe = payload.length === 1 && next !== null && after === next
    if (isAgain && !isProbe) this.compare(connection, side, frame, tcp)
    if (next !== null && ((after - next) | 0) <= 0) return
    side.next = after
    this.kept[this.keptCount++ % KEPT_SEGMENTS] = { side, sequence, tcp, octets: frame.octets, packet: frame.packet }
  }

  /** With what was sent there before. Damage on the way is no forgery: both checksums must be right. */
  private compare(connection: Connection, side: Side, { octets, packet, atNs }: SeenFrame, tcp: CapturedTcp): void {
    if (connection.told.has('differing-retransmission')) return
    const { sequence, payload } = tcp.segment
    for (const earlier of this.kept) {
      if (earlier.side !== side) continue
      const skip = (sequence - earlier.sequence) | 0
      const before = earlier.tcp.segment.payload
      const from = Math.max(0, skip)
      const to = Math.min(before.length, skip + payload.length)
      let differing = 0
      for (let at = from; at < to; at++) if (before[at] !== payload[at - skip]) differing++
      if (differing === 0 || !isWhole(octets, tcp) || !isWhole(earlier.octets, earlier.tcp)) continue
      this.list.tell(connection.told, 'differing-retransmission', [earlier.packet, packet], atNs, () => {
        return `${endpointText(side.address, side.port)} sends ${to - from} octets again, and ${differing} of them are others`
      })
      return
    }
  }

  private connectionOf(frame: SeenFrame, { ip, segment }: CapturedTcp): Connection {
    const { last } = this
    if (last !== null && hasEnds(last, ip, segment)) return last
    const own = endpointText(ip.source, segment.sourcePort)
    const other = endpointText(ip.destination, segment.destinationPort)
    const key = own < other ? `${own} ${other}` : `${other} ${own}`
    let connection = this.connections.get(key)
    if (connection === undefined) {
      const sides = [
        newSide(ip.source, segment.sourcePort, frame.source),
        newSide(ip.destination, segment.destinationPort, frame.destination),
      ] as const
      connection = { sides, isSplit: false, told: new Set() }
      const [oldest] = this.connections.keys()
      if (this.connections.size === CONNECTIONS_MAX && oldest !== undefined) this.connections.delete(oldest)
      this.connections.set(key, connection)
    }
    this.last = connection
    return connection
  }
}

function newSide(address: IpAddress, port: number, mac: MacAddress): Side {
  return {
    ...{ address, port, mac, ttl: 0, segments: 0, openingSequence: null, openingPacket: 0, lastPacket: 0 },
    ...{ next: null, reset: null, guesses: 0, lastGuess: -1 },
  }
}

function ownSide({ sides: [a, b] }: Connection, address: IpAddress, port: number): Side {
  return a.port === port && a.address === address ? a : b
}

function hasEnds({ sides: [a, b] }: Connection, ip: CapturedTcp['ip'], segment: CapturedTcp['segment']): boolean {
  const { source, destination } = ip
  const { sourcePort, destinationPort } = segment
  const isFrom = (side: Side): boolean => side.port === sourcePort && side.address === source
  const isTo = (side: Side): boolean => side.port === destinationPort && side.address === destination
  return (isFrom(a) && isTo(b)) || (isFrom(b) && isTo(a))
}

function isWhole(octets: Uint8Array, { ip, segment }: CapturedTcp): boolean {
  const { payloadStart, payloadEnd, source, destination } = ip
  if (segment.payloadEnd !== payloadEnd) return false
  return transportChecksum(octets, payloadStart, payloadEnd, IP_PROTOCOL.tcp, source, destination) === 0
}
