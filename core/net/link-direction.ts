import { copyFrame, recycleFrame } from './frame-pool.js'
import type { FrameSink } from '../base/frame-sink.js'
import type { Nanos } from '../base/units.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../kernel/kernel.js'
import { FrameQueue } from './frame-queue.js'
import { tellWitnesses, withoutWitness, withWitness, type FrameWitness } from './frame-witness.js'
import { LinkImpairments } from './link-impairments.js'
import { directionSettings, isImpaired, type DirectionOptions, type DirectionSettings } from './link-options.js'
import type { LinkTraffic } from './link-traffic.js'
import { ETHERNET_FRAME_OCTETS_MIN } from './wire/ethernet.js'

/** What a frame takes on the wire besides its octets: preamble 8, frame check sequence 4, inter-frame gap 12. */
export const FRAME_OVERHEAD_OCTETS = 24

/**
 * What became of the frames that were given to one end: those that were offered and duplicated are delivered, dropped (by a
 * full queue), cut (under way when the link was cut, or given to it afterwards), lost, or still under way. `reordered` ones
 * were held back, whether or not another came to pass them.
 */
export const FRAME_FATES = [
  'offered',
  'delivered',
  'dropped',
  'cut',
  'lost',
  'duplicated',
  'reordered',
  'corrupted',
] as const
export type FrameFate = (typeof FRAME_FATES)[number]

/** Frames, and their octets without overhead. */
export interface FrameCount {
  readonly frames: number
  readonly octets: number
}
export type DirectionCounters = Readonly<Record<FrameFate, FrameCount>>

const OFFERED = FRAME_FATES.indexOf('offered')
const DELIVERED = FRAME_FATES.indexOf('delivered')
const DROPPED = FRAME_FATES.indexOf('dropped')
const CUT = FRAME_FATES.indexOf('cut')
const LOST = FRAME_FATES.indexOf('lost')
const DUPLICATED = FRAME_FATES.indexOf('duplicated')
const REORDERED = FRAME_FATES.indexOf('reordered')
const CORRUPTED = FRAME_FATES.indexOf('corrupted')

export type WitnessPlace = 'sent' | 'delivered'

const ARRIVE: KernelEvent = Object.freeze({ kind: 'frame-arrives' })
const ARRIVE_LATE: KernelEvent = Object.freeze({ kind: 'held-frame-arrives' })

/**
 * One direction of a link. Frames on their way wait in a queue with their times of arrival, and only the first has an event
 * in the kernel: one event a frame, and an idle link has none. Frames that were held back have a queue of their own.
 */
export class LinkDirection implements Process {
  settings: DirectionSettings
  isCut = false
  /** Who takes frames at the end. */
  output: FrameSink | null = null
  /** Counts what is delivered; null when nobody asks. */
  traffic: LinkTraffic | null = null
  /** Frames and octets by turns, for each of `FRAME_FATES`: counted for every frame, so not as objects. */
  private readonly counts = new Float64Array(2 * FRAME_FATES.length)
  private readonly frames = new FrameQueue()
  private arrival: QueuedEvent
  private heldFrames: FrameQueue | null = null
  private heldArrival: QueuedEvent
  private impairments: LinkImpairments | null = null
  /**
   * When the last bit of everything accepted so far is sent: whole nanoseconds and a rest in units of 1/rateBps
   * nanoseconds, since rounding each frame would add up.
   */
  private freeAtNs: Nanos = 0
  private freeAtRest = 0
  /** Frames do not overtake one another when the delay becomes shorter. */
  private lastArrivalNs: Nanos = 0
  private lastHeldNs: Nanos = 0
  /** When the frames that are waiting will have been sent, oldest first; only while their number is bounded. */
  private readonly sendings: Nanos[] = []
  /** How many of them are over. */
  private sendingsOver = 0
  private sentWitnesses: readonly FrameWitness[] | null = null
  private deliveredWitnesses: readonly FrameWitness[] | null = null

  /** `randomName` names its stream of random numbers. Throws `InputError`. */
  constructor(
    private readonly kernel: Kernel,
    private readonly randomName: string,
    options: DirectionOptions,
  ) {
    this.arrival = kernel.idleEvent(this, ARRIVE)
    this.heldArrival = kernel.idleEvent(this, ARRIVE_LATE)
    this.settings = directionSettings(options)
    this.configure({})
  }

  /** Change what is named and keep the rest; frames under way keep their times. Throws `InputError`, changing nothing. */
  configure(changes: Partial<DirectionOptions>): void {
    const { rateBps } = this.settings
    const settings = directionSettings({ ...this.settings, ...changes })
    this.settings = settings
    if (settings.rateBps !== rateBps)
      this.freeAtRest = Math.min(settings.rateBps - 1, Math.floor((this.freeAtRest / rateBps) * settings.rateBps))
    if (settings.queueFramesMax === null) this.forgetSendings()
    if (!isImpaired(settings)) this.impairments = null
    else if (this.impairments !== null) this.impairments.configure(settings)
    else this.impairments = new LinkImpairments(this.kernel.random(this.randomName), settings)
  }

  transmit(frame: Uint8Array): void {
    const { kernel } = this
    const { rateBps, queueOctetsMax, queueFramesMax, delayNs } = this.settings
    const { nowNs } = kernel
    this.count(OFFERED, frame)
    if (this.isCut) {
      this.count(CUT, frame)
      recycleFrame(frame)
      return
    }
    const isIdle = this.freeAtNs < nowNs
    const startNs = isIdle ? nowNs : this.freeAtNs
    const wireOctets = Math.max(frame.length, ETHERNET_FRAME_OCTETS_MIN) + FRAME_OVERHEAD_OCTETS
    const waitingOctets = ((startNs - nowNs) * rateBps) / 8e9
    if (
      waitingOctets + wireOctets > queueOctetsMax ||
      (queueFramesMax !== null && this.waitingFrames() >= queueFramesMax)
    ) {
      this.count(DROPPED, frame)
      recycleFrame(frame)
      return
    }
    const scaled = wireOctets * 8e9 + (isIdle ? 0 : this.freeAtRest)
    // Whole numbers below 2^53, so the rest is exact; the quotient may be rounded up to the next one.
    let serialiseNs = Math.floor(scaled / rateBps)
    if (serialiseNs * rateBps > scaled) serialiseNs--
    this.freeAtRest = scaled - serialiseNs * rateBps
    this.freeAtNs = startNs + serialiseNs
    const sentNs = this.freeAtNs + (this.freeAtRest > 0 ? 1 : 0)
    if (queueFramesMax !== null) this.sendings.push(sentNs)
    if (this.sentWitnesses !== null) tellWitnesses(this.sentWitnesses, frame)
    if (this.impairments === null) this.carry(frame, sentNs + delayNs)
    else this.carryImpaired(frame, sentNs, this.impairments)
  }

  handleEvent(event: KernelEvent): void {
    if (event.kind === ARRIVE_LATE.kind) {
      this.deliverHeld()
      return
    }
    const frame = this.frames.shift()
    if (this.frames.length > 0) this.arrival = this.kernel.rearm(this.arrival, this.frames.firstNs())
    if (frame !== null) this.deliver(frame)
  }

  /** How long what is accepted will still occupy the wire. */
  backlogNs(): Nanos {
    return Math.max(0, this.freeAtNs - this.kernel.nowNs)
  }

  framesOf(fate: FrameFate): number {
    return this.counts[2 * FRAME_FATES.indexOf(fate)] as number
  }

  counters(): DirectionCounters {
    const { counts } = this
    const entries = FRAME_FATES.map((fate, index) => [
      fate,
      { frames: counts[2 * index], octets: counts[2 * index + 1] },
    ])
    return Object.fromEntries(entries) as DirectionCounters
  }

  /** Frames that were accepted and have not arrived. */
  framesUnderWay(): number {
    return this.frames.length + (this.heldFrames?.length ?? 0)
  }

  /** What is on the way is lost, and what is sent from now on, until `restore`. */
  cut(): void {
    this.isCut = true
    this.discard(this.frames)
    if (this.heldFrames !== null) this.discard(this.heldFrames)
    this.kernel.cancel(this.arrival)
    this.kernel.cancel(this.heldArrival)
    this.forgetSendings()
    this.freeAtNs = 0
    this.freeAtRest = 0
    this.lastArrivalNs = 0
    this.lastHeldNs = 0
  }

  restore(): void {
    this.isCut = false
  }

  /** See each frame as it is accepted from the sender, or as it is given to the receiver. */
  watch(witness: FrameWitness, place: WitnessPlace): void {
    if (place === 'sent') this.sentWitnesses = withWitness(this.sentWitnesses, witness)
    else this.deliveredWitnesses = withWitness(this.deliveredWitnesses, witness)
  }

  unwatch(witness: FrameWitness): void {
    this.sentWitnesses = withoutWitness(this.sentWitnesses, witness)
    this.deliveredWitnesses = withoutWitness(this.deliveredWitnesses, witness)
  }

  private carry(frame: Uint8Array, arrivalNs: Nanos): void {
    this.lastArrivalNs = Math.max(this.lastArrivalNs, arrivalNs)
    this.frames.push(frame, this.lastArrivalNs)
    if (this.frames.length === 1) this.arrival = this.kernel.rearm(this.arrival, this.lastArrivalNs)
  }

  /** Losses happen on the way: what is lost took its time on the wire, and a capture at the sender has it. */
  private carryImpaired(frame: Uint8Array, sentNs: Nanos, impairments: LinkImpairments): void {
    const arrivalNs = sentNs + impairments.delayNs()
    if (impairments.losesFrame()) {
      this.count(LOST, frame)
      recycleFrame(frame)
      return
    }
    const duplicate = impairments.duplicatesFrame() ? copyFrame(frame) : null
    if (impairments.corruptsFrame()) {
      this.count(CORRUPTED, frame)
      impairments.corrupt(frame)
    }
    if (impairments.holdsFrameBack()) {
      this.count(REORDERED, frame)
      this.hold(frame, arrivalNs + this.settings.reorderDelayNs)
    } else this.carry(frame, arrivalNs)
    if (duplicate !== null) {
      this.count(DUPLICATED, duplicate)
      this.carry(duplicate, arrivalNs)
    }
  }

  private hold(frame: Uint8Array, arrivalNs: Nanos): void {
    this.heldFrames ??= new FrameQueue()
    this.lastHeldNs = Math.max(this.lastHeldNs, arrivalNs)
    this.heldFrames.push(frame, this.lastHeldNs)
    if (this.heldFrames.length === 1) this.heldArrival = this.kernel.rearm(this.heldArrival, this.lastHeldNs)
  }

  private deliverHeld(): void {
    const { heldFrames } = this
    const frame = heldFrames?.shift() ?? null
    if (heldFrames === null || frame === null) return
    if (heldFrames.length > 0) this.heldArrival = this.kernel.rearm(this.heldArrival, heldFrames.firstNs())
    this.deliver(frame)
  }

  private deliver(frame: Uint8Array): void {
    this.count(DELIVERED, frame)
    if (this.traffic !== null) this.traffic.count(frame)
    if (this.deliveredWitnesses !== null) tellWitnesses(this.deliveredWitnesses, frame)
    if (this.output === null) recycleFrame(frame)
    else this.output.receiveFrame(frame)
  }

  private discard(queue: FrameQueue): void {
    for (let frame = queue.shift(); frame !== null; frame = queue.shift()) {
      this.count(CUT, frame)
      recycleFrame(frame)
    }
  }

  private waitingFrames(): number {
    const { sendings, kernel } = this
    while (this.sendingsOver < sendings.length && (sendings[this.sendingsOver] as number) <= kernel.nowNs)
      this.sendingsOver++
    // Moved down now and then, so that this costs the same for each frame however many wait.
    if (2 * this.sendingsOver > sendings.length) {
      sendings.copyWithin(0, this.sendingsOver)
      sendings.length -= this.sendingsOver
      this.sendingsOver = 0
    }
    return sendings.length - this.sendingsOver
  }

  private forgetSendings(): void {
    this.sendings.length = 0
    this.sendingsOver = 0
  }

  private count(fate: number, frame: Uint8Array): void {
    const { counts } = this
    counts[2 * fate] = (counts[2 * fate] as number) + 1
    counts[2 * fate + 1] = (counts[2 * fate + 1] as number) + frame.length
  }
}
