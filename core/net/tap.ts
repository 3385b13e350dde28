/** A capture: frames as they passed, with their times, in memory up to a limit. */
import { concatOctets } from '../base/octets.js'
import type { FrameSink } from '../base/frame-sink.js'
import { shallowCopy, type SelfCopying } from '../base/snapshot.js'
import type { Nanos } from '../base/units.js'
import type { Kernel } from '../kernel/kernel.js'
import { recycleFrame } from './frame-pool.js'
import { TapStream } from './tap-stream.js'
import { LINK_TYPE } from './wire/link-layer.js'

const CHUNK_OCTETS = 256 * 1024
/** When a frame passed and where it ends: a 64-bit and a 32-bit number, and 32 bits that keep the next ones aligned. */
const ENTRY_OCTETS = 16
/** 1 GiB. */
const OCTETS_MAX = 1024 ** 3
/** As on a host with jumbo frames; what is longer is cut, as a capture's snapshot length does. */
const FRAME_OCTETS_MAX = 65535

/**
 * Part of a capture, in one piece of memory: frames from its front on, an entry for each from its back on, until they meet.
 * Once it is full it never changes, so kept states share it.
 */
class TapChunk {
  private readonly octets = new Uint8Array(CHUNK_OCTETS)
  private readonly words = new Uint32Array(this.octets.buffer)
  private readonly doubles = new Float64Array(this.octets.buffer)
  count = 0
  used = 0

  constructor(readonly firstPacket: number) {}

  hasRoomFor(length: number): boolean {
    return this.used + length + (this.count + 1) * ENTRY_OCTETS <= CHUNK_OCTETS
  }

  add(frame: Uint8Array, length: number, atNs: Nanos): void {
    this.octets.set(length === frame.length ? frame : frame.subarray(0, length), this.used)
    this.used += length
    this.count++
    const entry = CHUNK_OCTETS - this.count * ENTRY_OCTETS
    this.doubles[entry / 8] = atNs
    this.words[entry / 4 + 2] = this.used
  }

  frame(index: number): Uint8Array {
    return this.octets.subarray(index === 0 ? 0 : this.end(index - 1), this.end(index))
  }

  timeNs(index: number): Nanos | undefined {
    return this.doubles[(CHUNK_OCTETS - (index + 1) * ENTRY_OCTETS) / 8]
  }

  copy(): TapChunk {
    const copied = new TapChunk(this.firstPacket)
    copied.octets.set(this.octets)
    copied.count = this.count
    copied.used = this.used
    return copied
  }

  private end(index: number): number | undefined {
    return this.words[(CHUNK_OCTETS - (index + 1) * ENTRY_OCTETS) / 4 + 2]
  }
}

export interface TapOptions {
  /** Bounds what is kept: when it is full, the oldest frames are dropped. 1 GiB unless told. */
  readonly octetsMax?: number
}

/** Copies what it is given: the ends of frames (`receiveFrame`) or frames that go on to somebody else (`record`). */
export class Tap implements FrameSink, SelfCopying {
  private chunks: TapChunk[] = []
  private comments = new Map<number, string>()
  private octetsMax: number
  private packetCount = 0
  /** Frames that were dropped because the limit was reached: the oldest first. */
  framesDropped = 0

  constructor(
    private readonly kernel: Kernel,
    readonly name: string,
    { octetsMax = OCTETS_MAX }: TapOptions = {},
  ) {
    this.octetsMax = octetsMax
  }

  receiveFrame(frame: Uint8Array): void {
    this.record(frame)
    recycleFrame(frame)
  }

  /** Keep a copy of a frame that stays its owner's. */
  record(frame: Uint8Array): void {
    const length = Math.min(frame.length, FRAME_OCTETS_MAX)
    let chunk = this.chunks.at(-1)
    if (chunk === undefined || !chunk.hasRoomFor(length)) chunk = this.addChunk()
    chunk.add(frame, length, this.kernel.nowNs)
    this.packetCount++
  }

  /** Packets are numbered from 1, as Wireshark does, dropped ones included. */
  get firstPacket(): number {
    return this.framesDropped + 1
  }
  get lastPacket(): number {
    return this.packetCount
  }

  /** The frame with that packet number, to look at, or undefined when it was dropped or never was. */
  frame(packet: number): Uint8Array | undefined {
    const chunk = this.chunkOf(packet)
    return chunk?.frame(packet - chunk.firstPacket)
  }

  timeNs(packet: number): Nanos | undefined {
    const chunk = this.chunkOf(packet)
    return chunk?.timeNs(packet - chunk.firstPacket)
  }

  linkType(_packet: number): number {
    return LINK_TYPE.ethernet
  }

  interfaceName(_packet: number): string {
    return this.name
  }

  comment(packet: number): string | undefined {
    return this.comments.get(packet)
  }

  /** Say something about a packet that matters: a comment in the pcapng. */
  addComment(packet: number, text: string): void {
    if (packet >= this.firstPacket && packet <= this.lastPacket) this.comments.set(packet, text)
  }

  /** All that is kept, as a file. */
  toPcapng(): Uint8Array {
    const stream = new TapStream(this)
    return concatOctets([stream.take(), stream.finish()])
  }

  /** Full chunks never change, so a kept state shares them instead of copying a capture whole. */
  copySelf(copy: <T>(value: T) => T, register: (copied: object) => void): object {
    const copied = shallowCopy<Tap>(this)
    register(copied)
    return Object.assign(copied, {
      kernel: copy(this.kernel),
      chunks: this.chunks.map((chunk, index) => (index === this.chunks.length - 1 ? chunk.copy() : chunk)),
      comments: new Map(this.comments),
    })
  }

  private addChunk(): TapChunk {
    const chunk = new TapChunk(this.packetCount + 1)
    this.chunks.push(chunk)
    while (this.chunks.length > 1 && this.chunks.length * CHUNK_OCTETS > this.octetsMax) this.dropOldest()
    return chunk
  }

  private dropOldest(): void {
    const dropped = this.chunks.shift()
    if (dropped === undefined) return
    for (let packet = this.firstPacket; packet < dropped.firstPacket + dropped.count; packet++)
      this.comments.delete(packet)
    this.framesDropped += dropped.count
  }

  private chunkOf(packet: number): TapChunk | undefined {
    const { chunks } = this
    if (packet < this.firstPacket || packet > this.packetCount) return undefined
    let low = 0
    let high = chunks.length - 1
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if ((chunks[middle] as TapChunk).firstPacket <= packet) low = middle
      else high = middle - 1
    }
    return chunks[low]
  }
}
