/** The IPv4 layer of a host with one interface: whole packets only, to destinations on its own subnet or to itself. */
import { readU16be, writeU16be } from '../base/octets.js'
import { takeFrame } from './frame-pool.js'
import {
  IPV4_BROADCAST,
  MAC_BROADCAST,
  sameSubnet,
  writeMac,
  type Ipv4Address,
  type MacAddress,
} from './wire/addresses.js'
import { ETHERNET_HEADER_OCTETS, ETHERTYPE } from './wire/ethernet.js'
import { IP_PROTOCOL, IPV4_HEADER_OCTETS, Ipv4Header, readIpv4Header, writeIpv4Header } from './wire/ipv4.js'

/** Where the message inside IPv4 begins in a frame that `Ipv4Layer.allocate` made. */
export const MESSAGE_OFFSET = ETHERNET_HEADER_OCTETS + IPV4_HEADER_OCTETS

/** What the IPv4 layer needs of its host. */
export interface IpHost {
  readonly mac: MacAddress
  readonly address: Ipv4Address
  readonly prefixLength: number
  transmit(frame: Uint8Array): void
  transmitTo(nextHop: Ipv4Address, frame: Uint8Array): void
  loopBack(frame: Uint8Array): void
}

/** A protocol above IPv4. The message is `frame[header.payloadStart, header.payloadEnd)`. */
export interface IpProtocol {
  receivePacket(frame: Uint8Array, header: Readonly<Ipv4Header>): void
}

export class Ipv4Layer {
  private readonly protocols = new Map<number, IpProtocol>()
  private readonly received = new Ipv4Header()
  private readonly sent = new Ipv4Header()
  private identification = 0
  /** Packets that had nowhere to go: not on our subnet. */
  packetsUnroutable = 0

  /** All host bits set; a subnet of one or two addresses has none (RFC 3021). */
  private readonly subnetBroadcast: Ipv4Address

  constructor(private readonly host: IpHost) {
    const hostBits = 32 - host.prefixLength
    this.subnetBroadcast = hostBits < 2 ? IPV4_BROADCAST : (host.address | (2 ** hostBits - 1)) >>> 0
  }

  register(protocol: number, receiver: IpProtocol): void {
    this.protocols.set(protocol, receiver)
  }

  /** The address we use towards `destination`. */
  sourceFor(destination: Ipv4Address): Ipv4Address {
    return isLoopback(destination) ? destination : this.host.address
  }

  /** A frame with room for a message of `messageOctets` at `MESSAGE_OFFSET`, to be filled in whole and given to `send`. */
  allocate(messageOctets: number): Uint8Array {
    return takeFrame(MESSAGE_OFFSET + messageOctets)
  }

  send(frame: Uint8Array, protocol: number, source: Ipv4Address, destination: Ipv4Address): void {
    const { sent, host } = this
    sent.source = source
    sent.destination = destination
    sent.protocol = protocol
    // TCP finds its own segment size; a packet that may not be cut needs no identification (RFC 6864), but hosts count.
    sent.dontFragment = protocol === IP_PROTOCOL.tcp
    this.identification = (this.identification + 1) & 0xffff
    sent.identification = this.identification
    writeIpv4Header(frame, ETHERNET_HEADER_OCTETS, sent)
    writeMac(frame, 6, host.mac)
    writeU16be(frame, 12, ETHERTYPE.ipv4)
    if (destination === host.address || isLoopback(destination)) {
      writeMac(frame, 0, host.mac)
      host.loopBack(frame)
    } else if (this.isBroadcast(destination)) {
      writeMac(frame, 0, MAC_BROADCAST)
      host.transmit(frame)
    } else if (sameSubnet(destination, host.address, host.prefixLength)) host.transmitTo(destination, frame)
    else this.packetsUnroutable++
  }

  /** Throws `WireError`. `isLooped` says that the frame never left this host. */
  receive(frame: Uint8Array, isLooped: boolean): void {
    const header = this.received
    readIpv4Header(frame, ETHERNET_HEADER_OCTETS, header)
    if (header.moreFragments || header.fragmentOffset !== 0) return
    const { destination } = header
    const isOurs = destination === this.host.address || this.isBroadcast(destination)
    if (isLoopback(destination) ? isLooped : isOurs) this.protocols.get(header.protocol)?.receivePacket(frame, header)
  }

  private isBroadcast(address: Ipv4Address): boolean {
    return address === this.subnetBroadcast || address === IPV4_BROADCAST
  }
}

function isLoopback(address: Ipv4Address): boolean {
  return address >>> 24 === 127
}

/** Whether a frame carries IPv4 without a VLAN tag. */
export function isIpv4Frame(frame: Uint8Array): boolean {
  return readU16be(frame, 12) === ETHERTYPE.ipv4
}
