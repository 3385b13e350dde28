/** A full-duplex cable between two ports: bandwidth, delay and a bounded queue in each direction. */
import { assert } from '../base/errors.js'
import type { FrameSink } from '../base/frame-sink.js'
import type { Nanos } from '../base/units.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../kernel/kernel.js'
import type { FramePort } from './frame-port.js'
import { recycleFrame } from './frame-pool.js'
import { FrameQueue } from './frame-queue.js'
import type { LinkTraffic } from './link-traffic.js'
import { ETHERNET_FRAME_OCTETS_MIN } from './wire/ethernet.js'

/** What a frame takes on the wire besides its octets: preamble 8, frame check sequence 4, inter-frame gap 12. */
export const FRAME_OVERHEAD_OCTETS = 24

export interface LinkOptions {
  /** Bits a second, in each direction: a whole number. */
  readonly rateBps: number
  /** From the last bit sent to the last bit received. */
  readonly delayNs: Nanos
  /** Octets (with overhead) that may wait or be under way onto the wire in each direction; more are dropped. 8 MiB by default. */
  readonly queueOctetsMax?: number
}

const ARRIVE: KernelEvent = Object.freeze({ kind: 'frame-arrives' })

/**
 * One direction. Frames on their way wait in a queue with their times of arrival, and only the first has an event in the
 * kernel: one event a frame, and an idle link has none.
 */
class LinkDirection implements Process {
  private readonly frames = new FrameQueue()
  private arrival: QueuedEvent
  /**
   * When the last bit of everything accepted so far is sent: whole nanoseconds and a rest in units of 1/rateBps
   * nanoseconds, since rounding each frame would add up.
   */
  private freeAtNs: Nanos = 0
  private freeAtRest = 0
  /** Frames do not overtake one another when the delay is made shorter. */
  private lastArrivalNs: Nanos = 0
  framesDropped = 0
  framesDelivered = 0

  constructor(
    private readonly kernel: Kernel,
    private readonly link: Link,
  ) {
    this.arrival = kernel.idleEvent(this, ARRIVE)
  }

  /** The end at which frames come out. */
  exit: LinkEnd | null = null

  transmit(frame: Uint8Array): void {
    const { kernel, link } = this
    const { rateBps } = link
    const isIdle = this.freeAtNs < kernel.nowNs
    const startNs = isIdle ? kernel.nowNs : this.freeAtNs
    const wireOctets = Math.max(frame.length, ETHERNET_FRAME_OCTETS_MIN) + FRAME_OVERHEAD_OCTETS
    const waitingOctets = ((startNs - kernel.nowNs) * rateBps) / 8e9
    if (link.isCut || waitingOctets + wireOctets > link.queueOctetsMax) {
      this.framesDropped++
      recycleFrame(frame)
      return
    }
    const scaled = wireOctets * 8e9 + (isIdle ? 0 : this.freeAtRest)
    this.freeAtRest = scaled % rateBps
    this.freeAtNs = startNs + (scaled - this.freeAtRest) / rateBps
    const sentNs = this.freeAtNs + (this.freeAtRest > 0 ? 1 : 0)
    this.lastArrivalNs = Math.max(this.lastArrivalNs, sentNs + link.delayNs)
    this.frames.push(frame, this.lastArrivalNs)
    if (this.frames.length === 1) this.scheduleNext()
  }

  handleEvent(): void {
    const frame = this.frames.shift()
    if (this.frames.length > 0) this.scheduleNext()
    if (frame === null) return
    this.framesDelivered++
    this.link.traffic?.count(frame)
    const output = this.exit?.output ?? null
    if (output === null) recycleFrame(frame)
    else output.receiveFrame(frame)
  }

  /** How long what is accepted will still occupy the wire. */
  backlogNs(): Nanos {
    return Math.max(0, this.freeAtNs - this.kernel.nowNs)
  }

  /** What is on the way is lost. */
  clear(): void {
    this.framesDropped += this.frames.length
    for (let frame = this.frames.shift(); frame !== null; frame = this.frames.shift()) recycleFrame(frame)
    this.kernel.cancel(this.arrival)
    this.freeAtNs = 0
    this.freeAtRest = 0
  }

  private scheduleNext(): void {
    this.arrival = this.kernel.rearm(this.arrival, this.frames.firstNs())
  }
}

/** Frames given to `receiveFrame` leave at the other end's `output`. */
export class LinkEnd implements FramePort {
  output: FrameSink | null = null
  constructor(private readonly direction: LinkDirection) {}

  receiveFrame(frame: Uint8Array): void {
    this.direction.transmit(frame)
  }

  /** How long the frames given to this end will still occupy the wire. */
  backlogNs(): Nanos {
    return this.direction.backlogNs()
  }

  /** Frames given to this end that were lost to a full queue or a cut. */
  get framesDropped(): number {
    return this.direction.framesDropped
  }
  /** Frames given to this end that came out at the other. */
  get framesDelivered(): number {
    return this.direction.framesDelivered
  }
}

export class Link {
  rateBps: number
  delayNs: Nanos
  queueOctetsMax: number
  isCut = false
  /** Counts what both directions carry; null when nobody asks. */
  traffic: LinkTraffic | null = null
  readonly a: LinkEnd
  readonly b: LinkEnd
  private readonly directions: readonly LinkDirection[]

  constructor(
    kernel: Kernel,
    readonly name: string,
    { rateBps, delayNs, queueOctetsMax = 8 * 1024 * 1024 }: LinkOptions,
  ) {
    assert(
      rateBps > 0 && Number.isInteger(rateBps) && delayNs >= 0 && Number.isInteger(delayNs),
      `link ${name}: ${rateBps} bit/s, ${delayNs} ns`,
    )
    this.rateBps = rateBps
    this.delayNs = delayNs
    this.queueOctetsMax = queueOctetsMax
    const aToB = new LinkDirection(kernel, this)
    const bToA = new LinkDirection(kernel, this)
    this.a = new LinkEnd(aToB)
    this.b = new LinkEnd(bToA)
    aToB.exit = this.b
    bToA.exit = this.a
    this.directions = [aToB, bToA]
  }

  /** Frames on the way are lost, and so are all that are sent until `restore`. */
  cut(): void {
    this.isCut = true
    for (const direction of this.directions) direction.clear()
  }

  restore(): void {
    this.isCut = false
  }
}
