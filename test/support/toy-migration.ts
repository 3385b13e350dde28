import type { Failure } from '../../core/base/errors.js'
import { seconds } from '../../core/base/units.js'
import { HostCores } from '../../core/kernel/cores.js'
import { Kernel } from '../../core/kernel/kernel.js'
import { compareMachines, type MachineComparison } from '../../core/migration/comparison.js'
import { MigrationDestination } from '../../core/migration/destination.js'
import {
  DEFAULT_MIGRATION_OPTIONS,
  type MigrationOptions,
  type MigrationOwner,
} from '../../core/migration/migration.js'
import { MigrationSource } from '../../core/migration/source.js'
import { streamPair, type PairedStream, type StreamPairOptions } from './stream-pair.js'
import { ToyVm, type ToyOptions } from './toy-vm.js'

/** A whole migration of a toy guest over a stream pair, and an owner that starts the copy as libvirt would. */
export class ToyMigration implements MigrationOwner {
  readonly kernel: Kernel
  readonly vm: ToyVm
  readonly copy: ToyVm
  readonly source: MigrationSource
  readonly destination: MigrationDestination
  readonly near: PairedStream
  readonly far: PairedStream
  /** The source's ends of the extra connections. */
  readonly channels: readonly PairedStream[]
  readonly statuses: string[] = []
  readonly sourceCores: HostCores
  comparison: MachineComparison | null = null
  /** It runs at the destination before its memory is there. */
  hasLeft = false
  /** What the owner says when everything is loaded. */
  refusal: Failure | null = null

  constructor(
    toy: ToyOptions = {},
    options: Partial<MigrationOptions> = {},
    pair: StreamPairOptions = {},
    copy: ToyOptions = toy,
  ) {
    this.kernel = new Kernel('toy migration')
    this.vm = new ToyVm(this.kernel, toy)
    this.copy = new ToyVm(this.kernel, { ...copy, filledPages: 0 })
    ;[this.near, this.far] = streamPair(this.kernel, pair)
    const channelPairs = Array.from({ length: options.multifdChannels ?? 0 }, () => streamPair(this.kernel, pair))
    this.channels = channelPairs.map(([near]) => near)
    this.sourceCores = new HostCores(this.kernel, 'a', 2)
    const labels = { id: 1, source: 'a', destination: 'b', channel: 'none', linkBps: 1e9 }
    this.source = new MigrationSource(this.kernel, {
      vm: this.vm,
      stream: this.near,
      channels: this.channels,
      cores: this.sourceCores,
      options: { ...DEFAULT_MIGRATION_OPTIONS, ...options },
      labels,
      owner: this,
    })
    this.destination = new MigrationDestination(this.kernel, {
      vm: this.copy,
      stream: this.far,
      multifdChannels: channelPairs.length,
      cores: new HostCores(this.kernel, 'b', 2),
      labels,
      owner: this,
    })
    this.vm.resume()
    this.destination.start()
    for (const [, far] of channelPairs) this.destination.addChannel(far)
    this.source.start()
  }

  /** Run until it is over, for at most `limitSeconds` of virtual time. */
  run(limitSeconds = 60): this {
    const endNs = this.kernel.nowNs + seconds(limitSeconds)
    while (this.source.endedAtNs === null && this.kernel.nowNs < endNs) if (!this.kernel.step()) break
    return this
  }

  get liveCopies(): number {
    return Number(this.vm.isRunning) + Number(this.copy.isRunning)
  }

  sourceStatusChanged(source: MigrationSource): void {
    this.statuses.push(source.status)
    if (source.status === 'completed' && !this.hasLeft) this.copy.resume()
  }
  destinationStatusChanged(_destination: MigrationDestination): void {}
  destinationLoaded(_destination: MigrationDestination): Failure | null {
    this.comparison = compareMachines(this.vm, this.copy)
    return this.refusal
  }
  destinationMayRun(_destination: MigrationDestination): Failure | null {
    if (this.refusal !== null) return this.refusal
    this.hasLeft = true
    this.comparison = compareMachines(this.vm, this.copy)
    for (const { memory } of this.copy.memory) memory.startDirtyLog()
    this.copy.resume()
    return null
  }
  guestHasLeft(_source: MigrationSource): boolean {
    return this.hasLeft
  }
}
