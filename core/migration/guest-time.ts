import type { Nanos } from '../base/units.js'
import type { Kernel } from '../kernel/kernel.js'

/** How long a guest has run: virtual time without what it stood still, and slower while its vCPU is throttled. */
export class GuestTime {
  private ranNs = 0
  private share = 1
  private countedNs: Nanos | null = null

  constructor(private readonly kernel: Kernel) {}

  get isRunning(): boolean {
    return this.countedNs !== null
  }

  get runningNs(): number {
    return this.countedNs === null ? this.ranNs : this.ranNs + (this.kernel.nowNs - this.countedNs) * this.share
  }

  start(): void {
    this.countedNs ??= this.kernel.nowNs
  }

  stop(): void {
    this.ranNs = this.runningNs
    this.countedNs = null
  }

  /** From now on the guest gets this part of its time, 0 to 1. */
  setShare(share: number): void {
    this.ranNs = this.runningNs
    if (this.countedNs !== null) this.countedNs = this.kernel.nowNs
    this.share = share
  }
}
