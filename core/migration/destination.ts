/**
 * The receiving end of a migration (QEMU migration/savevm.c, `process_incoming_migration_co`): reads the stream as fast
 * as its host's core lets it, fills a VM that has never run, and answers on the return path. It never starts the VM.
 */
import type { ByteStream, StreamOwner } from '../base/byte-stream.js'
import { assert, failureOf, type Failure } from '../base/errors.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../kernel/kernel.js'
import { MIGRATION_COSTS, MIGRATION_LANE } from './costs.js'
import type { MigratableVm } from './guest-memory.js'
import { IncomingState } from './incoming-state.js'
import type { MigrationLabels, MigrationOwner, MigrationStatus } from './migration.js'
import { encodeReturnPath, type ReturnPathMessage } from './wire/return-path.js'
import { StreamReader } from './wire/stream-reader.js'

/** Octets read in one event. */
const READ_OCTETS = 256 * 1024

export interface MigrationDestinationParts {
  /** Made for this migration: the machine of the same type that the stream fills. */
  readonly vm: MigratableVm
  readonly stream: ByteStream
  readonly cores: HostCores
  readonly labels: MigrationLabels
  readonly owner: MigrationOwner
}

export class MigrationDestination implements Process, StreamOwner {
  readonly vm: MigratableVm
  readonly stream: ByteStream
  readonly labels: MigrationLabels
  /** Why it failed. */
  cause: Failure | null = null
  private readonly cores: HostCores
  private readonly owner: MigrationOwner
  private readonly incoming: IncomingState
  private readonly reader: StreamReader
  private currentStatus: MigrationStatus = 'none'
  private next: QueuedEvent | null = null
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
    this.incoming = new IncomingState(this.vm)
    this.reader = new StreamReader(this.incoming, {
      devices: this.incoming.knownDevices(),
      unknownDevices: 'refuse',
    })
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
    this.stream.owner = this
    this.enter('setup')
    if (this.stream.state === 'failed')
      this.fail({ kind: 'connection', protocol: 'qevm', message: 'the stream had failed before it was read' })
    else if (this.stream.readableOctets() > 0) this.goOn(0)
  }

  /** Stop listening: the VM will not arrive here. */
  cancel(): void {
    if (!this.isOver) this.fail({ kind: 'cancelled', protocol: 'qevm', message: 'cancelled by the operator' })
  }

  handleEvent(event: KernelEvent): void {
    this.next = null
    if (event.kind === 'loaded') this.finish()
    else this.load()
  }

  streamOpened(_stream: ByteStream): void {}

  streamReadable(_stream: ByteStream): void {
    if (!this.isOver && this.next === null) this.goOn(0)
  }

  streamWritable(_stream: ByteStream): void {}

  streamEnded(_stream: ByteStream): void {
    this.peerEnded = true
    if (!this.isOver && this.next === null) this.goOn(0)
  }

  streamFailed(_stream: ByteStream, cause: Failure): void {
    if (!this.isOver) this.fail(cause)
  }

  private get isOver(): boolean {
    return this.currentStatus === 'completed' || this.currentStatus === 'failed'
  }

  /** Go on when the booked work is done. */
  private goOn(workNs: number): void {
    const doneNs = workNs > 0 ? this.cores.book(MIGRATION_LANE, workNs) : this.cores.busyUntilNs(MIGRATION_LANE)
    const kind = this.allArrived() ? 'loaded' : 'load'
    this.next = this.kernel.scheduleAt(Math.max(doneNs, this.kernel.nowNs), this, { kind })
  }

  /** The description after the state is waited for, unless the source ends without one. */
  private allArrived(): boolean {
    return this.reader.done || (this.reader.stateComplete && this.peerEnded && this.stream.readableOctets() === 0)
  }

  private load(): void {
    const { incoming, stream } = this
    if (stream.readableOctets() === 0) {
      if (this.allArrived()) this.finish()
      else if (this.peerEnded)
        this.fail({ kind: 'connection', protocol: 'qevm', message: 'the stream ended before the state was complete' })
      return
    }
    if (this.currentStatus === 'setup') this.enter('active')
    const { zeroPages, normalPages, compressedPages, devicesLoaded } = incoming
    try {
      this.reader.push(stream.read(READ_OCTETS))
    } catch (error) {
      return this.fail(failureOf(error))
    }
    for (const reply of incoming.replies.splice(0)) this.send(reply)
    const workNs =
      (incoming.zeroPages - zeroPages) * MIGRATION_COSTS.loadZeroPageNs +
      (incoming.normalPages - normalPages) * MIGRATION_COSTS.loadNormalPageNs +
      (incoming.compressedPages - compressedPages) *
        (MIGRATION_COSTS.inflatePageNs + MIGRATION_COSTS.loadNormalPageNs) +
      (incoming.devicesLoaded - devicesLoaded) * MIGRATION_COSTS.deviceNs
    if (workNs > 0 || stream.readableOctets() > 0 || this.peerEnded || this.allArrived()) this.goOn(workNs)
  }

  private finish(): void {
    const refusal = this.owner.destinationLoaded(this)
    if (refusal !== null) return this.fail(refusal)
    this.send({ kind: 'SHUT', value: 0 })
    this.stream.end()
    this.enter('completed')
  }

  /** The VM that was being filled is of no use any more: its owner discards it. */
  private fail(cause: Failure): void {
    this.cause = cause
    this.kernel.cancel(this.next)
    this.next = null
    this.send({ kind: 'SHUT', value: 1 })
    if (this.stream.state === 'open' && this.incoming.returnPathOpen) this.stream.end()
    else this.stream.abort()
    this.enter('failed')
  }

  private send(message: ReturnPathMessage): void {
    if (!this.incoming.returnPathOpen || this.stream.state !== 'open') return
    const octets = encodeReturnPath(message)
    if (this.stream.writableOctets() >= octets.length) this.stream.write(octets)
  }

  private enter(status: MigrationStatus): void {
    this.currentStatus = status
    this.owner.destinationStatusChanged(this)
  }
}
