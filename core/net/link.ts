/**
 * A full-duplex cable between two ports: bandwidth, delay and a bounded queue in each direction, and what a bad line does
 * besides. Everything may be changed while frames are under way.
 */
import type { FrameSink } from '../base/frame-sink.js'
import type { Nanos } from '../base/units.js'
import type { Kernel } from '../kernel/kernel.js'
import type { FramePort } from './frame-port.js'
import type { FrameWitness } from './frame-witness.js'
import { LinkDirection, type DirectionCounters, type WitnessPlace } from './link-direction.js'
import type { DirectionOptions, DirectionSettings, LinkOptions } from './link-options.js'
import type { LinkTraffic } from './link-traffic.js'

/** Named after the end at which frames go in and that at which they come out. */
export type LinkDirectionName = 'a-to-b' | 'b-to-a'

/** Frames given to `receiveFrame` leave at the other end's `output`. */
export class LinkEnd implements FramePort {
  constructor(
    private readonly outgoing: LinkDirection,
    private readonly incoming: LinkDirection,
  ) {}

  get output(): FrameSink | null {
    return this.incoming.output
  }
  set output(output: FrameSink | null) {
    this.incoming.output = output
  }

  receiveFrame(frame: Uint8Array): void {
    this.outgoing.transmit(frame)
  }

  /** How long the frames given to this end will still occupy the wire. */
  backlogNs(): Nanos {
    return this.outgoing.backlogNs()
  }

  /** What became of the frames given to this end. */
  counters(): DirectionCounters {
    return this.outgoing.counters()
  }
  /** Frames given to this end that were dropped by a full queue or a cut. */
  get framesDropped(): number {
    return this.outgoing.framesOf('dropped') + this.outgoing.framesOf('cut')
  }
  /** Frames that came out at the other end. */
  get framesDelivered(): number {
    return this.outgoing.framesOf('delivered')
  }
  /** Frames given to this end that have neither arrived nor been dropped. */
  get framesUnderWay(): number {
    return this.outgoing.framesUnderWay()
  }
}

export interface LinkWatch {
  /** Both unless told. */
  readonly direction?: LinkDirectionName
  /** `sent`: as a capture at the sender shows it, before any loss. `delivered`, the default: as one at the receiver does. */
  readonly place?: WitnessPlace
}

export class Link {
  readonly a: LinkEnd
  readonly b: LinkEnd
  private readonly aToB: LinkDirection
  private readonly bToA: LinkDirection

  /** Throws `InputError`. */
  constructor(
    kernel: Kernel,
    readonly name: string,
    { aToB, bToA, ...both }: LinkOptions,
  ) {
    this.aToB = new LinkDirection(kernel, `link ${name} a-to-b`, { ...both, ...aToB })
    this.bToA = new LinkDirection(kernel, `link ${name} b-to-a`, { ...both, ...bToA })
    this.a = new LinkEnd(this.aToB, this.bToA)
    this.b = new LinkEnd(this.bToA, this.aToB)
  }

  /** Change what is named, in one direction or both, and keep the rest. Throws `InputError`, and then nothing has changed. */
  configure(changes: Partial<DirectionOptions>, direction?: LinkDirectionName): void {
    for (const each of this.directions(direction)) each.configure(changes)
  }

  settings(direction: LinkDirectionName): DirectionSettings {
    return direction === 'a-to-b' ? this.aToB.settings : this.bToA.settings
  }

  /** Of both directions; where they differ, what is read is that from a to b. */
  get rateBps(): number {
    return this.aToB.settings.rateBps
  }
  set rateBps(rateBps: number) {
    this.configure({ rateBps })
  }
  get delayNs(): Nanos {
    return this.aToB.settings.delayNs
  }
  set delayNs(delayNs: Nanos) {
    this.configure({ delayNs })
  }

  /** Counts what both directions carry; null when nobody asks. */
  get traffic(): LinkTraffic | null {
    return this.aToB.traffic
  }
  set traffic(traffic: LinkTraffic | null) {
    this.aToB.traffic = this.bToA.traffic = traffic
  }

  get isCut(): boolean {
    return this.aToB.isCut
  }

  /** Frames on the way are lost, and so are all that are sent until `restore`. */
  cut(): void {
    for (const direction of this.directions()) direction.cut()
  }

  restore(): void {
    for (const direction of this.directions()) direction.restore()
  }

  /** Let somebody see what passes. A place is watched once by each witness. */
  watch(witness: FrameWitness, { direction, place = 'delivered' }: LinkWatch = {}): void {
    for (const each of this.directions(direction)) each.watch(witness, place)
  }

  unwatch(witness: FrameWitness): void {
    for (const direction of this.directions()) direction.unwatch(witness)
  }

  private directions(name?: LinkDirectionName): readonly LinkDirection[] {
    if (name === undefined) return [this.aToB, this.bToA]
    return name === 'a-to-b' ? [this.aToB] : [this.bToA]
  }
}
