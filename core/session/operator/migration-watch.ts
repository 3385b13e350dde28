/** What `virsh migrate` does while a migration lasts: it shows how far it is, and acts when it takes too long. */
import { InputError } from '../../base/errors.js'
import { milliseconds, seconds, type Nanos } from '../../base/units.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../../kernel/kernel.js'
import type { Crossing } from '../crossing.js'
import type { OperatorDesk } from './operator-desk.js'
import type { MigrationWatchOptions } from './virsh-command.js'

/** tools/virsh-domain.c looks twice a second. */
const LOOK_NS = milliseconds(500)

export interface MigrationWatchOwner {
  /** A line for the terminal. */
  watchSays(text: string): void
}

export class MigrationWatch implements Process {
  private readonly crossing: Crossing | null
  private readonly timeoutNs: Nanos | null
  private next: QueuedEvent | null = null

  constructor(
    private readonly kernel: Kernel,
    private readonly desk: OperatorDesk,
    private readonly options: MigrationWatchOptions,
    private readonly owner: MigrationWatchOwner,
  ) {
    this.crossing = desk.crossing
    const { timeoutSeconds } = options
    this.timeoutNs = timeoutSeconds === null ? null : kernel.nowNs + seconds(timeoutSeconds)
    this.plan()
  }

  /** It is over, one way or the other. */
  migrationEnded(): void {
    this.kernel.cancel(this.next)
    this.next = null
    const { crossing } = this
    if (crossing === null) return
    const { status, cause } = crossing.source
    if (status === 'cancelled') this.owner.watchSays('error: operation aborted: migration out job: canceled by client')
    else if (status === 'failed')
      this.owner.watchSays(
        `error: operation failed: migration out job: ${cause === null ? 'unexpectedly failed' : cause.message}`,
      )
    else if (this.options.isVerbose) this.owner.watchSays('Migration: [100 %]')
  }

  handleEvent(event: KernelEvent): void {
    this.next = null
    if (this.crossing === null || this.crossing.isOver) return
    if (event.kind === 'timeout') this.takesTooLong()
    else this.showProgress()
    this.plan()
  }

  private takesTooLong(): void {
    try {
      if (this.options.afterTimeout === 'postcopy') this.desk.guestDesk.startPostcopy()
      else this.crossing?.source.switchOverNow()
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      this.owner.watchSays(error.message)
    }
  }

  private showProgress(): void {
    const { statistics } = this.crossing?.source ?? {}
    if (statistics === undefined) return
    const { remaining, transferred } = statistics
    const percent = remaining === 0 ? 99 : Math.min(99, Math.floor((100 * transferred) / (transferred + remaining)))
    this.owner.watchSays(`Migration: [${String(percent).padStart(3)} %]`)
  }

  private plan(): void {
    const { nowNs } = this.kernel
    const lookNs = this.options.isVerbose ? nowNs + LOOK_NS : null
    const timeoutNs = this.timeoutNs !== null && this.timeoutNs > nowNs ? this.timeoutNs : null
    if (timeoutNs !== null && (lookNs === null || timeoutNs <= lookNs))
      this.next = this.kernel.scheduleAt(timeoutNs, this, { kind: 'timeout' })
    else if (lookNs !== null) this.next = this.kernel.scheduleAt(lookNs, this, { kind: 'look' })
  }
}
