/** A fleet as data: its hosts, the guests on them with their loads over time, the policy, and what happens. YAML is read outside. */
import { z } from 'zod'
import { LabError } from '../../base/errors.js'
import {
  microseconds,
  milliseconds,
  PAGE_OCTETS,
  parseBitRate,
  parseDuration,
  parseFraction,
  parseOctets,
  seconds,
} from '../../base/units.js'
import { commandSchemes } from '../../hypervisor/wire/guarded-command.js'
import { hostHealths } from '../../hypervisor/wire/adverts.js'
import { RAM_OCTETS_MAX, RAM_OCTETS_MIN } from '../../machine/ram.js'
import { policyNames } from '../../orchestrator/policies/policies.js'
import { parsed } from '../network-plan/plan-values.js'

export const FLEET_HOSTS_MAX = 40
export const FLEET_GUESTS_MAX = 160

const MIB = 1024 ** 2

const duration = parsed(parseDuration)
/** Between two adverts or decisions: less is a flood. */
const interval = duration.refine((spanNs) => spanNs >= milliseconds(100), 'choose 100ms or more')

const ram = parsed(parseOctets).refine(
  (octets) => octets >= RAM_OCTETS_MIN && octets <= RAM_OCTETS_MAX && octets % PAGE_OCTETS === 0,
  'choose whole pages of 4 KiB, from 1MiB to 1GiB',
)

const hostName = z.string().regex(/^host-\d\d$/, 'hosts are host-01, host-02 and so on')
const guestName = z.string().regex(/^[a-z][a-z0-9-]{0,30}$/, 'a name has small letters, digits and dashes')

/** The share of its own processor that a guest keeps busy. */
const load = parsed(parseFraction)

const guestPlan = z.strictObject({
  /** With a count above one, numbered: web-1, web-2. */
  name: guestName.optional(),
  count: z.int().min(1).max(FLEET_GUESTS_MAX).default(1),
  ram: ram.default(MIB),
  /** Where it starts; with more guests than hosts named here, one after another. All hosts in turn unless told. */
  on: z.preprocess(
    (value) => (value === undefined || Array.isArray(value) ? value : [value]),
    z.array(hostName).min(1).optional(),
  ),
  load: load.default(0.1),
  /** The most that it may have of a core. */
  cap: load.refine((share) => share > 0, 'choose more than 0%').default(1),
  /** What its load becomes later. */
  loads: z
    .array(z.strictObject({ at: duration, load }))
    .max(1000)
    .default([]),
})

const eventPlan = z
  .strictObject({
    at: duration,
    host: hostName,
    /** Its hardware says so from now on. */
    health: z.enum(hostHealths).optional(),
    /** It stops at once, with all that is on it. */
    fails: z.literal(true).optional(),
    /** Its adverts do not leave it (`lost`), or do again (`sent`). */
    adverts: z.enum(['lost', 'sent']).optional(),
    /** It is repaired: healthy, and switched on if it had stopped. */
    mended: z.literal(true).optional(),
  })
  .refine(
    ({ health, fails, adverts, mended }) =>
      [health, fails, adverts, mended].filter((one) => one !== undefined).length === 1,
    'an event is one of health, fails, adverts and mended',
  )

const scenarioSchema = z.strictObject({
  title: z.string().min(1).default('A fleet'),
  /** What it shows, in plain words. */
  about: z.string().default(''),
  seed: z
    .union([z.string(), z.number()])
    .transform((seed) => String(seed))
    .default('1'),
  policy: z.enum(policyNames).default('balance'),
  duration: duration
    .refine((spanNs) => spanNs >= seconds(1) && spanNs <= seconds(3600), 'choose from 1s to 3600s')
    .default(seconds(30)),
  hosts: z
    .strictObject({
      count: z.int().min(2).max(FLEET_HOSTS_MAX).default(4),
      cores: z.int().min(1).max(64).default(2),
      ram: parsed(parseOctets).default(16 * MIB),
      peakWatts: z.number().min(1).max(100_000).default(250),
      bootTime: duration.default(seconds(2)),
    })
    .prefault({}),
  guests: z
    .array(guestPlan)
    .min(1)
    .max(FLEET_GUESTS_MAX)
    .default([{ count: 8, ram: MIB, load: 0.2, cap: 1, loads: [], on: undefined }]),
  network: z
    .strictObject({ bandwidth: parsed(parseBitRate).default(1e9), latency: duration.default(microseconds(100)) })
    .prefault({}),
  orchestrator: z
    .strictObject({
      adverts: interval.default(seconds(1)),
      decisions: interval.default(seconds(3)),
      /** Only adverts with a host's own tag are believed. */
      signedAdverts: z.boolean().default(false),
      /** What a command to a management controller must prove. */
      commands: z.enum(commandSchemes).default('none'),
    })
    .prefault({}),
  /** Somebody at the switch who is no part of the fleet, at an ordinary port or, with a hub in the switch's place, hearing all. */
  attacker: z.enum(['none', 'access', 'hub']).default('none'),
  events: z.array(eventPlan).max(1000).default([]),
})

export type FleetScenario = z.output<typeof scenarioSchema>
export type FleetEvent = FleetScenario['events'][number]

/** One guest of a scenario, with its own name and host. */
export interface FleetGuestPlan {
  readonly name: string
  readonly host: string
  readonly ramOctets: number
  readonly load: number
  readonly cap: number
  readonly loads: FleetScenario['guests'][number]['loads']
}

/** Checks a scenario's plain values. Throws `LabError` naming the first place that is wrong and what to do. */
export function parseFleetScenario(value: unknown): FleetScenario {
  const result = scenarioSchema.safeParse(value)
  if (!result.success) {
    const [issue] = result.error.issues
    const path = (issue?.path ?? [])
      .map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
      .join('')
    throw new LabError(path.replace(/^\./, '') || 'scenario', issue?.message ?? 'not a scenario')
  }
  checkReferences(result.data)
  return result.data
}

export const fleetHostName = (index: number): string => `host-${String(index + 1).padStart(2, '0')}`

export function fleetHostNames({ hosts }: FleetScenario): string[] {
  return Array.from({ length: hosts.count }, (_, index) => fleetHostName(index))
}

/** Every guest by itself, in the order of the scenario. */
export function fleetGuests(scenario: FleetScenario): FleetGuestPlan[] {
  const all = fleetHostNames(scenario)
  const guests: FleetGuestPlan[] = []
  for (const { name, count, ram: ramOctets, on, load: first, cap, loads } of scenario.guests)
    for (let index = 0; index < count; index++) {
      const hosts = on ?? all
      const turn = on === undefined ? guests.length : index
      guests.push({
        name:
          name === undefined
            ? `vm-${String(guests.length + 1).padStart(2, '0')}`
            : count === 1
              ? name
              : `${name}-${index + 1}`,
        host: hosts[turn % hosts.length] ?? '',
        ...{ ramOctets, load: first, cap, loads },
      })
    }
  return guests
}

function checkReferences(scenario: FleetScenario): void {
  const hosts = fleetHostNames(scenario)
  const known = (name: string, path: string): void => {
    if (!hosts.includes(name))
      throw new LabError(
        path,
        `there is no ${name}; there are ${hosts.length} hosts, from ${hosts[0] ?? ''} to ${hosts.at(-1) ?? ''}`,
      )
  }
  scenario.guests.forEach(({ on }, index) => on?.forEach((name) => known(name, `guests[${index}].on`)))
  scenario.events.forEach(({ host }, index) => known(host, `events[${index}].host`))
  const guests = fleetGuests(scenario)
  if (guests.length > FLEET_GUESTS_MAX)
    throw new LabError('guests', `${guests.length} guests: choose at most ${FLEET_GUESTS_MAX}`)
  const names = new Set<string>()
  const held = new Map<string, number>()
  for (const { name, host, ramOctets } of guests) {
    if (names.has(name)) throw new LabError('guests', `two guests are named ${name}`)
    names.add(name)
    held.set(host, (held.get(host) ?? 0) + ramOctets)
  }
  for (const [host, octets] of held)
    if (octets > scenario.hosts.ram)
      throw new LabError(
        'guests',
        `${host} has ${scenario.hosts.ram} octets of memory, its guests need ${octets}: spread them, or give hosts.ram more`,
      )
}
