/**
 * Putting TCP streams back together from captured segments, as somebody who only listens can: in any order, with
 * retransmissions, overlaps, losses in the capture, connections whose beginning was not captured, and sequence numbers
 * that wrap around. Octets that were given are never given again; of segments that wait and overlap, the one that begins
 * first counts.
 *
 * Nothing is copied: runs are views of what was captured. What waits behind a hole is bounded; a hole is given up, and told,
 * when the receiver has acknowledged it and enough has arrived behind it, when the bound is reached, or at the end.
 */
import { ipText, type IpAddress } from './addresses.js'
import type { CapturedTcp } from './link-layer.js'
import { TCP_FLAG, type TcpSegment } from './tcp.js'

export interface TcpEndpoint {
  readonly address: IpAddress
  readonly port: number
}

export interface CapturedConnection {
  /** From 1, in the order in which they were first seen. */
  readonly id: number
  /** Who sent the SYN; when it was not captured, the side with the higher port. */
  readonly client: TcpEndpoint
  readonly server: TcpEndpoint
  readonly firstPacket: number
  readonly hasHandshake: boolean
}

export type StreamSide = 'client' | 'server'

/** Octets of one direction that follow those given before. */
export interface StreamRun {
  readonly connection: CapturedConnection
  readonly sender: StreamSide
  /** Octets of the stream before this run, lost ones included; from the first one captured when the SYN was not. */
  readonly position: number
  readonly octets: Uint8Array
  /** The packet that brought them. */
  readonly packet: number
  readonly timeNs: number
}

export interface StreamGap {
  readonly connection: CapturedConnection
  readonly sender: StreamSide
  readonly position: number
  /** Octets that were not captured; at least 1. */
  readonly octets: number
  /** The packet after the hole. */
  readonly packet: number
}

export type CloseReason = 'fin' | 'reset' | 'evicted' | 'capture-end'

/** Told in the order of the capture. */
export interface ReassemblyListener {
  connectionSeen(connection: CapturedConnection): void
  streamRun(run: StreamRun): void
  streamGap(gap: StreamGap): void
  /** One direction is over. */
  streamClosed(connection: CapturedConnection, sender: StreamSide, reason: CloseReason): void
}

export interface ReassemblyLimits {
  /** Octets of one direction that wait behind a hole: 16 MiB. */
  readonly waitingOctetsMax?: number
  /** Segments of one direction that wait behind a hole: 16384. */
  readonly waitingSegmentsMax?: number
  /** Connections followed at once: 16384; the oldest is given up. */
  readonly connectionsMax?: number
}

/** Segments behind an acknowledged hole before it is given up: captures may show an ACK shortly before its data. */
const PATIENCE_SEGMENTS = 32

interface WaitingSegment {
  readonly sequence: number
  readonly octets: Uint8Array
  readonly packet: number
  readonly timeNs: number
}

interface Direction {
  readonly sender: StreamSide
  /** The next sequence number; null before the first octet or SYN. */
  next: number | null
  position: number
  /** In order of sequence; they may overlap. */
  waiting: WaitingSegment[]
  waitingOctets: number
  /** The highest acknowledgment the other side sent. */
  acknowledged: number | null
  finSequence: number | null
  isClosed: boolean
}

interface Connection {
  readonly seen: CapturedConnection
  readonly client: Direction
  readonly server: Direction
}

export class TcpReassembler {
  private readonly connections = new Map<string, Connection>()
  private lastUsed: Connection | null = null
  private connectionCount = 0
  private readonly waitingOctetsMax: number
  private readonly waitingSegmentsMax: number
  private readonly connectionsMax: number

  constructor(
    private readonly listener: ReassemblyListener,
    { waitingOctetsMax = 16 * 1024 * 1024, waitingSegmentsMax = 16384, connectionsMax = 16384 }: ReassemblyLimits = {},
  ) {
    this.waitingOctetsMax = waitingOctetsMax
    this.waitingSegmentsMax = waitingSegmentsMax
    this.connectionsMax = connectionsMax
  }

  /** Take in one captured segment. Packet numbers and times only go up. */
  add(packet: number, timeNs: number, { ip, segment }: CapturedTcp): void {
    const source = { address: ip.source, port: segment.sourcePort }
    const destination = { address: ip.destination, port: segment.destinationPort }
    const connection = this.connectionOf(packet, source, destination, segment)
    const isFromClient = isSame(connection.seen.client, source)
    const own = isFromClient ? connection.client : connection.server
    const other = isFromClient ? connection.server : connection.client
    if ((segment.flags & TCP_FLAG.rst) !== 0) {
      if (isPlausibleReset(own, segment.sequence)) this.reset(connection, own)
      return
    }
    if (!own.isClosed) this.takeSegment(connection, own, packet, timeNs, segment)
    if ((segment.flags & TCP_FLAG.ack) !== 0) {
      const ack = segment.acknowledgment
      if (other.acknowledged === null || before(other.acknowledged, ack)) other.acknowledged = ack
      if (other.waiting.length > 0) this.giveUpHoles(connection, other)
    }
  }

  /** The capture is over: give what waits behind holes. */
  finish(): void {
    for (const connection of this.connections.values()) this.close(connection, 'capture-end')
    this.connections.clear()
  }

  private connectionOf(packet: number, source: TcpEndpoint, destination: TcpEndpoint, segment: TcpSegment): Connection {
    const isSyn = (segment.flags & TCP_FLAG.syn) !== 0
    const isOpening = isSyn && (segment.flags & TCP_FLAG.ack) === 0
    if (!isSyn && this.lastUsed !== null && isBetween(this.lastUsed.seen, source, destination)) return this.lastUsed
    const key = keyOf(source, destination)
    const known = this.connections.get(key)
    if (known !== undefined && !(isOpening && isAnother(known, source, segment))) {
      this.lastUsed = known
      return known
    }
    if (known !== undefined) {
      this.close(known, 'capture-end')
      this.connections.delete(key)
    }
    if (this.connections.size >= this.connectionsMax) this.evictOldest()
    const isSourceClient = isSyn ? isOpening : source.port >= destination.port
    const [client, server] = isSourceClient ? [source, destination] : [destination, source]
    const seen: CapturedConnection = {
      id: ++this.connectionCount,
      client,
      server,
      firstPacket: packet,
      hasHandshake: isSyn,
    }
    const made = { seen, client: newDirection('client'), server: newDirection('server') }
    this.connections.set(key, made)
    this.lastUsed = made
    this.listener.connectionSeen(seen)
    return made
  }

  private takeSegment(
    connection: Connection,
    direction: Direction,
    packet: number,
    timeNs: number,
    segment: TcpSegment,
  ): void {
    const isSyn = (segment.flags & TCP_FLAG.syn) !== 0
    const sequence = isSyn ? (segment.sequence + 1) >>> 0 : segment.sequence
    const { payload } = segment
    if (isSyn && direction.next === null) direction.next = sequence
    if ((segment.flags & TCP_FLAG.fin) !== 0) direction.finSequence ??= (sequence + payload.length) >>> 0
    if (payload.length > 0) {
      direction.next ??= sequence
      if (sequence === direction.next) {
        this.giveRun(connection, direction, { sequence, octets: payload, packet, timeNs })
        if (direction.waiting.length > 0) this.giveWaiting(connection, direction)
      } else if (before(direction.next, (sequence + payload.length) >>> 0)) {
        insert(direction, { sequence, octets: payload, packet, timeNs })
        if (before(sequence, direction.next)) this.giveWaiting(connection, direction)
        this.giveUpHoles(connection, direction)
      }
    }
    this.closeIfEnded(connection, direction)
  }

  private closeIfEnded(connection: Connection, direction: Direction): void {
    const { finSequence, next } = direction
    if (finSequence !== null && (next === null || next === finSequence))
      this.closeDirection(connection, direction, 'fin')
  }

  /** Give what is new of a segment that begins at or before the next octet. */
  private giveRun(connection: Connection, direction: Direction, segment: WaitingSegment): void {
    const skip = ((direction.next ?? segment.sequence) - segment.sequence) | 0
    if (skip >= segment.octets.length) return
    const octets = skip === 0 ? segment.octets : segment.octets.subarray(skip)
    const { position, sender } = direction
    direction.next = (segment.sequence + segment.octets.length) >>> 0
    direction.position += octets.length
    const { packet, timeNs } = segment
    this.listener.streamRun({ connection: connection.seen, sender, position, octets, packet, timeNs })
  }

  private giveWaiting(connection: Connection, direction: Direction): void {
    let given = 0
    for (const segment of direction.waiting) {
      if (before(direction.next ?? 0, segment.sequence)) break
      given++
      direction.waitingOctets -= segment.octets.length
      this.giveRun(connection, direction, segment)
    }
    if (given > 0) direction.waiting.splice(0, given)
  }

  private giveUpHoles(connection: Connection, direction: Direction): void {
    for (let first = direction.waiting[0]; first !== undefined; first = direction.waiting[0]) {
      const isLost =
        direction.acknowledged !== null &&
        !before(direction.acknowledged, first.sequence) &&
        direction.waiting.length >= PATIENCE_SEGMENTS
      const isTooMuch =
        direction.waitingOctets > this.waitingOctetsMax || direction.waiting.length > this.waitingSegmentsMax
      if (!isLost && !isTooMuch) break
      this.skipHole(connection, direction, first)
    }
    this.closeIfEnded(connection, direction)
  }

  private skipHole(connection: Connection, direction: Direction, first: WaitingSegment): void {
    const octets = (first.sequence - (direction.next ?? first.sequence)) | 0
    if (octets > 0) {
      const { position, sender } = direction
      this.listener.streamGap({ connection: connection.seen, sender, position, octets, packet: first.packet })
      direction.position += octets
      direction.next = first.sequence
    }
    this.giveWaiting(connection, direction)
  }

  private reset(connection: Connection, sender: Direction): void {
    this.closeDirection(connection, sender, 'reset')
    this.close(connection, 'reset')
  }

  private close(connection: Connection, reason: CloseReason): void {
    this.closeDirection(connection, connection.client, reason)
    this.closeDirection(connection, connection.server, reason)
  }

  private closeDirection(connection: Connection, direction: Direction, reason: CloseReason): void {
    if (direction.isClosed) return
    for (let first = direction.waiting[0]; first !== undefined; first = direction.waiting[0])
      this.skipHole(connection, direction, first)
    direction.isClosed = true
    this.listener.streamClosed(connection.seen, direction.sender, reason)
  }

  private evictOldest(): void {
    for (const [key, connection] of this.connections) {
      this.close(connection, 'evicted')
      this.connections.delete(key)
      if (this.lastUsed === connection) this.lastUsed = null
      return
    }
  }
}

function newDirection(sender: StreamSide): Direction {
  return {
    sender,
    next: null,
    position: 0,
    waiting: [],
    waitingOctets: 0,
    acknowledged: null,
    finSequence: null,
    isClosed: false,
  }
}

/** Most segments belong to the connection of the one before, in either direction. */
function isBetween({ client, server }: CapturedConnection, a: TcpEndpoint, b: TcpEndpoint): boolean {
  return (isSame(client, a) && isSame(server, b)) || (isSame(client, b) && isSame(server, a))
}

function isSame(a: TcpEndpoint, b: TcpEndpoint): boolean {
  return a.port === b.port && a.address === b.address
}

/** A SYN on known ports opens another connection, unless it is the first one's SYN again. */
function isAnother(known: Connection, source: TcpEndpoint, segment: TcpSegment): boolean {
  const { client } = known.seen
  const isRepeated = known.client.position === 0 && known.client.next === (segment.sequence + 1) >>> 0
  return !isSame(client, source) || !isRepeated
}

/** Receivers take a reset only where they stand (RFC 5961 §3); where that is, we know from data or acknowledgments. */
function isPlausibleReset({ next, acknowledged, waiting }: Direction, sequence: number): boolean {
  const last = waiting.at(-1)
  return (
    next === null ||
    sequence === next ||
    sequence === acknowledged ||
    (last !== undefined && sequence === (last.sequence + last.octets.length) >>> 0)
  )
}

function insert(direction: Direction, segment: WaitingSegment): void {
  const { waiting } = direction
  let index = waiting.length
  // After those of the same sequence: the first one captured is given first.
  while (index > 0 && before(segment.sequence, (waiting[index - 1] as WaitingSegment).sequence)) index--
  const same = waiting[index - 1]
  if (same?.sequence === segment.sequence && same.octets.length >= segment.octets.length) return
  waiting.splice(index, 0, segment)
  direction.waitingOctets += segment.octets.length
}

function before(a: number, b: number): boolean {
  return ((a - b) | 0) < 0
}

function keyOf(a: TcpEndpoint, b: TcpEndpoint): string {
  const first = `${ipText(a.address)}:${a.port}`
  const second = `${ipText(b.address)}:${b.port}`
  return first < second ? `${first} ${second}` : `${second} ${first}`
}
