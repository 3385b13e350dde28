/**
 * The sending end of a migration (QEMU migration/migration.c): its life, from the command that starts it to the word of the
 * destination that it has everything. Until that word this copy is the one that lives: any failure lets the guest go on here.
 * In post-copy the guest runs at the destination before its memory has followed; from then on a failure is an interruption.
 */
import type { ByteStream, StreamOwner } from '../base/byte-stream.js'
import { assert, failureOf, InputError, type Failure } from '../base/errors.js'
import { PAGE_OCTETS, type Nanos } from '../base/units.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel } from '../kernel/kernel.js'
import { pageCountOf, type MigratableVm } from './guest-memory.js'
import { MigrationThread, type MigrationThreadOwner } from './migration-thread.js'
import type {
  MigrationLabels,
  MigrationLimits,
  MigrationOptions,
  MigrationOwner,
  MigrationStatus,
} from './migration.js'
import { MultifdSender, type MultifdOwner } from './multifd-sender.js'
import { OutgoingStream } from './outgoing-stream.js'
import { SourceProgress } from './source-progress.js'
import { MigrationCounters } from './statistics.js'
import { RESUME_ACK_VALUE, ReturnPathReader, type ReturnPathMessage } from './wire/return-path.js'

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

export class MigrationSource extends SourceProgress implements StreamOwner, MultifdOwner, MigrationThreadOwner {
  readonly vm: MigratableVm
  /** Its own: limits may change. */
  readonly options: MigrationOptions
  readonly labels: MigrationLabels
  /** Why it failed, or stands still. */
  cause: Failure | null = null
  private readonly owner: MigrationOwner
  private readonly out: OutgoingStream
  private readonly multifd: MultifdSender | null
  protected readonly thread: MigrationThread
  private returnPath = new ReturnPathReader()

  constructor(
    private readonly kernel: Kernel,
    { vm, stream, channels = [], cores, wakeLatencyNs = 0, options: given, labels, owner }: MigrationSourceParts,
  ) {
    super()
    assert(channels.length === given.multifdChannels, 'a connection for each channel')
    const options = { ...given }
    this.vm = vm
    this.options = options
    this.labels = labels
    this.owner = owner
    this.out = new OutgoingStream(stream)
    const counters = new MigrationCounters(pageCountOf(vm.memory) * PAGE_OCTETS)
    this.multifd =
      channels.length === 0
        ? null
        : new MultifdSender(kernel, { streams: channels, cores, options, counters, owner: this })
    const { out, multifd } = this
    const parts = { vm, out, multifd, cores, wakeLatencyNs, options, labels, counters, owner: this }
    this.thread = new MigrationThread(kernel, parts)
  }

  /** From now on. A lower bandwidth holds from the next window on. */
  changeLimits(limits: Partial<MigrationLimits>): void {
    Object.assign(this.options, limits)
    this.thread.limitsChanged()
  }

  /** Begin, now if the stream is open, else when it opens. */
  start(): void {
    assert(this.status === 'none', 'a migration starts once')
    const { strategy, downtimeLimitNs, maxBandwidth, roundsMin, roundsMax, stopRule } = this.options
    const { id, channel, linkBps } = this.labels
    const ramOctets = pageCountOf(this.vm.memory) * PAGE_OCTETS
    const limits = { downtimeLimitNs, maxBandwidth, roundsMin, roundsMax, stopRule, linkBps }
    this.kernel.trace.add('migration-start', { migration: id, strategy, channel, ...limits, ramOctets })
    this.startedAtNs = this.kernel.nowNs
    this.out.stream.owner = this
    this.enter('setup')
    this.multifd?.start()
    if (!this.beginWhenOpen()) this.failUnlessOpening()
  }

  /** Give up at any moment before it is completed; the guest goes on here. */
  cancel(): void {
    if (this.isOver) return
    this.enter('cancelling')
    this.cause = this.withWhatIsLeft({ kind: 'cancelled', protocol: 'qevm', message: 'cancelled by the operator' })
    this.out.stream.abort()
    this.comeBack()
    this.enter('cancelled')
  }

  /** It cannot go on, for a reason that the stream does not bring. */
  abandon(cause: Failure): void {
    if (!this.isOver) this.giveUp(cause)
  }

  /** Stop the guest as soon as may be, whatever is left to send. Throws `InputError` when it is too early or too late. */
  switchOverNow(): void {
    if (this.status !== 'active') throw new InputError(`a switch-over can be asked for while pages are sent in rounds`)
    this.thread.precopy.switchoverAsked = true
  }

  /** Go on after `pauseBeforeSwitchover` (QMP's migrate-continue). Throws `InputError` at any other time. */
  continueSwitchover(): void {
    if (this.status !== 'pre-switchover') throw new InputError(`the migration is ${this.status}: it goes on by itself`)
    this.thread.continueSwitchover()
  }

  /** QEMU's `migrate-start-postcopy`: at the next opportunity. */
  startPostcopy(): void {
    assert(this.maySwitchToPostcopy, 'post-copy was not announced')
    this.thread.precopy.postcopyAsked = true
  }

  /** QEMU's `migrate-pause`, and what a broken connection comes to once the guest runs at the destination. */
  pause(cause: Failure): void {
    assert(this.owner.guestHasLeft(this), 'only a post-copy can be paused')
    if (this.isDeaf) return
    this.cause = cause
    this.out.stream.abort()
    this.thread.breakOff()
    this.enter('postcopy-paused')
  }

  /** Go on over another connection. */
  recover(stream: ByteStream): void {
    assert(this.status === 'postcopy-paused', 'only what is paused can be recovered')
    this.cause = null
    this.out.stream = stream
    stream.owner = this
    this.returnPath = new ReturnPathReader()
    this.enter('postcopy-recover')
    if (stream.state === 'open') this.thread.postcopy.askForBitmaps()
    else this.failUnlessOpening()
  }

  /** The destination has everything; its word was lost with the connection. */
  confirm(): void {
    assert(this.owner.guestHasLeft(this), 'the guest lives here')
    if (this.isOver) return
    this.cause = null
    this.out.stream.abort()
    this.complete()
  }

  // What its connections bring.

  streamOpened(_stream: ByteStream): void {
    if (this.status === 'postcopy-recover') this.thread.postcopy.askForBitmaps()
    else this.beginWhenOpen()
  }

  multifdOpened(): void {
    this.beginWhenOpen()
  }

  multifdWritable(): void {
    if (!this.isDeaf) this.thread.roomCame()
  }

  multifdFailed(cause: Failure): void {
    if (!this.isDeaf) this.fail(cause)
  }

  streamWritable(_stream: ByteStream): void {
    if (!this.isDeaf) this.thread.roomCame()
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
    if (!this.isDeaf) this.fail(failure('connection', 'the destination closed the connection'))
  }

  streamFailed(_stream: ByteStream, cause: Failure): void {
    if (!this.isDeaf) this.fail(cause)
  }

  private answer(message: ReturnPathMessage): void {
    const { thread, status } = this
    const { postcopy } = thread
    switch (message.kind) {
      case 'PONG':
        return postcopy.pong(message.value, this.kernel.nowNs)
      case 'SHUT':
        if (message.value !== 0) return this.fail(failure('mismatch', 'the destination refused the stream'))
        if (!thread.isAllSent)
          return this.fail(failure('mismatch', 'the destination confirmed before it had everything'))
        return this.complete()
      case 'REQ_PAGES':
        if (status !== 'postcopy-active') break
        postcopy.request(message)
        return thread.serveRequests()
      case 'RECV_BITMAP':
        if (status !== 'postcopy-recover') break
        return postcopy.takeBitmap(message.block, message.bitmap)
      case 'RESUME_ACK':
        if (status !== 'postcopy-recover' || !postcopy.hasAllBitmaps || message.value !== RESUME_ACK_VALUE) break
        this.enter('postcopy-active')
        return thread.goOn()
      case 'SWITCHOVER_ACK':
    }
    this.fail(failure('mismatch', `the destination sent ${message.kind}, and the migration is ${status}`))
  }

  // What its thread tells.

  threadEntered(status: MigrationStatus): void {
    this.enter(status)
  }

  threadSentAll(): void {
    if (!this.options.returnPath) this.complete()
  }

  // From one status to the next.

  private beginWhenOpen(): boolean {
    const isOpen = this.out.stream.state === 'open' && this.multifd?.isOpen !== false
    if (this.status === 'setup' && isOpen) this.thread.begin()
    return isOpen
  }

  private failUnlessOpening(): void {
    const { state } = this.out.stream
    if (state !== 'open' && state !== 'opening') this.fail(failure('connection', 'the stream is closed'))
  }

  /** From here on the other copy is the one that may live. This one stands still for ever. */
  private complete(): void {
    this.end()
    this.enter('completed')
  }

  private fail(cause: Failure): void {
    if (this.owner.guestHasLeft(this)) this.pause(cause)
    else this.giveUp(cause)
  }

  /** It was confirmed, and did not arrive all the same: the guest goes on here (libvirt's confirm with `cancelled`). */
  finishRefused(cause: Failure): void {
    this.giveUp(cause)
  }

  /** A guest that was switched off for a cold migration stays off. */
  private withWhatIsLeft(cause: Failure): Failure {
    if (this.options.strategy !== 'cold' || this.pausedAtNs === null) return cause
    const message = `${cause.message}; ${this.vm.name} is off on ${this.labels.source}: boot it again there`
    return { ...cause, message }
  }

  private giveUp(cause: Failure): void {
    this.cause = this.withWhatIsLeft(cause)
    this.out.stream.abort()
    this.comeBack()
    this.enter('failed')
  }

  private comeBack(): void {
    this.end()
    this.multifd?.abort()
    if (this.pausedAtNs !== null && !this.owner.guestHasLeft(this)) this.vm.resume()
  }

  private end(): void {
    this.endedAtNs = this.kernel.nowNs
    this.thread.end()
  }

  /** Whatever its last connection says is said too late. */
  private get isDeaf(): boolean {
    return this.isOver || this.status === 'postcopy-paused'
  }

  private enter(status: MigrationStatus): void {
    this.currentStatus = status
    const { id, source, destination } = this.labels
    const cause = this.cause?.message ?? ''
    this.kernel.trace.add('migration-status', { migration: id, vm: this.vm.name, source, destination, status, cause })
    this.owner.sourceStatusChanged(this)
  }
}

function failure(kind: 'connection' | 'mismatch', message: string): Failure {
  return { kind, protocol: 'qevm', message }
}
