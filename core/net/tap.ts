/** A capture: frames as they passed, with their times, in memory up to a limit. */
import type { FrameSink } from '../base/frame-sink.js'
import type { SelfCopying } from '../base/snapshot.js'
import type { Nanos } from '../base/units.js'
import type { Kernel } from '../kernel/kernel.js'
import { PcapngWriter } from './wire/pcapng.js'

/** What a kept frame costs beside its octets, roughly: its view, its time, its place. */
const FRAME_COST_OCTETS = 128

export class Tap implements FrameSink, SelfCopying {
  private frames: Uint8Array[] = []
  private timesNs: Nanos[] = []
  private comments = new Map<number, string>()
  /** Frames before this index of `frames` were dropped. */
  private head = 0
  private keptOctets = 0
  /** Frames that were dropped because the limit was reached: the oldest first. */
  framesDropped = 0

  /** `octetsMax` bounds what is kept: 1 GiB unless told. */
  constructor(
    private readonly kernel: Kernel,
    readonly name: string,
    private readonly octetsMax = 1024 ** 3,
  ) {}

  receiveFrame(frame: Uint8Array): void {
    this.frames.push(frame)
    this.timesNs.push(this.kernel.nowNs)
    this.keptOctets += frame.length + FRAME_COST_OCTETS
    while (this.keptOctets > this.octetsMax && this.head < this.frames.length) this.dropOldest()
  }

  /** Packets are numbered from 1, as Wireshark does, dropped ones included. */
  get firstPacket(): number {
    return this.framesDropped + 1
  }
  get lastPacket(): number {
    return this.framesDropped + this.frames.length - this.head
  }

  /** The frame with that packet number, or undefined when it was dropped or never was. */
  frame(packet: number): Uint8Array | undefined {
    return packet < this.firstPacket ? undefined : this.frames[this.head + packet - this.firstPacket]
  }

  timeNs(packet: number): Nanos | undefined {
    return packet < this.firstPacket ? undefined : this.timesNs[this.head + packet - this.firstPacket]
  }

  /** Say something about a packet that matters: a comment in the pcapng. */
  comment(packet: number, text: string): void {
    if (packet >= this.firstPacket) this.comments.set(packet, text)
  }

  toPcapng(): Uint8Array {
    const writer = new PcapngWriter()
    const interfaceId = writer.addInterface(this.name)
    for (let packet = this.firstPacket; packet <= this.lastPacket; packet++)
      writer.addPacket(interfaceId, this.timeNs(packet) ?? 0, this.frame(packet) ?? new Uint8Array(0), {
        comment: this.comments.get(packet),
      })
    return writer.take()
  }

  /** Frames never change, so a kept state shares them instead of copying a capture whole. */
  copySelf(copy: <T>(value: T) => T, register: (copied: object) => void): object {
    const copied = Object.create(Tap.prototype) as Tap
    register(copied)
    return Object.assign(copied, this, {
      kernel: copy(this.kernel),
      frames: this.frames.slice(),
      timesNs: this.timesNs.slice(),
      comments: new Map(this.comments),
    })
  }

  private dropOldest(): void {
    this.keptOctets -= (this.frames[this.head]?.length ?? 0) + FRAME_COST_OCTETS
    this.comments.delete(this.firstPacket)
    this.head++
    this.framesDropped++
    if (this.head >= 1024 && this.head * 2 >= this.frames.length) {
      this.frames = this.frames.slice(this.head)
      this.timesNs = this.timesNs.slice(this.head)
      this.head = 0
    }
  }
}
