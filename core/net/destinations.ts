/**
 * Where packets to an address go, as it was found out last: which interface, which neighbour, how long they may be. What
 * ICMP said about an address (path MTU, RFC 1191 §6.3 and RFC 8201; redirects, RFC 1122 §3.3.1.2) is kept here too.
 */
import { seconds, type Nanos } from '../base/units.js'
import type { Kernel } from '../kernel/kernel.js'
import type { NetworkInterface } from './network-interface.js'
import type { RoutingTable } from './routing-table.js'
import {
  IPV4_BROADCAST,
  IPV6_LOOPBACK,
  isLinkLocal,
  isMulticast,
  type IpAddress,
  type Ipv4Address,
  type Ipv6Address,
} from './wire/addresses.js'
import { IPV6_MTU_MIN } from './wire/ipv6.js'

const DESTINATIONS_MAX = 4096
/** As Linux (`min_pmtu`): less would be an attack on us. */
const IPV4_PATH_MTU_MIN = 552
/** Then a longer packet is tried again: 10 minutes. */
const PATH_MTU_LIFETIME_NS: Nanos = seconds(600)

export type DestinationKind = 'local' | 'unicast' | 'broadcast' | 'group' | 'unreachable'

export class Destination {
  kind: DestinationKind = 'unreachable'
  through: NetworkInterface | null = null
  /** The neighbour that gets the packets: a router, or the destination itself. */
  nextHop: IpAddress
  /** The longest packet, in octets. */
  mtu = 0
  /** Of the routing table that this was made from; -1 for a new one. */
  version = -1
  /** After this instant it is to be found out again. */
  untilNs: Nanos = 0
  pathMtu = Infinity
  pathMtuUntilNs: Nanos = 0
  /** The router that another router told us to take. */
  redirect: IpAddress | null = null

  constructor(readonly address: IpAddress) {
    this.nextHop = address
  }
}

export interface Redirect {
  readonly destination: IpAddress
  readonly nextHop: IpAddress
  /** Who says so. */
  readonly router: IpAddress
}

export class Destinations {
  /** Where the packet that is being handled came in; answers to link-local addresses leave there. */
  arrivedThrough: NetworkInterface | null = null
  private readonly known = new Map<IpAddress, Destination>()
  private lastUsed = new Destination(0)

  constructor(
    private readonly kernel: Kernel,
    private readonly routes: RoutingTable,
    private readonly interfaces: readonly NetworkInterface[],
    private readonly localAddresses: ReadonlyMap<IpAddress, NetworkInterface>,
  ) {}

  /** Where packets to `address` go. Most go where the one before went. */
  find(address: IpAddress): Destination {
    let to = this.lastUsed
    if (to.address !== address) {
      if (typeof address === 'bigint' && needsInterface(address))
        return this.bound(address, this.interfaceTowards(address))
      to = this.get(address)
      this.lastUsed = to
    }
    if (to.version !== this.routes.version || to.untilNs <= this.kernel.nowNs) this.refresh(to)
    return to
  }

  /** Where packets to `address` go that must leave through a certain interface. */
  bound(address: IpAddress, through: NetworkInterface | null): Destination {
    const to = new Destination(address)
    to.through = through
    if (through === null) return to
    to.mtu = through.mtu
    if (isMulticast(address)) to.kind = 'group'
    else if (typeof address === 'number' && through.isBroadcast(address)) to.kind = 'broadcast'
    else {
      to.kind = 'unicast'
      const route = through.isOnLink(address) ? null : this.routes.find(address)
      if (route?.interface === through && route.nextHop !== null) to.nextHop = route.nextHop
      if (this.localAddresses.has(address)) to.kind = 'local'
    }
    return to
  }

  /** Everything that ICMP said. */
  learned(): Destination[] {
    return [...this.known.values()].filter(({ pathMtu, redirect }) => pathMtu < Infinity || redirect !== null)
  }

  /**
   * Packets to `address` do not get through when they are longer than `mtu` octets (0: the router did not say). Gives what
   * is taken for it, or null when nothing changes.
   */
  lowerPathMtu(address: IpAddress, mtu: number): number | null {
    const lowered = Math.max(typeof address === 'number' ? IPV4_PATH_MTU_MIN : IPV6_MTU_MIN, mtu)
    const to = this.find(address)
    if (lowered >= to.mtu) return null
    to.pathMtu = lowered
    to.pathMtuUntilNs = this.kernel.nowNs + PATH_MTU_LIFETIME_NS
    to.version = -1
    return lowered
  }

  /** Take another router, if the one that says so is the one we use. False when it is not believed. */
  redirect({ destination, nextHop, router }: Redirect): boolean {
    const to = this.find(destination)
    if (to.kind !== 'unicast' || to.nextHop !== router || this.localAddresses.has(nextHop)) return false
    if (to.through?.isOnLink(nextHop) !== true && !needsInterface(nextHop)) return false
    to.redirect = nextHop
    to.version = -1
    return true
  }

  /** The known one, or a new one whose `version` is -1. The oldest goes when there are too many. */
  private get(address: IpAddress): Destination {
    let found = this.known.get(address)
    if (found === undefined) {
      found = new Destination(address)
      if (this.known.size >= DESTINATIONS_MAX)
        for (const oldest of this.known.keys()) {
          this.known.delete(oldest)
          break
        }
      this.known.set(address, found)
    }
    return found
  }

  private refresh(to: Destination): void {
    const { address } = to
    to.version = this.routes.version
    to.untilNs = Infinity
    to.through = null
    to.nextHop = address
    to.mtu = Infinity
    if (isLoopback(address) || this.localAddresses.has(address)) {
      to.kind = 'local'
      return
    }
    const broadcast = typeof address === 'number' ? this.broadcastInterface(address) : null
    const route = this.routes.find(address)
    to.through = broadcast ?? route?.interface ?? (isMulticast(address) ? this.firstUp() : null)
    if (to.through === null) {
      to.kind = 'unreachable'
      return
    }
    to.kind = broadcast !== null ? 'broadcast' : isMulticast(address) ? 'group' : 'unicast'
    if (to.redirect !== null && !to.through.isOnLink(to.redirect) && !needsInterface(to.redirect)) to.redirect = null
    if (to.kind === 'unicast') to.nextHop = to.redirect ?? route?.nextHop ?? address
    if (route?.untilNs !== undefined) to.untilNs = route.untilNs
    to.mtu = to.through.mtu
    if (to.pathMtuUntilNs > this.kernel.nowNs) {
      to.mtu = Math.min(to.mtu, to.pathMtu)
      to.untilNs = Math.min(to.untilNs, to.pathMtuUntilNs)
    } else to.pathMtu = Infinity
  }

  private broadcastInterface(address: Ipv4Address): NetworkInterface | null {
    if (address === IPV4_BROADCAST) return this.firstUp()
    return this.interfaces.find((through) => through.isUp && through.isBroadcast(address)) ?? null
  }

  private firstUp(): NetworkInterface | null {
    return this.interfaces.find(({ isUp }) => isUp) ?? null
  }

  /** A link-local address says nothing about the link: it is where we know it, where we were just asked, or the first. */
  private interfaceTowards(address: Ipv6Address): NetworkInterface | null {
    const { interfaces } = this
    return (
      interfaces.find(({ neighbours }) => (neighbours?.macOf(address) ?? null) !== null) ??
      this.arrivedThrough ??
      interfaces.find(({ neighbours, isUp }) => neighbours !== null && isUp) ??
      null
    )
  }
}

export function isLoopback(address: IpAddress): boolean {
  return typeof address === 'number' ? address >>> 24 === 127 : address === IPV6_LOOPBACK
}

/** Addresses that are the same on every link. */
function needsInterface(address: IpAddress): address is Ipv6Address {
  return typeof address === 'bigint' && (isLinkLocal(address) || isMulticast(address))
}
