import type { Nanos } from '../base/units.js'
import type { HostCores } from '../kernel/cores.js'

/** Threads that take pieces of work in turn, each a lane of its host's cores. */
export class WorkerLanes {
  private next = 0
  private workDoneNs: Nanos = 0

  constructor(
    private readonly cores: HostCores,
    private readonly name: string,
    private readonly laneCount: number,
  ) {}

  /** When all that was booked will be done. */
  get doneNs(): Nanos {
    return this.workDoneNs
  }

  /** Give a piece of work to the lane whose turn it is. */
  book(workNs: Nanos): void {
    this.workDoneNs = Math.max(this.workDoneNs, this.cores.book(`${this.name} ${this.next}`, workNs))
    this.next = (this.next + 1) % this.laneCount
  }
}
