import type { Nanos } from '../base/units.js'
import type { RandomStream } from '../kernel/random.js'
import type { DirectionSettings } from './link-options.js'

/**
 * What chance does to the frames of one direction of a link. Every decision has its own draw, made only when its
 * probability is not 0, so a link that can only lose draws once a frame.
 */
export class LinkImpairments {
  private isBad = false

  constructor(
    private readonly random: RandomStream,
    private settings: DirectionSettings,
  ) {}

  /** Change what chance does. The state of bursts and the place in the random stream go on. */
  configure(settings: DirectionSettings): void {
    this.settings = settings
  }

  losesFrame(): boolean {
    const { loss } = this.settings
    if (typeof loss === 'number') return this.happens(loss)
    if (this.happens(this.isBad ? loss.badToGood : loss.goodToBad)) this.isBad = !this.isBad
    return this.happens(this.isBad ? (loss.lossInBad ?? 1) : (loss.lossInGood ?? 0))
  }

  duplicatesFrame(): boolean {
    return this.happens(this.settings.duplication)
  }

  holdsFrameBack(): boolean {
    return this.happens(this.settings.reordering)
  }

  corruptsFrame(): boolean {
    return this.happens(this.settings.corruption)
  }

  /** Flip one bit, anywhere. */
  corrupt(frame: Uint8Array): void {
    if (frame.length === 0) return
    const bit = this.random.below(frame.length * 8)
    frame[bit >>> 3] = (frame[bit >>> 3] as number) ^ (1 << (bit & 7))
  }

  /** The delay of the next frame. */
  delayNs(): Nanos {
    const { delayNs, jitterNs, jitterShape } = this.settings
    if (jitterNs === 0) return delayNs
    return Math.max(0, Math.round(delayNs + jitterNs * (jitterShape === 'uniform' ? this.even() : this.nearlyNormal())))
  }

  /** Between -1 and 1. */
  private even(): number {
    return 2 * this.random.fraction() - 1
  }

  /** The sum of four even draws has a variance of 4/3: scaled to 1, it looks normal up to 3.46 standard deviations. */
  private nearlyNormal(): number {
    return (this.even() + this.even() + this.even() + this.even()) * Math.sqrt(3 / 4)
  }

  private happens(probability: number): boolean {
    return probability > 0 && this.random.fraction() < probability
  }
}
