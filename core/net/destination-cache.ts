/**
 * Where packets to an address go, as it was found out last: which interface, which neighbour, how long they may be. What
 * ICMP said about an address (path MTU, RFC 1191 §6.3 and RFC 8201; redirects, RFC 1122 §3.3.1.2) is kept here too.
 */
import { seconds, type Nanos } from '../base/units.js'
import type { NetworkInterface } from './network-interface.js'
import type { IpAddress } from './wire/addresses.js'

const DESTINATIONS_MAX = 4096
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

  lowerPathMtu(mtu: number, nowNs: Nanos): void {
    this.pathMtu = mtu
    this.pathMtuUntilNs = nowNs + PATH_MTU_LIFETIME_NS
    this.version = -1
  }
}

export class DestinationCache {
  private readonly destinations = new Map<IpAddress, Destination>()

  /** The known one, or a new one whose `version` is -1. The oldest goes when there are too many. */
  get(address: IpAddress): Destination {
    let found = this.destinations.get(address)
    if (found === undefined) {
      found = new Destination(address)
      if (this.destinations.size >= DESTINATIONS_MAX)
        for (const oldest of this.destinations.keys()) {
          this.destinations.delete(oldest)
          break
        }
      this.destinations.set(address, found)
    }
    return found
  }

  /** Everything that ICMP said, as displays want it. */
  learned(): Destination[] {
    return [...this.destinations.values()].filter(({ pathMtu, redirect }) => pathMtu < Infinity || redirect !== null)
  }
}
