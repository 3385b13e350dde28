/**
 * The source's migration thread (QEMU migration/migration.c `migration_thread`): one piece of work after the other, as fast as
 * its host's core, the bandwidth limit and the connections let it; when the guest is stopped, and what is written then.
 */
import { assert } from '../base/errors.js'
import type { Nanos } from '../base/units.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../kernel/kernel.js'
import { MIGRATION_LANE } from './costs.js'
import type { MigratableVm } from './guest-memory.js'
import {
  includesPostcopy,
  stopsFirst,
  type MigrationLabels,
  type MigrationOptions,
  type MigrationStatus,
} from './migration.js'
import type { MultifdSender } from './multifd-sender.js'
import { OutgoingCold } from './outgoing-cold.js'
import { OutgoingDisk } from './outgoing-disk.js'
import { OutgoingPostcopy } from './outgoing-postcopy.js'
import { OutgoingPrecopy } from './outgoing-precopy.js'
import { OutgoingRam } from './outgoing-ram.js'
import { OutgoingStorage } from './outgoing-storage.js'
import type { OutgoingStream } from './outgoing-stream.js'
import type { OutgoingStep, OutgoingWork } from './outgoing-work.js'
import { Pacing } from './pacing.js'
import { SentPages } from './sent-pages.js'
import type { MigrationCounters } from './statistics.js'
import { encodeAdvise } from './wire/postcopy.js'
import { MIG_CMD } from './wire/qevm.js'

/** Told from inside the event in which it happens. */
export interface MigrationThreadOwner {
  threadEntered(status: MigrationStatus): void
  /** The connections have taken everything. */
  threadSentAll(): void
}

export interface MigrationThreadParts {
  readonly vm: MigratableVm
  readonly out: OutgoingStream
  readonly multifd: MultifdSender | null
  readonly cores: HostCores
  /** How late it wakes when it has slept until the end of a window. */
  readonly wakeLatencyNs: Nanos
  /** Limits among them may change. */
  readonly options: MigrationOptions
  readonly labels: MigrationLabels
  readonly counters: MigrationCounters
  readonly owner: MigrationThreadOwner
}

export class MigrationThread implements Process {
  readonly ram: OutgoingRam
  /** Until the guest has left. */
  readonly pacing: Pacing
  /** Null where no disk is moved. */
  readonly storage: OutgoingStorage | null
  readonly precopy: OutgoingPrecopy
  readonly postcopy: OutgoingPostcopy
  /** Rounds ran out before what was left fitted the downtime limit. */
  forced = false
  /** When it came to its first round, and when the guest was stopped. */
  activeAtNs: Nanos | null = null
  pausedAtNs: Nanos | null = null
  /** What follows once the guest stands still. */
  private stoppedFor: 'last-stage' | 'postcopy' = 'last-stage'
  /** `halted`: until the operator lets the guest leave, or there is another connection. */
  private state: 'idle' | 'working' | 'halted' | 'all-sent' = 'idle'
  private work: OutgoingWork
  private burst: QueuedEvent | null = null

  constructor(
    private readonly kernel: Kernel,
    private readonly parts: MigrationThreadParts,
  ) {
    const { vm, out, options, labels, cores, multifd, counters } = parts
    const sent = new SentPages(kernel.trace, labels.id)
    this.ram = new OutgoingRam(vm.memory, out.writer, options, { cores, multifd, sent }, counters)
    this.pacing = new Pacing(options, counters)
    const common = { ram: this.ram, out, pacing: this.pacing, options, labels, trace: kernel.trace }
    this.storage =
      options.copyStorage && vm.disk
        ? new OutgoingStorage({ ...common, disk: new OutgoingDisk(vm.disk, out.writer, options), cores })
        : null
    const outgoing = { ...common, vm, storage: this.storage }
    this.precopy = new OutgoingPrecopy(outgoing)
    this.postcopy = new OutgoingPostcopy(vm, this.ram, out, options)
    this.work = options.strategy === 'cold' ? new OutgoingCold(outgoing) : this.precopy
  }

  get isAllSent(): boolean {
    return this.state === 'all-sent'
  }

  /** The connections are open: what the stream begins with, and the first piece. */
  begin(): void {
    assert(this.state === 'idle', 'a migration begins once')
    const { vm, out, options, owner } = this.parts
    const { strategy, returnPath } = options
    if (stopsFirst(strategy)) this.stopGuest()
    out.writer.fileHeader()
    out.writer.configuration(vm.machineType)
    if (returnPath) {
      out.writer.command(MIG_CMD.OPEN_RETURN_PATH)
      out.writer.ping(1)
    }
    if (includesPostcopy(strategy)) {
      assert(returnPath, 'post-copy needs a return path')
      out.writer.command(MIG_CMD.POSTCOPY_ADVISE, encodeAdvise())
    }
    this.activeAtNs = this.kernel.nowNs
    this.state = 'working'
    owner.threadEntered('active')
    this.carryOut(this.work.next(this.kernel.nowNs))
  }

  /** The guest stands still, and may leave. */
  continueSwitchover(): void {
    this.state = 'working'
    if (this.stoppedFor === 'postcopy') return this.startPostcopy()
    this.parts.owner.threadEntered('device')
    this.carryOut(this.work.next(this.kernel.nowNs))
  }

  /** The limits in `options` were changed: a lower bandwidth holds from the next window on. */
  limitsChanged(): void {
    this.pacing.limit(this.parts.options.maxBandwidth)
    this.postcopy.limitChanged()
  }

  /** The connection broke, with the guest at the destination. */
  breakOff(): void {
    this.stop()
    this.postcopy.breakOff()
    this.state = 'halted'
  }

  /** Over another connection, and the destination has said what it has. */
  goOn(): void {
    this.state = 'working'
    this.postcopy.goOn(this.kernel.nowNs)
    this.bookAndGoOn(0)
  }

  /** Pages were asked for, and wait for no window. */
  serveRequests(): void {
    if (this.postcopy.waitsForWindow) this.bookAndGoOn(0)
  }

  /** A connection takes octets again. */
  roomCame(): void {
    const isTaken = this.parts.out.drain()
    if (isTaken && this.burst === null && !this.isAllSent) this.bookAndGoOn(0)
  }

  /** The migration is over, whatever it came to. */
  end(): void {
    this.stop()
    this.ram.stopLog()
    this.storage?.stopLog()
    this.precopy.stop()
    this.postcopy.end(this.kernel.nowNs)
  }

  handleEvent(_event: KernelEvent): void {
    this.burst = null
    this.proceed()
  }

  /** Do the next piece of work. Each piece ends by booking its core time, by waiting for the stream, or for good. */
  private proceed(): void {
    const { kernel, work, ram } = this
    const { out } = this.parts
    if (!out.drain() || this.state !== 'working') return // `roomCame` will be called
    if (work.isAllWritten) return this.finish()
    // A stream filled to the last octet takes no page: going on would take no time, for ever.
    if (out.room > 0 && ram.hasRoom) this.carryOut(work.next(kernel.nowNs))
  }

  private carryOut(step: OutgoingStep): void {
    switch (step.kind) {
      case 'worked':
        return this.bookAndGoOn(step.workNs)
      case 'sleeps':
        return this.goOnAt(step.untilNs + this.parts.wakeLatencyNs)
      case 'waits':
        return
      case 'switchover':
        return this.switchOver(step.isForced)
      case 'postcopy':
        return this.stopGuestFor('postcopy')
    }
  }

  private bookAndGoOn(workNs: Nanos): void {
    const { cores } = this.parts
    const doneNs = workNs > 0 ? cores.book(MIGRATION_LANE, workNs) : cores.busyUntilNs(MIGRATION_LANE)
    this.goOnAt(Math.max(doneNs, this.ram.encoder.compressedNs, this.kernel.nowNs))
  }

  /** Whatever the thread waited for before: it does one thing at a time. */
  private goOnAt(atNs: Nanos): void {
    this.kernel.cancel(this.burst)
    this.burst = this.kernel.scheduleAt(atNs, this, { kind: 'burst' })
  }

  /** Stop the guest: what is left goes out while it stands still. */
  private switchOver(isForced: boolean): void {
    this.forced = isForced
    if (this.pausedAtNs === null) this.traceSwitchover(isForced)
    this.stopGuestFor('last-stage')
  }

  /** Before it leaves, the operator may want to do something at both ends (`migration_maybe_pause`). */
  private stopGuestFor(next: 'last-stage' | 'postcopy'): void {
    this.stopGuest()
    this.stoppedFor = next
    const { pauseBeforeSwitchover, strategy } = this.parts.options
    if (!pauseBeforeSwitchover || strategy === 'cold') return this.continueSwitchover()
    this.state = 'halted'
    this.parts.owner.threadEntered('pre-switchover')
  }

  /** Post-copy: send what lets the guest run at the destination (`postcopy_start`). */
  private startPostcopy(): void {
    this.precopy.leaveRounds(this.kernel.nowNs)
    this.traceSwitchover(false)
    this.work = this.postcopy
    this.parts.owner.threadEntered('postcopy-active')
    this.carryOut(this.work.next(this.kernel.nowNs))
  }

  private traceSwitchover(isForced: boolean): void {
    const { ram, kernel, pacing } = this
    kernel.trace.add('migration-switchover', {
      migration: this.parts.labels.id,
      pendingOctets: ram.pending.octets,
      bandwidth: pacing.measured(kernel.nowNs, ram.octetsWritten),
      forced: isForced ? 1 : 0,
    })
  }

  private stopGuest(): void {
    if (this.pausedAtNs !== null) return
    this.pausedAtNs = this.kernel.nowNs
    const { vm, options } = this.parts
    if (options.strategy === 'cold' && vm.powerOff !== undefined) vm.powerOff()
    else vm.pause()
    this.ram.counters.phase = 'downtime'
  }

  private stop(): void {
    this.kernel.cancel(this.burst)
    this.burst = null
  }

  private finish(): void {
    const { multifd, out, labels, owner } = this.parts
    if (multifd !== null && multifd.pendingOctets > 0) return // `roomCame` will be called
    if (this.work !== this.postcopy) this.ram.closeRound(this.kernel.trace, labels.id, 0)
    this.state = 'all-sent'
    multifd?.end()
    // A destination that still waits for octets, because one was changed on the way, then knows that none will come.
    out.stream.end()
    owner.threadSentAll()
  }
}
