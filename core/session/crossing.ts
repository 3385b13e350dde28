/**
 * One migration of a VM from host to host: connections, channels, source, destination, and the hand-over, in which libvirt's
 * part (prepare, perform, finish, confirm) is played between the two hosts. It alone says which copy lives: both ends ask
 * it, as libvirt's client asks both over connections of its own, before they let a guest run that has stood still.
 */
import type { ByteStream } from '../base/byte-stream.js'
import { assert, InputError, type Failure } from '../base/errors.js'
import type { Kernel, KernelEvent, Process } from '../kernel/kernel.js'
import { VirtualDisk } from '../hypervisor/virtual-disk.js'
import type { VirtualMachine } from '../hypervisor/virtual-machine.js'
import { compareDevices, compareDisks, compareMachines, compareUnwritten } from '../migration/comparison.js'
import { MigrationDestination } from '../migration/destination.js'
import type { MigrationOptions, MigrationOwner } from '../migration/migration.js'
import { MigrationSource } from '../migration/source.js'
import type { Link } from '../net/link.js'
import type { ChannelName } from '../secure/channels.js'
import { RecordingStream } from './recording-stream.js'
import type { ChannelPair } from './channel-pair.js'
import { CrossingConnections, type CrossingEnd } from './crossing-connections.js'
import { hashRam, type CrossingEvidence, type RamHashes } from './crossing-evidence.js'

export interface CrossingParts {
  readonly id: number
  readonly from: CrossingEnd
  readonly to: CrossingEnd
  readonly vm: VirtualMachine
  readonly channel: ChannelName
  readonly channels: ChannelPair
  readonly options: MigrationOptions
  readonly link: Link
  readonly evidence: CrossingEvidence
}

/** Told when a migration came to its end, whatever that was. */
export interface CrossingOwner {
  /** Make a VM that never ran ready to start, as it was before it first did. */
  prepareBoot(vm: VirtualMachine): void
  crossingEnded(crossing: Crossing): void
}

/** Finishing at the destination is one message of the control plane: libvirt's finish call. */
const FINISH: KernelEvent = Object.freeze({ kind: 'finish' })

export class Crossing implements MigrationOwner, Process {
  readonly source: MigrationSource
  /** Made when the connection arrives there. */
  destination: MigrationDestination | null = null
  /** The copy that is being filled. */
  readonly incoming: VirtualMachine
  readonly recording: RecordingStream | null
  private readonly connections: CrossingConnections
  /** Extra connections that arrived before the one that brings the main stream. */
  private readonly earlyChannels: ByteStream[] = []
  private guestLives: 'at source' | 'at destination' = 'at source'
  /** Of a guest that runs before its memory has followed. */
  private differencesBeforeRun = { deviceDifferences: 0, diskDifferences: 0 }
  /** The guest runs where it belongs now, and the other copy is gone. */
  isOver = false
  /** Of RAM at switch-over, when asked for. */
  ramHashes: RamHashes | null = null

  constructor(
    private readonly kernel: Kernel,
    readonly parts: CrossingParts,
    private readonly owner: CrossingOwner,
  ) {
    const { id, from, to, vm, channel, channels, options, link } = parts
    // Admission first: it throws before anything has happened when the memory is not there.
    const { name, mac, ramOctets, hartHz, qemuBoard = false, coreCap = 1, disk } = vm.options
    // A disk that is not moved is on storage that both hosts share.
    const ownDisk = options.copyStorage && disk !== undefined ? new VirtualDisk(disk.name, disk.octets) : disk
    const storage = ownDisk === undefined ? {} : { disk: ownDisk }
    this.incoming = to.host.create({ name, mac, ramOctets, hartHz, qemuBoard, coreCap, ...storage })
    this.incoming.awaitIncoming()
    this.connections = new CrossingConnections({ from, to, channels })
    const stream = this.connections.openMain()
    this.recording = parts.evidence.recordStream ? new RecordingStream(stream) : null
    this.source = new MigrationSource(kernel, {
      vm,
      stream: this.recording ?? stream,
      channels: Array.from({ length: options.multifdChannels }, () => this.connections.openChannel()),
      cores: from.host.cores,
      options,
      labels: { id, source: from.host.name, destination: to.host.name, channel, linkBps: link.rateBps },
      owner: this,
    })
  }

  /** The guest stands still until somebody lets the last round begin. */
  get isHeld(): boolean {
    return this.source.status === 'pre-switchover'
  }

  private get isCold(): boolean {
    return this.parts.options.strategy === 'cold'
  }

  start(): void {
    this.source.start()
  }

  /** The copy that runs, or would go on. */
  get liveVm(): VirtualMachine {
    return this.guestLives === 'at source' ? this.parts.vm : this.incoming
  }

  /** The guest runs at the destination and part of its memory is at the source alone. */
  get isPostcopy(): boolean {
    return this.guestLives === 'at destination' && this.source.status !== 'completed'
  }

  /** It lives at its destination, which has not been told to let it run yet. */
  get isFinishing(): boolean {
    return this.guestLives === 'at destination' && this.source.status === 'completed' && !this.isOver
  }

  /** Throws `InputError` once the guest lives at its destination. */
  cancel(): void {
    const { vm, from, to } = this.parts
    if (this.isPostcopy)
      throw new InputError(
        `too late: ${vm.name} runs on ${to.host.name}, and ${from.host.name} alone has the rest of its memory`,
      )
    if (this.guestLives === 'at destination')
      throw new InputError(`too late: ${vm.name} lives on ${to.host.name} already`)
    this.source.cancel()
  }

  /** Throws `InputError` when it cannot be, or is already. */
  startPostcopy(): void {
    const { source } = this
    if (!source.maySwitchToPostcopy)
      throw new InputError('this migration cannot go over to post-copy: choose strategy hybrid before it starts')
    if (source.status !== 'setup' && source.status !== 'active')
      throw new InputError(`too late to go over to post-copy: the migration is ${source.status}`)
    source.startPostcopy()
  }

  /** Break a post-copy off, to be recovered. Throws `InputError` when it is none. */
  pause(): void {
    if (!this.isPostcopy || this.source.status === 'postcopy-paused')
      throw new InputError(`only a post-copy that is active can be paused; this migration is ${this.source.status}`)
    this.interrupt({ kind: 'cancelled', protocol: 'qevm', message: 'paused by the operator' })
  }

  /** Go on with a post-copy over another connection. Throws `InputError` when it was not interrupted. */
  recover(): void {
    if (!this.isInterrupted)
      throw new InputError(`only a post-copy that was interrupted can be recovered; this one is ${this.source.status}`)
    // The end that has not noticed yet is told.
    this.interrupt({ kind: 'connection', protocol: 'qevm', message: 'given up for another connection' })
    if (this.isOver) return
    this.source.recover(this.connections.openMain())
  }

  /** Do without the pages that are at the source alone: the guest is lost. Throws `InputError` when it was not interrupted. */
  abandonPostcopy(): void {
    const { id, vm, from, to } = this.parts
    if (!this.isInterrupted)
      throw new InputError(`only a post-copy that was interrupted can be given up; this one is ${this.source.status}`)
    this.interrupt({ kind: 'connection', protocol: 'qevm', message: 'given up' })
    if (this.isOver) return // nothing was left to come
    const pagesLost = this.incoming.missingPages
    const message = `given up: ${pagesLost} pages of ${vm.name} were on ${from.host.name} alone`
    this.kernel.trace.add('migration-loss', { migration: id, vm: vm.name, host: to.host.name, pagesLost })
    this.incoming.crash()
    this.giveUp({ kind: 'cancelled', protocol: 'qevm', message })
  }

  /**
   * The guest switched itself off while it was being moved: there is nothing left to move, and the job ends as in libvirt.
   */
  guestShutDown(): void {
    if (this.isCold) return // what is moved needs no guest that runs
    const message = `${this.parts.vm.name} shut down while it was being migrated`
    if (this.isPostcopy) this.giveUp({ kind: 'cancelled', protocol: 'qevm', message })
    else this.source.abandon({ kind: 'cancelled', protocol: 'qevm', message })
  }

  private get isInterrupted(): boolean {
    return (
      this.isPostcopy && (this.source.status === 'postcopy-paused' || this.destination?.status === 'postcopy-paused')
    )
  }

  private interrupt(cause: Failure): void {
    this.source.pause(cause)
    this.destination?.pause(cause)
  }

  /** Both ends of a post-copy stop; nothing else of the guest's memory will come. */
  private giveUp(cause: Failure): void {
    this.destination?.abandon(cause)
    this.source.abandon(cause)
  }

  /** Whether a connection that came to `port` of `end` is one that this migration's source has opened. */
  expects(end: CrossingEnd, port: number, stream: ByteStream): boolean {
    return !this.isOver && this.connections.expects(end, port, stream)
  }

  /** A connection of the source arrived at the destination. */
  accept(lower: ByteStream): void {
    const { options, to } = this.parts
    const { stream, isMain } = this.connections.accept(lower)
    if (!isMain) return this.acceptChannel(stream)
    if (this.destination !== null) return this.destination.recover(stream)
    this.destination = new MigrationDestination(this.kernel, {
      vm: this.incoming,
      stream,
      isCold: this.isCold,
      copiesStorage: options.copyStorage,
      multifdChannels: options.multifdChannels,
      cores: to.host.cores,
      owner: this,
      labels: this.source.labels,
    })
    this.destination.start()
    for (const channel of this.earlyChannels.splice(0)) this.destination.addChannel(channel)
  }

  private acceptChannel(channel: ByteStream): void {
    if (this.destination === null) this.earlyChannels.push(channel)
    else this.destination.addChannel(channel)
  }

  sourceStatusChanged(source: MigrationSource): void {
    const { from, to, vm } = this.parts
    switch (source.status) {
      case 'completed':
        if (source.postcopyBatch !== null) return this.endPostcopy()
        // From here on the source's copy never runs again; only then is the destination's told to.
        this.guestLives = 'at destination'
        vm.handOver()
        this.kernel.schedule(this.parts.link.delayNs * 2, this, FINISH)
        return
      case 'failed':
      case 'cancelled':
        if (this.guestLives === 'at destination') return this.endPostcopy()
        this.destination?.cancel()
        to.host.remove(this.incoming)
        assert(vm.isSettled, `${vm.name} on ${from.host.name} is ${vm.state}`)
        this.end()
        return
      case 'postcopy-paused':
        // Its word was lost with the connection.
        if (this.destination?.status === 'completed') source.confirm()
        return
      default:
        return
    }
  }

  destinationStatusChanged(destination: MigrationDestination): void {
    // What it refuses reaches the source by the connection, without the reason: that stands in the trace.
    const { cause, status } = destination
    if (this.guestLives === 'at destination') {
      if (status === 'completed') this.compareFollowed()
      if (status === 'postcopy-paused' && destination.hasAllPages) {
        destination.finishAlone()
        this.source.confirm()
      }
    }
    if (cause === null || cause.kind === 'cancelled') return
    const isRefused = status === 'failed' || (status === 'postcopy-paused' && cause.kind !== 'connection')
    if (!isRefused) return
    this.kernel.trace.add('migration-refused', {
      migration: this.parts.id,
      host: this.parts.to.host.name,
      protocol: cause.protocol,
      cause: cause.message,
    })
  }

  /** The comparison is for whoever looks at the trace: no host has both copies, so none can refuse one that was tampered with. */
  destinationLoaded(): Failure | null {
    const differences = this.isCold
      ? { ramDifferences: 0, deviceDifferences: 0, diskDifferences: compareDisks(this.parts.vm, this.incoming) }
      : compareMachines(this.parts.vm, this.incoming)
    this.kernel.trace.add('migration-compare', { migration: this.parts.id, ...differences })
    if (!this.isCold && this.parts.evidence.hashRam) this.ramHashes = hashRam(this.parts.vm, this.incoming)
    if (this.isCold) this.prepareBoot()
    this.incoming.incomingLoaded()
    return null
  }

  /** No device says how it was before it was switched off: one that stood still is not started either. */
  private prepareBoot(): void {
    this.owner.prepareBoot(this.incoming)
    if (!this.parts.vm.ranBefore) this.incoming.autostart = false
  }

  destinationMayRun(): Failure | null {
    const { vm } = this.parts
    if (this.source.status !== 'postcopy-active')
      return { kind: 'cancelled', protocol: 'qevm', message: `the migration is ${this.source.status} at its source` }
    this.differencesBeforeRun = {
      deviceDifferences: compareDevices(vm, this.incoming),
      diskDifferences: compareDisks(vm, this.incoming),
    }
    this.guestLives = 'at destination'
    vm.handOver()
    for (const { memory } of this.incoming.memory) memory.startDirtyLog()
    this.startIncoming()
    return null
  }

  guestHasLeft(): boolean {
    return this.guestLives === 'at destination'
  }

  /** All of its memory has followed the guest. */
  private compareFollowed(): void {
    const { id, vm } = this.parts
    const ramDifferences = compareUnwritten(vm, this.incoming)
    this.kernel.trace.add('migration-compare', { migration: id, ramDifferences, ...this.differencesBeforeRun })
  }

  /** The source's copy is not needed any more, or of no use. */
  private endPostcopy(): void {
    const { id: migration, from, vm } = this.parts
    const { postcopyBatch } = this.source
    if (postcopyBatch !== null && this.destination !== null) {
      const { zeroPages, normalPages, octets, startNs, endNs } = postcopyBatch
      const { count: requests, blocktimeNs: blockedNs } = this.destination.requests
      const row = { migration, zeroPages, normalPages, octets, startNs, endNs, requests, blockedNs }
      this.kernel.trace.add('migration-postcopy', row)
    }
    for (const { memory } of this.incoming.memory) memory.stopDirtyLog()
    from.host.remove(vm)
    this.end()
  }

  private end(): void {
    this.isOver = true
    this.owner.crossingEnded(this)
  }

  /** libvirt's finish: the destination says whether it has the guest. A confirmation on the wire may be anybody's. */
  handleEvent(): void {
    const { from, vm } = this.parts
    if (this.destination?.status !== 'completed') return this.finishRefused()
    this.startIncoming()
    from.host.remove(vm)
    this.end()
  }

  private finishRefused(): void {
    const { to, vm } = this.parts
    this.guestLives = 'at source'
    vm.takeBack()
    const message = `${to.host.name} has not loaded ${vm.name}, whatever was confirmed in its name`
    this.source.finishRefused({ kind: 'mismatch', protocol: 'qevm', message })
  }

  private startIncoming(): void {
    const { id: migration, to } = this.parts
    const { host } = to
    host.plug(this.incoming)
    this.incoming.takeOver()
    if (this.incoming.state === 'paused')
      this.kernel.trace.add('migration-arrived-paused', { migration, vm: this.incoming.name, host: host.name })
    // Running or not, as QEMU does (`process_incoming_migration_bh`).
    host.announce(this.incoming)
  }
}
