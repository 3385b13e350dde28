/** What is done in a network: a closed list of deeds, one after another or at instants of virtual time. */
import { z } from 'zod'
import { parseBitRate, parseDuration, parseEventRate, parseOctets, seconds } from '../../base/units.js'
import { parseIp } from '../../net/wire/addresses.js'
import { arpInspectionPlan, originFilters, portPlan } from './device-plan.js'
import { linkConditions } from './link-plan.js'
import { cableName, deviceName, ipv4Prefix, oneOrMore, parsed, tcpPort, vlanId, vtpDomain } from './plan-values.js'

const duration = parsed(parseDuration)
const HOUR_NS = seconds(3600)
const bounded = duration.refine((ns) => ns <= HOUR_NS, 'at most 60min')
/** A host of the plan or an address. */
const target = z.string().min(1)
const family = z.enum(['ipv4', 'ipv6']).optional()

/** For every deed. */
const timing = {
  /** The instant at which it begins, if that has not passed; at once after the one before unless told. */
  at: duration.optional(),
  /** The script goes on while it is being done. */
  meanwhile: z.boolean().default(false),
  /** In plain words, printed before it is done. */
  note: z.string().optional(),
}
/** A host that takes part in nothing, but looks at whatever reaches its interfaces meanwhile. */
const listening = {
  listener: deviceName.optional(),
  hears: z.enum(['something', 'nothing']).optional(),
}
const expecting = <const T extends readonly [string, ...string[]]>(outcomes: T) => ({
  /** The outcomes that are as they should be; `fails` is every one that is not the first of this list. */
  expect: oneOrMore(
    z.enum([...outcomes, 'fails'], { error: `it ends as one of: ${outcomes.join(', ')}; or write fails` }),
  ).optional(),
})

/** The first outcome of each list is the one that is expected unless told. */
export const outcomesOf = {
  ping: ['answered', 'partly', 'unreachable', 'lost'],
  traceroute: ['reached', 'blocked', 'lost'],
  transfer: ['complete', 'failed', 'unfinished'],
  send: ['received', 'refused', 'lost'],
  cut: ['done', 'refused'],
  restore: ['done', 'refused'],
  configure: ['done', 'refused'],
  wait: ['done'],
  announce: ['believed', 'ignored'],
  'forge-rip': ['believed', 'refused'],
  dtp: ['trunk', 'refused'],
  'flood-mac': ['full', 'learned', 'stopped'],
  'flood-syn': ['exhausted', 'cookies', 'absorbed'],
  show: ['shown'],
} as const satisfies Readonly<Record<string, readonly [string, ...string[]]>>

const deed = <K extends keyof typeof outcomesOf>(name: K) => ({
  do: z.literal(name),
  ...timing,
  ...expecting(outcomesOf[name]),
})

const ping = z.strictObject({
  ...deed('ping'),
  from: deviceName,
  to: target,
  family,
  count: z.int().min(1).max(1000).default(4),
  interval: bounded.default(seconds(1)),
  timeout: bounded.default(seconds(1)),
  octets: z.int().min(0).max(65507).default(56),
  ttl: z.int().min(1).max(255).optional(),
  ...listening,
})

const traceroute = z.strictObject({
  ...deed('traceroute'),
  from: deviceName,
  to: target,
  family,
  hopsMax: z.int().min(1).max(64).default(16),
  probes: z.int().min(1).max(10).default(3),
  timeout: bounded.default(seconds(1)),
  /** Hosts and routers that answer, in this order. */
  through: z.array(deviceName).optional(),
})

const transfer = z.strictObject({
  ...deed('transfer'),
  from: deviceName,
  to: target,
  family,
  size: parsed(parseOctets).refine((octets) => octets >= 1 && octets <= 2 ** 32, '1 octet to 4GiB'),
  port: tcpPort.default(5001),
  /** The connection is given up when it has not ended by then. */
  patience: bounded.default(seconds(600)),
  throughputMin: parsed(parseBitRate).optional(),
  throughputMax: parsed(parseBitRate).optional(),
  ...listening,
})

const send = z.strictObject({
  ...deed('send'),
  from: deviceName,
  to: target,
  family,
  port: tcpPort.default(9),
  text: z.string().max(400).default('hello'),
  /** A false sender's address. */
  source: parsed(parseIp).optional(),
  /** VLAN tags, outermost first, put onto the frame, which then goes to the target's own MAC address. */
  tags: z.array(vlanId).max(4).default([]),
  timeout: bounded.default(seconds(1)),
  ...listening,
})

const configure = z
  .strictObject({
    ...deed('configure'),
    link: cableName.optional(),
    conditions: linkConditions.optional(),
    direction: z.enum(['forward', 'backward']).optional(),
    switch: deviceName.optional(),
    port: cableName.optional(),
    options: portPlan.optional(),
    arpInspection: arpInspectionPlan.nullable().optional(),
    router: deviceName.optional(),
    filters: originFilters.nullable().optional(),
  })
  .superRefine((item, context) => {
    const forms = [
      item.link !== undefined && item.conditions !== undefined,
      item.switch !== undefined && item.port !== undefined && item.options !== undefined,
      item.switch !== undefined && item.port === undefined && item.arpInspection !== undefined,
      item.router !== undefined && item.filters !== undefined,
    ]
    if (forms.filter(Boolean).length !== 1)
      context.addIssue({
        code: 'custom',
        message:
          'configure one thing: link and conditions; switch, port and options; switch and arpInspection; router and filters',
      })
  })

const announce = z.strictObject({
  ...deed('announce'),
  from: deviceName,
  interface: z.string().default('eth0'),
  /** Its own unless told: the address of a host or router, or one that is written out. */
  address: target.optional(),
  form: z.enum(['request', 'reply']).default('request'),
})

const forgeRip = z.strictObject({
  ...deed('forge-rip'),
  from: deviceName,
  interface: z.string().default('eth0'),
  prefixes: oneOrMore(ipv4Prefix),
  metric: z.int().min(1).max(16).default(1),
})

const dtp = z.strictObject({ ...deed('dtp'), from: deviceName, domain: vtpDomain.default('') })

const floodMac = z.strictObject({
  ...deed('flood-mac'),
  from: deviceName,
  count: z.int().min(1).max(100_000).default(10_000),
  rate: parsed(parseEventRate)
    .refine((rate) => rate >= 1 && rate <= 1e6, '1/s to 1000000/s')
    .default(50_000),
})

const floodSyn = z.strictObject({
  ...deed('flood-syn'),
  from: deviceName,
  to: target,
  port: tcpPort,
  count: z.int().min(1).max(100_000).default(1000),
  rate: parsed(parseEventRate)
    .refine((rate) => rate >= 1 && rate <= 1e6, '1/s to 1000000/s')
    .default(1000),
  /** False senders are of this network, in which nobody should be who could say no. */
  spoof: ipv4Prefix.default({ address: 0xc633_6400, prefixLength: 24 }),
})

const show = z
  .strictObject({
    ...deed('show'),
    host: deviceName.optional(),
    switch: deviceName.optional(),
    link: cableName.optional(),
    /** Titles of the tables; all unless told. */
    tables: oneOrMore(z.string()).optional(),
    /** Some row has these words, one after another. */
    contains: oneOrMore(z.string()).default([]),
    lacks: oneOrMore(z.string()).default([]),
  })
  .superRefine(({ host, switch: device, link }, context) => {
    if ([host, device, link].filter((name) => name !== undefined).length !== 1)
      context.addIssue({ code: 'custom', message: 'show one thing: host, switch or link' })
  })

export const scriptItem = z.discriminatedUnion(
  'do',
  [
    ping,
    traceroute,
    transfer,
    send,
    z.strictObject({ ...deed('cut'), link: cableName }),
    z.strictObject({ ...deed('restore'), link: cableName }),
    configure,
    z.strictObject({ ...deed('wait'), time: bounded }),
    announce,
    forgeRip,
    dtp,
    floodMac,
    floodSyn,
    show,
  ],
  {
    error: (issue) =>
      issue.code === 'invalid_union' ? `do what? One of: ${Object.keys(outcomesOf).join(', ')}` : undefined,
  },
)

export type ScriptItem = z.output<typeof scriptItem>
export type Deed = ScriptItem['do']
export type ItemOf<D extends Deed> = Extract<ScriptItem, { readonly do: D }>
