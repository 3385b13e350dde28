/**
 * A whole migration of a page-statistics guest between two hosts over a paced connection: the engine itself, on the least
 * that it needs around it. What it does is what the session does with a real guest, so it is what a prediction has to equal.
 */
import type { ByteStream } from '../base/byte-stream.js'
import type { Failure } from '../base/errors.js'
import { seconds, type Nanos } from '../base/units.js'
import { HostCores } from '../kernel/cores.js'
import { Kernel } from '../kernel/kernel.js'
import { pacedStreams, type PacedStreamOptions } from '../kernel/paced-stream.js'
import { compareMachines, type MachineComparison } from './comparison.js'
import { MigrationDestination } from './destination.js'
import { DEFAULT_MIGRATION_OPTIONS, type MigrationOptions, type MigrationOwner } from './migration.js'
import { PageStatisticsVm, type PageStatisticsVmOptions } from './page-statistics-vm.js'
import { MigrationSource } from './source.js'

export interface StatisticsEnd {
  readonly role: 'client' | 'server'
  readonly kernel: Kernel
  readonly lower: ByteStream
  readonly cores: HostCores
}

export interface StatisticsMigrationOptions {
  readonly guest: Omit<PageStatisticsVmOptions, 'isEmpty'>
  readonly migration?: Partial<MigrationOptions>
  readonly link?: PacedStreamOptions
  /** Wraps an end of the connection: a channel, of which this layer knows nothing. */
  readonly secured?: (end: StatisticsEnd) => ByteStream
  /** As in `MigrationSourceParts`. */
  readonly wakeLatencyNs?: Nanos
  readonly seed?: string
  /** The guest has run for so long before. Default 1 s. */
  readonly warmUpNs?: Nanos
  /** The guest is stopped before the migration begins, by hand. */
  readonly isStopped?: boolean
}

export class StatisticsMigration implements MigrationOwner {
  readonly kernel: Kernel
  readonly vm: PageStatisticsVm
  readonly copy: PageStatisticsVm
  readonly source: MigrationSource
  readonly destination: MigrationDestination
  /** Of the source's host. */
  readonly cores: HostCores
  /** Of both copies at the switch-over; null before, and in post-copy. */
  comparison: MachineComparison | null = null
  /** When the guest ran at the destination. */
  resumedAtNs: Nanos | null = null

  constructor(options: StatisticsMigrationOptions) {
    const { guest, migration, link, wakeLatencyNs, seed, warmUpNs, isStopped } = options
    const { secured = ({ lower }) => lower } = options
    const kernel = new Kernel(seed ?? 'statistics')
    this.kernel = kernel
    this.vm = new PageStatisticsVm(kernel, guest)
    this.copy = new PageStatisticsVm(kernel, { ...guest, isEmpty: true })
    this.vm.resume()
    kernel.runUntil(warmUpNs ?? seconds(1))
    if (isStopped === true) this.vm.pause()
    const [near, far] = pacedStreams(kernel, { bufferOctets: 1024 * 1024, segmentOctets: 65_536, ...link })
    const labels = { id: 1, source: 'a', destination: 'b', channel: 'none', linkBps: link?.rateBps ?? 1e9 }
    this.cores = new HostCores(kernel, 'a', 2)
    this.source = new MigrationSource(kernel, {
      vm: this.vm,
      stream: secured({ role: 'client', kernel, lower: near, cores: this.cores }),
      cores: this.cores,
      wakeLatencyNs: wakeLatencyNs ?? 0,
      options: { ...DEFAULT_MIGRATION_OPTIONS, ...migration },
      labels,
      owner: this,
    })
    const cores = new HostCores(kernel, 'b', 2)
    const stream = secured({ role: 'server', kernel, lower: far, cores })
    this.destination = new MigrationDestination(kernel, { vm: this.copy, stream, cores, labels, owner: this })
  }

  /** Begin, if need be, and go on for so much virtual time, or until it is over. True when it is over. */
  runFor(spanNs: Nanos): boolean {
    const { kernel, source } = this
    if (source.startedAtNs === null) {
      this.destination.start()
      source.start()
    }
    const untilNs = kernel.nowNs + spanNs
    while (source.endedAtNs === null && (kernel.nextEventNs() ?? Infinity) <= untilNs) kernel.step()
    if (source.endedAtNs === null) kernel.runUntil(untilNs)
    return source.endedAtNs !== null
  }

  /** Run to its end, for at most `limitNs` of virtual time; then it is cancelled. */
  run(limitNs: Nanos = seconds(3600)): this {
    if (!this.runFor(limitNs)) this.source.cancel()
    return this
  }

  sourceStatusChanged(source: MigrationSource): void {
    if (source.status === 'completed' && this.resumedAtNs === null) this.resumeCopy()
  }

  destinationStatusChanged(_destination: MigrationDestination): void {}

  destinationLoaded(_destination: MigrationDestination): Failure | null {
    if (this.resumedAtNs === null) this.comparison = compareMachines(this.vm, this.copy)
    return null
  }

  /** Post-copy: the guest goes on before its memory has come, and there is nothing left to be compared with. */
  destinationMayRun(_destination: MigrationDestination): Failure | null {
    this.resumeCopy()
    return null
  }

  guestHasLeft(_source: MigrationSource): boolean {
    return this.resumedAtNs !== null
  }

  private resumeCopy(): void {
    this.copy.resume()
    this.resumedAtNs = this.kernel.nowNs
  }
}
