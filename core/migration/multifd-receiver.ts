/** The destination's end of the extra connections of a migration: pages into memory, as far as the main stream has come. */
import type { ByteStream, StreamOwner } from '../base/byte-stream.js'
import { failureOf, WireError, type Failure } from '../base/errors.js'
import type { Nanos } from '../base/units.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel, Process, QueuedEvent } from '../kernel/kernel.js'
import { MIGRATION_COSTS } from './costs.js'
import { MultifdReader, type MultifdObserver } from './wire/multifd-reader.js'

/** Octets read in one event. */
const READ_OCTETS = 256 * 1024
const ENDED_EARLY = 'an extra connection ended before its last synchronisation'

/** Where the pages go. Both methods throw `WireError` for a page that has no place. */
export interface MultifdTarget {
  channelPage(block: string, offset: number, octets: Uint8Array): void
  channelZeroPage(block: string, offset: number): void
}

export interface MultifdReceiverOwner {
  /** Every connection has come to the synchronisation that the main stream waits for. */
  channelsSynced(): void
  channelFailed(cause: Failure): void
}

export class MultifdReceiver {
  private readonly channels: IncomingChannel[] = []
  /** The main stream's records have ended: it waits. */
  private isAwaited = false

  constructor(
    private readonly kernel: Kernel,
    private readonly parts: {
      readonly channelCount: number
      readonly cores: HostCores
      readonly target: MultifdTarget
      readonly owner: MultifdReceiverOwner
    },
  ) {}

  /** A connection arrived. */
  add(stream: ByteStream): void {
    const { cores, target } = this.parts
    this.channels.push(
      new IncomingChannel(this.kernel, { stream, cores, target, receiver: this, index: this.channels.length }),
    )
  }

  /**
   * The main stream's records have ended. True when it may go on at once; else `channelsSynced` will come. Throws `WireError`
   * when a connection ended before it had come as far.
   */
  recordsEnded(): boolean {
    this.isAwaited = true
    if (this.channels.some(({ isExhausted }) => isExhausted)) throw new WireError('multifd', 0, ENDED_EARLY)
    return this.releaseAll()
  }

  /** A connection has come to a synchronisation. */
  channelSynced(): void {
    if (this.isAwaited && this.releaseAll()) this.parts.owner.channelsSynced()
  }

  /** A connection has ended, and everything that came on it was read. */
  channelEnded(isBetweenPackets: boolean): void {
    if (!isBetweenPackets) this.channelFailed(ended('an extra connection ended in the middle of a packet'))
    else if (this.isAwaited) this.channelFailed(ended(ENDED_EARLY))
  }

  channelFailed(cause: Failure): void {
    this.parts.owner.channelFailed(cause)
  }

  /** Nothing more is read: all is there, or nothing is of use any more. */
  end(): void {
    for (const channel of this.channels) channel.leave().end()
  }

  abort(): void {
    for (const channel of this.channels) channel.leave().abort()
  }

  private releaseAll(): boolean {
    const { channels } = this
    if (channels.length < this.parts.channelCount || !channels.every(({ isSynced }) => isSynced)) return false
    this.isAwaited = false
    for (const channel of channels) channel.goOnAfterSync()
    return true
  }
}

interface ChannelParts {
  readonly stream: ByteStream
  readonly cores: HostCores
  readonly target: MultifdTarget
  readonly receiver: MultifdReceiver
  readonly index: number
}

class IncomingChannel implements StreamOwner, Process, MultifdObserver {
  /** Stands at a synchronisation until the main stream has come as far. */
  isSynced = false
  private readonly reader = new MultifdReader()
  private readonly lane: string
  /** Read from the stream, and to be looked at after the synchronisation. */
  private unread: Uint8Array = new Uint8Array(0)
  private next: QueuedEvent | null = null
  private workNs: Nanos = 0
  private hasEnded = false
  private pageNs: Nanos = MIGRATION_COSTS.loadNormalPageNs

  constructor(
    private readonly kernel: Kernel,
    private readonly parts: ChannelParts,
  ) {
    this.lane = `multifd ${parts.index}`
    parts.stream.owner = this
    if (parts.stream.readableOctets() > 0) this.goOn()
  }

  /** It has ended, and nothing that came on it is still to be read. */
  get isExhausted(): boolean {
    const { stream } = this.parts
    return this.hasEnded && !this.isSynced && this.next === null && this.unread.length + stream.readableOctets() === 0
  }

  goOnAfterSync(): void {
    this.isSynced = false
    if (this.next === null) this.goOn()
  }

  /** Hear nothing more of the stream, which is returned. */
  leave(): ByteStream {
    const { stream } = this.parts
    stream.owner = null
    this.kernel.cancel(this.next)
    this.next = null
    return stream
  }

  handleEvent(): void {
    this.next = null
    if (!this.isSynced) this.load()
  }

  streamOpened(_stream: ByteStream): void {}

  streamWritable(_stream: ByteStream): void {}

  streamReadable(_stream: ByteStream): void {
    if (this.next === null && !this.isSynced) this.goOn()
  }

  /** The source ends a connection after its last synchronisation, which may still be waiting to be read. */
  streamEnded(_stream: ByteStream): void {
    this.hasEnded = true
    this.tellEnd()
  }

  streamFailed(_stream: ByteStream, cause: Failure): void {
    this.parts.receiver.channelFailed(cause)
  }

  multifdPage(block: string, offset: number, octets: Uint8Array): void {
    this.parts.target.channelPage(block, offset, octets)
    this.workNs += this.pageNs
  }

  multifdZeroPage(block: string, offset: number): void {
    this.parts.target.channelZeroPage(block, offset)
    this.workNs += MIGRATION_COSTS.loadZeroPageNs
  }

  multifdSync(): void {
    this.isSynced = true
  }

  private tellEnd(): void {
    if (this.isExhausted) this.parts.receiver.channelEnded(this.reader.isBetweenPackets)
  }

  private goOn(): void {
    const { cores } = this.parts
    const doneNs = this.workNs > 0 ? cores.book(this.lane, this.workNs) : cores.busyUntilNs(this.lane)
    this.workNs = 0
    this.next = this.kernel.scheduleAt(Math.max(doneNs, this.kernel.nowNs), this, { kind: 'multifd-load' })
  }

  private load(): void {
    const { stream, receiver } = this.parts
    const octets = this.unread.length > 0 ? this.unread : stream.read(READ_OCTETS)
    if (octets.length === 0) return this.tellEnd()
    try {
      this.pageNs = MIGRATION_COSTS.loadNormalPageNs + (this.reader.isCompressed ? MIGRATION_COSTS.inflatePageNs : 0)
      this.unread = octets.slice(this.reader.push(octets, this)) // lent by the stream: kept as a copy
    } catch (error) {
      return receiver.channelFailed(failureOf(error))
    }
    if (this.isSynced) receiver.channelSynced()
    if (this.next === null && !this.isSynced) this.goOn()
  }
}

function ended(message: string): Failure {
  return { kind: 'connection', protocol: 'multifd', message }
}
