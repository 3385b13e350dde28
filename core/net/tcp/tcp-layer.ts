/** TCP of a host: which segment belongs to which connection, who listens, who connects. */
import type { ByteStream } from '../../base/byte-stream.js'
import { assert, InputError } from '../../base/errors.js'
import type { Nanos } from '../../base/units.js'
import type { Kernel } from '../../kernel/kernel.js'
import type { IpLayer, IpProtocol, PacketHeader } from '../ip.js'
import { portsOf, type PacketError } from '../packet-error.js'
import { ipText, type IpAddress } from '../wire/addresses.js'
import { transportChecksum } from '../wire/checksum.js'
import { IP_PROTOCOL } from '../wire/ipv4.js'
import { readTcpHeader, TCP_FLAG, TcpHeader } from '../wire/tcp.js'
import { segmentArrives, synchronize } from './segment-arrives.js'
import { seqDiff } from './sequence.js'
import { TcpConnection, type ConnectionEnds } from './tcp-connection.js'
import { lowerMss, segmentFailed } from './segment-failed.js'
import { refuse, sendSegment } from './transmit.js'

export interface TcpOptions {
  /** Octets that a stream takes before `writableOctets` is 0: 2 MiB. */
  readonly sendBufferOctets?: number
  /** Octets that wait for the reader before the window is closed: 2 MiB; at most 1 GiB (RFC 7323 §2.3). */
  readonly receiveBufferOctets?: number
  /** Octets of a segment without options: 1460, for Ethernet. */
  readonly mss?: number
  readonly hasTimestamps?: boolean
  /** Connections that may be half open for one listener: 128. More are not answered. */
  readonly synBacklogMax?: number
}

const defaults: Required<TcpOptions> = Object.freeze({
  sendBufferOctets: 2 * 1024 * 1024,
  receiveBufferOctets: 2 * 1024 * 1024,
  mss: 1460,
  hasTimestamps: true,
  synBacklogMax: 128,
})

export interface TcpListener {
  /** A connection is established: take it by setting its owner, who is then told that it opened. */
  connectionAccepted(stream: TcpConnection): void
}

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
  private readonly listeners = new Map<number, TcpListener>()
  /** By local port, then by remote address and port. */
  private readonly connections = new Map<number, Map<PeerKey, TcpConnection>>()
  private lastUsed: TcpConnection | null = null
  private nextPort: number
  private readonly received = new TcpHeader()
  private readonly timestampOffsetMs: number

  constructor(
    private readonly kernel: Kernel,
    readonly host: TcpHost,
    options: TcpOptions,
  ) {
    this.options = { ...defaults, ...options }
    const { receiveBufferOctets, sendBufferOctets } = this.options
    assert(receiveBufferOctets >= 1 && receiveBufferOctets <= 2 ** 30 && sendBufferOctets >= 1, 'TCP buffer sizes')
    let shift = 0
    while (receiveBufferOctets / 2 ** shift > 0xffff) shift++
    this.windowShift = shift
    this.ip = host.ip
    const random = kernel.random(`${host.name}/tcp`)
    this.nextPort = EPHEMERAL_PORT_FIRST + random.below(EPHEMERAL_PORT_LAST - EPHEMERAL_PORT_FIRST + 1)
    this.timestampOffsetMs = random.u32()
    host.ip.register(IP_PROTOCOL.tcp, this)
  }

  listen(port: number, listener: TcpListener): void {
    if (this.listeners.has(port)) throw new InputError(`TCP port ${port} is already taken`)
    this.listeners.set(port, listener)
  }

  /** Accept no more on `port`. Connections that were accepted stay. */
  unlisten(port: number): void {
    this.listeners.delete(port)
  }

  /** `localPort` 0 takes the next free one. */
  connect(remoteAddress: IpAddress, remotePort: number, localPort = 0): ByteStream {
    const localAddress = this.ip.sourceFor(remoteAddress)
    const ends = { localAddress, localPort: localPort || this.freePort(), remoteAddress, remotePort }
    if (this.find(ends.localPort, remoteAddress, remotePort) !== undefined)
      throw new InputError(`there is already a connection to ${ipText(remoteAddress)}:${remotePort} from there`)
    const connection = this.add(ends)
    this.host.enter()
    sendSegment(connection, connection.iss, 0, 'SYN')
    connection.retransmissionTimer.set(connection.rtt.rtoNs)
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
    const listener = this.listeners.get(segment.destinationPort)
    if (listener === undefined || (segment.flags & (TCP_FLAG.rst | TCP_FLAG.ack | TCP_FLAG.syn)) !== TCP_FLAG.syn)
      refuse(this, segment, { source, destination })
    else if (this.halfOpenCount(segment.destinationPort) < this.options.synBacklogMax)
      this.accept(listener, segment, { source, destination })
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

  private accept(
    listener: TcpListener,
    segment: Readonly<TcpHeader>,
    { source, destination }: { source: IpAddress; destination: IpAddress },
  ): void {
    const connection = this.add({
      localAddress: destination,
      localPort: segment.destinationPort,
      remoteAddress: source,
      remotePort: segment.sourcePort,
    })
    connection.listener = listener
    connection.tcpState = 'SYN-RECEIVED'
    synchronize(connection, segment)
    sendSegment(connection, connection.iss, 0, 'SYN-ACK')
    connection.retransmissionTimer.set(connection.rtt.rtoNs)
  }

  private add(ends: ConnectionEnds): TcpConnection {
    // Not to be guessed from outside (RFC 6528), and the same in every run.
    const iss = this.kernel.random(`${this.host.name}/tcp`).u32()
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

  private halfOpenCount(port: number): number {
    let count = 0
    for (const { tcpState } of this.connections.get(port)?.values() ?? []) if (tcpState === 'SYN-RECEIVED') count++
    return count
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

/** A number for IPv4, a bigint for IPv6, so that they never meet. */
type PeerKey = number | bigint

function peerKey(address: IpAddress, port: number): PeerKey {
  return typeof address === 'number' ? address * 0x1_0000 + port : (address << 16n) | BigInt(port)
}

/** RFC 9293 §3.6.1 and RFC 1122 §4.2.2.13: a SYN beyond what was received may reopen a connection in TIME-WAIT. */
function isNewSyn(connection: TcpConnection, segment: Readonly<TcpHeader>): boolean {
  return (segment.flags & TCP_FLAG.syn) !== 0 && seqDiff(segment.sequence, connection.rcvNxt) > 0
}
