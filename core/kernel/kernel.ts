/** Virtual time: one clock, one queue of events, all randomness, one trace. */
import { AssertionError } from '../base/errors.js'
import type { Nanos } from '../base/units.js'
import { EventQueue, type KernelEvent, type Process, type QueuedEvent } from './event-queue.js'
import { RandomStream } from './random.js'
import { Trace } from './trace.js'

export type { KernelEvent, Process, QueuedEvent }

export class Kernel {
  readonly trace: Trace = new Trace()
  private readonly queue = new EventQueue()
  private readonly randomStreams = new Map<string, RandomStream>()
  private clockNs: Nanos = 0
  private scheduledCount = 0

  /** `seed` is any text; the same text gives the same run. */
  constructor(readonly seed: string) {}

  /** The present instant. */
  get nowNs(): Nanos {
    return this.clockNs
  }

  /** Run `event` on `process` after `delayNs` (whole nanoseconds, 0 or more). The result can be cancelled. */
  schedule(delayNs: Nanos, process: Process, event: KernelEvent): QueuedEvent {
    return this.scheduleAt(this.clockNs + delayNs, process, event)
  }

  /** As `schedule`, at an instant that is not in the past. */
  scheduleAt(atNs: Nanos, process: Process, event: KernelEvent): QueuedEvent {
    this.checkInstant(atNs, event)
    const entry = { atNs, order: this.scheduledCount++, process, event, cancelled: false, isQueued: true }
    this.queue.push(entry)
    return entry
  }

  /**
   * Schedule the process and event of `entry` again. An entry that has run is used again itself, so that what happens for
   * every frame makes no garbage; one that is still queued (cancelled, usually) stays, and another is made.
   */
  rearm(entry: QueuedEvent, atNs: Nanos): QueuedEvent {
    if (entry.isQueued) return this.scheduleAt(atNs, entry.process, entry.event)
    this.checkInstant(atNs, entry.event)
    entry.atNs = atNs
    entry.order = this.scheduledCount++
    entry.cancelled = false
    entry.isQueued = true
    this.queue.push(entry)
    return entry
  }

  /** An entry for `rearm`, not queued yet. */
  idleEvent(process: Process, event: KernelEvent): QueuedEvent {
    return { atNs: 0, order: 0, process, event, cancelled: false, isQueued: false }
  }

  cancel(entry: QueuedEvent | null): void {
    if (entry !== null) entry.cancelled = true
  }

  /** When the next event is due, or undefined when nothing will ever happen again. */
  nextEventNs(): Nanos | undefined {
    return this.skipCancelled()?.atNs
  }

  /** Run one event. False when there is none. */
  step(): boolean {
    const entry = this.skipCancelled()
    if (entry === undefined) return false
    this.queue.pop()
    entry.isQueued = false
    this.clockNs = entry.atNs
    this.trace.nowNs = entry.atNs
    entry.process.handleEvent(entry.event)
    return true
  }

  /** Run every event due up to and including `untilNs`; the clock then stands at `untilNs`. */
  runUntil(untilNs: Nanos): void {
    for (let next = this.skipCancelled(); next !== undefined && next.atNs <= untilNs; next = this.skipCancelled())
      this.step()
    if (untilNs > this.clockNs) {
      this.clockNs = untilNs
      this.trace.nowNs = untilNs
    }
  }

  /** The random stream of that name: independent of every other name, and of how much others were used. */
  random(name: string): RandomStream {
    let stream = this.randomStreams.get(name)
    if (stream === undefined) {
      stream = new RandomStream(`${this.seed}/${name}`)
      this.randomStreams.set(name, stream)
    }
    return stream
  }

  /** Called for every frame: the words are put together only when they are needed. */
  private checkInstant(atNs: Nanos, event: KernelEvent): void {
    if (!(atNs >= this.clockNs && Number.isSafeInteger(atNs)))
      throw new AssertionError(`event ${event.kind} scheduled for ${atNs} ns`)
  }

  private skipCancelled(): QueuedEvent | undefined {
    let next = this.queue.peek()
    while (next?.cancelled === true) {
      this.queue.pop()
      next.isQueued = false
      next = this.queue.peek()
    }
    return next
  }
}
