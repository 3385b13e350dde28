/**
 * Which station on a link has which address: the neighbour cache of RFC 4861 §7.3, which ARP uses as well (as Linux does).
 *
 * An answer to our own question makes an entry REACHABLE; later it is STALE, by the clock alone, so an idle table costs
 * nothing. A stale entry is used as it is, but the first packet that uses it starts a DELAY, and if nothing has confirmed the
 * neighbour until then, it is asked itself (PROBE). Traffic above (TCP's acknowledgments) is not taken as confirmation.
 */
import { milliseconds, seconds, type Nanos } from '../base/units.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../kernel/kernel.js'
import { recycleFrame } from './frame-pool.js'
import { FrameQueue } from './frame-queue.js'
import { ipText, macText, writeMac, type IpAddress, type MacAddress } from './wire/addresses.js'

/** How long an answer is believed when nothing confirms it: the order of a minute (RFC 1122 §2.3.2.1). */
const REACHABLE_NS = seconds(60)
const RETRY_NS = seconds(1)
const REQUESTS_MAX = 3
/** Between the first use of a stale entry and asking the neighbour. */
const DELAY_NS = seconds(5)
/** After an address did not answer, do not ask again for so long. */
const HOLD_DOWN_NS = milliseconds(100)
/** Frames that wait for one address; the oldest is dropped. */
const WAITING_MAX = 64
const ENTRIES_MAX = 4096

export type NeighbourState = 'incomplete' | 'reachable' | 'stale' | 'delay' | 'probe' | 'failed' | 'permanent'

/** An entry as displays want it. */
export interface NeighbourRow {
  readonly address: string
  /** Empty while nobody has answered. */
  readonly mac: string
  readonly state: NeighbourState
  readonly interface: string
}

interface NeighbourEntry {
  readonly address: IpAddress
  mac: MacAddress | null
  /** `stale` is also said by `reachable` with `untilNs` in the past. */
  state: NeighbourState
  /** Until when `mac` is believed without asking; in `failed`, when another question may be asked. */
  untilNs: Nanos
  requestsSent: number
  timer: QueuedEvent | null
  waiting: FrameQueue | null
  /** The last station that was believed, to see a change across a failure. */
  lastMac: MacAddress | null
}

/** What is known from a message about a neighbour. */
export interface NeighbourClaim {
  readonly address: IpAddress
  readonly mac: MacAddress
  /** It answers our own question, so the neighbour also hears us. */
  readonly isSolicited: boolean
  /** It takes the place of another MAC address. */
  readonly isOverride: boolean
  /** An entry is made if there is none. */
  readonly isNew: boolean
}

/** The protocol that asks and the interface that sends. */
export interface NeighbourLink {
  readonly name: string
  readonly hostName: string
  /** Ask who has `address`: everybody, or only the station believed to have it. */
  solicit(address: IpAddress, mac: MacAddress | null): void
  transmit(frame: Uint8Array): void
  /** Nobody has the address that this frame was to go to. The frame is given away. */
  neighbourFailed(frame: Uint8Array): void
  enter(): void
  leave(): void
}

interface NeighbourEvent extends KernelEvent {
  readonly kind: 'neighbour-timer'
  readonly address: IpAddress
}

export class NeighbourTable implements Process {
  private readonly entries = new Map<IpAddress, NeighbourEntry>()
  private lastUsed: NeighbourEntry | null = null

  constructor(
    private readonly kernel: Kernel,
    private readonly link: NeighbourLink,
  ) {}

  /** Address the frame to the station that has `address` and send it, at once or when the station has answered. */
  sendTo(address: IpAddress, frame: Uint8Array): void {
    let entry = this.lastUsed
    if (entry?.address !== address) {
      entry = this.entries.get(address) ?? null
      this.lastUsed = entry
    }
    if (entry === null || entry.mac === null) {
      this.resolve(address, entry, frame)
      return
    }
    if (entry.untilNs < this.kernel.nowNs && (entry.state === 'reachable' || entry.state === 'stale')) {
      entry.state = 'delay'
      this.setTimer(entry, DELAY_NS)
    }
    writeMac(frame, 0, entry.mac)
    this.link.transmit(frame)
  }

  /** The station that frames to `address` would be sent to now, or null. */
  macOf(address: IpAddress): MacAddress | null {
    return this.entries.get(address)?.mac ?? null
  }

  /** Whether a question about `address` is open. */
  isAsking(address: IpAddress): boolean {
    return (this.entries.get(address)?.requestsSent ?? 0) > 0
  }

  learn({ address, mac, isSolicited, isOverride, isNew }: NeighbourClaim): void {
    let entry = this.entries.get(address)
    if (entry === undefined) {
      if (!isNew || !this.makeRoom()) return
      entry = this.add(address)
    } else if (entry.state === 'permanent') return
    const isOther = entry.mac !== null && entry.mac !== mac
    if (isOther && !isOverride) {
      // RFC 4861 §7.2.5: doubt, but do not believe.
      if (entry.state === 'reachable') entry.untilNs = -1
      return
    }
    const isFirst = entry.mac === null
    this.setMac(entry, mac)
    if (isSolicited || isFirst || isOther) {
      this.kernel.cancel(entry.timer)
      entry.state = isSolicited ? 'reachable' : 'stale'
      entry.untilNs = isSolicited ? this.kernel.nowNs + REACHABLE_NS : -1
      entry.requestsSent = 0
    }
    this.flush(entry)
  }

  /** An entry that no message changes, until it is removed. */
  setPermanent(address: IpAddress, mac: MacAddress): void {
    const entry = this.entries.get(address) ?? this.add(address)
    this.kernel.cancel(entry.timer)
    this.setMac(entry, mac)
    entry.state = 'permanent'
    entry.untilNs = Infinity
    this.flush(entry)
  }

  remove(address: IpAddress): void {
    const entry = this.entries.get(address)
    if (entry === undefined) return
    this.kernel.cancel(entry.timer)
    this.entries.delete(address)
    this.lastUsed = null
  }

  /** Forget everything but permanent entries: the link is down. */
  clear(): void {
    for (const { address, state } of [...this.entries.values()]) if (state !== 'permanent') this.remove(address)
  }

  rows(): NeighbourRow[] {
    return [...this.entries.values()].map(({ address, mac, state, untilNs }) => ({
      address: ipText(address),
      mac: mac === null ? '' : macText(mac),
      state: state === 'reachable' && untilNs < this.kernel.nowNs ? 'stale' : state,
      interface: this.link.name,
    }))
  }

  handleEvent({ address }: NeighbourEvent): void {
    const entry = this.entries.get(address)
    if (entry === undefined) return
    this.link.enter()
    if (entry.state === 'delay') {
      entry.state = 'probe'
      entry.requestsSent = 0
    }
    if (entry.requestsSent < REQUESTS_MAX) this.ask(entry)
    else this.fail(entry)
    this.link.leave()
  }

  private resolve(address: IpAddress, known: NeighbourEntry | null, frame: Uint8Array): void {
    if (known === null && !this.makeRoom()) {
      recycleFrame(frame)
      return
    }
    const entry = known ?? this.add(address)
    if (entry.state === 'failed') {
      if (this.kernel.nowNs < entry.untilNs) {
        this.link.neighbourFailed(frame)
        return
      }
      entry.state = 'incomplete'
    }
    entry.waiting ??= new FrameQueue()
    entry.waiting.push(frame)
    if (entry.waiting.length > WAITING_MAX) {
      const oldest = entry.waiting.shift()
      if (oldest !== null) recycleFrame(oldest)
    }
    if (entry.requestsSent === 0) this.ask(entry)
  }

  private ask(entry: NeighbourEntry): void {
    entry.requestsSent++
    this.setTimer(entry, RETRY_NS)
    this.link.solicit(entry.address, entry.mac)
  }

  private fail(entry: NeighbourEntry): void {
    const { waiting } = entry
    entry.state = 'failed'
    entry.mac = null
    entry.requestsSent = 0
    entry.untilNs = this.kernel.nowNs + HOLD_DOWN_NS
    entry.waiting = null
    for (let frame = waiting?.shift() ?? null; frame !== null; frame = waiting?.shift() ?? null)
      this.link.neighbourFailed(frame)
  }

  private setTimer(entry: NeighbourEntry, delayNs: Nanos): void {
    const event: NeighbourEvent = { kind: 'neighbour-timer', address: entry.address }
    entry.timer = this.kernel.schedule(delayNs, this, event)
  }

  private setMac(entry: NeighbourEntry, mac: MacAddress): void {
    const { lastMac } = entry
    entry.mac = mac
    entry.lastMac = mac
    if (lastMac === null || lastMac === mac) return
    const row = { address: ipText(entry.address), oldMac: macText(lastMac), newMac: macText(mac) }
    this.kernel.trace.add('arp-changed', { host: this.link.hostName, ...row })
  }

  private flush(entry: NeighbourEntry): void {
    const { waiting, mac } = entry
    if (waiting === null || mac === null) return
    entry.waiting = null
    for (let frame = waiting.shift(); frame !== null; frame = waiting.shift()) {
      writeMac(frame, 0, mac)
      this.link.transmit(frame)
    }
  }

  private add(address: IpAddress): NeighbourEntry {
    const entry: NeighbourEntry = {
      address,
      mac: null,
      state: 'incomplete',
      untilNs: -1,
      requestsSent: 0,
      timer: null,
      waiting: null,
      lastMac: null,
    }
    this.entries.set(address, entry)
    return entry
  }

  /** Forget one entry that nothing depends on if the table is full. False when there is none. */
  private makeRoom(): boolean {
    if (this.entries.size < ENTRIES_MAX) return true
    for (const { address, state, untilNs } of this.entries.values())
      if (state !== 'permanent' && state !== 'incomplete' && untilNs < this.kernel.nowNs) {
        this.remove(address)
        return true
      }
    return false
  }
}
