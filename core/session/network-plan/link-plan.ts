/** Cables of a plan: what lies at their ends, and what they do to frames. */
import { z } from 'zod'
import { parseBitRate, parseDuration, parseFraction, parseOctets } from '../../base/units.js'
import { directionSettings, type DirectionOptions } from '../../net/link-options.js'
import { cableName, given, parsed } from './plan-values.js'

const fraction = parsed(parseFraction)
const duration = parsed(parseDuration)

const burst = z.strictObject({
  goodToBad: fraction,
  badToGood: fraction,
  lossInBad: fraction.optional(),
  lossInGood: fraction.optional(),
})

const conditionFields = {
  bandwidth: parsed(parseBitRate).optional(),
  delay: duration.optional(),
  jitter: duration.optional(),
  jitterShape: z.enum(['uniform', 'normal']).optional(),
  /** A share, or `goodToBad` and `badToGood` for losses in bursts. */
  loss: z.union([fraction, burst], { error: 'write a share like 1%, or goodToBad and badToGood' }).optional(),
  duplication: fraction.optional(),
  reordering: fraction.optional(),
  reorderDelay: duration.optional(),
  corruption: fraction.optional(),
  /** Octets that may wait; more are dropped. */
  queue: parsed(parseOctets).optional(),
  queueFrames: z.int().min(1).optional(),
}
const conditionsGiven = z.strictObject(conditionFields)

function directionOf(words: z.output<typeof conditionsGiven>): Partial<DirectionOptions> {
  const { loss } = words
  return given({
    rateBps: words.bandwidth,
    delayNs: words.delay,
    jitterNs: words.jitter,
    jitterShape: words.jitterShape,
    loss: typeof loss === 'object' ? { goodToBad: loss.goodToBad, badToGood: loss.badToGood, ...given(loss) } : loss,
    duplication: words.duplication,
    reordering: words.reordering,
    reorderDelayNs: words.reorderDelay,
    corruption: words.corruption,
    queueOctetsMax: words.queue,
    queueFramesMax: words.queueFrames,
  })
}

const linkDefaults: DirectionOptions = Object.freeze({ rateBps: 1e9, delayNs: 10_000 })

/** What changes of a cable that lies already. */
export const linkConditions = conditionsGiven.transform((words, context): Partial<DirectionOptions> => {
  const changes = directionOf(words)
  return isRefused({ ...linkDefaults, ...changes }, context) ? z.NEVER : changes
})

/** `alice`, `alice/eth1`, `s1`: the first interface unless told. */
const end = cableName.transform((text) => {
  const [device = '', through = null] = text.split('/')
  return { text, device, through }
})
export type LinkEndPlan = z.output<typeof end>

export const linkPlan = z
  .strictObject({
    /** As `from` is written, unless told. */
    name: cableName.optional(),
    from: end,
    to: end,
    ...conditionFields,
    /** What is different on the way from `from` to `to`. */
    forward: conditionsGiven.default({}),
    /** What is different on the way back. */
    backward: conditionsGiven.default({}),
  })
  .transform(({ name, from, to, forward, backward, ...both }, context) => {
    const options: DirectionOptions = { ...linkDefaults, ...directionOf(both) }
    const [aToB, bToA] = [directionOf(forward), directionOf(backward)]
    if (isRefused({ ...options, ...aToB }, context) || isRefused({ ...options, ...bToA }, context)) return z.NEVER
    return { name: name ?? from.text, from, to, options: { ...options, aToB, bToA } }
  })

function isRefused(options: DirectionOptions, context: z.RefinementCtx): boolean {
  try {
    directionSettings(options)
    return false
  } catch (error) {
    context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) })
    return true
  }
}
