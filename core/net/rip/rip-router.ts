/**
 * A router's side of RIP version 2 (RFC 2453): neighbours tell one another how far networks are, and believe it. Triggered
 * updates (§3.10.1) and split horizon with poisoned reverse (§3.4.3); equal routes are not changed for the newer one.
 *
 * Whoever sends from a neighbouring address is a router as far as the protocol goes: a better metric or a longer prefix draws
 * traffic to him. Against that stand origin filters, passive interfaces and keys.
 */
import { InputError, WireError } from '../../base/errors.js'
import { milliseconds, seconds, type Nanos } from '../../base/units.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../../kernel/kernel.js'
import type { HostStack } from '../host-stack.js'
import type { InterfaceListener } from '../ip.js'
import type { NetworkInterface } from '../network-interface.js'
import type { Route } from '../routing-table.js'
import type { ReceivedDatagram, UdpListener } from '../udp.js'
import { ipText, prefixText, type Ipv4Address } from '../wire/addresses.js'
import {
  decodeRip,
  encodeRip,
  RIP_COMMAND,
  RIP_ENTRIES_MAX,
  RIP_GROUP,
  RIP_INFINITY,
  RIP_PORT,
  type RipEntry,
  type RipMessage,
} from '../wire/rip.js'
import { filterAnnouncement, type OriginFilter } from './origin-filter.js'
import { encodeSignedRip, isSigned, type RipKey } from './rip-authentication.js'

const UPDATE_NS = seconds(30)
/** Updates come up to so much earlier or later, so that routers do not fall into step (§3.8). */
const UPDATE_JITTER_NS = seconds(5)
const TIMEOUT_NS = seconds(180)
const GARBAGE_NS = seconds(120)
/** Between triggered updates: 1 to 5 seconds. */
const TRIGGER_WAIT_NS_MIN = seconds(1)
const TRIGGER_WAIT_SPREAD_NS = seconds(4)
const ROUTES_MAX = 4096
const REFUSALS_MAX = 1024

const UPDATE: KernelEvent = Object.freeze({ kind: 'rip-update' })
const TRIGGER: KernelEvent = Object.freeze({ kind: 'rip-trigger' })
const EXPIRE: KernelEvent = Object.freeze({ kind: 'rip-expire' })

export interface RipOptions {
  /** Names of interfaces where nothing is announced and nobody is believed: those with hosts, not routers. */
  readonly passive?: readonly string[]
  /** What is believed; everything unless told. */
  readonly filters?: readonly OriginFilter[]
  /** Announcements carry a digest under this key, and those without are refused. */
  readonly key?: RipKey
}

interface RipRoute {
  readonly prefix: Ipv4Address
  readonly prefixLength: number
  through: NetworkInterface
  /** Who announced it; 0 for a network of our own. */
  neighbour: Ipv4Address
  nextHop: Ipv4Address
  metric: number
  routeTag: number
  /** When it is not believed any more, or, at metric 16, forgotten. */
  untilNs: Nanos
  isChanged: boolean
  /** As it stands in the routing table; null while it does not. */
  installed: Route | null
}

/** A route of RIP as displays want it. */
export interface RipRouteRow {
  readonly prefix: string
  /** Empty for a network of our own. */
  readonly neighbour: string
  readonly nextHop: string
  readonly interface: string
  /** 16: cannot be reached, soon forgotten. */
  readonly metric: number
}

export class RipRouter implements UdpListener, Process, InterfaceListener {
  filters: readonly OriginFilter[] | null
  key: RipKey | null
  /** Announced networks that were refused, each time they came. */
  announcementsRefused = 0
  messagesMalformed = 0
  private readonly passive: ReadonlySet<string>
  private readonly table = new Map<string, RipRoute>()
  /** What was refused of whom, and why: the trace tells each once. */
  private readonly refusals = new Map<string, string>()
  private readonly sequences = new Map<Ipv4Address, number>()
  private sequence = 0
  private expiry: QueuedEvent | null = null
  private isTriggerHeld = false
  private isChanged = false

  /** Begins at once: asks the neighbours for their tables. Throws `InputError` when the port is taken. */
  constructor(
    private readonly kernel: Kernel,
    private readonly host: HostStack,
    { passive = [], filters, key }: RipOptions = {},
  ) {
    for (const name of passive) host.interface(name)
    if (key !== undefined && key.octets.length > 32) throw new InputError('a key has at most 32 octets')
    this.passive = new Set(passive)
    this.filters = filters ?? null
    this.key = key ?? null
    host.udp.listen(RIP_PORT, this)
    host.ip.interfaceListeners.push(this)
    const everything: RipEntry = {
      family: 0,
      routeTag: 0,
      prefix: 0,
      prefixLength: 0,
      nextHop: 0,
      metric: RIP_INFINITY,
    }
    for (const through of this.activeInterfaces()) {
      through.joinGroup(RIP_GROUP)
      this.send({ command: RIP_COMMAND.request, entries: [everything] }, through)
    }
    this.update()
  }

  routes(): RipRouteRow[] {
    return [...this.table.values()].map((route) => ({
      prefix: prefixText({ address: route.prefix, prefixLength: route.prefixLength }),
      neighbour: route.neighbour === 0 ? '' : ipText(route.neighbour),
      nextHop: route.neighbour === 0 ? '' : ipText(route.nextHop),
      interface: route.through.name,
      metric: route.metric,
    }))
  }

  handleEvent(event: KernelEvent): void {
    this.host.enter()
    if (event === UPDATE) this.update()
    else if (event === EXPIRE) this.expire()
    else {
      this.isTriggerHeld = false
      this.trigger()
    }
    this.host.leave()
  }

  interfaceChanged(through: NetworkInterface): void {
    if (!through.isUp)
      for (const route of this.table.values())
        if (route.through === through && route.neighbour !== 0) this.makeUnreachable(route)
    this.collectConnected()
    this.trigger()
  }

  // Announcing.

  private update(): void {
    this.collectConnected()
    for (const through of this.activeInterfaces()) this.announce(through, false)
    for (const route of this.table.values()) route.isChanged = false
    this.isChanged = false
    const jitterNs = milliseconds(this.random(UPDATE_JITTER_NS * 2)) - UPDATE_JITTER_NS
    this.kernel.schedule(UPDATE_NS + jitterNs, this, UPDATE)
  }

  /** Tell what has changed, unless that was done just now. */
  private trigger(): void {
    if (!this.isChanged || this.isTriggerHeld) return
    for (const through of this.activeInterfaces()) this.announce(through, true)
    for (const route of this.table.values()) route.isChanged = false
    this.isChanged = false
    this.isTriggerHeld = true
    const waitNs = TRIGGER_WAIT_NS_MIN + milliseconds(this.random(TRIGGER_WAIT_SPREAD_NS))
    this.kernel.schedule(waitNs, this, TRIGGER)
  }

  /** Whole milliseconds below `spanNs`. */
  private random(spanNs: Nanos): number {
    return this.kernel.random(`${this.host.name}/rip`).below(Math.floor(spanNs / 1e6))
  }

  private announce(through: NetworkInterface, isOnlyChanges: boolean, to?: ReceivedDatagram): void {
    const entries: RipEntry[] = []
    for (const route of this.table.values()) {
      if (isOnlyChanges && !route.isChanged) continue
      const { prefix, prefixLength, routeTag } = route
      if (route.neighbour === 0 && route.through === through && route.metric < RIP_INFINITY) continue
      const metric = route.through === through ? RIP_INFINITY : route.metric
      entries.push({ family: 2, routeTag, prefix, prefixLength, nextHop: 0, metric })
    }
    const entriesMax = RIP_ENTRIES_MAX - (this.key === null ? 0 : 1)
    for (let first = 0; first < entries.length; first += entriesMax)
      this.send({ command: RIP_COMMAND.response, entries: entries.slice(first, first + entriesMax) }, through, to)
  }

  private send(message: Omit<RipMessage, 'authentication'>, through: NetworkInterface, to?: ReceivedDatagram): void {
    const whole = { ...message, authentication: null }
    this.host.udp.send({
      sourcePort: RIP_PORT,
      source: through.ipv4Address(),
      destination: to?.source ?? RIP_GROUP,
      destinationPort: to?.sourcePort ?? RIP_PORT,
      payload: this.key === null ? encodeRip(whole) : encodeSignedRip(whole, this.key, ++this.sequence),
      ttl: to === undefined ? 1 : 64,
      through,
    })
  }

  private activeInterfaces(): NetworkInterface[] {
    return this.host.interfaces.filter((one) => one.isUp && one.ipv4Address() !== 0 && !this.passive.has(one.name))
  }

  // Believing.

  datagramReceived(datagram: ReceivedDatagram): void {
    const { source, through, payload } = datagram
    const isNeighbour = typeof source === 'number' && through.isOnLink(source) && !this.host.ip.hasAddress(source)
    if (!isNeighbour || this.passive.has(through.name)) return
    try {
      const message = decodeRip(payload)
      if (!this.isAuthentic(payload, message, source)) this.announcementsRefused += message.entries.length
      else if (message.command === RIP_COMMAND.request) this.answer(message, datagram)
      else if (message.command === RIP_COMMAND.response && datagram.sourcePort === RIP_PORT) {
        for (const entry of message.entries) if (isUsable(entry)) this.consider(entry, source, through)
        this.trigger()
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.messagesMalformed++
    }
  }

  /** §3.9.1; only requests for everything, which routers send when they start. */
  private answer({ entries }: RipMessage, datagram: ReceivedDatagram): void {
    const [entry] = entries
    if (entries.length === 1 && entry?.family === 0 && entry.metric === RIP_INFINITY)
      this.announce(datagram.through, false, datagram)
  }

  private isAuthentic(octets: Uint8Array, message: RipMessage, source: Ipv4Address): boolean {
    if (this.key === null) return message.authentication === null
    const sequence = message.authentication?.sequence ?? 0
    const isFresh = sequence > (this.sequences.get(source) ?? 0)
    if (!isFresh || !isSigned(octets, message, this.key)) {
      for (const entry of message.entries)
        this.refuse(entry, source, isFresh ? 'no valid digest' : 'digest used before')
      return false
    }
    this.sequences.set(source, sequence)
    return true
  }

  /** One network of a response (§3.9.2). */
  private consider(entry: RipEntry, neighbour: Ipv4Address, through: NetworkInterface): void {
    const { prefix, prefixLength, routeTag } = entry
    const verdict =
      this.filters === null
        ? 'accepted'
        : filterAnnouncement(this.filters, { interface: through.name, neighbour, prefix, prefixLength })
    if (verdict !== 'accepted') {
      this.announcementsRefused++
      this.refuse(entry, neighbour, verdict)
      return
    }
    const metric = Math.min(RIP_INFINITY, entry.metric + 1)
    const isDirect = through.isOnLink(entry.nextHop) && !this.host.ip.hasAddress(entry.nextHop)
    const nextHop = entry.nextHop !== 0 && isDirect ? entry.nextHop : neighbour
    const key = keyOf(entry)
    const known = this.table.get(key)
    if (known === undefined) {
      if (metric === RIP_INFINITY || this.table.size >= ROUTES_MAX) return
      const route = {
        prefix,
        prefixLength,
        through,
        neighbour,
        nextHop,
        metric,
        routeTag,
        untilNs: 0,
        isChanged: false,
      }
      const added: RipRoute = { ...route, installed: null }
      this.table.set(key, added)
      this.install(added)
    } else if (known.neighbour === 0 && known.metric < RIP_INFINITY) return
    else if (known.neighbour === neighbour && known.through === through) {
      if (metric === RIP_INFINITY) this.makeUnreachable(known)
      else if (metric !== known.metric || nextHop !== known.nextHop || known.installed === null)
        this.install(Object.assign(known, { metric, nextHop, routeTag }))
      else known.untilNs = this.kernel.nowNs + TIMEOUT_NS
    } else if (metric < known.metric)
      this.install(Object.assign(known, { metric, nextHop, routeTag, neighbour, through }))
  }

  /** A refusal is told once, until it changes. */
  private refuse({ prefix, prefixLength, metric }: RipEntry, source: Ipv4Address, cause: string): void {
    const prefixWords = prefixText({ address: prefix, prefixLength })
    const neighbour = ipText(source)
    const key = `${neighbour} ${prefixWords}`
    const told = `${metric} ${cause}`
    if (this.refusals.get(key) === told || this.refusals.size >= REFUSALS_MAX) return
    this.refusals.set(key, told)
    this.kernel.trace.add('route-refused', { host: this.host.name, neighbour, prefix: prefixWords, metric, cause })
  }

  // The table.

  private install(route: RipRoute): void {
    const { prefix, prefixLength, nextHop, through, metric } = route
    const installed: Route = { prefix, prefixLength, nextHop, interface: through, metric, origin: 'rip' }
    this.host.ip.routes.add(installed, route.installed ?? undefined)
    route.installed = installed
    route.untilNs = this.kernel.nowNs + TIMEOUT_NS
    this.changed(route)
  }

  /** §3.8: it is announced as such for a while, and then forgotten. */
  private makeUnreachable(route: RipRoute): void {
    if (route.metric === RIP_INFINITY) return
    route.metric = RIP_INFINITY
    route.untilNs = this.kernel.nowNs + GARBAGE_NS
    if (route.installed !== null) this.host.ip.routes.remove(route.installed)
    route.installed = null
    this.changed(route)
  }

  private changed(route: RipRoute): void {
    route.isChanged = true
    this.isChanged = true
    this.armExpiry(route.untilNs)
  }

  /** Our own networks, as the routing table has them now. */
  private collectConnected(): void {
    const own = this.host.ip.routes.list().filter(({ origin, prefix }) => origin === 'connected' && isIpv4(prefix))
    const keys = new Set<string>()
    for (const { prefix, prefixLength, interface: through } of own) {
      if (typeof prefix !== 'number') continue
      const key = keyOf({ prefix, prefixLength })
      keys.add(key)
      const known = this.table.get(key)
      if (known?.neighbour === 0 && known.metric < RIP_INFINITY) continue
      if (known !== undefined && known.installed !== null) this.host.ip.routes.remove(known.installed)
      const route = { prefix, prefixLength, through, neighbour: 0, nextHop: 0, metric: 1, routeTag: 0 }
      const added: RipRoute = { ...route, untilNs: Infinity, isChanged: true, installed: null }
      this.table.set(key, added)
      this.isChanged = true
    }
    for (const [key, route] of this.table) if (route.neighbour === 0 && !keys.has(key)) this.makeUnreachable(route)
  }

  private expire(): void {
    this.expiry = null
    let nextNs = Infinity
    for (const [key, route] of this.table) {
      if (route.untilNs <= this.kernel.nowNs)
        if (route.metric === RIP_INFINITY) {
          this.table.delete(key)
          continue
        } else this.makeUnreachable(route)
      nextNs = Math.min(nextNs, route.untilNs)
    }
    this.armExpiry(nextNs)
    this.trigger()
  }

  /** One event, for the first route that ends; those that are refreshed let it come in vain. */
  private armExpiry(atNs: Nanos): void {
    if (atNs === Infinity || (this.expiry !== null && this.expiry.atNs <= atNs)) return
    this.kernel.cancel(this.expiry)
    this.expiry = this.kernel.scheduleAt(atNs, this, EXPIRE)
  }
}

function keyOf({ prefix, prefixLength }: { readonly prefix: Ipv4Address; readonly prefixLength: number }): string {
  return prefixText({ address: prefix, prefixLength })
}

function isIpv4(address: number | bigint): boolean {
  return typeof address === 'number'
}

/** A network that a host can be in (§3.9.2): no multicast, no loopback, nothing in the net 0 but the default route. */
function isUsable({ family, prefix, prefixLength }: RipEntry): boolean {
  const first = prefix >>> 24
  const hostBits = prefixLength === 32 ? 0 : prefix & (2 ** (32 - prefixLength) - 1)
  return family === 2 && first < 224 && first !== 127 && (first !== 0 || prefixLength === 0) && hostBits === 0
}
