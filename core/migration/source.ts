/**
 * The sending end of a migration (QEMU migration/migration.c, the migration thread): rounds of pages while the guest
 * runs, a last one and the devices while it stands still, then the wait for the destination's word that it has
 * everything. Until that word this copy is the one that lives: any failure lets the guest go on here. In post-copy the guest
 * runs at the destination before its memory has followed; from then on a failure is an interruption.
 */
import type { ByteStream, StreamOwner } from '../base/byte-stream.js'
import { assert, failureOf, InputError, type Failure } from '../base/errors.js'
import { PAGE_OCTETS, type Nanos } from '../base/units.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../kernel/kernel.js'
import { MIGRATION_COSTS, MIGRATION_LANE } from './costs.js'
import type { MigratableVm, RamBlock } from './guest-memory.js'
import { IterationPolicy, type NextStep } from './iteration-policy.js'
import type {
  MigrationLabels,
  MigrationLimits,
  MigrationOptions,
  MigrationOwner,
  MigrationRound,
  MigrationStatus,
} from './migration.js'
import { writeDevices } from './outgoing-devices.js'
import { OutgoingPostcopy } from './outgoing-postcopy.js'
import { OutgoingRam } from './outgoing-ram.js'
import { Pacing } from './pacing.js'
import { MultifdSender, type MultifdOwner } from './multifd-sender.js'
import { MigrationCounters, type MigrationStatistics } from './statistics.js'
import { VcpuThrottle } from './vcpu-throttle.js'
import { encodeAdvise } from './wire/postcopy.js'
import { MIG_CMD } from './wire/qevm.js'
import { ReturnPathReader, type ReturnPathMessage } from './wire/return-path.js'
import { StreamWriter } from './wire/stream-writer.js'
import { descriptionText } from './wire/vmdesc.js'

type Phase =
  | 'idle'
  | 'opening'
  | 'iterating'
  /** The guest stands still until the operator says that the last pages may go out. */
  | 'held'
  /** The guest stands still and the last pages go out. */
  | 'last-pages'
  /** The guest runs at the destination, or is about to; its memory follows. */
  | 'postcopy'
  /** The connection broke meanwhile. */
  | 'interrupted'
  /** There is another one; the destination is asked what it has. */
  | 'resuming'
  /** All is written; the stream has not taken all of it yet. */
  | 'draining'
  /** All is sent; the destination has not said that it has it. */
  | 'confirming'
  | 'over'

export interface MigrationSourceParts {
  readonly vm: MigratableVm
  readonly stream: ByteStream
  /** The extra connections that carry the pages: as many as `multifdChannels`. */
  readonly channels?: readonly ByteStream[]
  /** Of the host this end runs on. */
  readonly cores: HostCores
  /** How late its migration thread wakes when it has slept until the end of a window. Default 0. */
  readonly wakeLatencyNs?: Nanos
  readonly options: MigrationOptions
  readonly labels: MigrationLabels
  readonly owner: MigrationOwner
}

export class MigrationSource implements Process, StreamOwner, MultifdOwner {
  readonly vm: MigratableVm
  /** Its own: limits may change. */
  readonly options: MigrationOptions
  readonly labels: MigrationLabels
  /** Why it failed, or stands still. */
  cause: Failure | null = null
  /** Rounds ran out before what was left fitted the downtime limit. */
  forced = false
  startedAtNs: Nanos | null = null
  /** When it came to its first round: what went before was set-up. */
  activeAtNs: Nanos | null = null
  /** When the guest was stopped, and when the migration came to its end. */
  pausedAtNs: Nanos | null = null
  endedAtNs: Nanos | null = null

  private readonly cores: HostCores
  private readonly wakeLatencyNs: Nanos
  private readonly owner: MigrationOwner
  private readonly writer = new StreamWriter()
  private stream: ByteStream
  private returnPath = new ReturnPathReader()
  private readonly multifd: MultifdSender | null
  private readonly ram: OutgoingRam
  private readonly postcopy: OutgoingPostcopy
  private readonly policy: IterationPolicy
  private readonly pacing: Pacing
  private readonly throttle: VcpuThrottle
  /** The operator wants the guest stopped after the burst at hand, whatever is left. */
  private switchoverAsked = false
  /** Post-copy begins at the next opportunity. */
  private postcopyAsked: boolean
  private phase: Phase = 'idle'
  private currentStatus: MigrationStatus = 'none'
  private burst: QueuedEvent | null = null

  constructor(
    private readonly kernel: Kernel,
    parts: MigrationSourceParts,
  ) {
    this.vm = parts.vm
    this.stream = parts.stream
    this.options = { ...parts.options }
    this.labels = parts.labels
    this.cores = parts.cores
    this.wakeLatencyNs = parts.wakeLatencyNs ?? 0
    this.owner = parts.owner
    const { vm, options, labels, cores } = this
    const counters = new MigrationCounters(octetsOf(vm.memory))
    const { channels: streams = [] } = parts
    assert(streams.length === options.multifdChannels, 'a connection for each channel')
    this.multifd =
      streams.length === 0 ? null : new MultifdSender(kernel, { streams, cores, options, counters, owner: this })
    this.ram = new OutgoingRam(vm.memory, this.writer, options, { cores, multifd: this.multifd }, counters)
    this.postcopy = new OutgoingPostcopy(this.vm, this.ram, this.writer, this.options)
    this.postcopyAsked = this.options.strategy === 'postcopy'
    this.policy = new IterationPolicy(this.options)
    this.pacing = new Pacing(options, counters)
    this.throttle = new VcpuThrottle({ vm, options, counters, labels, trace: kernel.trace })
  }

  get status(): MigrationStatus {
    return this.currentStatus
  }

  /** Octets of the stream written so far. */
  get octetsWritten(): number {
    return this.ram.octetsWritten
  }

  /** How long the guest has stood still for it in all, as far as can be told here, or null while that is not known. */
  get downtimeNs(): Nanos | null {
    const resumedAtNs = this.postcopyBatch === null ? this.endedAtNs : this.postcopy.loadedAtNs
    return this.pausedAtNs === null || resumedAtNs === null ? null : resumedAtNs - this.pausedAtNs
  }

  /** What follows the guest in post-copy; null when it does not come to that. */
  get postcopyBatch(): MigrationRound | null {
    return this.postcopy.batch
  }

  /** How long the guest would stand still if it were stopped now; until a bandwidth was measured, the limit. */
  get expectedDowntimeNs(): Nanos {
    const { lastWindow } = this.pacing
    return lastWindow > 0 ? Math.ceil((this.remainingOctets * 1e9) / lastWindow) : this.options.downtimeLimitNs
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

  /** Percent of its time that the guest's vCPU is kept from running. */
  get throttlePercent(): number {
    return this.throttle.percent
  }

  /** Octets a second, as measured in the last whole window of 100 ms. */
  get measuredBandwidth(): number {
    return this.pacing.measured(this.kernel.nowNs, this.octetsWritten)
  }

  /** From now on. A lower bandwidth holds from the next window on. */
  changeLimits(limits: Partial<MigrationLimits>): void {
    Object.assign(this.options, limits)
    const { maxBandwidth, maxPostcopyBandwidth } = this.options
    this.pacing.limit(this.postcopyBatch === null ? maxBandwidth : maxPostcopyBandwidth)
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
    this.multifd?.start()
    if (this.isOpen) this.begin()
    else if (this.stream.state !== 'open' && this.stream.state !== 'opening')
      this.fail(connectionFailure('the stream is closed'))
  }

  private get isOpen(): boolean {
    return this.stream.state === 'open' && this.multifd?.isOpen !== false
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

  /** Stop the guest as soon as may be, whatever is left to send. Throws `InputError` when it is too early or too late. */
  switchOverNow(): void {
    if (this.phase !== 'iterating')
      throw new InputError(`a switch-over can be asked for while pages are sent in rounds`)
    this.switchoverAsked = true
  }

  /** Go on after `pauseBeforeSwitchover` (QMP's migrate-continue). Throws `InputError` at any other time. */
  continueSwitchover(): void {
    if (this.phase !== 'held') throw new InputError(`the migration is ${this.currentStatus}: it goes on by itself`)
    this.lastStage()
    this.bookAndGoOn(0)
  }

  /** It cannot go on, for a reason that the stream does not bring. */
  abandon(cause: Failure): void {
    if (!this.isOver) this.giveUp(cause)
  }

  /** Whether it was set up to go over to post-copy. */
  get maySwitchToPostcopy(): boolean {
    return this.options.strategy === 'postcopy' || this.options.strategy === 'hybrid'
  }

  /** QEMU's `migrate-start-postcopy`: at the next opportunity. */
  startPostcopy(): void {
    assert(this.maySwitchToPostcopy, 'post-copy was not announced')
    this.postcopyAsked = true
  }

  /** QEMU's `migrate-pause`, and what a broken connection comes to once the guest runs at the destination. */
  pause(cause: Failure): void {
    assert(this.owner.guestHasLeft(this), 'only a post-copy can be paused')
    if (this.isOver || this.phase === 'interrupted') return
    this.cause = cause
    this.leaveStream()
    this.stream.abort()
    this.postcopy.breakOff()
    this.phase = 'interrupted'
    this.enter('postcopy-paused')
  }

  /** Go on over another connection. */
  recover(stream: ByteStream): void {
    assert(this.phase === 'interrupted', 'only what is paused can be recovered')
    this.cause = null
    this.stream = stream
    stream.owner = this
    this.returnPath = new ReturnPathReader()
    this.phase = 'resuming'
    this.enter('postcopy-recover')
    if (stream.state === 'open') this.askForBitmaps()
    else if (stream.state !== 'opening') this.fail(connectionFailure('the stream is closed'))
  }

  /** The destination has everything; its word was lost with the connection. */
  confirm(): void {
    assert(this.owner.guestHasLeft(this), 'the guest lives here')
    if (this.isOver) return
    this.cause = null
    this.stream.abort()
    this.complete()
  }

  handleEvent(_event: KernelEvent): void {
    this.burst = null
    this.proceed()
  }

  streamOpened(_stream: ByteStream): void {
    if (this.phase === 'opening') this.multifdOpened()
    else if (this.phase === 'resuming') this.askForBitmaps()
  }

  multifdOpened(): void {
    if (this.phase === 'opening' && this.isOpen) this.begin()
  }

  multifdWritable(): void {
    this.roomCame()
  }

  multifdFailed(cause: Failure): void {
    if (!this.isDeaf) this.fail(cause)
  }

  streamWritable(_stream: ByteStream): void {
    if (this.isDeaf) return
    this.writer.drainTo(this.stream)
    this.roomCame()
  }

  private roomCame(): void {
    if (this.isDeaf || this.burst !== null || this.phase === 'confirming') return
    this.writer.drainTo(this.stream)
    if (this.writer.pendingOctets === 0) this.bookAndGoOn(0)
  }

  streamReadable(stream: ByteStream): void {
    if (this.isDeaf) return
    try {
      for (const message of this.returnPath.push(stream.read(stream.readableOctets()))) {
        this.answer(message)
        if (this.isDeaf) return
      }
    } catch (error) {
      this.fail(failureOf(error))
    }
  }

  streamEnded(stream: ByteStream): void {
    this.streamReadable(stream)
    if (!this.isDeaf) this.fail(connectionFailure('the destination closed the connection'))
  }

  streamFailed(_stream: ByteStream, cause: Failure): void {
    if (!this.isDeaf) this.fail(cause)
  }

  private begin(): void {
    const { writer, vm, ram, options } = this
    if (options.strategy === 'stop-and-copy' || options.strategy === 'cold') this.stopGuest()
    writer.fileHeader()
    writer.configuration(vm.machineType)
    if (options.returnPath) {
      writer.command(MIG_CMD.OPEN_RETURN_PATH)
      writer.ping(1)
    }
    if (options.strategy === 'cold') return this.sendNoState()
    if (this.maySwitchToPostcopy) {
      assert(options.returnPath, 'post-copy needs a return path')
      writer.command(MIG_CMD.POSTCOPY_ADVISE, encodeAdvise())
    }
    ram.start()
    this.activeAtNs = this.kernel.nowNs
    this.enter('active')
    this.phase = 'iterating'
    this.openRound()
    this.pacing.start(this.kernel.nowNs, this.octetsWritten)
    this.throttle.logRead(0)
    this.bookAndGoOn(ram.logNs)
  }

  /**
   * Cold: the guest is switched off here and starts anew there, so what it is goes, not what it holds. Until the destination
   * has said that it can start it, it only stands still: a move that comes to nothing costs it no more than that.
   */
  private sendNoState(): void {
    this.activeAtNs = this.kernel.nowNs
    this.enter('active')
    this.openRound()
    this.writer.endOfState()
    this.writer.description(descriptionText([]))
    this.enter('device')
    this.phase = 'draining'
    this.bookAndGoOn(MIGRATION_COSTS.deviceNs)
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
      case 'postcopy':
        return this.sendBehind()
      case 'draining':
        return this.allSent()
      case 'idle':
      case 'opening':
      case 'held':
      case 'interrupted':
      case 'resuming':
      case 'confirming':
      case 'over':
        return
    }
  }

  /** A stream filled to the last octet takes no page: going on would take no time, for ever. */
  private waitsForRoom(): boolean {
    const sendsPages = this.phase === 'iterating' || this.phase === 'last-pages' || this.phase === 'postcopy'
    return sendsPages && (this.stream.writableOctets() === 0 || !this.ram.hasRoom)
  }

  private bookAndGoOn(workNs: Nanos): void {
    const doneNs = workNs > 0 ? this.cores.book(MIGRATION_LANE, workNs) : this.cores.busyUntilNs(MIGRATION_LANE)
    this.goOnAt(Math.max(doneNs, this.ram.encoder.compressedNs, this.kernel.nowNs))
  }

  private goOnAt(atNs: Nanos): void {
    this.burst = this.kernel.scheduleAt(atNs, this, { kind: 'burst' })
  }

  /** QEMU's `migration_thread` and `migration_iteration_run`: what to do next is decided between two PARTs, never in one. */
  private iterate(): void {
    const { kernel, writer, pacing, ram } = this
    pacing.advance(kernel.nowNs, this.octetsWritten)
    const isWindowFull = this.octetsWritten >= pacing.limitOctets
    const isAskedToStop = this.switchoverAsked || this.postcopyAsked
    if (isWindowFull || isAskedToStop || ram.isPartOver(kernel.nowNs)) ram.closePart()
    if (this.postcopyAsked) return this.goOver('in a round')
    if (this.switchoverAsked) return this.finishRound()
    if (isWindowFull) {
      writer.drainTo(this.stream)
      return this.goOnAt(pacing.endNs + this.wakeLatencyNs)
    }
    if (!ram.isInPart) {
      writer.drainTo(this.stream)
      if (!ram.hasRoom) return // the extra connections have not taken all of the part
      if (this.policy.endsRound(ram.pending.octets, pacing.lastWindow)) return this.finishRound()
      ram.openPart(kernel.nowNs)
    }
    const workNs = ram.sendPages(this.stream.writableOctets(), pacing.limitOctets)
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
    const newlyDirty = ram.sync()
    this.closeRound(newlyDirty)
    this.throttle.logRead(newlyDirty)
    const next = this.switchoverAsked ? 'forced' : this.nextStep()
    switch (next) {
      case 'iterate':
        break
      case 'postcopy':
        return this.goOver('after a round')
      case 'switchover':
      case 'forced':
        return this.switchOver(next === 'forced')
    }
    this.openRound()
    this.bookAndGoOn(ram.logNs)
  }

  private nextStep(): NextStep {
    const { ram, pacing } = this
    const rounds = ram.rounds.length
    const outcome = {
      rounds,
      pendingOctets: ram.pending.octets,
      bandwidth: this.measuredBandwidth,
      sentPages: ram.pagesOfRound(rounds - 1),
      sentPagesBefore: ram.pagesOfRound(rounds - 2),
      sentPagesTotal: ram.pagesSent,
      memoryPages: ram.pending.pageCount,
      isRateMax: pacing.isRateMax,
    }
    pacing.roundOver(ram.rounds[rounds - 1] as MigrationRound)
    return this.policy.afterRound(outcome)
  }

  /** Stop the guest: what is left goes out while it stands still. */
  private switchOver(isForced: boolean): void {
    const { ram } = this
    this.forced = isForced
    if (this.pausedAtNs === null)
      this.kernel.trace.add('migration-switchover', {
        migration: this.labels.id,
        pendingOctets: ram.pending.octets,
        bandwidth: this.measuredBandwidth,
        forced: isForced ? 1 : 0,
      })
    this.stopGuest()
    if (this.options.pauseBeforeSwitchover) {
      this.phase = 'held'
      return this.enter('pre-switchover')
    }
    this.lastStage()
    this.bookAndGoOn(ram.logNs)
  }

  private lastStage(): void {
    const { ram } = this
    this.enter('device')
    ram.sync() // what it wrote on its way to a stop
    ram.encoder.isLastStage = true
    this.openRound()
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

  /** Post-copy: stop the guest and send what lets it run at the destination (`postcopy_start`). */
  private goOver(when: 'in a round' | 'after a round'): void {
    const { ram, kernel, writer, labels } = this
    this.stopGuest()
    const dirtied = ram.sync() // in a round the only reading, as in QEMU; else what it wrote on its way to a stop
    if (when === 'in a round') this.closeRound(dirtied)
    const pendingOctets = ram.pending.octets
    const bandwidth = this.measuredBandwidth
    kernel.trace.add('migration-switchover', { migration: labels.id, pendingOctets, bandwidth, forced: 0 })
    this.postcopy.begin(kernel.nowNs)
    this.phase = 'postcopy'
    this.enter('postcopy-active')
    writer.drainTo(this.stream)
    this.bookAndGoOn(this.vm.devices.length * MIGRATION_COSTS.deviceNs + ram.logNs)
  }

  private sendBehind(): void {
    const { kernel, postcopy } = this
    const step = postcopy.sendPages(kernel.nowNs, this.stream.writableOctets())
    if (postcopy.isAllWritten) this.phase = 'draining'
    this.writer.drainTo(this.stream)
    if (step.untilNs === null) this.bookAndGoOn(step.workNs)
    else this.goOnAt(step.untilNs)
  }

  private answer(message: ReturnPathMessage): void {
    const { phase, postcopy } = this
    switch (message.kind) {
      case 'PONG':
        return postcopy.pong(message.value, this.kernel.nowNs)
      case 'SHUT':
        if (message.value !== 0) return this.fail(mismatch('the destination refused the stream'))
        if (phase !== 'confirming') return this.fail(mismatch('the destination confirmed before it had everything'))
        return this.complete()
      case 'REQ_PAGES':
        if (phase !== 'postcopy' && phase !== 'draining' && phase !== 'confirming') break
        postcopy.request(message)
        if (!postcopy.waitsForWindow) return
        this.kernel.cancel(this.burst) // pages that are asked for wait for no window
        return this.bookAndGoOn(0)
      case 'RECV_BITMAP':
        if (phase !== 'resuming') break
        postcopy.takeBitmap(message.block, message.bitmap)
        this.writer.drainTo(this.stream)
        return
      case 'RESUME_ACK':
        if (phase !== 'resuming' || !postcopy.hasAllBitmaps) break
        this.phase = 'postcopy'
        postcopy.goOn(this.kernel.nowNs)
        this.enter('postcopy-active')
        return this.bookAndGoOn(0)
      case 'SWITCHOVER_ACK':
    }
    this.fail(mismatch(`the destination sent ${message.kind} in phase ${phase}`))
  }

  private askForBitmaps(): void {
    this.postcopy.askForBitmaps()
    this.writer.drainTo(this.stream)
  }

  private allSent(): void {
    if (this.multifd !== null && this.multifd.pendingOctets > 0) return // `multifdWritable` will come
    if (this.postcopyBatch === null) this.closeRound(0)
    this.phase = 'confirming'
    this.multifd?.end()
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
    if (this.owner.guestHasLeft(this)) this.pause(cause)
    else this.giveUp(cause)
  }

  private giveUp(cause: Failure): void {
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
    this.multifd?.abort()
    if (this.pausedAtNs !== null && !this.owner.guestHasLeft(this)) this.vm.resume()
  }

  private finish(): void {
    this.phase = 'over'
    this.endedAtNs = this.kernel.nowNs
    this.leaveStream()
    this.ram.stopLog()
    this.throttle.stop()
    this.postcopy.end(this.kernel.nowNs)
  }

  private leaveStream(): void {
    this.kernel.cancel(this.burst)
    this.burst = null
  }

  private get isOver(): boolean {
    return this.phase === 'over'
  }

  /** Whatever its last connection says is said too late. */
  private get isDeaf(): boolean {
    return this.phase === 'over' || this.phase === 'interrupted'
  }

  private enter(status: MigrationStatus): void {
    this.currentStatus = status
    const { id, source, destination } = this.labels
    const cause = this.cause?.message ?? ''
    this.kernel.trace.add('migration-status', { migration: id, vm: this.vm.name, source, destination, status, cause })
    this.owner.sourceStatusChanged(this)
  }
}

function octetsOf(blocks: readonly RamBlock[]): number {
  let pages = 0
  for (const { memory } of blocks) pages += memory.pageCount
  return pages * PAGE_OCTETS
}

function connectionFailure(message: string): Failure {
  return { kind: 'connection', protocol: 'qevm', message }
}

function mismatch(message: string): Failure {
  return { kind: 'mismatch', protocol: 'qevm', message }
}
