/** How a link is set up: plain data, with the defaults and what is refused. Probabilities are fractions, 0 to 1. */
import { InputError } from '../base/errors.js'
import type { Nanos } from '../base/units.js'

/**
 * Losses that come in bursts (Gilbert and Elliott): before each frame the link may change between a good and a bad state,
 * and each has its own probability of loss. As netem's `gemodel`, with p, r, 1-h and 1-k in this order.
 */
export interface BurstLoss {
  readonly goodToBad: number
  readonly badToGood: number
  /** 1 unless told. */
  readonly lossInBad?: number
  /** 0 unless told. */
  readonly lossInGood?: number
}

/** One direction of a link. */
export interface DirectionOptions {
  /** Bits a second: a whole number. */
  readonly rateBps: number
  /** From the last bit sent to the last bit received. */
  readonly delayNs: Nanos
  /** Octets (with overhead) that may wait or be under way onto the wire; more are dropped. 8 MiB unless told. */
  readonly queueOctetsMax?: number
  /** Frames that may wait or be under way onto the wire; more are dropped. No bound (null) unless told. */
  readonly queueFramesMax?: number | null
  /**
   * The delay differs from frame to frame: evenly within plus and minus `jitterNs`, or near the normal distribution of
   * which it is the standard deviation. Never below 0, and frames never overtake one another because of it.
   */
  readonly jitterNs?: Nanos
  readonly jitterShape?: 'uniform' | 'normal'
  /** Of each frame by itself, or in bursts. */
  readonly loss?: number | BurstLoss
  /** A second copy arrives right after the frame. */
  readonly duplication?: number
  /** A frame is held back for `reorderDelayNs` (1 ms unless told), so that later ones may pass it. */
  readonly reordering?: number
  readonly reorderDelayNs?: Nanos
  /** One bit of the frame is flipped. It is delivered all the same, as by `tc netem`: checksums are to find it. */
  readonly corruption?: number
}

export type DirectionSettings = Required<DirectionOptions>

/** Both directions are alike but for what `aToB` and `bToA` say. */
export interface LinkOptions extends DirectionOptions {
  readonly aToB?: Partial<DirectionOptions>
  readonly bToA?: Partial<DirectionOptions>
}

/** Whether anything is left to chance. */
export function isImpaired({ jitterNs, loss, duplication, reordering, corruption }: DirectionSettings): boolean {
  return jitterNs > 0 || loss !== 0 || duplication > 0 || reordering > 0 || corruption > 0
}

/** With every default filled in. Throws `InputError` saying what is wrong. */
export function directionSettings(options: DirectionOptions): DirectionSettings {
  const settings: DirectionSettings = {
    rateBps: options.rateBps,
    delayNs: options.delayNs,
    queueOctetsMax: options.queueOctetsMax ?? 8 * 1024 * 1024,
    queueFramesMax: options.queueFramesMax ?? null,
    jitterNs: options.jitterNs ?? 0,
    jitterShape: options.jitterShape ?? 'uniform',
    loss: options.loss ?? 0,
    duplication: options.duplication ?? 0,
    reordering: options.reordering ?? 0,
    reorderDelayNs: options.reorderDelayNs ?? 1_000_000,
    corruption: options.corruption ?? 0,
  }
  const { loss, queueFramesMax, jitterShape } = settings
  checkWhole('bandwidth', settings.rateBps, 1)
  checkWhole('delay', settings.delayNs, 0)
  checkWhole('jitter', settings.jitterNs, 0)
  checkWhole('delay of reordered frames', settings.reorderDelayNs, 0)
  checkWhole('queue in octets', settings.queueOctetsMax, 0)
  if (queueFramesMax !== null) checkWhole('queue in frames', queueFramesMax, 1)
  if (jitterShape !== 'uniform' && jitterShape !== 'normal')
    throw new InputError(`jitter cannot be "${String(jitterShape)}": uniform or normal`)
  checkProbability('duplication', settings.duplication)
  checkProbability('reordering', settings.reordering)
  checkProbability('corruption', settings.corruption)
  if (typeof loss === 'number') checkProbability('loss', loss)
  else {
    checkProbability('loss: from good to bad', loss.goodToBad)
    checkProbability('loss: from bad to good', loss.badToGood)
    checkProbability('loss in the bad state', loss.lossInBad ?? 1)
    checkProbability('loss in the good state', loss.lossInGood ?? 0)
  }
  return settings
}

function checkWhole(what: string, value: number, min: number): void {
  if (!Number.isSafeInteger(value) || value < min)
    throw new InputError(`${what} is ${value}: a whole number from ${min}`)
}

function checkProbability(what: string, value: number): void {
  if (!(value >= 0 && value <= 1)) throw new InputError(`${what} is ${value}: a fraction from 0 to 1`)
}
