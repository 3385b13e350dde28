import type { Nanos } from '../../base/units.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../../kernel/kernel.js'

export interface TimerOwner {
  timerExpired(timer: LazyTimer): void
}

const EXPIRE: KernelEvent = Object.freeze({ kind: 'timer-expires' })

/**
 * A timer that is set again far more often than it expires. Moving the deadline later costs nothing: the event that is
 * already in the kernel looks at the deadline when it comes, and waits again.
 */
export class LazyTimer implements Process {
  private deadlineNs: Nanos = -1
  private event: QueuedEvent

  constructor(
    private readonly kernel: Kernel,
    private readonly owner: TimerOwner,
  ) {
    this.event = kernel.idleEvent(this, EXPIRE)
  }

  get isSet(): boolean {
    return this.deadlineNs >= 0
  }

  set(delayNs: Nanos): void {
    this.deadlineNs = this.kernel.nowNs + delayNs
    const { event } = this
    if (event.isQueued && !event.cancelled) {
      if (event.atNs <= this.deadlineNs) return
      this.kernel.cancel(event)
    }
    this.event = this.kernel.rearm(event, this.deadlineNs)
  }

  stop(): void {
    this.deadlineNs = -1
  }

  /** Stop, and leave nothing in the kernel. */
  dispose(): void {
    this.stop()
    this.kernel.cancel(this.event)
  }

  handleEvent(): void {
    if (this.deadlineNs < 0) return
    if (this.deadlineNs > this.kernel.nowNs) {
      this.event = this.kernel.rearm(this.event, this.deadlineNs)
      return
    }
    this.deadlineNs = -1
    this.owner.timerExpired(this)
  }
}
