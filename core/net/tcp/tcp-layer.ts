/** TCP of a host: which segment belongs to which connection, who listens, who connects. */
import type { ByteStream } from '../../base/byte-stream.js'
import { InputError } from '../../base/errors.js'
import type { Nanos } from '../../base/units.js'
import type { Kernel } from '../../kernel/kernel.js'
import type { IpLayer, IpProtocol, PacketHeader } from '../ip.js'
import { portsOf, type PacketError } from '../packet-error.js'
import { endpointText, ipText, type IpAddress } from '../wire/addresses.js'
import { transportChecksum } from '../wire/checksum.js'
import { IP_PROTOCOL } from '../wire/ipv4.js'
import { readTcpHeader, TCP_FLAG, TcpHeader } from '../wire/tcp.js'
import type { AddressPair } from '../wire/udp.js'
import { hashedSequence, predictableSequence } from './initial-sequence.js'
import { ListeningPort, type TcpListener } from './listening-port.js'
import { segmentArrives, synchronize } from './segment-arrives.js'
import { seqAdd, seqDiff } from './sequence.js'
import { checkCookie, COOKIE_LIFE_NS, makeCookie, stampedOptions } from './syn-cookies.js'
import { TcpConnection, type ConnectionEnds } from './tcp-connection.js'
import { completeTcpOptions, type TcpOptions } from './tcp-options.js'
import { connectionRow, listenerRow, type TcpTableRow } from './tcp-table.js'
import { setRetransmissionTimer } from './arm-timers.js'
import { lowerMss, segmentFailed } from './segment-failed.js'
import { refuse, sendCookie, sendSegment } from './transmit.js'

export type { TcpListener } from './listening-port.js'
export type { TcpOptions } from './tcp-options.js'

/** What TCP needs of its host. */
export interface TcpHost {
  readonly name: string
  readonly ip: IpLayer
  backlogNs(): Nanos
  enter(): void
  leave(): void
}

const EPHEMERAL_PORT_FIRST = 49153 // RFC 6335 §6 begins at 49152, which is QEMU's first migration port
const EPHEMERAL_PORT_LAST = 65535

export class TcpLayer implements IpProtocol {
  readonly options: Required<TcpOptions>
  /** The window scale we offer: the least that can say the whole receive buffer. */
  readonly windowShift: number
  readonly ip: IpLayer
  private readonly listeners = new Map<number, ListeningPort>()
  /** By local port, then by remote address and port. */
  private readonly connections = new Map<number, Map<PeerKey, TcpConnection>>()
  private lastUsed: TcpConnection | null = null
  private nextPort: number
  private readonly received = new TcpHeader()
  private readonly timestampOffsetMs: number
  /** For initial sequence numbers and cookies. */
  private readonly key: Uint8Array
  private connectionCount = 0
  private cookieSentNs: Nanos | null = null
  cookiesSent = 0
  /** Connections that began with a cookie that came back. */
  cookiesAccepted = 0
  private dropped = 0

  constructor(
    private readonly kernel: Kernel,
    readonly host: TcpHost,
    options: TcpOptions,
  ) {
    this.options = completeTcpOptions(options)
    let shift = 0
    while (this.options.receiveBufferOctets / 2 ** shift > 0xffff) shift++
    this.windowShift = shift
    this.ip = host.ip
    const random = kernel.random(`${host.name}/tcp`)
    this.nextPort = EPHEMERAL_PORT_FIRST + random.below(EPHEMERAL_PORT_LAST - EPHEMERAL_PORT_FIRST + 1)
    this.timestampOffsetMs = random.u32()
    this.key = random.octets(16)
    host.ip.register(IP_PROTOCOL.tcp, this)
  }

  listen(port: number, listener: TcpListener): void {
    if (this.listeners.has(port)) throw new InputError(`TCP port ${port} is already taken`)
    this.listeners.set(port, new ListeningPort(this.kernel, this.host.name, port, listener, this.options))
  }

  /** Accept no more on `port`. Connections that were accepted stay. */
  unlisten(port: number): void {
    this.dropped += this.listeners.get(port)?.synsDropped ?? 0
    this.listeners.delete(port)
  }

  /** `localPort` 0 takes the next free one. */
  connect(remoteAddress: IpAddress, remotePort: number, localPort = 0): ByteStream {
    const localAddress = this.ip.sourceFor(remoteAddress)
    const ends = { localAddress, localPort: localPort || this.freePort(), remoteAddress, remotePort }
    if (this.find(ends.localPort, remoteAddress, remotePort) !== undefined)
      throw new InputError(`there is already a connection to ${ipText(remoteAddress)}:${remotePort} from there`)
    const connection = this.add(ends, this.initialSequence(ends))
    this.host.enter()
    connection.enter('SYN-SENT')
    sendSegment(connection, connection.iss, 0, 'SYN')
    this.startTimer(connection)
    this.host.leave()
    return connection
  }

  /** Milliseconds, from where nobody can guess how long the host has been up (RFC 7323 §5.4). */
  timestamp(): number {
    return (this.timestampOffsetMs + Math.floor(this.kernel.nowNs / 1e6)) >>> 0
  }

  forget(connection: TcpConnection): void {
    if (this.lastUsed === connection) this.lastUsed = null
    const peers = this.connections.get(connection.localPort)
    const key = peerKey(connection.remoteAddress, connection.remotePort)
    if (peers?.get(key) !== connection) return
    peers.delete(key)
    if (peers.size === 0) this.connections.delete(connection.localPort)
  }

  receivePacket(frame: Uint8Array, { source, destination, payloadStart, payloadEnd }: PacketHeader): void {
    const segment = this.received
    readTcpHeader(frame, payloadStart, payloadEnd, segment)
    // A wrong checksum is dropped in silence (RFC 9293 §3.1).
    if (transportChecksum(frame, payloadStart, payloadEnd, IP_PROTOCOL.tcp, source, destination) !== 0) return
    const connection = this.connectionOf(segment, source)
    if (connection?.tcpState === 'TIME-WAIT' && isNewSyn(connection, segment)) connection.close()
    else if (connection !== undefined) {
      segmentArrives(connection, segment, frame)
      return
    }
    const listening = this.listeners.get(segment.destinationPort)
    const kind = segment.flags & (TCP_FLAG.rst | TCP_FLAG.ack | TCP_FLAG.syn)
    const pair = { source, destination }
    if (listening === undefined) refuse(this, segment, pair)
    else if (kind === TCP_FLAG.syn) this.synArrives(listening, segment, pair)
    else if (kind !== TCP_FLAG.ack || !this.cookieArrives(listening, segment, pair, frame)) refuse(this, segment, pair)
  }

  /** Octets of a segment without options that fits one packet to `destination`. */
  mssTo(destination: IpAddress): number {
    const headerOctets = typeof destination === 'number' ? 40 : 60
    return Math.min(this.options.mss, this.ip.mtuTo(destination) - headerOctets)
  }

  receiveError(error: PacketError): boolean {
    const { localPort, remotePort } = portsOf(error)
    const connection = this.find(localPort, error.destination, remotePort)
    return connection !== undefined && segmentFailed(connection, error)
  }

  pathMtuLowered(destination: IpAddress): void {
    const mss = this.mssTo(destination)
    for (const peers of this.connections.values())
      for (const connection of peers.values()) if (connection.remoteAddress === destination) lowerMss(connection, mss)
  }

  /** What stands in a connection table: where somebody listens, then the connections. */
  table(): TcpTableRow[] {
    const rows: TcpTableRow[] = []
    for (const listening of this.listeners.values()) rows.push(listenerRow(listening, this.options.acceptBacklogMax))
    for (const peers of this.connections.values()) for (const each of peers.values()) rows.push(connectionRow(each))
    return rows
  }

  /** SYNs that found no room at any port. */
  get synsDropped(): number {
    let dropped = this.dropped
    for (const listening of this.listeners.values()) dropped += listening.synsDropped
    return dropped
  }

  traceState({ localAddress, localPort, remoteAddress, remotePort, tcpState: state }: TcpConnection): void {
    const local = endpointText(localAddress, localPort)
    const remote = endpointText(remoteAddress, remotePort)
    this.kernel.trace.add('tcp-state', { host: this.host.name, local, remote, state })
  }

  /** A queue that is full drops the SYN, which its sender will repeat, or answers it with a cookie (RFC 4987 §3). */
  private synArrives(listening: ListeningPort, syn: Readonly<TcpHeader>, pair: AddressPair): void {
    if (listening.hasSynRoom && listening.hasAcceptRoom) this.accept(listening, syn, pair)
    else if (this.options.synCookies && listening.hasAcceptRoom) {
      listening.overflowed(false)
      this.cookieSentNs = this.kernel.nowNs
      this.cookiesSent++
      const cookie = makeCookie(this.key, endsOf(syn, pair), syn.mss ?? 536, this.kernel.nowNs)
      sendCookie(this, syn, pair, cookie)
    } else listening.overflowed(true)
  }

  /** An acknowledgment that nobody waits for may be the answer to a cookie. True when it was. */
  private cookieArrives(
    listening: ListeningPort,
    segment: Readonly<TcpHeader>,
    pair: AddressPair,
    frame: Uint8Array,
  ): boolean {
    if (this.cookieSentNs === null || this.kernel.nowNs - this.cookieSentNs > COOKIE_LIFE_NS) return false
    const ends = endsOf(segment, pair)
    const cookie = seqAdd(segment.acknowledgment, -1)
    const mss = checkCookie(this.key, ends, cookie, this.kernel.nowNs)
    if (mss === null) return false
    if (!listening.hasAcceptRoom) return true // as if it had been lost
    this.cookiesAccepted++
    const syn = new TcpHeader()
    syn.sequence = seqAdd(segment.sequence, -1)
    syn.mss = mss
    syn.hasTimestamps = segment.hasTimestamps
    syn.tsVal = segment.tsVal
    if (segment.hasTimestamps) Object.assign(syn, stampedOptions(segment.tsEcr))
    const connection = this.add(ends, cookie)
    connection.sndNxt = connection.sndMax = seqAdd(cookie, 1)
    connection.listening = listening
    connection.enter('SYN-RECEIVED')
    synchronize(connection, syn)
    segmentArrives(connection, segment, frame)
    return true
  }

  private accept(listening: ListeningPort, syn: Readonly<TcpHeader>, pair: AddressPair): void {
    const ends = endsOf(syn, pair)
    const connection = this.add(ends, this.initialSequence(ends))
    connection.listening = listening
    connection.enter('SYN-RECEIVED')
    synchronize(connection, syn)
    sendSegment(connection, connection.iss, 0, 'SYN-ACK')
    this.startTimer(connection)
  }

  private startTimer(connection: TcpConnection): void {
    connection.waitingSinceNs = this.kernel.nowNs
    setRetransmissionTimer(connection)
  }

  private initialSequence(ends: ConnectionEnds): number {
    const { nowNs } = this.kernel
    return this.options.isn === 'hashed'
      ? hashedSequence(this.key, ends, nowNs)
      : predictableSequence(this.connectionCount++, nowNs)
  }

  private add(ends: ConnectionEnds, iss: number): TcpConnection {
    const connection = new TcpConnection(this.kernel, this, ends, iss)
    let peers = this.connections.get(ends.localPort)
    if (peers === undefined) {
      peers = new Map()
      this.connections.set(ends.localPort, peers)
    }
    peers.set(peerKey(ends.remoteAddress, ends.remotePort), connection)
    return connection
  }

  /** Most segments belong to the connection of the one before. */
  private connectionOf({ sourcePort, destinationPort }: TcpHeader, source: IpAddress): TcpConnection | undefined {
    const last = this.lastUsed
    if (last?.localPort === destinationPort && last.remotePort === sourcePort && last.remoteAddress === source)
      return last
    const found = this.find(destinationPort, source, sourcePort)
    if (found !== undefined) this.lastUsed = found
    return found
  }

  private find(localPort: number, remoteAddress: IpAddress, remotePort: number): TcpConnection | undefined {
    return this.connections.get(localPort)?.get(peerKey(remoteAddress, remotePort))
  }

  private freePort(): number {
    for (let tries = EPHEMERAL_PORT_FIRST; tries <= EPHEMERAL_PORT_LAST; tries++) {
      const port = this.nextPort
      this.nextPort = port === EPHEMERAL_PORT_LAST ? EPHEMERAL_PORT_FIRST : port + 1
      if (!this.connections.has(port) && !this.listeners.has(port)) return port
    }
    throw new InputError(`host ${this.host.name} has no TCP port left`)
  }
}

function endsOf({ sourcePort, destinationPort }: Readonly<TcpHeader>, pair: AddressPair): ConnectionEnds {
  const { source: remoteAddress, destination: localAddress } = pair
  return { localAddress, localPort: destinationPort, remoteAddress, remotePort: sourcePort }
}

/** A number for IPv4, a bigint for IPv6, so that they never meet. */
type PeerKey = number | bigint

function peerKey(address: IpAddress, port: number): PeerKey {
  return typeof address === 'number' ? address * 0x1_0000 + port : (address << 16n) | BigInt(port)
}

/** RFC 9293 §3.6.1 and RFC 1122 §4.2.2.13: a SYN beyond what was received may reopen a connection in TIME-WAIT. */
function isNewSyn(connection: TcpConnection, segment: Readonly<TcpHeader>): boolean {
  return (segment.flags & TCP_FLAG.syn) !== 0 && seqDiff(segment.sequence, connection.rcvNxt) > 0
}
