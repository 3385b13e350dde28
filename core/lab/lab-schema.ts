/** What a lab is: plain data, checked when it is loaded. YAML and Markdown are read outside; values come in here. */
import { z } from 'zod'
import { LabError } from '../base/errors.js'
import { PAGE_OCTETS, parseBitRate, parseDuration, parseFraction, parseOctetRate, parseOctets } from '../base/units.js'
import { costTableSchema } from '../session/cost-table-file.js'
import { checkGuestOptions } from '../session/guest-options.js'
import { checkLinkConditions, type LinkConditions } from '../session/link-conditions.js'
import {
  channelNames,
  congestionControls,
  defaultScenario,
  destinationCpus,
  peerChecks,
  hostCpus,
  linkNames,
  strategies,
  type Scenario,
} from '../session/scenario.js'

// Compiling validators with eval is forbidden by the window's content security policy.
z.config({ jitless: true })

const quantity = (parse: (text: string) => number) =>
  z.string().transform((text, context) => {
    try {
      return parse(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
      return z.NEVER
    }
  })

const identifier = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'use small letters, digits and single dashes')
const text = z.string().min(1)
const channel = z.enum(channelNames)

/** A condition over the trace, from this closed list. Every one can say what is missing and show what met it. */
export type Check =
  | { readonly kind: 'vm-state'; readonly vm: string; readonly state: string }
  /** A line of the guest's console holds this text. */
  | { readonly kind: 'console-line'; readonly vm: string; readonly contains: string }
  /** The guest's counter went on by one each time, from before the first migration to after it. */
  | { readonly kind: 'counter-unbroken'; readonly vm: string }
  | { readonly kind: 'migrated'; readonly channel: string }
  /** A run over that channel gave the attacker this many planted secrets, or all of them. */
  | { readonly kind: 'leaked'; readonly channel: string; readonly secrets: number | 'all' }
  /** A run over that channel was finished and watched, and gave the attacker nothing. */
  | { readonly kind: 'nothing-leaked'; readonly channel: string }
  /** A line typed in a shell begins with this. */
  | { readonly kind: 'command'; readonly console: 'operator' | 'attacker'; readonly startsWith: string }
  | { readonly kind: 'answered'; readonly question: string }
  | { readonly kind: 'all'; readonly of: readonly Check[] }

const check: z.ZodType<Check> = z.lazy(() =>
  z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('vm-state'), vm: text, state: text }),
    z.strictObject({ kind: z.literal('console-line'), vm: text, contains: text }),
    z.strictObject({ kind: z.literal('counter-unbroken'), vm: text }),
    z.strictObject({ kind: z.literal('migrated'), channel }),
    z.strictObject({ kind: z.literal('leaked'), channel, secrets: z.union([z.int().min(1), z.literal('all')]) }),
    z.strictObject({ kind: z.literal('nothing-leaked'), channel }),
    z.strictObject({ kind: z.literal('command'), console: z.enum(['operator', 'attacker']), startsWith: text }),
    z.strictObject({ kind: z.literal('answered'), question: identifier }),
    z.strictObject({ kind: z.literal('all'), of: z.array(check).min(1) }),
  ]),
)

/** A value of the student's own run, so that an answer can be checked against what really happened. */
const measuredAnswer = z.strictObject({
  metric: z.enum(['downtimeMs', 'clientGapMs', 'totalTimeMs', 'rounds', 'secretsFound']),
  channel,
  /** Part of the measured value that an answer may be off by: 0.05 is five per cent. */
  tolerance: z.number().min(0).max(1),
})

const question = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('choice'),
    id: identifier,
    text,
    choices: z.array(text).min(2),
    answer: text,
    explanation: text,
  }),
  z.strictObject({
    kind: z.literal('number'),
    id: identifier,
    text,
    unit: z.string(),
    answer: measuredAnswer,
    explanation: text,
  }),
  /** `answer` names a planted secret of this session: `password.alice`. */
  z.strictObject({ kind: z.literal('secret'), id: identifier, text, answer: text, explanation: text }),
])

const step = z.strictObject({
  id: identifier,
  title: text,
  minutes: z.number().positive(),
  /** Markdown; `{{name}}` stands for a value of the student's own session. */
  text,
  done: check,
  hints: z.array(text).min(2, 'a step has at least two hints, from nudge to answer'),
  questions: z.array(question).default([]),
  explanation: z.string().default(''),
  /** The reference solution: commands played one after another, each once the engine has come to rest. */
  solution: z.array(
    z.discriminatedUnion('do', [
      z.strictObject({ do: z.literal('boot') }),
      z.strictObject({ do: z.literal('type'), console: z.enum(['guest', 'operator', 'attacker']), text }),
      z.strictObject({ do: z.literal('choose-channel'), channel }),
      z.strictObject({ do: z.literal('migrate') }),
      z.strictObject({ do: z.literal('wait'), time: quantity(parseDuration) }),
      z.strictObject({ do: z.literal('answer'), question: identifier, answer: z.string().optional() }),
    ]),
  ),
})

const linkConditions = z
  .strictObject({
    delay: quantity(parseDuration).optional(),
    jitter: quantity(parseDuration).optional(),
    loss: quantity(parseFraction).optional(),
    duplication: quantity(parseFraction).optional(),
    reordering: quantity(parseFraction).optional(),
    corruption: quantity(parseFraction).optional(),
    queue: quantity(parseOctets).optional(),
  })
  .transform((given, context): Partial<LinkConditions> => {
    const conditions = withoutGaps({
      delayNs: given.delay,
      jitterNs: given.jitter,
      loss: given.loss,
      duplication: given.duplication,
      reordering: given.reordering,
      corruption: given.corruption,
      queueOctets: given.queue,
    })
    try {
      checkLinkConditions(conditions)
    } catch (error) {
      context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
    }
    return conditions
  })

function withoutGaps<K extends string>(values: Record<K, number | undefined>): Partial<Record<K, number>> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Partial<
    Record<K, number>
  >
}

const scenario = z
  .strictObject({
    /** An image of labs/guests, and what can be set of it alone. */
    guest: identifier.optional(),
    guestOptions: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])).optional(),
    ram: quantity(parseOctets).optional(),
    fill: quantity(parseOctets).optional(),
    workingSet: quantity(parseOctets).optional(),
    dirtyPagesPerSecond: z.number().min(0).optional(),
    bandwidth: quantity(parseBitRate).optional(),
    latency: quantity(parseDuration).optional(),
    /** What single cables do to frames; the rest carry them as they are. */
    links: z.partialRecord(z.enum(linkNames), linkConditions).optional(),
    congestionControl: z.enum(congestionControls).optional(),
    downtimeLimit: quantity(parseDuration).optional(),
    maxBandwidth: quantity(parseOctetRate).optional(),
    strategy: z.enum(strategies).optional(),
    /** What sealing costs both hosts; `measured` is the table that `midstream calibrate` wrote, given as `measuredCosts`. */
    hostCpu: z.enum(hostCpus).optional(),
    destinationCpu: z.enum(destinationCpus).optional(),
    peerCheck: z.enum(peerChecks).optional(),
    measuredCosts: costTableSchema.optional(),
  })
  .superRefine(({ guest, guestOptions, measuredCosts, ...own }, context) => {
    for (const cpu of ['hostCpu', 'destinationCpu'] as const)
      if (own[cpu] === 'measured' && measuredCosts === undefined)
        context.addIssue({ code: 'custom', path: [cpu], message: 'measured needs measuredCosts' })
    try {
      checkGuestOptions(guest ?? defaultScenario.guest.image, guestOptions ?? {})
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error)
      context.addIssue({ code: 'custom', path: ['guestOptions'], message })
    }
  })
  .default({})

const labSchema = z
  .strictObject({
    /** The name of its folder: two digits, then words. */
    id: identifier,
    title: text,
    goal: text,
    minutes: z.number().positive(),
    level: z.enum(['beginner', 'intermediate', 'advanced']),
    prerequisites: z.array(text).default([]),
    teaches: text,
    reading: z.array(text).default([]),
    scenario,
    steps: z.array(step).min(1),
    instructor: z.string().default(''),
  })
  .superRefine((lab, context) => {
    const seen = new Set<string>()
    const questions = new Set(lab.steps.flatMap((each) => each.questions.map(({ id }) => id)))
    lab.steps.forEach(({ id, done }, index) => {
      if (seen.has(id))
        context.addIssue({ code: 'custom', path: ['steps', index, 'id'], message: `"${id}" is used twice` })
      seen.add(id)
      for (const name of questionsOf(done))
        if (!questions.has(name))
          context.addIssue({
            code: 'custom',
            path: ['steps', index, 'done'],
            message: `there is no question "${name}"`,
          })
    })
  })

function questionsOf(of: Check): string[] {
  if (of.kind === 'all') return of.of.flatMap(questionsOf)
  return of.kind === 'answered' ? [of.question] : []
}

export type Lab = z.output<typeof labSchema>
export type LabStep = Lab['steps'][number]
export type LabQuestion = LabStep['questions'][number]
export type SolutionAction = LabStep['solution'][number]

/** Check a lab's plain values. Throws `LabError` naming the first place that is wrong and why. */
export function parseLab(value: unknown): Lab {
  const result = labSchema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const path = (issue?.path ?? []).map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
  throw new LabError(path.replace(/^\./, '') || 'lab', issue?.message ?? 'not a lab')
}

/** The scenario a lab runs in: the defaults, but for what the lab says. */
export function scenarioOf(lab: Lab): Scenario {
  const own = lab.scenario
  const base = defaultScenario
  return {
    ...base,
    bandwidthBps: own.bandwidth ?? base.bandwidthBps,
    latencyNs: own.latency ?? base.latencyNs,
    links: own.links ?? {},
    tcp: { ...base.tcp, congestionControl: own.congestionControl ?? base.tcp.congestionControl },
    guest: {
      ...base.guest,
      image: own.guest ?? base.guest.image,
      options: own.guestOptions ?? {},
      ramOctets: own.ram ?? base.guest.ramOctets,
      fillOctets: own.fill ?? base.guest.fillOctets,
      workingSetPages:
        own.workingSet === undefined ? base.guest.workingSetPages : Math.ceil(own.workingSet / PAGE_OCTETS),
      dirtyPagesPerSecond: own.dirtyPagesPerSecond ?? base.guest.dirtyPagesPerSecond,
    },
    ...(own.measuredCosts === undefined ? {} : { measuredCosts: own.measuredCosts }),
    migration: {
      ...base.migration,
      hostCpu: own.hostCpu ?? base.migration.hostCpu,
      destinationCpu: own.destinationCpu ?? base.migration.destinationCpu,
      peerCheck: own.peerCheck ?? base.migration.peerCheck,
      strategy: own.strategy ?? base.migration.strategy,
      downtimeLimitNs: own.downtimeLimit ?? base.migration.downtimeLimitNs,
      maxBandwidth: own.maxBandwidth ?? base.migration.maxBandwidth,
    },
  }
}
