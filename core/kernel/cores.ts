/** The cores of a host: who works, and how much slower everybody gets when there is more work than cores. */
import type { Nanos } from '../base/units.js'
import type { Kernel } from './kernel.js'

/**
 * Work is booked on lanes. A lane is one thread: its jobs follow one another. Each lane with work, and each running
 * vCPU without a cap, wants one core; when they want more than there are, all of them slow down in proportion. The share is taken
 * when a job is booked (and for a vCPU at each slice), which is exact for jobs shorter than a slice.
 */
export class HostCores {
  private readonly lanes = new Map<string, { busyUntilNs: Nanos; workNs: Nanos }>()
  /** Cores that running vCPUs want, in all. */
  private wantedByVcpus = 0

  constructor(
    private readonly kernel: Kernel,
    readonly host: string,
    readonly coreCount: number,
  ) {}

  /** A vCPU began or stopped wanting a core, or as much of one as it may have. */
  vcpuStarted(demand = 1): void {
    this.wantedByVcpus += demand
  }
  vcpuStopped(demand = 1): void {
    this.wantedByVcpus -= demand
  }

  /** The part that each worker gets now of what it wants: 1, or less when all together want more cores than there are. */
  share(): number {
    const wanted = this.wantedNow()
    return wanted <= this.coreCount ? 1 : this.coreCount / wanted
  }

  /** Book `workNs` of core time on `lane` after what it already has to do. Returns when it will be done. */
  book(lane: string, workNs: Nanos): Nanos {
    let entry = this.lanes.get(lane)
    if (entry === undefined) {
      entry = { busyUntilNs: 0, workNs: 0 }
      this.lanes.set(lane, entry)
    }
    const startNs = Math.max(this.kernel.nowNs, entry.busyUntilNs)
    entry.busyUntilNs = startNs + 1 // counts among the workers
    entry.busyUntilNs = startNs + Math.ceil(workNs / this.share())
    entry.workNs += workNs
    return entry.busyUntilNs
  }

  /** When `lane` will have done all that is booked on it; in the past or now if it is idle. */
  busyUntilNs(lane: string): Nanos {
    return this.lanes.get(lane)?.busyUntilNs ?? 0
  }

  /** Core time booked so far by lane name, in the order the lanes first worked. */
  booked(): ReadonlyMap<string, Nanos> {
    return new Map([...this.lanes].map(([name, { workNs }]) => [name, workNs]))
  }

  private wantedNow(): number {
    let wanted = this.wantedByVcpus
    for (const { busyUntilNs } of this.lanes.values()) if (busyUntilNs > this.kernel.nowNs) wanted++
    return wanted
  }
}
