/** Address resolution of a host (RFC 826, with the retries and the queue of RFC 1122 §2.3.2). */
import { milliseconds, seconds, type Nanos } from '../base/units.js'
import type { Kernel, KernelEvent, Process } from '../kernel/kernel.js'
import { FrameQueue } from './frame-queue.js'
import { MAC_BROADCAST, writeMac, type Ipv4Address, type MacAddress } from './wire/addresses.js'
import { ARP_OPERATION, decodeArp, encodeArp, type ArpMessage } from './wire/arp.js'
import { encodeEthernet, ETHERTYPE } from './wire/ethernet.js'

const RETRY_NS = seconds(1)
const REQUESTS_MAX = 3
/** How long an answer is believed when nothing confirms it. */
const LIFETIME_NS = seconds(60)
/** Frames that wait for one address; the oldest is dropped. */
const WAITING_MAX = 64
const ENTRIES_MAX = 4096
/** After an address did not answer, do not ask again for so long. */
const HOLD_DOWN_NS = milliseconds(100)

interface ArpEntry {
  mac: MacAddress | null
  /** Until when `mac` is believed, or when another request may be sent. */
  untilNs: Nanos
  requestsSent: number
  waiting: FrameQueue
}

interface RetryEvent extends KernelEvent {
  readonly kind: 'arp-retry'
  readonly address: Ipv4Address
}

/** What the ARP table needs of its host. */
export interface ArpHost {
  readonly mac: MacAddress
  readonly address: Ipv4Address
  transmit(frame: Uint8Array): void
}

export class ArpTable implements Process {
  private readonly entries = new Map<Ipv4Address, ArpEntry>()

  constructor(
    private readonly kernel: Kernel,
    private readonly host: ArpHost,
  ) {}

  /** Address the frame to the station that has `address` and send it, at once or when the station has answered. */
  sendTo(address: Ipv4Address, frame: Uint8Array): void {
    const entry = this.entries.get(address)
    if (entry !== undefined && entry.mac !== null && entry.untilNs >= this.kernel.nowNs) {
      writeMac(frame, 0, entry.mac)
      this.host.transmit(frame)
    } else this.resolve(address, frame)
  }

  /** The MAC address believed to have `address` now, or null. */
  macOf(address: Ipv4Address): MacAddress | null {
    const entry = this.entries.get(address)
    return entry !== undefined && entry.untilNs >= this.kernel.nowNs ? entry.mac : null
  }

  /** Tell everybody on the network where our address lives: a gratuitous request (RFC 5227 §2.3). */
  announce(): void {
    this.broadcast(this.host.address)
  }

  /** Throws `WireError`. An announcement changes what is believed, as on real hosts, but makes no new entries. */
  receive(payload: Uint8Array): void {
    const message = decodeArp(payload)
    const isForUs = message.targetAddress === this.host.address
    const known = this.entries.get(message.senderAddress)
    if (message.senderAddress !== 0 && message.senderAddress !== this.host.address)
      if (known !== undefined) this.learn(known, message.senderMac)
      else if (isForUs && this.makeRoom()) {
        const entry = { mac: null, untilNs: 0, requestsSent: 0, waiting: new FrameQueue() }
        this.entries.set(message.senderAddress, entry)
        this.learn(entry, message.senderMac)
      }
    if (isForUs && message.operation === ARP_OPERATION.request && message.senderAddress !== this.host.address)
      this.send(message.senderMac, {
        operation: ARP_OPERATION.reply,
        senderMac: this.host.mac,
        senderAddress: this.host.address,
        targetMac: message.senderMac,
        targetAddress: message.senderAddress,
      })
  }

  handleEvent(event: RetryEvent): void {
    const entry = this.entries.get(event.address)
    if (entry === undefined || entry.mac !== null) return
    if (entry.requestsSent < REQUESTS_MAX) this.request(event.address, entry)
    else {
      entry.waiting = new FrameQueue()
      entry.requestsSent = 0
      entry.untilNs = this.kernel.nowNs + HOLD_DOWN_NS
    }
  }

  private resolve(address: Ipv4Address, frame: Uint8Array): void {
    let entry = this.entries.get(address)
    if (entry === undefined) {
      if (!this.makeRoom()) return
      entry = { mac: null, untilNs: 0, requestsSent: 0, waiting: new FrameQueue() }
      this.entries.set(address, entry)
    }
    if (entry.mac !== null) {
      entry.mac = null
      entry.untilNs = 0
      entry.requestsSent = 0
    }
    if (entry.requestsSent === 0 && this.kernel.nowNs < entry.untilNs) return
    entry.waiting.push(frame)
    if (entry.waiting.length > WAITING_MAX) entry.waiting.shift()
    if (entry.requestsSent === 0) this.request(address, entry)
  }

  private request(address: Ipv4Address, entry: ArpEntry): void {
    entry.requestsSent++
    const event: RetryEvent = { kind: 'arp-retry', address }
    this.kernel.schedule(RETRY_NS, this, event)
    this.broadcast(address)
  }

  private broadcast(targetAddress: Ipv4Address): void {
    const { mac: senderMac, address: senderAddress } = this.host
    this.send(MAC_BROADCAST, {
      operation: ARP_OPERATION.request,
      senderMac,
      senderAddress,
      targetMac: 0,
      targetAddress,
    })
  }

  private learn(entry: ArpEntry, mac: MacAddress): void {
    entry.mac = mac
    entry.untilNs = this.kernel.nowNs + LIFETIME_NS
    entry.requestsSent = 0
    const { waiting } = entry
    entry.waiting = new FrameQueue()
    for (let frame = waiting.shift(); frame !== null; frame = waiting.shift()) {
      writeMac(frame, 0, mac)
      this.host.transmit(frame)
    }
  }

  /** Forget one stale entry if the table is full. False when there is none. */
  private makeRoom(): boolean {
    if (this.entries.size < ENTRIES_MAX) return true
    for (const [address, { untilNs, waiting }] of this.entries)
      if (waiting.length === 0 && untilNs < this.kernel.nowNs) return this.entries.delete(address)
    return false
  }

  private send(destination: MacAddress, message: ArpMessage): void {
    const payload = encodeArp(message)
    this.host.transmit(
      encodeEthernet({ destination, source: this.host.mac, vlan: null, etherType: ETHERTYPE.arp, payload }),
    )
  }
}
