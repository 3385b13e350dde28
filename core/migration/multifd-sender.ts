/**
 * The source's end of the extra connections of a migration (QEMU 7.2 migration/multifd.c): pages are gathered into packets, and
 * each packet goes to the next connection that has nothing to send. It counts against the bandwidth limit when it is given to one
 * (`qemu_file_acct_rate_limit`), whole: with a limit below some tens of MiB/s more is sent than it allows, a whole number of packets
 * each window. QEMU 7.2 was measured to send 10.1 MiB/s where 8 were allowed, and 5.0 MiB/s, one packet of 513 KiB each 100 ms,
 * where 4 were, or 1.
 */
import type { ByteStream, StreamOwner } from '../base/byte-stream.js'
import type { Failure } from '../base/errors.js'
import { PAGE_OCTETS, type Nanos } from '../base/units.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel, KernelEvent, Process } from '../kernel/kernel.js'
import { OctetQueue } from '../base/octet-queue.js'
import { MIGRATION_COSTS } from './costs.js'
import type { RamBlock } from './guest-memory.js'
import type { MigrationOptions } from './migration.js'
import type { MigrationCounters } from './statistics.js'
import {
  deflatePages,
  encodeMultifdHeader,
  encodeMultifdHello,
  MULTIFD_FLAG,
  MULTIFD_PACKET_PAGES,
  MULTIFD_PAGES_AT,
} from './wire/multifd.js'

/** Told from inside the event in which it happens. */
export interface MultifdOwner {
  /** All connections are open. */
  multifdOpened(): void
  /** A connection can take a packet again, or has sent all it had. */
  multifdWritable(): void
  multifdFailed(cause: Failure): void
}

interface Parts {
  readonly streams: readonly ByteStream[]
  readonly cores: HostCores
  readonly options: Pick<MigrationOptions, 'compression' | 'zeroPageDetection'>
  readonly counters: MigrationCounters
  readonly owner: MultifdOwner
}

const READY: KernelEvent = Object.freeze({ kind: 'multifd-ready' })

export class MultifdSender {
  readonly channels: readonly MultifdChannel[]
  /** Octets of all packets so far. */
  octetsWritten = 0
  /** The packet that is being filled. */
  private packet = newPacket()
  private block: RamBlock | null = null
  private normalOffsets: number[] = []
  private zeroOffsets: number[] = []
  private packetCount = 0
  /** Not all connections have taken what came before the last synchronisation. */
  private isSyncing = false
  private next = 0

  constructor(
    kernel: Kernel,
    private readonly parts: Parts,
  ) {
    this.channels = parts.streams.map(
      (stream, id) => new MultifdChannel(kernel, { stream, id, sender: this, ...parts }),
    )
  }

  /** Greet on the connections that are open already; the others do when they open. */
  start(): void {
    for (const channel of this.channels) channel.start()
  }

  get isOpen(): boolean {
    return this.channels.every(({ isOpen }) => isOpen)
  }

  /** Octets that no connection has taken yet. */
  get pendingOctets(): number {
    let octets = 0
    for (const channel of this.channels) octets += channel.pendingOctets
    return octets
  }

  /** Whether a page can be given to it now. */
  get hasRoom(): boolean {
    if (this.isSyncing) return false
    return this.pageCount < MULTIFD_PACKET_PAGES || this.channels.some(({ pendingOctets }) => pendingOctets === 0)
  }

  get owner(): MultifdOwner {
    return this.parts.owner
  }

  /** Take a page as it is at this instant. Returns the core time it took on the migration thread. */
  queue(block: RamBlock, page: number): Nanos {
    if (this.block !== block || this.pageCount === MULTIFD_PACKET_PAGES) this.flush()
    this.block = block
    const offset = page * PAGE_OCTETS
    const { counts } = this.parts.counters
    if (this.parts.options.zeroPageDetection === 'multifd' && block.memory.isZero(page)) {
      counts.duplicate++
      this.zeroOffsets.push(offset)
    } else {
      counts.normal++
      this.packet.set(block.memory.page(page), MULTIFD_PAGES_AT + this.normalOffsets.length * PAGE_OCTETS)
      this.normalOffsets.push(offset)
    }
    return MIGRATION_COSTS.multifdPageNs
  }

  /** The main stream's records end: what came before must arrive before what follows (`multifd_send_sync_main`). */
  sync(): void {
    this.flush()
    this.isSyncing = true
    for (const channel of this.channels) {
      const header = new Uint8Array(MULTIFD_PAGES_AT)
      this.address(header, { flags: MULTIFD_FLAG.SYNC, block: '', pagesOctets: 0, normalOffsets: [], zeroOffsets: [] })
      this.give(channel, header, 0)
    }
  }

  /** A connection has nothing left to send. */
  channelDrained(): void {
    this.isSyncing &&= this.pendingOctets > 0
    this.owner.multifdWritable()
  }

  end(): void {
    for (const channel of this.channels) channel.end()
  }

  abort(): void {
    for (const { stream } of this.channels) {
      stream.owner = null
      stream.abort()
    }
  }

  private get pageCount(): number {
    return this.normalOffsets.length + this.zeroOffsets.length
  }

  private flush(): void {
    const { normalOffsets, zeroOffsets, block } = this
    if (block === null || this.pageCount === 0) return
    const channel = this.nextChannel()
    const isZlib = this.parts.options.compression === 'zlib' && normalOffsets.length > 0
    const pages = this.packet.subarray(MULTIFD_PAGES_AT, MULTIFD_PAGES_AT + normalOffsets.length * PAGE_OCTETS)
    const body = isZlib ? channel.deflate(pages) : pages
    const flags = isZlib ? MULTIFD_FLAG.ZLIB : 0
    this.address(this.packet, { flags, block: block.name, pagesOctets: body.length, normalOffsets, zeroOffsets })
    const workNs =
      zeroOffsets.length * MIGRATION_COSTS.zeroPageNs +
      normalOffsets.length * (isZlib ? MIGRATION_COSTS.compressPageNs : MIGRATION_COSTS.normalPageNs)
    if (isZlib) {
      this.give(channel, this.packet.slice(0, MULTIFD_PAGES_AT), workNs)
      this.give(channel, body, 0)
    } else this.give(channel, this.packet.subarray(0, MULTIFD_PAGES_AT + pages.length), workNs)
    this.packet = newPacket()
    this.normalOffsets = []
    this.zeroOffsets = []
  }

  private address(header: Uint8Array, packet: Omit<Parameters<typeof encodeMultifdHeader>[1], 'number'>): void {
    encodeMultifdHeader(header, { ...packet, number: this.packetCount++ })
  }

  /** The first from the last one on that has nothing to send, or the next in turn. */
  private nextChannel(): MultifdChannel {
    const { channels } = this
    let index = this.next % channels.length
    for (let tried = 0; tried < channels.length; tried++) {
      const candidate = (this.next + tried) % channels.length
      if ((channels[candidate] as MultifdChannel).pendingOctets > 0) continue
      index = candidate
      break
    }
    this.next = index + 1
    return channels[index] as MultifdChannel
  }

  private give(channel: MultifdChannel, octets: Uint8Array, workNs: Nanos): void {
    this.octetsWritten += octets.length
    this.parts.counters.sentOnChannel(octets.length)
    channel.send(octets, workNs)
  }
}

function newPacket(): Uint8Array {
  return new Uint8Array(MULTIFD_PAGES_AT + MULTIFD_PACKET_PAGES * PAGE_OCTETS)
}

/** One connection and the thread that fills it. */
class MultifdChannel implements StreamOwner, Process {
  readonly stream: ByteStream
  isOpen = false
  private readonly lane: string
  /** Packets that their thread has not finished yet: when it will, and what they are. */
  private readonly inWork: { readonly doneNs: Nanos; readonly octets: Uint8Array }[] = []
  private readonly ready = new OctetQueue()
  private inWorkOctets = 0
  private hasDeflated = false
  private hasEnded = false

  constructor(
    private readonly kernel: Kernel,
    private readonly parts: {
      readonly stream: ByteStream
      readonly id: number
      readonly cores: HostCores
      readonly sender: MultifdSender
    },
  ) {
    this.stream = parts.stream
    this.lane = `multifd ${parts.id}`
    this.stream.owner = this
  }

  get pendingOctets(): number {
    return this.inWorkOctets + this.ready.length
  }

  send(octets: Uint8Array, workNs: Nanos): void {
    const { cores } = this.parts
    const doneNs = Math.max(
      this.kernel.nowNs,
      workNs > 0 ? cores.book(this.lane, workNs) : cores.busyUntilNs(this.lane),
    )
    this.inWork.push({ doneNs, octets })
    this.inWorkOctets += octets.length
    this.kernel.scheduleAt(doneNs, this, READY)
  }

  deflate(pages: Uint8Array): Uint8Array {
    const isFirst = !this.hasDeflated
    this.hasDeflated = true
    return deflatePages(pages, isFirst)
  }

  handleEvent(): void {
    for (let first = this.inWork[0]; first !== undefined && first.doneNs <= this.kernel.nowNs; first = this.inWork[0]) {
      this.inWork.shift()
      this.inWorkOctets -= first.octets.length
      this.ready.push(first.octets)
    }
    this.drain()
  }

  streamOpened(_stream: ByteStream): void {
    this.greet()
    if (this.parts.sender.isOpen) this.parts.sender.owner.multifdOpened()
  }

  streamWritable(_stream: ByteStream): void {
    this.drain()
  }

  streamReadable(stream: ByteStream): void {
    stream.read(stream.readableOctets())
    this.parts.sender.owner.multifdFailed(unexpected('the destination wrote on an extra connection'))
  }

  streamEnded(_stream: ByteStream): void {
    if (!this.hasEnded) this.parts.sender.owner.multifdFailed(unexpected('the destination closed an extra connection'))
  }

  streamFailed(_stream: ByteStream, cause: Failure): void {
    this.parts.sender.owner.multifdFailed(cause)
  }

  end(): void {
    this.hasEnded = true
    this.stream.end()
  }

  start(): void {
    if (this.stream.state === 'open') this.greet()
  }

  private greet(): void {
    this.isOpen = true
    this.ready.push(encodeMultifdHello(this.parts.id))
    this.drain()
  }

  private drain(): void {
    const { stream, ready } = this
    const hadOctets = this.pendingOctets > 0
    for (;;) {
      const length = Math.min(ready.length, stream.writableOctets())
      if (length <= 0) break
      stream.write(ready.take(length))
    }
    if (hadOctets && this.pendingOctets === 0 && stream.state === 'open') this.parts.sender.channelDrained()
  }
}

function unexpected(message: string): Failure {
  return { kind: 'connection', protocol: 'multifd', message }
}
