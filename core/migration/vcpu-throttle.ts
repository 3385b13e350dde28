/**
 * Slowing a guest down that dirties memory faster than it can be sent: `auto-converge` (QEMU 7.2 migration/ram.c,
 * `migration_trigger_throttle` and `mig_throttle_guest_down`) and `dirty-limit` (QEMU 8.1, softmmu/dirtylimit.c).
 * Both look at periods of more than a second between two readings of the dirty log.
 */
import { PAGE_OCTETS, seconds, type Nanos } from '../base/units.js'
import type { Trace } from '../kernel/trace.js'
import type { MigratableVm } from './guest-memory.js'
import type { MigrationLabels, MigrationOptions } from './migration.js'
import type { MigrationCounters } from './statistics.js'

const PERIOD_NS = seconds(1)
/** `dirtylimit.c` keeps a vCPU asleep for at most so much of its time. */
const DIRTY_LIMIT_PERCENT_MAX = 99

type ThrottleOptions = Pick<
  MigrationOptions,
  | 'autoConverge'
  | 'cpuThrottleInitial'
  | 'cpuThrottleIncrement'
  | 'cpuThrottleMax'
  | 'throttleTriggerThreshold'
  | 'vcpuDirtyLimit'
>

/** What happened between two readings of the dirty log. */
interface Period {
  readonly spanNs: Nanos
  readonly dirtiedOctets: number
  readonly sentOctets: number
}

export interface ThrottleParts {
  readonly vm: MigratableVm
  readonly options: ThrottleOptions
  readonly counters: MigrationCounters
  readonly trace: Trace
  readonly labels: MigrationLabels
}

export class VcpuThrottle {
  /** Percent of its time that the vCPU is kept from running; 0: it is not. */
  percent = 0
  private periodStartNs: Nanos | null = null
  private dirtiedPages = 0
  private transferredBefore = 0
  private pagesBefore = 0
  private timesHigh = 0
  private isLimiting = false

  constructor(private readonly parts: ThrottleParts) {}

  /** The dirty log was read and held so many pages that were not known to be dirty: slow the guest down if that is too many. */
  logRead(newlyDirty: number): void {
    const { counters, trace } = this.parts
    const { counts } = counters
    const { nowNs } = trace
    this.dirtiedPages += newlyDirty
    this.periodStartNs ??= nowNs
    const spanNs = nowNs - this.periodStartNs
    if (spanNs <= PERIOD_NS) return
    this.adjust({
      spanNs,
      dirtiedOctets: this.dirtiedPages * PAGE_OCTETS,
      sentOctets: counts.transferred - this.transferredBefore,
    })
    counts.dirtyPagesRate = Math.floor((this.dirtiedPages * 1e9) / spanNs)
    const { pages } = counters
    counters.periodOver(pages - this.pagesBefore)
    this.pagesBefore = pages
    this.periodStartNs = nowNs
    this.dirtiedPages = 0
    this.transferredBefore = counts.transferred
  }

  /** The migration is over: the guest runs as it did before. */
  stop(): void {
    if (this.percent > 0) this.set(0, { spanNs: 0, dirtiedOctets: 0, sentOctets: 0 })
  }

  private adjust(period: Period): void {
    const { autoConverge, throttleTriggerThreshold, vcpuDirtyLimit } = this.parts.options
    if (!autoConverge && vcpuDirtyLimit === 0) {
      // A limit may be lifted while the migration runs.
      this.isLimiting = false
      this.set(0, period)
      return
    }
    const thresholdOctets = Math.floor((period.sentOctets * throttleTriggerThreshold) / 100)
    const isTriggered = period.dirtiedOctets > thresholdOctets && ++this.timesHigh >= 2
    if (isTriggered) this.timesHigh = 0
    if (autoConverge) {
      if (isTriggered) this.set(this.more(), period)
      return
    }
    this.isLimiting ||= isTriggered
    if (this.isLimiting) this.set(this.limited(period, vcpuDirtyLimit), period)
  }

  private more(): number {
    const { cpuThrottleInitial, cpuThrottleIncrement, cpuThrottleMax } = this.parts.options
    return this.percent === 0 ? cpuThrottleInitial : Math.min(this.percent + cpuThrottleIncrement, cpuThrottleMax)
  }

  /** Let it run for as much of its time as brings the rate it had to the quota, octets a second. */
  private limited({ spanNs, dirtiedOctets }: Period, quota: number): number {
    if (dirtiedOctets === 0) return this.percent
    const runs = Math.min(1, ((100 - this.percent) / 100) * ((quota * spanNs) / (dirtiedOctets * 1e9)))
    return Math.min(DIRTY_LIMIT_PERCENT_MAX, Math.ceil(100 * (1 - runs)))
  }

  private set(percent: number, { dirtiedOctets, sentOctets }: Period): void {
    if (percent === this.percent) return
    this.percent = percent
    const { vm, trace, options, labels } = this.parts
    vm.throttle?.(percent)
    const rule = options.autoConverge ? 'auto-converge' : 'dirty-limit'
    trace.add('migration-throttle', { migration: labels.id, vm: vm.name, rule, percent, dirtiedOctets, sentOctets })
  }
}
