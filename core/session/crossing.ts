/**
 * One migration of a VM from host to host: connections, channels, source, destination, and the hand-over, in which libvirt's
 * part (prepare, perform, finish, confirm) is played between the two hosts. It alone says which copy lives: both ends ask
 * it, as libvirt's client asks both over connections of its own, before they let a guest run that has stood still.
 */
import type { ByteStream } from '../base/byte-stream.js'
import { sha256 } from '@noble/hashes/sha2.js'
import { assert, InputError, type Failure } from '../base/errors.js'
import { hexOf } from '../base/octets.js'
import type { Kernel, KernelEvent, Process } from '../kernel/kernel.js'
import type { Host } from '../hypervisor/host.js'
import type { VirtualMachine } from '../hypervisor/virtual-machine.js'
import { compareDevices, compareMachines, compareUnwritten } from '../migration/comparison.js'
import { MigrationDestination } from '../migration/destination.js'
import type { MigrationOptions, MigrationOwner } from '../migration/migration.js'
import { MigrationSource } from '../migration/source.js'
import type { HostStack } from '../net/host-stack.js'
import type { Link } from '../net/link.js'
import type { ChannelName } from '../secure/channels.js'
import { TcpConnection } from '../net/tcp/tcp-connection.js'
import { RecordingStream } from './recording-stream.js'
import type { ChannelPair } from './channel-pair.js'

export interface CrossingEnd {
  readonly host: Host
  readonly stack: HostStack
}

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

/** What is kept of a migration beyond the trace, because a report asks for it. Both cost time or memory. */
export interface CrossingEvidence {
  /** SHA-256 of both copies of RAM at switch-over. */
  readonly hashRam: boolean
  /** The stream as the source wrote it. */
  readonly recordStream: boolean
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
  /** What the channel runs on. */
  private lower: ByteStream
  /** The same for each extra connection of a multifd migration, and which of them have not arrived. */
  private readonly lowerChannels: readonly ByteStream[]
  private readonly expectedChannels: Set<ByteStream>
  /** Extra connections that arrived before the one that brings the main stream. */
  private earlyChannels: ByteStream[] = []
  /** A connection is being made that has not arrived at the destination. */
  private isExpected = true
  private guestLives: 'at source' | 'at destination' = 'at source'
  /** The guest runs where it belongs now, and the other copy is gone. */
  isOver = false
  /** Hexadecimal, of RAM at switch-over, when asked for. */
  ramHashes: { readonly source: string; readonly destination: string } | null = null

  constructor(
    private readonly kernel: Kernel,
    readonly parts: CrossingParts,
    private readonly owner: CrossingOwner,
  ) {
    const { id, from, to, vm, channel, channels, options, link } = parts
    // Admission first: it throws before anything has happened when the memory is not there.
    const { name, mac, ramOctets, hartHz, qemuBoard = false, tpmSeed } = vm.options
    // A guest that starts anew has the TPM that it had; any other brings the state of its own.
    const tpm = this.isCold && tpmSeed !== undefined ? { tpmSeed } : {}
    this.incoming = to.host.create({ name, mac, ramOctets, hartHz, qemuBoard, ...tpm })
    this.incoming.awaitIncoming()
    this.lower = this.connect()
    const stream = channels.client(this.lower, from.host.cores)
    this.lowerChannels = Array.from({ length: options.multifdChannels }, () => this.connect())
    this.expectedChannels = new Set(this.lowerChannels)
    this.recording = parts.evidence.recordStream ? new RecordingStream(stream) : null
    this.source = new MigrationSource(kernel, {
      vm,
      stream: this.recording ?? stream,
      channels: this.lowerChannels.map((lower) => channels.client(lower, from.host.cores)),
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
    const { channels, from } = this.parts
    if (!this.isInterrupted)
      throw new InputError(`only a post-copy that was interrupted can be recovered; this one is ${this.source.status}`)
    // The end that has not noticed yet is told.
    this.interrupt({ kind: 'connection', protocol: 'qevm', message: 'given up for another connection' })
    if (this.isOver) return
    this.lower = this.connect()
    this.isExpected = true
    this.source.recover(channels.client(this.lower, from.host.cores))
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

  private connect(): ByteStream {
    const { from, to, channels } = this.parts
    return from.stack.connect(to.stack.address, channels.port)
  }

  /** Whether a connection that came to `port` of `end` is the one this migration's source has opened. */
  expects(end: CrossingEnd, port: number, stream: ByteStream): boolean {
    const { from, to, channels } = this.parts
    return (
      !this.isOver &&
      end === to &&
      port === channels.port &&
      stream instanceof TcpConnection &&
      stream.remoteAddress === from.stack.address &&
      (this.isMain(stream) || this.channelOf(stream) !== undefined)
    )
  }

  private isMain(arrived: ByteStream): boolean {
    return this.isExpected && areEnds(this.lower, arrived)
  }

  /** The source's end of an extra connection that arrived. */
  private channelOf(arrived: ByteStream): ByteStream | undefined {
    return [...this.expectedChannels].find((lower) => areEnds(lower, arrived))
  }

  /** A connection of the source arrived at the destination. */
  accept(lower: ByteStream): void {
    const { to, channels } = this.parts
    if (!this.isMain(lower)) return this.acceptChannel(lower)
    this.isExpected = false
    if (this.destination !== null) return this.destination.recover(channels.server(lower, to.host.cores))
    this.destination = new MigrationDestination(this.kernel, {
      vm: this.incoming,
      stream: channels.server(lower, to.host.cores),
      isCold: this.isCold,
      multifdChannels: this.parts.options.multifdChannels,
      cores: to.host.cores,
      owner: this,
      labels: this.source.labels,
    })
    this.destination.start()
    for (const channel of this.earlyChannels.splice(0)) this.destination.addChannel(channel)
  }

  private acceptChannel(lower: ByteStream): void {
    const { to, channels } = this.parts
    const expected = this.channelOf(lower)
    assert(expected !== undefined, 'only a connection that is expected is let in')
    this.expectedChannels.delete(expected)
    const channel = channels.server(lower, to.host.cores)
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
        assert(vm.state === 'running' || vm.state === 'shutdown', `${vm.name} on ${from.host.name} is ${vm.state}`)
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

  destinationLoaded(): Failure | null {
    if (this.isCold) {
      this.owner.prepareBoot(this.incoming)
      this.incoming.incomingLoaded()
      return null
    }
    const { ramDifferences, deviceDifferences } = compareMachines(this.parts.vm, this.incoming)
    this.kernel.trace.add('migration-compare', { migration: this.parts.id, ramDifferences, deviceDifferences })
    if (this.parts.evidence.hashRam)
      this.ramHashes = { source: ramHash(this.parts.vm), destination: ramHash(this.incoming) }
    if (ramDifferences === 0 && deviceDifferences === 0) {
      this.incoming.incomingLoaded()
      return null
    }
    const message = `the copy differs from its source in ${ramDifferences} octets of memory and ${deviceDifferences} device values`
    return { kind: 'mismatch', protocol: 'qevm', message }
  }

  destinationMayRun(): Failure | null {
    const { vm, to } = this.parts
    if (this.source.status !== 'postcopy-active')
      return { kind: 'cancelled', protocol: 'qevm', message: `the migration is ${this.source.status} at its source` }
    const deviceDifferences = compareDevices(vm, this.incoming)
    if (deviceDifferences > 0)
      return { kind: 'mismatch', protocol: 'qevm', message: `the copy differs in ${deviceDifferences} device values` }
    this.guestLives = 'at destination'
    vm.handOver()
    for (const { memory } of this.incoming.memory) memory.startDirtyLog()
    to.host.plug(this.incoming)
    this.incoming.resume()
    to.host.announce(this.incoming)
    return null
  }

  guestHasLeft(): boolean {
    return this.guestLives === 'at destination'
  }

  /** All of its memory has followed the guest. */
  private compareFollowed(): void {
    const { id, vm } = this.parts
    const ramDifferences = compareUnwritten(vm, this.incoming)
    this.kernel.trace.add('migration-compare', { migration: id, ramDifferences, deviceDifferences: 0 })
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

  handleEvent(): void {
    const { from, to, vm } = this.parts
    to.host.plug(this.incoming)
    this.incoming.resume()
    to.host.announce(this.incoming)
    from.host.remove(vm)
    this.end()
  }
}

function ramHash(vm: VirtualMachine): string {
  return hexOf(sha256(vm.machine.ram.octets))
}

/** Whether both are ends of one TCP connection, by its source's port. */
function areEnds(near: ByteStream, far: ByteStream): boolean {
  return near instanceof TcpConnection && far instanceof TcpConnection && far.remotePort === near.localPort
}
