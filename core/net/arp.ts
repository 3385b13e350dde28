/**
 * Address resolution of an interface (RFC 826, with the retries and the queue of RFC 1122 §2.3.2), announcements and the
 * detection of duplicates (RFC 5227).
 *
 * What is believed without having asked is what makes ARP easy to poison: `gratuitous` says how much of it.
 */
import { milliseconds, seconds } from '../base/units.js'
import type { Kernel, KernelEvent, Process } from '../kernel/kernel.js'
import { takeFrame } from './frame-pool.js'
import { NeighbourTable, type NeighbourLink, type NeighbourRow } from './neighbour-table.js'
import type { NetworkInterface } from './network-interface.js'
import { MAC_BROADCAST, writeMac, type IpAddress, type Ipv4Address, type MacAddress } from './wire/addresses.js'
import { ARP_OCTETS, ARP_OPERATION, decodeArp, encodeArp, type ArpMessage } from './wire/arp.js'
import { ETHERNET_HEADER_OCTETS, ETHERTYPE } from './wire/ethernet.js'
import { writeU16be } from '../base/octets.js'

/** RFC 5227 §1.1, without the random parts: PROBE_NUM, PROBE_MIN, ANNOUNCE_WAIT. */
const PROBES = 3
const PROBE_INTERVAL_NS = seconds(1)
const ANNOUNCE_WAIT_NS = milliseconds(2000)

/**
 * Which messages that nobody asked for change an entry: those about addresses that are known already (most systems), also
 * about others (Linux's `arp_accept`), or none (only answers to questions that are open).
 */
export type GratuitousArp = 'known' | 'all' | 'none'

/** Who wants to know whether an address is free. */
export interface ProbeListener {
  addressProbed(address: Ipv4Address, isTaken: boolean): void
}

interface ProbeEvent extends KernelEvent {
  readonly kind: 'arp-probe'
  readonly address: Ipv4Address
}

interface ProbeState {
  readonly listener: ProbeListener
  sent: number
}

export class ArpTable implements NeighbourLink, Process {
  gratuitous: GratuitousArp = 'known'
  /** Other stations that said that they have our own address. */
  conflicts = 0
  private readonly neighbours: NeighbourTable
  private readonly probes = new Map<Ipv4Address, ProbeState>()

  constructor(
    private readonly kernel: Kernel,
    private readonly through: NetworkInterface,
  ) {
    this.neighbours = new NeighbourTable(kernel, this)
  }

  get name(): string {
    return this.through.name
  }
  get hostName(): string {
    return this.through.hostName
  }

  /** Address the frame to the station that has `address` and send it, at once or when the station has answered. */
  sendTo(address: Ipv4Address, frame: Uint8Array): void {
    this.neighbours.sendTo(address, frame)
  }

  /** The station that frames to `address` would be sent to now, or null. */
  macOf(address: Ipv4Address): MacAddress | null {
    return this.neighbours.macOf(address)
  }

  table(): NeighbourRow[] {
    return this.neighbours.rows()
  }

  /** An entry that no message changes. */
  setPermanent(address: Ipv4Address, mac: MacAddress): void {
    this.neighbours.setPermanent(address, mac)
  }

  remove(address: Ipv4Address): void {
    this.neighbours.remove(address)
  }

  clear(): void {
    this.neighbours.clear()
  }

  /** Tell everybody on the network where our address lives: a gratuitous request (RFC 5227 §3) or reply. */
  announce(form: 'request' | 'reply' = 'request', address = this.through.ipv4Address()): void {
    const { mac } = this.through
    const isReply = form === 'reply'
    this.send(MAC_BROADCAST, {
      operation: isReply ? ARP_OPERATION.reply : ARP_OPERATION.request,
      senderMac: mac,
      senderAddress: address,
      targetMac: isReply ? mac : 0,
      targetAddress: address,
    })
  }

  /** Ask three times whether anybody has `address`, as a host does before it takes it (RFC 5227 §2.1). */
  probe(address: Ipv4Address, listener: ProbeListener): void {
    this.probes.set(address, { listener, sent: 0 })
    this.sendProbe(address)
  }

  /** Send any message, true or not, in a frame to `destination`. */
  send(destination: MacAddress, message: ArpMessage): void {
    const frame = takeFrame(ETHERNET_HEADER_OCTETS + ARP_OCTETS)
    writeMac(frame, 0, destination)
    writeMac(frame, 6, this.through.mac)
    writeU16be(frame, 12, ETHERTYPE.arp)
    frame.set(encodeArp(message), ETHERNET_HEADER_OCTETS)
    this.through.transmit(frame)
  }

  /** Throws `WireError`. */
  receive(payload: Uint8Array): void {
    const message = decodeArp(payload)
    const { operation, senderAddress, senderMac, targetAddress } = message
    if (operation !== ARP_OPERATION.request && operation !== ARP_OPERATION.reply) return
    this.noteProbed(message)
    const isForUs = this.through.hasAddress(targetAddress)
    const isOurs = this.through.hasAddress(senderAddress)
    if (isOurs && senderMac !== this.through.mac) this.conflicts++
    if (senderAddress !== 0 && !isOurs) this.learn(message, isForUs)
    if (isForUs && !isOurs && operation === ARP_OPERATION.request)
      this.send(senderMac, {
        operation: ARP_OPERATION.reply,
        senderMac: this.through.mac,
        senderAddress: targetAddress,
        targetMac: senderMac,
        targetAddress: senderAddress,
      })
  }

  /** RFC 826's rule: whoever asks us is worth an entry; what is known is changed by any message. */
  private learn({ operation, senderAddress, senderMac }: ArpMessage, isForUs: boolean): void {
    const isReply = operation === ARP_OPERATION.reply
    const isAsked = isForUs && (!isReply || this.neighbours.isAsking(senderAddress))
    if (this.gratuitous === 'none' && !isAsked) return
    this.neighbours.learn({
      address: senderAddress,
      mac: senderMac,
      isSolicited: isForUs,
      isOverride: true,
      isNew: this.gratuitous === 'all' || (isForUs && !isReply),
    })
  }

  handleEvent({ address }: ProbeEvent): void {
    const probe = this.probes.get(address)
    if (probe === undefined) return
    if (probe.sent < PROBES) this.sendProbe(address)
    else {
      this.probes.delete(address)
      probe.listener.addressProbed(address, false)
    }
  }

  // What the neighbour table asks of its link.

  solicit(address: IpAddress, mac: MacAddress | null): void {
    if (typeof address === 'bigint') return
    this.send(mac ?? MAC_BROADCAST, {
      operation: ARP_OPERATION.request,
      senderMac: this.through.mac,
      senderAddress: this.through.ipv4Address(address),
      targetMac: 0,
      targetAddress: address,
    })
  }
  transmit(frame: Uint8Array): void {
    this.through.transmit(frame)
  }
  neighbourFailed(frame: Uint8Array): void {
    this.through.neighbourFailed(frame)
  }
  enter(): void {
    this.through.host.enter()
  }
  leave(): void {
    this.through.host.leave()
  }

  private sendProbe(address: Ipv4Address): void {
    const probe = this.probes.get(address)
    if (probe === undefined) return
    probe.sent++
    const event: ProbeEvent = { kind: 'arp-probe', address }
    this.kernel.schedule(probe.sent < PROBES ? PROBE_INTERVAL_NS : ANNOUNCE_WAIT_NS, this, event)
    this.send(MAC_BROADCAST, {
      operation: ARP_OPERATION.request,
      senderMac: this.through.mac,
      senderAddress: 0,
      targetMac: 0,
      targetAddress: address,
    })
  }

  /** Somebody has the address that we look at, or looks at it too (RFC 5227 §2.1.1). */
  private noteProbed({ senderAddress, senderMac, targetAddress }: ArpMessage): void {
    if (senderMac === this.through.mac) return
    const address = senderAddress === 0 ? targetAddress : senderAddress
    const probe = this.probes.get(address)
    if (probe === undefined) return
    this.probes.delete(address)
    probe.listener.addressProbed(address, true)
  }
}
