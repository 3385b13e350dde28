/**
 * What a channel is: a `ByteStream` that protects what it carries over a lower `ByteStream`.
 *
 * The protocol (handshake, records) is a state machine without time: octets in, effects out. `SecureChannel` gives it
 * time. One channel is one thread of its host, a lane of `HostCores`: whatever the protocol did is booked there, and its
 * effects happen when the lane is done. Sealed records leave then, opened octets can be read then, not before. While a
 * piece is being worked on no further piece is taken, so a slow cipher fills the buffers, closes the TCP window below,
 * and slows the sender.
 */
import type { ByteStream, StreamOwner, StreamState } from '../base/byte-stream.js'
import { assert, failureOf, type Failure } from '../base/errors.js'
import type { Nanos } from '../base/units.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel, KernelEvent, Process } from '../kernel/kernel.js'
import { noWork, priceOf, type CipherCosts, type CipherWork } from './costs.js'
import { OctetQueue } from '../base/octet-queue.js'

export type ChannelRole = 'client' | 'server'

/** Where a channel's key pairs come from; a `RandomStream` of the kernel is one. */
export interface RandomOctets {
  octets(length: number): Uint8Array
}

/** What a protocol wants done, in order. */
export class ChannelEffects {
  /** To the lower stream. A record of bulk data has no name; every other message has its standard's. */
  readonly messages: { readonly name: string | null; readonly octets: Uint8Array }[] = []
  /** To the reader. */
  readonly payload: Uint8Array[] = []
  readonly work: CipherWork = noWork()
  /** The handshake is done: payload may be sent. */
  opened = false
  /** The ends agreed on sending payload unsealed, under a channel that seals where it can. */
  wentClear = false
  /** The peer's payload is complete. */
  peerEnded = false
  /** Nothing more will be sent: the lower stream may end. */
  finished = false

  isEmpty(): boolean {
    return this.messages.length === 0 && this.payload.length === 0 && !this.opened && !this.peerEnded && !this.finished
  }
}

/** A channel's protocol as a state machine of plain data. Calls add to `effects`; whoever drives it takes them. */
export interface ChannelProtocol {
  /** As in traces: `nacl`, `ssh`. */
  readonly name: string
  effects: ChannelEffects
  /** Payload held for a slow reader: no more is taken in beyond this. */
  readonly unreadOctetsMax: number
  start(): void
  /** Octets that came in, in pieces of any size. Throws `WireError` or `AuthenticationError`; then it is over. */
  receive(octets: Uint8Array): void
  /** The lower stream ended. Throws `WireError` unless the peer had said goodbye. */
  receiveEnd(): void
  /** Payload that one `send` takes now: at most one record; 0 before the handshake, while rekeying, at a shut window. */
  sendableOctets(): number
  send(payload: Uint8Array): void
  /** No more payload from our side. Only called when there is nothing left to send. */
  end(): void
  /** The reader took that much payload. */
  consumed(octetCount: number): void
}

export interface ChannelPlace {
  readonly kernel: Kernel
  /** Taken over by the channel: it becomes the owner. */
  readonly lower: ByteStream
  readonly cores: HostCores
  /** Who sends, in the trace. */
  readonly hostName: string
  /** Which channel, in the trace and as the name of the lane. */
  readonly channelName: string
  readonly costs: CipherCosts
}

/** Payload waiting to be sealed. */
const UNSENT_OCTETS_MAX = 262_144
/** Sealed octets waiting for the lower stream, beyond which no payload is sealed. */
const SEALED_OCTETS_MAX = 65_536
/** Sealed octets waiting beyond which nothing is taken in either: a peer that asks and never listens ends here. */
const ANSWERS_OCTETS_MAX = 262_144
/** Octets taken from the lower stream for one piece of work. */
const PIECE_OCTETS_MAX = 65_536

type ChannelEvent =
  | { readonly kind: 'channel-start' }
  | {
      readonly kind: 'channel-work'
      readonly step: 'seal' | 'open' | 'other'
      readonly effects: ChannelEffects
      readonly failure: Failure | null
    }

export class SecureChannel implements ByteStream, StreamOwner, Process {
  owner: StreamOwner | null = null
  state: StreamState = 'opening'
  /** Why the state is 'failed'. */
  failure: Failure | null = null

  private readonly unsent = new OctetQueue()
  private readonly sealed = new OctetQueue()
  private readonly unread = new OctetQueue()
  private isStarted = false
  /** The protocol refused something: it is not asked anything more, and the failure is on its way. */
  private isBroken = false
  private isSealing = false
  private isOpening = false
  private writerWaits = false
  private readonly ended = {
    /** Our owner asked for it; the protocol was told; the protocol needs the lower stream no more; that was ended. */
    asked: false,
    sent: false,
    finished: false,
    lowerSent: false,
    /** The peer's payload is complete; the lower stream's octets are; the protocol knows. */
    byPeer: false,
    byLower: false,
    byLowerSeen: false,
  }

  constructor(
    readonly place: ChannelPlace,
    readonly protocol: ChannelProtocol,
  ) {
    place.lower.owner = this
    if (place.lower.state === 'open') place.kernel.schedule(0, this, { kind: 'channel-start' })
  }

  get name(): string {
    return this.protocol.name
  }

  writableOctets(): number {
    if (this.state !== 'open' || this.ended.asked) return 0
    const room = UNSENT_OCTETS_MAX - this.unsent.length
    if (room < UNSENT_OCTETS_MAX / 2) this.writerWaits = true
    return room
  }

  write(octets: Uint8Array): void {
    assert(octets.length <= this.writableOctets(), `${this.name}: wrote more than writableOctets`)
    this.unsent.push(octets.slice())
    this.seal()
  }

  readableOctets(): number {
    return this.unread.length
  }

  read(octetsMax: number): Uint8Array {
    const octets = this.unread.take(octetsMax)
    if (octets.length > 0 && this.isAlive() && !this.isBroken) {
      this.protocol.consumed(octets.length)
      this.book('other', null)
      this.open()
    }
    return octets
  }

  end(): void {
    if (this.ended.asked || !this.isAlive()) return
    this.ended.asked = true
    this.seal()
  }

  abort(): void {
    if (!this.isAlive()) return
    this.state = 'closed'
    this.place.lower.abort()
  }

  streamOpened(): void {
    this.start()
  }

  streamReadable(): void {
    if (this.isAlive()) this.open()
    // Nobody reads any more: as a closed socket answers.
    else if (this.state === 'failed') this.place.lower.abort()
  }

  streamWritable(): void {
    if (!this.isAlive()) return
    this.flush()
    this.seal()
    this.tellWriter()
  }

  streamEnded(): void {
    this.ended.byLower = true
    if (this.isAlive()) this.open()
  }

  streamFailed(_stream: ByteStream, cause: Failure): void {
    // What the protocol refused is the reason to give: a peer that says why it goes, and goes, is heard.
    if (this.isAlive() && !this.isBroken) this.fail(cause)
  }

  handleEvent(event: KernelEvent): void {
    const channelEvent = event as ChannelEvent
    if (channelEvent.kind === 'channel-start') this.start()
    else if (this.isAlive()) this.finishWork(channelEvent)
  }

  private isAlive(): boolean {
    return this.state === 'opening' || this.state === 'open'
  }

  private start(): void {
    if (this.isStarted || !this.isAlive()) return
    this.isStarted = true
    this.protocol.start()
    this.book('other', null)
    this.open()
  }

  /** Book what the protocol did since the last booking; its effects happen when the lane is done with it. */
  private book(step: 'seal' | 'open' | 'other', failure: Failure | null): void {
    const { protocol, place } = this
    const { effects } = protocol
    const workNs: Nanos = priceOf(effects.work, place.costs)
    if (workNs === 0 && effects.isEmpty() && failure === null) return
    protocol.effects = new ChannelEffects()
    const doneNs = place.cores.book(place.channelName, workNs)
    if (step === 'seal') this.isSealing = true
    if (step === 'open') this.isOpening = true
    place.kernel.scheduleAt(doneNs, this, { kind: 'channel-work', step, effects, failure } as ChannelEvent)
  }

  private finishWork({ step, effects, failure }: Extract<ChannelEvent, { kind: 'channel-work' }>): void {
    if (step === 'seal') this.isSealing = false
    if (step === 'open') this.isOpening = false
    const { trace } = this.place.kernel
    for (const { name, octets } of effects.messages) {
      this.sealed.push(octets)
      if (name !== null)
        trace.add('channel-message', {
          channel: this.place.channelName,
          sender: this.place.hostName,
          name,
          octets: octets.length,
        })
    }
    this.ended.finished ||= effects.finished
    this.flush()
    for (const octets of effects.payload) this.unread.push(octets)
    if (effects.wentClear) trace.add('channel-clear', { channel: this.place.channelName, host: this.place.hostName })
    if (effects.opened) {
      this.state = 'open'
      this.owner?.streamOpened(this)
    }
    if (effects.payload.length > 0) this.owner?.streamReadable(this)
    if (effects.peerEnded) {
      this.ended.byPeer = true
      this.owner?.streamEnded(this)
    }
    // The owner may have given up in any of these calls.
    if (!this.isAlive()) return
    if (failure !== null) return this.fail(failure, effects.messages.length > 0)
    this.seal()
    this.open()
    this.closeIfDone()
    this.tellWriter()
  }

  /** Seal one record, unless one is being sealed, nothing waits, or what is sealed cannot leave. */
  private seal(): void {
    if (this.state !== 'open' || this.isSealing || this.isBroken || this.sealed.length >= SEALED_OCTETS_MAX) return
    const length = Math.min(this.unsent.length, this.protocol.sendableOctets())
    if (length > 0) this.protocol.send(this.unsent.take(length))
    else if (this.unsent.length === 0 && this.ended.asked && !this.ended.sent) {
      this.ended.sent = true
      this.protocol.end()
    } else return
    this.book('seal', null)
  }

  /** Take in one piece, unless one is being worked on or the reader has too much unread. */
  private open(): void {
    const { lower } = this.place
    while (this.canOpen()) {
      const octets = lower.read(PIECE_OCTETS_MAX)
      if (octets.length === 0 && (!this.ended.byLower || this.ended.byLowerSeen)) return
      let failure: Failure | null = null
      try {
        if (octets.length > 0) this.protocol.receive(octets.slice())
        else {
          this.ended.byLowerSeen = true
          this.protocol.receiveEnd()
        }
      } catch (error) {
        failure = failureOf(error)
        this.isBroken = true
      }
      this.book('open', failure)
    }
  }

  private canOpen(): boolean {
    return (
      this.isStarted &&
      this.isAlive() &&
      !this.isOpening &&
      !this.isBroken &&
      this.sealed.length < ANSWERS_OCTETS_MAX &&
      this.unread.length < this.protocol.unreadOctetsMax
    )
  }

  private flush(): void {
    const { lower } = this.place
    while (this.sealed.length > 0) {
      const length = Math.min(this.sealed.length, lower.writableOctets())
      if (length === 0) return
      lower.write(this.sealed.take(length))
    }
    if (this.ended.finished && !this.ended.lowerSent) {
      this.ended.lowerSent = true
      lower.end()
    }
    this.closeIfDone()
  }

  private closeIfDone(): void {
    if (this.state === 'open' && this.ended.lowerSent && this.ended.byPeer) this.state = 'closed'
  }

  private tellWriter(): void {
    if (!this.writerWaits || this.state !== 'open' || this.unsent.length > UNSENT_OCTETS_MAX / 2) return
    this.writerWaits = false
    this.owner?.streamWritable(this)
  }

  /** A protocol that said why it goes (TLS's alert) ends the lower stream behind its words; they would be lost with a reset. */
  private fail(cause: Failure, saidWhy = false): void {
    this.state = 'failed'
    this.failure = cause
    this.unsent.clear()
    this.sealed.clear()
    if (saidWhy) this.place.lower.end()
    else this.place.lower.abort()
    this.owner?.streamFailed(this, cause)
  }
}
