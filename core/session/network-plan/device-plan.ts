/** Hosts, routers and switches of a plan. */
import { z } from 'zod'
import { parseDuration, parseOctets } from '../../base/units.js'
import { utf8Octets } from '../../base/octets.js'
import { PORT_MODES, VIOLATION_MODES, type PortOptions } from '../../net/switch/port-options.js'
import type { OriginFilter } from '../../net/rip/origin-filter.js'
import type { TcpOptions } from '../../net/tcp/tcp-options.js'
import { parseIp, parseIpv4, parseMac } from '../../net/wire/addresses.js'
import {
  addressPrefix,
  cableName,
  deviceName,
  given,
  interfaceAddress,
  ipv6Prefix,
  oneOrMore,
  parsed,
  tcpPort,
  vlanId,
  vlanList,
  vtpDomain,
} from './plan-values.js'

// Hosts.

const interfaceFields = {
  address: oneOrMore(interfaceAddress).default([]),
  mtu: z.int().min(576).max(9000).optional(),
  /** IPv6 without an address of one's own choice: the link-local one, and what routers advertise. */
  ipv6: z.boolean().default(false),
  /** Ask whether anybody has an IPv6 address before it is used. */
  detectsDuplicates: z.boolean().optional(),
  /** IPv6 networks that are advertised here, with this host as their router. */
  advertises: oneOrMore(ipv6Prefix).default([]),
  /** Which ARP messages that nobody asked for are believed. */
  gratuitousArp: z.enum(['known', 'all', 'none']).optional(),
}
const vlanInterface = z.strictObject(interfaceFields)
const vlanInterfaces = z
  .record(z.string().regex(/^\d{1,4}$/, 'VLANs are 1 to 4094'), vlanInterface)
  .default({})
  .transform((vlans) => Object.entries(vlans).map(([vlan, options]) => ({ vlan: Number(vlan), ...options })))
const hardwareFields = { ...interfaceFields, mac: parsed(parseMac).optional(), vlans: vlanInterfaces }
const hardwareInterface = z.strictObject(hardwareFields)
export type InterfacePlan = z.output<typeof hardwareInterface> & { readonly name: string }

const BUFFER_OCTETS_MAX = 2 ** 30
const buffer = parsed(parseOctets).refine(
  (octets) => octets >= 1 && octets <= BUFFER_OCTETS_MAX,
  'a buffer has 1 octet to 1GiB',
)

const tcp = z
  .strictObject({
    congestionControl: z.enum(['cubic', 'newreno']).optional(),
    sack: z.boolean().optional(),
    timestamps: z.boolean().optional(),
    nagle: z.boolean().optional(),
    mss: z.int().min(88).max(65495).optional(),
    sendBuffer: buffer.optional(),
    receiveBuffer: buffer.optional(),
    keepAlive: z
      .strictObject({
        idle: parsed(parseDuration),
        interval: parsed(parseDuration),
        probes: z.int().min(1).max(100),
      })
      .optional(),
    synBacklog: z.int().min(1).max(65535).optional(),
    acceptBacklog: z.int().min(1).max(65535).optional(),
    synAckRetries: z.int().min(0).max(15).optional(),
    synCookies: z.boolean().optional(),
    isn: z.enum(['hashed', 'predictable']).optional(),
  })
  .transform((words): TcpOptions => {
    const { keepAlive } = words
    return given({
      congestionControl: words.congestionControl,
      hasSack: words.sack,
      hasTimestamps: words.timestamps,
      hasNagle: words.nagle,
      mss: words.mss,
      sendBufferOctets: words.sendBuffer,
      receiveBufferOctets: words.receiveBuffer,
      keepAlive: keepAlive && { idleNs: keepAlive.idle, intervalNs: keepAlive.interval, probes: keepAlive.probes },
      synBacklogMax: words.synBacklog,
      acceptBacklogMax: words.acceptBacklog,
      synAckRetriesMax: words.synAckRetries,
      synCookies: words.synCookies,
      isn: words.isn,
    })
  })

const route = z.strictObject({
  to: addressPrefix,
  via: parsed(parseIp),
  metric: z.int().min(0).max(65535).default(0),
})

const hostFields = {
  /** Of the first interface, `eth0`, with which most hosts do. */
  ...hardwareFields,
  /** Instead of `address` and the like when there are more. */
  interfaces: z.record(z.string().regex(/^eth\d$/, 'interfaces are eth0 to eth9'), hardwareInterface).optional(),
  /** Default routers, at most one for each family. */
  gateway: oneOrMore(parsed(parseIp)).default([]),
  routes: z.array(route).default([]),
  /** Neighbours known beforehand, which no message changes. */
  arp: z
    .array(z.strictObject({ address: parsed(parseIpv4), mac: parsed(parseMac), interface: z.string().default('eth0') }))
    .default([]),
  tcp: tcp.default({}),
  /** TCP ports on which whatever comes is taken and thrown away. */
  listens: oneOrMore(tcpPort).default([]),
}

const acceptedPrefix = z.union(
  [addressPrefix, z.strictObject({ prefix: addressPrefix, longest: z.int().min(0).max(32) })],
  { error: 'write a prefix like 10.1.0.0/16, or prefix and longest' },
)

export const originFilters = z.array(
  z
    .strictObject({
      interface: z.string().optional(),
      neighbour: parsed(parseIpv4).optional(),
      accepts: oneOrMore(acceptedPrefix),
    })
    .transform(({ accepts, ...where }): OriginFilter => ({
      ...given(where),
      accepts: accepts.map((each) => ('address' in each ? { prefix: each } : each)),
    })),
)

const rip = z.strictObject({
  passive: oneOrMore(z.string()).default([]),
  filters: originFilters.optional(),
  /** Announcements are signed with it, and others refused. */
  key: z
    .string()
    .min(1)
    .max(32)
    .transform((text) => ({ keyId: 1, octets: utf8Octets(text) }))
    .optional(),
})

type HostWords = z.output<z.ZodObject<typeof hostFields>>

/** One interface written beside the host's name is as good as a list of one. */
function withInterfaces<T extends HostWords>(words: T, context: z.RefinementCtx) {
  const { address, mac, mtu, ipv6, detectsDuplicates, advertises, gratuitousArp, vlans, interfaces, ...host } = words
  const first = { name: 'eth0', address, mac, mtu, ipv6, detectsDuplicates, advertises, gratuitousArp, vlans }
  if (interfaces === undefined) return { ...host, interfaces: [first] as InterfacePlan[] }
  if (address.length > 0 || mac !== undefined || vlans.length > 0)
    context.addIssue({ code: 'custom', message: 'addresses stand at the host or at its interfaces, not at both' })
  const named = Object.entries(interfaces).map(([name, options]): InterfacePlan => ({ name, ...options }))
  named.sort((a, b) => (a.name < b.name ? -1 : 1))
  named.forEach(({ name }, index) => {
    if (name !== `eth${index}`)
      context.addIssue({ code: 'custom', path: ['interfaces'], message: `there is ${name} but no eth${index}` })
  })
  return { ...host, interfaces: named }
}

export const hostPlan = z
  /** A host that `forwards` passes on what is not for it, as attackers do who want to stay unseen. */
  .strictObject({ ...hostFields, forwards: z.boolean().default(false) })
  .transform((words, context) => ({ rip: null, ...withInterfaces(words, context), forwards: words.forwards }))

export const routerPlan = z.strictObject({ ...hostFields, rip: rip.optional() }).transform((words, context) => ({
  forwards: true,
  ...withInterfaces(words, context),
  rip: words.rip ?? null,
}))

export type HostPlan = z.output<typeof hostPlan> | z.output<typeof routerPlan>

// Switches.

const security = z.strictObject({
  maximum: z.int().min(1).max(4096).optional(),
  violation: z.enum(VIOLATION_MODES).optional(),
  addresses: oneOrMore(parsed(parseMac)).optional(),
  sticky: z.boolean().optional(),
})

export const portPlan = z
  .strictObject({
    mode: z.enum(PORT_MODES).optional(),
    /** Of an access port. */
    vlan: vlanId.optional(),
    /** Of a trunk: the VLAN that has no tag. */
    native: vlanId.optional(),
    allowed: vlanList.optional(),
    tagsNative: z.boolean().optional(),
    security: security.nullable().optional(),
    trustsArp: z.boolean().optional(),
    arpRate: z.int().min(1).nullable().optional(),
    shut: z.boolean().optional(),
  })
  .transform((words): PortOptions => {
    return given({
      mode: words.mode,
      accessVlan: words.vlan,
      nativeVlan: words.native,
      allowedVlans: words.allowed,
      tagsNative: words.tagsNative,
      security: words.security === null || words.security === undefined ? words.security : given(words.security),
      trustsArp: words.trustsArp,
      arpRateMax: words.arpRate,
      isShut: words.shut,
    })
  })

const binding = z.union(
  [
    /** The IPv4 addresses of a host that is plugged in here, at its port. */
    z.strictObject({ host: deviceName, vlan: vlanId.default(1) }),
    z.strictObject({
      address: parsed(parseIpv4),
      mac: parsed(parseMac),
      vlan: vlanId.default(1),
      port: cableName.optional(),
    }),
  ],
  { error: 'a binding has host, or address and mac; and vlan' },
)

export const arpInspectionPlan = z.strictObject({
  vlans: vlanList,
  checksSourceMac: z.boolean().optional(),
  checksDestinationMac: z.boolean().optional(),
  checksAddresses: z.boolean().optional(),
  bindings: z.array(binding).default([]),
})
export type ArpInspectionPlan = z.output<typeof arpInspectionPlan>

const mirror = z.strictObject({
  /** Cables whose ports are copied. */
  ports: oneOrMore(cableName).default([]),
  direction: z.enum(['rx', 'tx', 'both']).default('both'),
  vlans: vlanList.optional(),
  /** The cable where the copies go. */
  to: cableName,
})

export const switchPlan = z.strictObject({
  /** Ports have the names of the cables that end at them; one that is not named here is an access port of VLAN 1. */
  ports: z.record(cableName, portPlan).default({}),
  mirrors: oneOrMore(mirror).default([]),
  arpInspection: arpInspectionPlan.optional(),
  ageing: parsed(parseDuration).optional(),
  /** Addresses that its table holds. */
  addressesMax: z.int().min(1).max(65536).optional(),
  domain: vtpDomain.optional(),
  /** When a port that an error disabled comes back. */
  recover: parsed(parseDuration).optional(),
  mac: parsed(parseMac).optional(),
})
export type SwitchPlan = z.output<typeof switchPlan>
