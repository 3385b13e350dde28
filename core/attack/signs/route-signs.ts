/** A neighbour who has been silent announces, by RIP, a more specific or cheaper route to where another one leads already. */
import { WireError } from '../../base/errors.js'
import { readU16be, readU32be } from '../../base/octets.js'
import { seconds, type Nanos } from '../../base/units.js'
import { ipText, isInPrefix, prefixText, type Ipv4Address } from '../../net/wire/addresses.js'
import { IP_PROTOCOL } from '../../net/wire/ipv4.js'
import { decodeRip, RIP_COMMAND, RIP_INFINITY, RIP_PORT, type RipEntry, type RipMessage } from '../../net/wire/rip.js'
import { UDP_HEADER_OCTETS } from '../../net/wire/udp.js'
import type { SeenFrame, SignKind, SignList } from './intruder-sign.js'

const ROUTES_MAX = 1024
const NEIGHBOURS_MAX = 256
/** Routers that start together have all spoken by then (RFC 2453 §3.8: answers within 5 s). */
const START_NS: Nanos = seconds(5)

interface Route extends Pick<RipEntry, 'prefix' | 'prefixLength' | 'metric'> {
  readonly by: Ipv4Address
  readonly packet: number
}

export class RouteSigns {
  private readonly neighbours = new Map<Ipv4Address, Set<SignKind>>()
  private readonly routes: Route[] = []
  private firstNs: Nanos | null = null

  constructor(private readonly list: SignList) {}

  ipv4({ octets, start, atNs, packet }: SeenFrame): void {
    const udp = start + 4 * ((octets[start] ?? 0) & 15)
    if (octets[start + 9] !== IP_PROTOCOL.udp || octets.length < udp + UDP_HEADER_OCTETS) return
    if (readU16be(octets, udp) !== RIP_PORT || readU16be(octets, udp + 2) !== RIP_PORT) return
    const message = ripIn(octets.subarray(udp + UDP_HEADER_OCTETS, udp + readU16be(octets, udp + 4)))
    if (message?.command !== RIP_COMMAND.response) return
    const by = readU32be(octets, start + 12)
    this.firstNs ??= atNs
    const isNew = !this.neighbours.has(by) && atNs - this.firstNs > START_NS
    const told = this.neighbours.get(by) ?? new Set<SignKind>()
    if (this.neighbours.size < NEIGHBOURS_MAX) this.neighbours.set(by, told)
    for (const { prefix, prefixLength, metric } of message.entries) {
      if (metric >= RIP_INFINITY) continue
      const route = { prefix, prefixLength, metric, by, packet }
      const worse = isNew ? this.routes.find((known) => isBetter(route, known)) : undefined
      if (worse !== undefined)
        this.list.tell(told, 'route-taken-over', [worse.packet, packet], atNs, () => {
          const [ours, theirs] = [worse, route].map((each) => prefixText({ ...each, address: each.prefix }))
          return `${ipText(worse.by)} leads to ${ours}, and ${ipText(by)}, a new neighbour, announces ${theirs} for ${metric}`
        })
      this.keep(route)
    }
  }

  private keep(route: Route): void {
    const { prefix, prefixLength, by } = route
    const index = this.routes.findIndex((r) => r.by === by && r.prefix === prefix && r.prefixLength === prefixLength)
    if (index >= 0) this.routes[index] = route
    else if (this.routes.length < ROUTES_MAX) this.routes.push(route)
  }
}

/** Whether it takes traffic away from the other: a default route takes from none, and leaves all. */
function isBetter(route: Route, known: Route): boolean {
  if (known.by === route.by || known.prefixLength === 0 || !isInPrefix(route.prefix, known.prefix, known.prefixLength))
    return false
  return (
    route.prefixLength > known.prefixLength ||
    (route.prefixLength === known.prefixLength && route.metric < known.metric)
  )
}

function ripIn(octets: Uint8Array): RipMessage | null {
  try {
    return decodeRip(octets)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return null
  }
}
