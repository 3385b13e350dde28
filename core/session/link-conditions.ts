/** What the cables of a session do to frames besides carrying them. */
import { InputError } from '../base/errors.js'
import { seconds, type Nanos } from '../base/units.js'
import type { DirectionOptions } from '../net/link-options.js'

/** Both directions of a cable. Probabilities are fractions, 0 to 1. */
export interface LinkConditions {
  /** From one end to the other, one way. */
  readonly delayNs: Nanos
  /** The delay differs from frame to frame by up to so much, without frames overtaking one another. */
  readonly jitterNs: Nanos
  readonly loss: number
  readonly duplication: number
  /** Of frames that are held back for 1 ms, so that later ones pass. */
  readonly reordering: number
  /** Of frames of which one bit is flipped. */
  readonly corruption: number
  /** Octets that may wait at each end; more are dropped. */
  readonly queueOctets: number
}

export const linkConditionNames = [
  'delayNs',
  'jitterNs',
  'loss',
  'duplication',
  'reordering',
  'corruption',
  'queueOctets',
] as const satisfies readonly (keyof LinkConditions)[]

const DELAY_MAX_NS = seconds(2)
/** A frame of full size fits. */
const QUEUE_OCTETS_MIN = 2048
const QUEUE_OCTETS_MAX = 1024 ** 3

/** Throws `InputError` naming what is out of bounds. */
export function checkLinkConditions(conditions: Partial<LinkConditions>): void {
  for (const name of Object.keys(conditions))
    if (!(linkConditionNames as readonly string[]).includes(name))
      throw new InputError(`a link has no ${name}; it has: ${linkConditionNames.join(', ')}`)
  for (const name of ['delayNs', 'jitterNs'] as const) {
    const value = conditions[name]
    if (value !== undefined && !(Number.isInteger(value) && value >= 0 && value <= DELAY_MAX_NS))
      throw new InputError(`${name === 'delayNs' ? 'delay' : 'jitter'}: ${value / 1e6} ms: choose from 0 to 2 s`)
  }
  for (const name of ['loss', 'duplication', 'reordering', 'corruption'] as const) {
    const value = conditions[name]
    if (value !== undefined && !(value >= 0 && value <= 1))
      throw new InputError(`${name}: ${value * 100} %: choose from 0 to 100 %`)
  }
  const { queueOctets } = conditions
  if (
    queueOctets !== undefined &&
    !(Number.isInteger(queueOctets) && queueOctets >= QUEUE_OCTETS_MIN && queueOctets <= QUEUE_OCTETS_MAX)
  )
    throw new InputError(`queue: ${queueOctets} octets: choose from 2KiB to 1GiB`)
}

export function directionOptions({ queueOctets, ...same }: Partial<LinkConditions>): Partial<DirectionOptions> {
  return queueOctets === undefined ? same : { ...same, queueOctetsMax: queueOctets }
}
