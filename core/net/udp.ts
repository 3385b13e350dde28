/** Datagrams of a host (RFC 768). Ports without a listener are silent. */
import { assert, InputError } from '../base/errors.js'
import { MESSAGE_OFFSET, type IpProtocol, type Ipv4Layer } from './ip.js'
import type { Ipv4Address } from './wire/addresses.js'
import { IP_PROTOCOL, type Ipv4Header } from './wire/ipv4.js'
import { decodeUdp, UDP_HEADER_OCTETS, writeUdp } from './wire/udp.js'

/** The largest datagram that fits one Ethernet frame: packets are not fragmented. */
export const UDP_PAYLOAD_OCTETS_MAX = 1472

export interface ReceivedDatagram {
  readonly source: Ipv4Address
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload: Uint8Array
}

/** Told inside the event in which the frame arrived. */
export interface UdpListener {
  datagramReceived(datagram: ReceivedDatagram): void
}

export interface OutgoingDatagram {
  readonly sourcePort: number
  readonly destination: Ipv4Address
  readonly destinationPort: number
  readonly payload: Uint8Array
}

export class UdpLayer implements IpProtocol {
  private readonly listeners = new Map<number, UdpListener>()

  constructor(private readonly ip: Ipv4Layer) {
    ip.register(IP_PROTOCOL.udp, this)
  }

  listen(port: number, listener: UdpListener): void {
    if (this.listeners.has(port)) throw new InputError(`UDP port ${port} is already taken`)
    this.listeners.set(port, listener)
  }

  close(port: number): void {
    this.listeners.delete(port)
  }

  /** `payload`, at most `UDP_PAYLOAD_OCTETS_MAX` octets, is copied. */
  send({ sourcePort, destination, destinationPort, payload }: OutgoingDatagram): void {
    assert(payload.length <= UDP_PAYLOAD_OCTETS_MAX, `datagram of ${payload.length} octets`)
    const source = this.ip.sourceFor(destination)
    const frame = this.ip.allocate(UDP_HEADER_OCTETS + payload.length)
    writeUdp(frame, MESSAGE_OFFSET, { sourcePort, destinationPort, payload }, { source, destination })
    this.ip.send(frame, IP_PROTOCOL.udp, source, destination)
  }

  receivePacket(frame: Uint8Array, header: Readonly<Ipv4Header>): void {
    const datagram = decodeUdp(frame.subarray(header.payloadStart, header.payloadEnd), header)
    const payload = datagram.payload.slice()
    this.listeners.get(datagram.destinationPort)?.datagramReceived({ source: header.source, ...datagram, payload })
  }
}
