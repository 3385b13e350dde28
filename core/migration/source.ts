/**
 * The sending end of a migration (QEMU migration/migration.c, the migration thread): rounds of pages while the guest
 * runs, a last one and the devices while it stands still, then the wait for the destination's word that it has
 * everything. Until that word this copy is the one that lives: any failure lets the guest go on here.
 */
import type { ByteStream, StreamOwner } from '../base/byte-stream.js'
import { assert, failureOf, type Failure } from '../base/errors.js'
import { PAGE_OCTETS, type Nanos } from '../base/units.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../kernel/kernel.js'
import { MIGRATION_COSTS, MIGRATION_LANE } from './costs.js'
import type { MigratableVm } from './guest-memory.js'
import { IterationPolicy } from './iteration-policy.js'
import type { MigrationLabels, MigrationOptions, MigrationOwner, MigrationRound, MigrationStatus } from './migration.js'
import { writeDevices } from './outgoing-devices.js'
import { OutgoingRam } from './outgoing-ram.js'
import { RateWindow } from './rate-window.js'
import type { MigrationStatistics } from './statistics.js'
import { MIG_CMD } from './wire/qevm.js'
import { ReturnPathReader } from './wire/return-path.js'
import { StreamWriter } from './wire/stream-writer.js'
import { descriptionText } from './wire/vmdesc.js'

type Phase =
  | 'idle'
  | 'opening'
  | 'iterating'
  /** The guest stands still and the last pages go out. */
  | 'last-pages'
  /** All is written; the stream has not taken all of it yet. */
  | 'draining'
  /** All is sent; the destination has not said that it has it. */
  | 'confirming'
  | 'over'

export interface MigrationSourceParts {
  readonly vm: MigratableVm
  readonly stream: ByteStream
  /** Of the host this end runs on. */
  readonly cores: HostCores
  readonly options: MigrationOptions
  readonly labels: MigrationLabels
  readonly owner: MigrationOwner
}

export class MigrationSource implements Process, StreamOwner {
  readonly vm: MigratableVm
  readonly stream: ByteStream
  readonly options: MigrationOptions
  readonly labels: MigrationLabels
  /** Why it failed. */
  cause: Failure | null = null
  /** Rounds ran out before what was left fitted the downtime limit. */
  forced = false
  startedAtNs: Nanos | null = null
  /** When the guest was stopped, and when the migration came to its end. */
  pausedAtNs: Nanos | null = null
  endedAtNs: Nanos | null = null

  private readonly cores: HostCores
  private readonly owner: MigrationOwner
  private readonly writer = new StreamWriter()
  private readonly returnPath = new ReturnPathReader()
  private readonly ram: OutgoingRam
  private readonly policy: IterationPolicy
  private readonly rate: RateWindow
  private phase: Phase = 'idle'
  private currentStatus: MigrationStatus = 'none'
  private burst: QueuedEvent | null = null

  constructor(
    private readonly kernel: Kernel,
    parts: MigrationSourceParts,
  ) {
    this.vm = parts.vm
    this.stream = parts.stream
    this.options = parts.options
    this.labels = parts.labels
    this.cores = parts.cores
    this.owner = parts.owner
    this.ram = new OutgoingRam(this.vm.memory, this.writer, this.options)
    this.policy = new IterationPolicy(this.options)
    this.rate = new RateWindow(this.options.maxBandwidth)
  }

  get status(): MigrationStatus {
    return this.currentStatus
  }

  /** Octets of the stream written so far. */
  get octetsWritten(): number {
    return this.writer.octetsWritten
  }

  /** Octets of memory that are still to be sent, as far as is known. */
  get remainingOctets(): number {
    return this.ram.pending.octets
  }

  /** Whether page `page` of the first block is still to be sent, as far as is known. */
  isPending(page: number): boolean {
    return this.ram.pending.has(0, page)
  }

  /** How much of the round at hand is sent: 0 to 1. */
  get roundProgress(): number {
    return this.ram.roundProgress
  }

  get rounds(): readonly MigrationRound[] {
    return this.ram.rounds
  }

  get statistics(): MigrationStatistics {
    return this.ram.counters.statistics(this.currentStatus === 'completed' ? 0 : this.remainingOctets)
  }

  /** Octets a second, as measured in the last whole window of 100 ms. */
  get measuredBandwidth(): number {
    return this.rate.measured(this.kernel.nowNs, this.writer.octetsWritten)
  }

  /** Begin, now if the stream is open, else when it opens. */
  start(): void {
    assert(this.phase === 'idle', 'a migration starts once')
    const { strategy, downtimeLimitNs, maxBandwidth, roundsMax } = this.options
    const { id, channel, linkBps } = this.labels
    const ramOctets = this.ram.pending.pageCount * PAGE_OCTETS
    const row = { migration: id, strategy, channel, downtimeLimitNs, maxBandwidth, roundsMax, linkBps, ramOctets }
    this.kernel.trace.add('migration-start', row)
    this.startedAtNs = this.kernel.nowNs
    this.phase = 'opening'
    this.stream.owner = this
    this.enter('setup')
    if (this.stream.state === 'open') this.begin()
    else if (this.stream.state !== 'opening') this.fail(connectionFailure('the stream is closed'))
  }

  /** Give up at any moment before it is completed; the guest goes on here. */
  cancel(): void {
    if (this.phase === 'over') return
    this.enter('cancelling')
    this.cause = { kind: 'cancelled', protocol: 'qevm', message: 'cancelled by the operator' }
    this.stream.abort()
    this.comeBack()
    this.enter('cancelled')
  }

  /** It cannot go on, for a reason that the stream does not bring. */
  abandon(cause: Failure): void {
    if (!this.isOver) this.fail(cause)
  }

  handleEvent(_event: KernelEvent): void {
    this.burst = null
    this.proceed()
  }

  streamOpened(_stream: ByteStream): void {
    if (this.phase === 'opening') this.begin()
  }

  streamWritable(_stream: ByteStream): void {
    if (this.phase === 'over') return
    this.writer.drainTo(this.stream)
    if (this.burst === null && this.writer.pendingOctets === 0 && this.phase !== 'confirming') this.bookAndGoOn(0)
  }

  streamReadable(stream: ByteStream): void {
    if (this.phase === 'over') return
    try {
      for (const message of this.returnPath.push(stream.read(stream.readableOctets()))) {
        if (message.kind === 'PONG') continue
        if (message.kind !== 'SHUT') return this.fail(mismatch(`the destination sent ${message.kind} during pre-copy`))
        if (message.value !== 0) return this.fail(mismatch('the destination refused the stream'))
        if (this.phase !== 'confirming')
          return this.fail(mismatch('the destination confirmed before it had everything'))
        return this.complete()
      }
    } catch (error) {
      this.fail(failureOf(error))
    }
  }

  streamEnded(stream: ByteStream): void {
    this.streamReadable(stream)
    if (!this.isOver) this.fail(connectionFailure('the destination closed the connection'))
  }

  streamFailed(_stream: ByteStream, cause: Failure): void {
    if (this.phase !== 'over') this.fail(cause)
  }

  private begin(): void {
    const { writer, vm, ram, options } = this
    if (options.strategy === 'stop-and-copy') this.stopGuest()
    writer.fileHeader()
    writer.configuration(vm.machineType)
    if (options.returnPath) {
      writer.command(MIG_CMD.OPEN_RETURN_PATH)
      writer.ping(1)
    }
    ram.start()
    this.enter('active')
    this.phase = 'iterating'
    this.openRound()
    this.rate.start(this.kernel.nowNs, writer.octetsWritten)
    this.bookAndGoOn(ram.logNs)
  }

  /** Do the next piece of work. Each piece ends by booking its core time, by waiting for the stream, or for good. */
  private proceed(): void {
    this.writer.drainTo(this.stream)
    if (this.writer.pendingOctets > 0 || this.waitsForRoom()) return // `streamWritable` will come
    switch (this.phase) {
      case 'iterating':
        return this.iterate()
      case 'last-pages':
        return this.sendLastPages()
      case 'draining':
        return this.allSent()
      case 'idle':
      case 'opening':
      case 'confirming':
      case 'over':
        return
    }
  }

  /** A stream filled to the last octet takes no page: going on would take no time, for ever. */
  private waitsForRoom(): boolean {
    return (this.phase === 'iterating' || this.phase === 'last-pages') && this.stream.writableOctets() === 0
  }

  private bookAndGoOn(workNs: Nanos): void {
    const doneNs = workNs > 0 ? this.cores.book(MIGRATION_LANE, workNs) : this.cores.busyUntilNs(MIGRATION_LANE)
    this.goOnAt(Math.max(doneNs, this.kernel.nowNs))
  }

  private goOnAt(atNs: Nanos): void {
    this.burst = this.kernel.scheduleAt(atNs, this, { kind: 'burst' })
  }

  private iterate(): void {
    const { kernel, writer, rate, ram } = this
    rate.advance(kernel.nowNs, writer.octetsWritten)
    if (writer.octetsWritten >= rate.limitOctets) {
      ram.closePart()
      writer.drainTo(this.stream)
      return this.goOnAt(rate.endNs)
    }
    if (this.policy.endsRound(ram.pending.octets, rate.lastWindow)) return this.finishRound()
    ram.continuePart(kernel.nowNs)
    const workNs = ram.sendPages(this.stream.writableOctets(), rate.limitOctets)
    writer.drainTo(this.stream)
    this.bookAndGoOn(workNs)
  }

  private openRound(): void {
    this.ram.openRound(this.kernel.nowNs, this.pausedAtNs !== null)
  }

  private closeRound(dirtiedPages: number): void {
    this.ram.closeRound(this.kernel.trace, this.labels.id, dirtiedPages)
  }

  /** Read the dirty log and decide. */
  private finishRound(): void {
    const { ram } = this
    ram.closePart()
    this.closeRound(ram.sync())
    const bandwidth = this.measuredBandwidth
    const pendingOctets = ram.pending.octets
    const next = this.policy.afterRound({ rounds: ram.rounds.length, pendingOctets, bandwidth })
    switch (next) {
      case 'iterate':
        break
      case 'postcopy':
      case 'switchover':
      case 'forced':
        this.switchOver(next === 'forced', bandwidth)
    }
    this.openRound()
    this.bookAndGoOn(ram.logNs)
  }

  /** Stop the guest: what is left goes out while it stands still. */
  private switchOver(isForced: boolean, bandwidth: number): void {
    const { ram } = this
    this.forced = isForced
    if (this.pausedAtNs === null)
      this.kernel.trace.add('migration-switchover', {
        migration: this.labels.id,
        pendingOctets: ram.pending.octets,
        bandwidth,
        forced: isForced ? 1 : 0,
      })
    this.stopGuest()
    this.enter('device')
    ram.sync() // what it wrote on its way to a stop
    ram.openEnd()
    this.phase = 'last-pages'
  }

  private sendLastPages(): void {
    const { writer, vm, ram } = this
    if (ram.pending.count > 0) {
      const workNs = ram.sendPages(this.stream.writableOctets(), Number.MAX_SAFE_INTEGER)
      writer.drainTo(this.stream)
      return this.bookAndGoOn(workNs)
    }
    ram.endRecords()
    const devices = writeDevices(writer, vm)
    writer.endOfState()
    writer.description(descriptionText(devices))
    this.phase = 'draining'
    writer.drainTo(this.stream)
    this.bookAndGoOn(devices.length * MIGRATION_COSTS.deviceNs)
  }

  private allSent(): void {
    this.closeRound(0)
    this.phase = 'confirming'
    // A destination that still waits for octets, because one was changed on the way, then knows that none will come.
    this.stream.end()
    if (!this.options.returnPath) this.complete()
  }

  /** From here on the other copy is the one that may live. This one stands still for ever. */
  private complete(): void {
    this.finish()
    this.enter('completed')
  }

  private fail(cause: Failure): void {
    this.cause = cause
    this.stream.abort()
    this.comeBack()
    this.enter('failed')
  }

  private stopGuest(): void {
    if (this.pausedAtNs !== null) return
    this.pausedAtNs = this.kernel.nowNs
    this.vm.pause()
    this.ram.counters.phase = 'downtime'
  }

  private comeBack(): void {
    this.finish()
    if (this.pausedAtNs !== null) this.vm.resume()
  }

  private finish(): void {
    this.phase = 'over'
    this.endedAtNs = this.kernel.nowNs
    this.kernel.cancel(this.burst)
    this.burst = null
    this.ram.stopLog()
  }

  private get isOver(): boolean {
    return this.phase === 'over'
  }

  private enter(status: MigrationStatus): void {
    this.currentStatus = status
    const { id, source, destination } = this.labels
    const cause = this.cause?.message ?? ''
    this.kernel.trace.add('migration-status', { migration: id, vm: this.vm.name, source, destination, status, cause })
    this.owner.sourceStatusChanged(this)
  }
}

function connectionFailure(message: string): Failure {
  return { kind: 'connection', protocol: 'qevm', message }
}

function mismatch(message: string): Failure {
  return { kind: 'mismatch', protocol: 'qevm', message }
}
