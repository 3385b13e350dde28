import type { Nanos } from '../base/units.js'
import type { Kernel } from '../kernel/kernel.js'

/** Lets so many through at once, and then one each `intervalNs`. It costs nothing while nobody asks. */
export class TokenBucket {
  private tokens: number
  private filledNs: Nanos = 0

  constructor(
    private readonly kernel: Kernel,
    private readonly size: number,
    private readonly intervalNs: Nanos,
  ) {
    this.tokens = size
  }

  /** False when there are too many. */
  take(): boolean {
    const fresh = Math.floor((this.kernel.nowNs - this.filledNs) / this.intervalNs)
    if (fresh > 0) {
      this.tokens = Math.min(this.size, this.tokens + fresh)
      this.filledNs += fresh * this.intervalNs
    }
    if (this.tokens === 0) return false
    this.tokens--
    return true
  }
}
