/**
 * A network as data: hosts, routers, switches, the cables between them, where to capture, and a script of what is done.
 * YAML is read outside; plain values come in here, and network-builder.ts makes a network of them.
 */
import { z } from 'zod'
import { LabError } from '../base/errors.js'
import { hostPlan, routerPlan, switchPlan } from './network-plan/device-plan.js'
import { linkPlan } from './network-plan/link-plan.js'
import { checkScript } from './network-plan/script-references.js'
import { cableName, deviceName } from './network-plan/plan-values.js'
import { scriptItem } from './network-plan/script-plan.js'
import { checkTopology } from './network-plan/topology-references.js'

const tapPlan = z
  .strictObject({
    name: z.string().min(1).max(60),
    /** A cable: both directions as they arrive, unless told. */
    link: cableName.optional(),
    /** A switch and one of its ports, named by the cable. */
    switch: deviceName.optional(),
    port: cableName.optional(),
    /** A host, as a capture on it shows what it sends and gets. */
    host: deviceName.optional(),
    interface: z.string().default('eth0'),
    /** From `from` to `to` of the cable, or into the switch's port: forward. */
    direction: z.enum(['forward', 'backward', 'both']).default('both'),
    place: z.enum(['sent', 'delivered']).default('delivered'),
  })
  .superRefine(({ link, switch: device, port, host }, context) => {
    const forms = [link !== undefined, device !== undefined && port !== undefined, host !== undefined]
    if (forms.filter(Boolean).length !== 1)
      context.addIssue({ code: 'custom', message: 'a tap is at one place: link; switch and port; or host' })
  })
export type TapPlan = z.output<typeof tapPlan>

const LINKS_MAX = 1024

const planSchema = z.strictObject({
  title: z.string().min(1),
  /** What it shows, in plain words. */
  about: z.string().default(''),
  seed: z
    .union([z.string(), z.number()])
    .transform((seed) => String(seed))
    .default('1'),
  hosts: z.record(deviceName, hostPlan).default({}),
  routers: z.record(deviceName, routerPlan).default({}),
  switches: z.record(deviceName, switchPlan).default({}),
  links: z.array(linkPlan).max(LINKS_MAX).default([]),
  taps: z.array(tapPlan).max(64).default([]),
  script: z.array(scriptItem).max(1000).default([]),
})

export type NetworkPlan = z.output<typeof planSchema>

/** Check a plan's plain values. Throws `LabError` naming the first place that is wrong and what to do. */
export function parseNetworkPlan(value: unknown): NetworkPlan {
  const result = planSchema.safeParse(value)
  if (!result.success) throw errorOf(result.error.issues[0])
  const plan = result.data
  checkTopology(plan)
  checkScript(plan)
  return plan
}

function errorOf(issue: z.core.$ZodIssue | undefined): LabError {
  const path = (issue?.path ?? []).map((part) => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`)).join('')
  const nested = issue?.code === 'invalid_key' ? issue.issues[0]?.message : undefined
  const message = nested ?? issue?.message ?? 'not a plan'
  const reason = message.endsWith('received undefined') ? 'is missing' : message
  return new LabError(path.replace(/^\./, '') || 'plan', reason)
}
