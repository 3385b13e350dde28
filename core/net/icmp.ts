/** Echo of a host (RFC 792, RFC 1122 §3.2.2.6): it answers, and it asks for others. */
import { InputError } from '../base/errors.js'
import type { Nanos } from '../base/units.js'
import type { Kernel } from '../kernel/kernel.js'
import { MESSAGE_OFFSET, type IpProtocol, type Ipv4Layer } from './ip.js'
import type { Ipv4Address } from './wire/addresses.js'
import { decodeIcmp, ICMP_HEADER_OCTETS, ICMP_TYPE, writeIcmp, type IcmpMessage } from './wire/icmp.js'
import { IP_PROTOCOL, type Ipv4Header } from './wire/ipv4.js'

export interface EchoReply {
  readonly source: Ipv4Address
  readonly identifier: number
  readonly sequence: number
  readonly receivedNs: Nanos
  readonly payload: Uint8Array
}

/** Who asked. Told inside the event in which the frame arrived. */
export interface EchoListener {
  echoReplied(reply: EchoReply): void
}

export class IcmpLayer implements IpProtocol {
  private readonly listeners = new Map<number, EchoListener>()
  private nextIdentifier = 1

  constructor(
    private readonly kernel: Kernel,
    private readonly ip: Ipv4Layer,
  ) {
    ip.register(IP_PROTOCOL.icmp, this)
  }

  /** An identifier for echo requests whose replies go to `listener`, until `closeEcho`. */
  openEcho(listener: EchoListener): number {
    if (this.listeners.size >= 0xffff) throw new InputError('too many echo clients on one host')
    while (this.listeners.has(this.nextIdentifier)) this.nextIdentifier = (this.nextIdentifier % 0xffff) + 1
    const identifier = this.nextIdentifier
    this.listeners.set(identifier, listener)
    this.nextIdentifier = (identifier % 0xffff) + 1
    return identifier
  }

  closeEcho(identifier: number): void {
    this.listeners.delete(identifier)
  }

  /** `payload` is copied; `ping` sends 56 octets. */
  sendEcho(destination: Ipv4Address, identifier: number, sequence: number, payload: Uint8Array): void {
    this.send(destination, { type: ICMP_TYPE.echoRequest, code: 0, identifier, sequence, payload })
  }

  receivePacket(frame: Uint8Array, header: Readonly<Ipv4Header>): void {
    const message = decodeIcmp(frame.subarray(header.payloadStart, header.payloadEnd))
    if (message.type === ICMP_TYPE.echoRequest)
      this.send(header.source, { ...message, type: ICMP_TYPE.echoReply, code: 0 })
    else if (message.type === ICMP_TYPE.echoReply) {
      const { identifier, sequence, payload } = message
      const reply = {
        source: header.source,
        identifier,
        sequence,
        receivedNs: this.kernel.nowNs,
        payload: payload.slice(),
      }
      this.listeners.get(identifier)?.echoReplied(reply)
    }
  }

  private send(destination: Ipv4Address, message: IcmpMessage): void {
    const frame = this.ip.allocate(ICMP_HEADER_OCTETS + message.payload.length)
    writeIcmp(frame, MESSAGE_OFFSET, message)
    this.ip.send(frame, IP_PROTOCOL.icmp, this.ip.sourceFor(destination), destination)
  }
}
