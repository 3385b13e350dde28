/**
 * Neighbour discovery of an interface (RFC 4861): who has an IPv6 address, which routers there are; addresses from their
 * prefixes and the detection of duplicates (RFC 4862).
 *
 * Like ARP it believes whoever answers: an advertisement that nobody asked for, with the override flag, replaces what is
 * known. Routers answer solicitations and advertise when told to; there are no periodic advertisements, and multicast
 * listener reports (RFC 3810) are not sent: switches flood these groups.
 */
import { seconds } from '../base/units.js'
import type { Kernel, KernelEvent, Process } from '../kernel/kernel.js'
import { NeighbourTable, type NeighbourLink, type NeighbourRow } from './neighbour-table.js'
import type { NetworkInterface } from './network-interface.js'
import type { Route } from './routing-table.js'
import {
  interfaceIdentifierOf,
  IPV6_ALL_NODES,
  IPV6_ALL_ROUTERS,
  IPV6_UNSPECIFIED,
  isLinkLocal,
  isMulticast,
  prefixOf,
  solicitedNodeOf,
  type IpAddress,
  type Ipv6Address,
  type MacAddress,
} from './wire/addresses.js'
import type {
  Icmpv6Redirect,
  NeighbourAdvertisement,
  NeighbourMessage,
  NeighbourSolicitation,
  PrefixInformation,
  RouterAdvertisement,
} from './wire/neighbour-discovery.js'

/** RETRANS_TIMER, with DupAddrDetectTransmits of 1. */
const DUPLICATE_WAIT_NS = seconds(1)
/** Addresses that advertisements may give an interface: more would be an attack on us. */
const ADVERTISED_ADDRESSES_MAX = 16

interface DetectionEvent extends KernelEvent {
  readonly kind: 'duplicate-detection'
  readonly address: Ipv6Address
}

export class NeighbourDiscovery implements NeighbourLink, Process {
  /** What a router says of itself here; null on hosts, and on routers that are silent. */
  advertisement: Omit<RouterAdvertisement, 'kind' | 'sourceMac'> | null = null
  private readonly table: NeighbourTable

  constructor(
    private readonly kernel: Kernel,
    private readonly through: NetworkInterface,
  ) {
    this.table = new NeighbourTable(kernel, this)
  }

  get name(): string {
    return this.through.name
  }
  get hostName(): string {
    return this.through.hostName
  }

  sendTo(address: Ipv6Address, frame: Uint8Array): void {
    this.table.sendTo(address, frame)
  }

  /** The station that frames to `address` would be sent to now, or null. */
  macOf(address: Ipv6Address): MacAddress | null {
    return this.table.macOf(address)
  }

  rows(): NeighbourRow[] {
    return this.table.rows()
  }

  /** An entry that no message changes. */
  setPermanent(address: Ipv6Address, mac: MacAddress): void {
    this.table.setPermanent(address, mac)
  }

  clear(): void {
    this.table.clear()
  }

  /** Tell everybody where `address` lives: an unsolicited advertisement (§7.2.6), true or not. */
  announce(address: Ipv6Address, mac = this.through.mac): void {
    this.advertise(address, { destination: IPV6_ALL_NODES, isSolicited: false, mac })
  }

  /** Ask the routers to advertise themselves. */
  solicitRouters(): void {
    const source = this.through.ipv6Address(IPV6_ALL_ROUTERS)
    const sourceMac = source === IPV6_UNSPECIFIED ? null : this.through.mac
    this.send({ kind: 'router-solicitation', sourceMac }, source, IPV6_ALL_ROUTERS)
  }

  /** Advertise this router, or whatever the advertisement says, to everybody. */
  advertiseRouter(destination: Ipv6Address = IPV6_ALL_NODES): void {
    if (this.advertisement === null) return
    const source = this.through.ipv6Address(IPV6_ALL_NODES)
    this.send({ kind: 'router-advertisement', sourceMac: this.through.mac, ...this.advertisement }, source, destination)
  }

  /** Ask whether anybody has the tentative `address`; silence makes it preferred. */
  detectDuplicate(address: Ipv6Address): void {
    const event: DetectionEvent = { kind: 'duplicate-detection', address }
    this.kernel.schedule(DUPLICATE_WAIT_NS, this, event)
    this.send(
      { kind: 'neighbour-solicitation', target: address, sourceMac: null },
      IPV6_UNSPECIFIED,
      solicitedNodeOf(address),
    )
  }

  handleEvent({ address }: DetectionEvent): void {
    const own = this.through.addresses.find((other) => other.address === address)
    if (own?.state !== 'tentative') return
    own.state = 'preferred'
    this.through.host.ip.addressAdded(this.through, own)
  }

  /** A message that came with hop limit 255, so from a neighbour (§6.1, §7.1). */
  receive(message: NeighbourMessage, source: Ipv6Address, destination: Ipv6Address): void {
    switch (message.kind) {
      case 'neighbour-solicitation':
        this.solicited(message, source)
        break
      case 'neighbour-advertisement':
        this.advertised(message, isMulticast(destination))
        break
      case 'router-solicitation':
        if (this.advertisement === null) break
        if (message.sourceMac !== null && source !== IPV6_UNSPECIFIED) this.heard(source, message.sourceMac)
        this.advertiseRouter()
        break
      case 'router-advertisement':
        this.routerAdvertised(message, source)
        break
      case 'redirect':
        this.redirected(message, source)
        break
    }
  }

  private solicited({ target, sourceMac }: NeighbourSolicitation, source: Ipv6Address): void {
    if (source === IPV6_UNSPECIFIED) {
      // Somebody looks whether the address is free.
      if (this.markDuplicate(target) || !this.through.hasAddress(target)) return
      this.advertise(target, { destination: IPV6_ALL_NODES, isSolicited: false })
      return
    }
    if (!this.through.hasAddress(target)) return
    if (sourceMac !== null) this.heard(source, sourceMac)
    this.advertise(target, { destination: source, isSolicited: true })
  }

  private advertised(message: NeighbourAdvertisement, isToAll: boolean): void {
    const { target, targetMac, isSolicited, isOverride } = message
    if (this.markDuplicate(target) || targetMac === null || this.through.hasAddress(target)) return
    this.table.learn({
      address: target,
      mac: targetMac,
      isSolicited: isSolicited && !isToAll,
      isOverride,
      isNew: false,
    })
  }

  /** A message from `address` itself: worth an entry, though it does not show that it hears us. */
  private heard(address: Ipv6Address, mac: MacAddress): void {
    this.table.learn({ address, mac, isSolicited: false, isOverride: true, isNew: true })
  }

  /** True when `address` is one that we were about to take. */
  private markDuplicate(address: Ipv6Address): boolean {
    const own = this.through.addresses.find((other) => other.address === address)
    if (own?.state !== 'tentative') return false
    own.state = 'duplicate'
    return true
  }

  private routerAdvertised(message: RouterAdvertisement, source: Ipv6Address): void {
    const { through } = this
    if (!isLinkLocal(source) || !through.acceptsAdvertisements || through.host.ip.forwards) return
    if (message.sourceMac !== null) this.heard(source, message.sourceMac)
    const untilNs = this.kernel.nowNs + seconds(message.lifetimeSeconds)
    const route: Route = {
      prefix: 0n,
      prefixLength: 0,
      nextHop: source,
      interface: through,
      metric: 1,
      origin: 'advertisement',
      untilNs,
    }
    const { routes } = through.host.ip
    if (message.lifetimeSeconds > 0) routes.add(route)
    else routes.remove(route)
    for (const prefix of message.prefixes) if (prefix.isAutonomous) this.autoconfigure(prefix)
  }

  /** RFC 4862 §5.5.3. Lifetimes only matter as being zero or not: a lab is shorter than a valid one. */
  private autoconfigure({ prefix, prefixLength, validSeconds }: PrefixInformation): void {
    if (prefixLength !== 64 || validSeconds === 0 || isLinkLocal(prefix) || isMulticast(prefix)) return
    const address = (prefixOf(prefix, 64) as bigint) | interfaceIdentifierOf(this.through.mac)
    const given = this.through.addresses.filter(({ origin }) => origin === 'advertisement')
    if (given.length >= ADVERTISED_ADDRESSES_MAX) return
    if (this.through.addresses.some((own) => own.address === address)) return
    this.through.addAddress({ address, prefixLength }, 'advertisement')
  }

  private redirected({ target, destination, targetMac }: Icmpv6Redirect, source: Ipv6Address): void {
    if (!isLinkLocal(source) || (target !== destination && !isLinkLocal(target))) return
    if (this.through.host.ip.redirected({ destination, nextHop: target, router: source }) && targetMac !== null)
      this.heard(target, targetMac)
  }

  // What the neighbour table asks of its link.

  solicit(address: IpAddress, mac: MacAddress | null): void {
    if (typeof address === 'number') return
    const destination = mac === null ? solicitedNodeOf(address) : address
    const source = this.through.ipv6Address(address)
    this.send({ kind: 'neighbour-solicitation', target: address, sourceMac: this.through.mac }, source, destination)
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

  private advertise(
    target: Ipv6Address,
    { destination, isSolicited, mac = this.through.mac }: AdvertisingOptions,
  ): void {
    const isRouter = this.through.host.ip.forwards
    const message: NeighbourMessage = {
      kind: 'neighbour-advertisement',
      target,
      targetMac: mac,
      isRouter,
      isSolicited,
      isOverride: true,
    }
    this.send(message, this.through.hasAddress(target) ? target : this.through.ipv6Address(target), destination)
  }

  private send(message: NeighbourMessage, source: Ipv6Address, destination: Ipv6Address): void {
    this.through.host.icmp.sendNeighbourMessage(message, { source, destination }, this.through)
  }
}

interface AdvertisingOptions {
  readonly destination: Ipv6Address
  readonly isSolicited: boolean
  readonly mac?: MacAddress
}
