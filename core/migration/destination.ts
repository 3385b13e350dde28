/**
 * The receiving end of a migration (QEMU migration/savevm.c, `process_incoming_migration_co` and the listen thread of
 * post-copy): reads the stream as fast as its host's core lets it, fills a VM that has never run, and answers on the return
 * path. It never starts the VM: that is its owner's, who alone knows where the guest lives.
 */
import type { ByteStream, StreamOwner } from '../base/byte-stream.js'
import { assert, failureOf, type Failure } from '../base/errors.js'
import { PAGE_OCTETS, type Nanos } from '../base/units.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../kernel/kernel.js'
import { MIGRATION_COSTS, MIGRATION_LANE } from './costs.js'
import { DISK_CHUNK_OCTETS } from './guest-disk.js'
import type { MigratableVm } from './guest-memory.js'
import { IncomingState } from './incoming-state.js'
import type { MigrationLabels, MigrationOwner, MigrationStatus } from './migration.js'
import { MultifdReceiver, type MultifdReceiverOwner } from './multifd-receiver.js'
import { PageRequests, type RequestSender } from './page-requests.js'
import { ReplyQueue } from './reply-queue.js'
import type { ReturnPathMessage } from './wire/return-path.js'
import { StreamReader } from './wire/stream-reader.js'

/** Octets read in one event. */
const READ_OCTETS = 256 * 1024

export interface MigrationDestinationParts {
  /** Made for this migration: the machine of the same type that the stream fills. */
  readonly vm: MigratableVm
  readonly stream: ByteStream
  /** Extra connections that will come, as the source has it: QEMU's `multifd-channels`. */
  readonly multifdChannels?: number
  /** The guest starts anew here: its machine comes, neither its memory nor the state of its devices. */
  readonly isCold?: boolean
  /** Its disk comes in the stream. */
  readonly copiesStorage?: boolean
  readonly cores: HostCores
  readonly labels: MigrationLabels
  readonly owner: MigrationOwner
}

export class MigrationDestination implements Process, StreamOwner, RequestSender, MultifdReceiverOwner {
  readonly vm: MigratableVm
  readonly labels: MigrationLabels
  /** What the guest asked for and waits for, after a switch to post-copy. */
  readonly requests: PageRequests
  /** Why it failed, or stands still. */
  cause: Failure | null = null
  private stream: ByteStream
  private readonly cores: HostCores
  private readonly owner: MigrationOwner
  private readonly incoming: IncomingState
  private readonly reader: StreamReader
  private readonly replies = new ReplyQueue()
  private readonly multifd: MultifdReceiver | null
  /** Read from the stream, and to be looked at once the extra connections have come as far. */
  private unread: Uint8Array = new Uint8Array(0)
  private waitsForChannels = false
  private sectionsEnded = 0
  private currentStatus: MigrationStatus = 'none'
  private next: QueuedEvent | null = null
  /** The devices that came in a package are being loaded; then the guest runs. */
  private run: QueuedEvent | null = null
  private isRunning = false
  private peerEnded = false

  constructor(
    private readonly kernel: Kernel,
    parts: MigrationDestinationParts,
  ) {
    this.vm = parts.vm
    this.stream = parts.stream
    this.labels = parts.labels
    this.cores = parts.cores
    this.owner = parts.owner
    const channelCount = parts.multifdChannels ?? 0
    this.requests = new PageRequests(kernel, this.vm, this.labels.id, this)
    this.incoming = new IncomingState(this.vm, this.requests, parts.isCold === true, parts.copiesStorage === true)
    this.reader = new StreamReader(this.incoming, {
      devices: this.incoming.knownDevices(),
      unknownDevices: 'refuse',
      stopsAfterRecords: channelCount > 0,
    })
    const { cores, incoming: target } = this
    this.multifd = channelCount === 0 ? null : new MultifdReceiver(kernel, { channelCount, cores, target, owner: this })
  }

  /** 'completed' when all is loaded and compared, and the source has been told so. */
  get status(): MigrationStatus {
    return this.currentStatus
  }

  get octetsRead(): number {
    return this.reader.octetsRead
  }

  start(): void {
    assert(this.currentStatus === 'none', 'a migration starts once')
    this.enter('setup')
    this.listenTo(this.stream)
  }

  /** One of the extra connections arrived. */
  addChannel(stream: ByteStream): void {
    assert(this.multifd !== null, 'no extra connections were announced')
    if (this.isOver) stream.abort()
    else this.multifd.add(stream)
  }

  channelsSynced(): void {
    this.waitsForChannels = false
    if (!this.isOver && this.next === null) this.goOn(0)
  }

  channelFailed(cause: Failure): void {
    if (!this.isOver) this.fail(cause)
  }

  /** Stop listening: the VM will not arrive here. */
  cancel(): void {
    if (!this.isOver) this.abandon({ kind: 'cancelled', protocol: 'qevm', message: 'cancelled by the operator' })
  }

  /** It comes to nothing, whether the guest runs here or not. */
  abandon(cause: Failure): void {
    if (this.isOver) return
    this.cause = cause
    this.stopReading()
    this.multifd?.abort()
    this.reply({ kind: 'SHUT', value: 1 })
    if (this.stream.state === 'open' && this.incoming.returnPathOpen) this.stream.end()
    else this.stream.abort()
    this.enter('failed')
  }

  /** QEMU's `migrate-pause`: the guest that runs here waits where it needs a page, until there is another connection. */
  pause(cause: Failure): void {
    if (this.isOver || this.currentStatus === 'postcopy-paused') return
    assert(this.isRunning, 'only a post-copy can be paused')
    this.cause = cause
    this.stopReading()
    this.replies.clear()
    this.stream.abort()
    this.incoming.isPaused = true
    this.enter('postcopy-paused')
  }

  /** Another connection for the rest. */
  recover(stream: ByteStream): void {
    assert(this.currentStatus === 'postcopy-paused', 'only what is paused can be recovered')
    this.cause = null
    this.peerEnded = false
    this.reader.continueElsewhere()
    this.stream = stream
    this.enter('postcopy-recover')
    this.listenTo(stream)
  }

  /** All of its memory is here, though the source has not said that this is all. */
  get hasAllPages(): boolean {
    return this.isRunning && this.vm.userfault?.missingPages === 0
  }

  /** Nothing is missing and nobody will say so: the end. */
  finishAlone(): void {
    assert(this.hasAllPages, 'pages are missing')
    this.stopReading()
    this.stream.abort()
    this.finish()
  }

  handleEvent(event: KernelEvent): void {
    if (event.kind === 'run') {
      this.run = null
      this.runGuest()
      return
    }
    this.next = null
    if (event.kind === 'loaded') this.finish()
    else this.load()
  }

  sendRequest(message: ReturnPathMessage): void {
    if (this.currentStatus !== 'postcopy-active') return
    try {
      this.reply(message)
    } catch (error) {
      this.fail(failureOf(error))
    }
  }

  streamOpened(_stream: ByteStream): void {}

  streamReadable(stream: ByteStream): void {
    if (!this.isListeningTo(stream) || this.next !== null) return
    const wakesNs = Math.max(this.cores.busyUntilNs(MIGRATION_LANE), this.kernel.nowNs + MIGRATION_COSTS.wakeNs)
    this.next = this.kernel.scheduleAt(wakesNs, this, { kind: 'load' })
  }

  streamWritable(stream: ByteStream): void {
    if (this.isListeningTo(stream)) this.replies.drainTo(stream)
  }

  streamEnded(stream: ByteStream): void {
    if (!this.isListeningTo(stream)) return
    this.peerEnded = true
    if (this.next === null) this.goOn(0)
  }

  streamFailed(stream: ByteStream, cause: Failure): void {
    if (this.isListeningTo(stream)) this.fail(cause)
  }

  private get isOver(): boolean {
    return this.currentStatus === 'completed' || this.currentStatus === 'failed'
  }

  /** Not a connection that was given up. */
  private isListeningTo(stream: ByteStream): boolean {
    return stream === this.stream && !this.isOver && this.currentStatus !== 'postcopy-paused'
  }

  private listenTo(stream: ByteStream): void {
    stream.owner = this
    if (stream.state === 'failed')
      this.fail({ kind: 'connection', protocol: 'qevm', message: 'the stream had failed before it was read' })
    else if (stream.readableOctets() > 0) this.goOn(0)
  }

  private stopReading(): void {
    this.kernel.cancel(this.next)
    this.kernel.cancel(this.run)
    this.next = this.run = null
  }

  /** Go on when the booked work is done. */
  private goOn(workNs: Nanos): void {
    const kind = this.allArrived() ? 'loaded' : 'load'
    this.next = this.kernel.scheduleAt(this.whenDone(workNs), this, { kind })
  }

  private whenDone(workNs: Nanos): Nanos {
    const doneNs = workNs > 0 ? this.cores.book(MIGRATION_LANE, workNs) : this.cores.busyUntilNs(MIGRATION_LANE)
    return Math.max(doneNs, this.kernel.nowNs)
  }

  /** The description after the state is waited for, unless the source ends without one, as it does after post-copy. */
  private allArrived(): boolean {
    if (this.reader.done) return true
    if (!this.reader.stateComplete || this.stream.readableOctets() > 0) return false
    return this.peerEnded || this.incoming.postcopyState === 'running'
  }

  private load(): void {
    const { incoming, stream } = this
    if (this.waitsForChannels) return // `channelsSynced` will come
    if (stream.readableOctets() + this.unread.length === 0) {
      if (this.allArrived()) this.finish()
      else if (this.peerEnded)
        this.fail({ kind: 'connection', protocol: 'qevm', message: 'the stream ended before the state was complete' })
      return
    }
    if (this.currentStatus === 'setup') this.enter('active')
    const { zeroPages, normalPages, compressedPages, devicesLoaded, postcopyState } = incoming
    const diskChunks = incoming.disk.chunks
    try {
      this.read(this.unread.length > 0 ? this.unread : stream.read(READ_OCTETS))
      for (const reply of incoming.replies.splice(0)) this.reply(reply)
    } catch (error) {
      return this.fail(failureOf(error))
    }
    const deviceNs = (incoming.devicesLoaded - devicesLoaded) * MIGRATION_COSTS.deviceNs
    const workNs =
      (incoming.zeroPages - zeroPages) * MIGRATION_COSTS.loadZeroPageNs +
      (incoming.normalPages - normalPages) * MIGRATION_COSTS.loadNormalPageNs +
      (incoming.compressedPages - compressedPages) *
        (MIGRATION_COSTS.inflatePageNs + MIGRATION_COSTS.loadNormalPageNs) +
      (incoming.disk.chunks - diskChunks) * (DISK_CHUNK_OCTETS / PAGE_OCTETS) * MIGRATION_COSTS.loadNormalPageNs
    if (postcopyState !== 'running' && incoming.postcopyState === 'running') {
      this.run = this.kernel.scheduleAt(this.whenDone(deviceNs), this, { kind: 'run' })
      this.goOn(workNs)
      return
    }
    if (this.currentStatus === 'postcopy-recover' && !incoming.isPaused) {
      this.enter('postcopy-active')
      this.requests.askAgain()
    }
    if (
      workNs + deviceNs > 0 ||
      stream.readableOctets() + this.unread.length > 0 ||
      this.peerEnded ||
      this.allArrived()
    )
      this.goOn(workNs + deviceNs)
  }

  /** Where a section's records end, every extra connection must have come as far before anything that follows is read. */
  private read(octets: Uint8Array): void {
    this.unread = octets.slice(this.reader.push(octets)) // lent by the stream: kept as a copy
    if (this.multifd === null || this.incoming.sectionsEnded === this.sectionsEnded) return
    this.sectionsEnded = this.incoming.sectionsEnded
    this.waitsForChannels = !this.multifd.recordsEnded()
  }

  /** From here on this copy is the one that lives. */
  private runGuest(): void {
    const refusal = this.owner.destinationMayRun(this)
    if (refusal !== null) return this.fail(refusal)
    this.isRunning = true
    if (this.vm.userfault !== undefined) this.vm.userfault.faultListener = this.requests
    this.enter('postcopy-active')
  }

  private finish(): void {
    const refusal = this.isRunning ? null : this.owner.destinationLoaded(this)
    if (refusal !== null) return this.fail(refusal)
    if (this.vm.userfault !== undefined) this.vm.userfault.faultListener = null
    this.reply({ kind: 'SHUT', value: 0 })
    this.stream.end()
    this.multifd?.end()
    this.enter('completed')
  }

  /** Before the guest runs here, the VM that was being filled is of no use any more; later it waits for the rest. */
  private fail(cause: Failure): void {
    if (this.isRunning) this.pause(cause)
    else this.abandon(cause)
  }

  private reply(message: ReturnPathMessage): void {
    if (!this.incoming.returnPathOpen || this.stream.state !== 'open') return
    this.replies.add(message)
    this.replies.drainTo(this.stream)
  }

  private enter(status: MigrationStatus): void {
    this.currentStatus = status
    this.owner.destinationStatusChanged(this)
  }
}
