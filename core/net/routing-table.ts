/** The routes of a host: where packets go next (RFC 1812 §5.2.4.3: the longest prefix, then the best origin and metric). */
import type { Nanos } from '../base/units.js'
import type { Kernel } from '../kernel/kernel.js'
import type { NetworkInterface } from './network-interface.js'
import { PrefixMap } from './prefix-map.js'
import { ipText, prefixOf, prefixText, type IpAddress } from './wire/addresses.js'

/**
 * Who says so. `connected`: an address of ours lies in it; `static`: a person; `advertisement`: an IPv6 router about itself;
 * `rip`: a neighbour's announcement.
 */
export type RouteOrigin = 'connected' | 'static' | 'advertisement' | 'rip'

/** Of two routes to the same prefix the one of the lower rank is used ("administrative distance"). */
const rank: Readonly<Record<RouteOrigin, number>> = { connected: 0, static: 1, advertisement: 100, rip: 120 }

export interface Route {
  readonly prefix: IpAddress
  readonly prefixLength: number
  /** Null: the destination itself is a neighbour. */
  readonly nextHop: IpAddress | null
  readonly interface: NetworkInterface
  readonly metric: number
  readonly origin: RouteOrigin
  /** After this it is not used; absent: no end. */
  readonly untilNs?: Nanos
}

/** A route as displays want it. */
export interface RouteRow {
  readonly prefix: string
  /** Empty for a connected network. */
  readonly nextHop: string
  readonly interface: string
  readonly metric: number
  readonly origin: RouteOrigin
  /** Whether packets take it, or another route to the same prefix goes before. */
  readonly isBest: boolean
}

export class RoutingTable {
  /** Changes whenever a route does: what was looked up before is then to be looked up again. */
  version = 0
  private readonly ipv4 = new PrefixMap<Route[]>()
  private readonly ipv6 = new PrefixMap<Route[]>()

  constructor(
    private readonly kernel: Kernel,
    private readonly hostName: string,
  ) {}

  /** The best route to `address`, or null. */
  find(address: IpAddress): Route | null {
    const found = this.mapOf(address).find(address)?.[0]
    if (found?.untilNs === undefined || found.untilNs > this.kernel.nowNs) return found ?? null
    this.remove(found)
    return this.find(address)
  }

  /**
   * Takes the place of a route to the same prefix of the same origin over the same interface and next hop, and of
   * `replaced`, another route to the same prefix.
   */
  add(route: Route, replaced?: Route): void {
    const { prefixLength } = route
    const prefix = prefixOf(route.prefix, prefixLength)
    const map = this.mapOf(prefix)
    const others = (map.get(prefix, prefixLength) ?? []).filter(
      (other) => !isSameWay(other, route) && (replaced === undefined || !isSameWay(other, replaced)),
    )
    const routes = [...others, { ...route, prefix }].sort(
      (a, b) => rank[a.origin] - rank[b.origin] || a.metric - b.metric,
    )
    this.change(prefix, prefixLength, routes)
  }

  remove(route: Route): void {
    const { prefix, prefixLength } = route
    const routes = this.mapOf(prefix).get(prefix, prefixLength) ?? []
    const left = routes.filter((other) => !isSameWay(other, route))
    if (left.length < routes.length) this.change(prefixOf(prefix, prefixLength), prefixLength, left)
  }

  /** Remove all routes for which the origin and interface are these. */
  removeAll(through: NetworkInterface, origin: RouteOrigin): void {
    for (const route of this.list()) if (route.interface === through && route.origin === origin) this.remove(route)
  }

  /** All routes, IPv4 first, longest prefixes first, the best to each prefix first. */
  list(): Route[] {
    return [...this.ipv4.values(), ...this.ipv6.values()].flat()
  }

  rows(): RouteRow[] {
    return [...this.ipv4.values(), ...this.ipv6.values()].flatMap((routes) =>
      routes.map((route, index) => ({
        prefix: prefixText({ address: route.prefix, prefixLength: route.prefixLength }),
        nextHop: route.nextHop === null ? '' : ipText(route.nextHop),
        interface: route.interface.name,
        metric: route.metric,
        origin: route.origin,
        isBest: index === 0,
      })),
    )
  }

  private change(prefix: IpAddress, prefixLength: number, routes: Route[]): void {
    const map = this.mapOf(prefix)
    const before = map.get(prefix, prefixLength)?.[0]
    if (routes.length === 0) map.delete(prefix, prefixLength)
    else map.set(prefix, prefixLength, routes)
    this.version++
    const best = routes[0]
    const isSame =
      best !== undefined &&
      before !== undefined &&
      isSameWay(best, before) &&
      best.metric === before.metric &&
      best.origin === before.origin
    if (!isSame && (best ?? before)?.origin !== 'connected') this.traceChange(prefix, prefixLength, best)
  }

  /** A route that is gone has the origin `none`. */
  private traceChange(prefix: IpAddress, prefixLength: number, best: Route | undefined): void {
    const { nextHop = null, metric = 0, origin = 'none' } = best ?? {}
    this.kernel.trace.add('route-changed', {
      host: this.hostName,
      prefix: prefixText({ address: prefix, prefixLength }),
      nextHop: nextHop === null ? '' : ipText(nextHop),
      metric,
      origin,
    })
  }

  private mapOf(address: IpAddress): PrefixMap<Route[]> {
    return typeof address === 'number' ? this.ipv4 : this.ipv6
  }
}

function isSameWay(a: Route, b: Route): boolean {
  return a.origin === b.origin && a.interface === b.interface && a.nextHop === b.nextHop
}
