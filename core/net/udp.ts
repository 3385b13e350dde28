/**
 * Datagrams of a host (RFC 768, RFC 1122 §4.1), over both families. A datagram to a port that nobody has is answered by an
 * ICMP error, and one that comes back is told to the socket that sent it.
 */
import { InputError } from '../base/errors.js'
import { readU16be } from '../base/octets.js'
import { messageOffset, type IpLayer, type IpProtocol, type PacketHeader, type SendOptions } from './ip.js'
import type { IcmpLayer } from './icmp.js'
import type { NetworkInterface } from './network-interface.js'
import { portsOf, type PacketError } from './packet-error.js'
import type { IpAddress } from './wire/addresses.js'
import { IP_PROTOCOL } from './wire/ipv4.js'
import { checkUdp, UDP_HEADER_OCTETS, writeUdp } from './wire/udp.js'

/** The largest datagram that IPv4 carries; what does not fit one Ethernet frame is fragmented. */
export const UDP_PAYLOAD_OCTETS_MAX = 65507
/** RFC 6335 §6. */
const DYNAMIC_PORT_FIRST = 49152

/** A datagram that has arrived. Good during the call alone: who keeps something of it copies it. */
export class ReceivedDatagram {
  source: IpAddress = 0
  sourcePort = 0
  destination: IpAddress = 0
  destinationPort = 0
  /** Time to live, or hop limit, as it came. */
  ttl = 0
  /** The payload is `octets[start, end)`. */
  octets: Uint8Array = noOctets
  start = 0
  end = 0

  constructor(public through: NetworkInterface) {}

  /** A view. */
  get payload(): Uint8Array {
    return this.octets.subarray(this.start, this.end)
  }
}
const noOctets: Uint8Array = new Uint8Array(0)

/** Told inside the event in which the frame arrived. */
export interface UdpListener {
  datagramReceived(datagram: ReceivedDatagram): void
  /** A datagram from this port did not arrive; `port-unreachable` is "connection refused". */
  datagramFailed?(error: PacketError): void
}

export interface OutgoingDatagram extends SendOptions {
  readonly sourcePort: number
  /** The one that fits the route unless told. */
  readonly source?: IpAddress
  readonly destination: IpAddress
  readonly destinationPort: number
  readonly payload: Uint8Array
}

export class UdpLayer implements IpProtocol {
  private readonly listeners = new Map<number, UdpListener>()
  /** The same for every datagram, so that receiving makes no garbage. */
  private received: ReceivedDatagram | null = null
  private nextPort = DYNAMIC_PORT_FIRST

  constructor(
    private readonly ip: IpLayer,
    private readonly icmp: IcmpLayer,
  ) {
    ip.register(IP_PROTOCOL.udp, this)
  }

  /** Datagrams to `port` go to `listener`. Throws `InputError` when the port is taken. */
  listen(port: number, listener: UdpListener): void {
    if (this.listeners.has(port)) throw new InputError(`UDP port ${port} is already taken`)
    this.listeners.set(port, listener)
  }

  /** A socket on `port`, or on any free one: datagrams go to `listener` and leave from there. Throws `InputError`. */
  open(listener: UdpListener, port = this.freePort()): UdpSocket {
    this.listen(port, listener)
    return new UdpSocket(this, port)
  }

  close(port: number): void {
    this.listeners.delete(port)
  }

  /** `payload` is copied. Throws `InputError` when it has more than `UDP_PAYLOAD_OCTETS_MAX` octets. */
  send(datagram: OutgoingDatagram): void {
    const { destination, payload } = datagram
    if (payload.length > UDP_PAYLOAD_OCTETS_MAX)
      throw new InputError(`a datagram has at most ${UDP_PAYLOAD_OCTETS_MAX} octets, not ${payload.length}`)
    const source = datagram.source ?? this.ip.sourceFor(destination, datagram.through)
    const frame = this.ip.allocate(destination, UDP_HEADER_OCTETS + payload.length)
    writeUdp(frame, messageOffset(destination), datagram, { source, destination })
    this.ip.send(frame, IP_PROTOCOL.udp, source, destination, datagram)
  }

  receivePacket(frame: Uint8Array, header: PacketHeader, through: NetworkInterface): void {
    const { payloadStart: start } = header
    const end = checkUdp(frame, start, header.payloadEnd, header)
    const destinationPort = readU16be(frame, start + 2)
    const listener = this.listeners.get(destinationPort)
    if (listener === undefined) {
      this.icmp.sendError(frame, 'port-unreachable', through)
      return
    }
    const received = (this.received ??= new ReceivedDatagram(through))
    received.source = header.source
    received.sourcePort = readU16be(frame, start)
    received.destination = header.destination
    received.destinationPort = destinationPort
    received.ttl = header.ttl
    received.octets = frame
    received.start = start + UDP_HEADER_OCTETS
    received.end = end
    received.through = through
    listener.datagramReceived(received)
    received.octets = noOctets // the frame is about to be somebody else's
  }

  receiveError(error: PacketError): boolean {
    const listener = this.listeners.get(portsOf(error).localPort)
    listener?.datagramFailed?.(error)
    return listener !== undefined
  }

  private freePort(): number {
    for (let tries = DYNAMIC_PORT_FIRST; tries <= 0xffff; tries++) {
      const port = this.nextPort
      this.nextPort = port === 0xffff ? DYNAMIC_PORT_FIRST : port + 1
      if (!this.listeners.has(port)) return port
    }
    throw new InputError('no UDP port is left')
  }
}

export class UdpSocket {
  constructor(
    private readonly layer: UdpLayer,
    readonly port: number,
  ) {}

  /** `payload` is copied. */
  sendTo(destination: IpAddress, destinationPort: number, payload: Uint8Array, options: SendOptions = {}): void {
    this.layer.send({ ...options, sourcePort: this.port, destination, destinationPort, payload })
  }

  close(): void {
    this.layer.close(this.port)
  }
}
