/**
 * Packets on their way through a host's `PacketTransform`, if it has one: they leave, or reach the protocols above, when the
 * transform's work on them is done.
 */
import { WireError } from '../base/errors.js'
import type { PacketTransform } from '../base/packet-transform.js'
import type { Nanos } from '../base/units.js'
import type { Kernel, KernelEvent, Process } from '../kernel/kernel.js'
import type { Destination } from './destinations.js'
import { recycleFrame } from './frame-pool.js'
import type { IpHost, IpLayer, PacketHeader } from './ip.js'
import type { NetworkInterface } from './network-interface.js'
import { writeMac } from './wire/addresses.js'
import { ETHERNET_HEADER_OCTETS } from './wire/ethernet.js'

/** Packets that wait for keys; the oldest goes when there are more. TCP sends its SYN again. */
const WAITING_MAX = 32

interface TransformedEvent extends KernelEvent {
  readonly kind: 'packet-transformed'
  readonly packet: Uint8Array
  /** Where it came in; null for one that leaves. */
  readonly through: NetworkInterface | null
}

export class TransformedPackets implements Process {
  transform: PacketTransform | null = null
  /** Packets that the transform refused, either way. */
  packetsRefused = 0
  private waiting: { readonly frame: Uint8Array; readonly to: Destination }[] = []

  constructor(
    private readonly kernel: Kernel,
    private readonly ip: IpLayer,
    private readonly host: IpHost,
  ) {}

  /** How long what is being worked on will take. */
  backlogNs(): Nanos {
    return this.transform === null ? 0 : Math.max(0, this.transform.busyUntilNs() - this.kernel.nowNs)
  }

  /** A packet of our own is about to leave. True when the frame was given away. */
  takeOutgoing(frame: Uint8Array, to: Destination): boolean {
    const { transform } = this
    if (transform === null || to.kind !== 'unicast' || to.through === null) return false
    const verdict = transform.outgoing(frame.subarray(ETHERNET_HEADER_OCTETS))
    switch (verdict.kind) {
      case 'pass':
        return false
      case 'wait':
        if (this.waiting.length >= WAITING_MAX) recycleFrame((this.waiting.shift() ?? { frame }).frame)
        this.waiting.push({ frame, to })
        return true
      case 'drop':
        this.packetsRefused++
        writeMac(frame, 0, 0) // not addressed yet
        this.host.icmp.sendError(frame, 'prohibited', to.through)
        recycleFrame(frame)
        return true
      case 'replace':
        this.schedule(verdict.readyNs, verdict.packet, null)
        recycleFrame(frame)
        return true
    }
  }

  /** A whole packet came for us. True when the protocols above are not to see it as it is. The frame stays the caller's. */
  takeIncoming(frame: Uint8Array, header: PacketHeader, through: NetworkInterface): boolean {
    const { transform } = this
    if (transform === null) return false
    const verdict = transform.incoming(frame.subarray(ETHERNET_HEADER_OCTETS, header.payloadEnd))
    if (verdict.kind === 'pass') return false
    if (verdict.kind === 'replace') this.schedule(verdict.readyNs, verdict.packet, through)
    else this.packetsRefused++
    return true
  }

  /** The transform may answer otherwise now for packets that wait. */
  retryWaiting(): void {
    const { waiting } = this
    this.waiting = []
    this.host.enter()
    for (const { frame, to } of waiting) if (!this.takeOutgoing(frame, to)) this.ip.sendOn(frame, to)
    this.host.leave()
  }

  handleEvent({ packet, through }: TransformedEvent): void {
    this.host.enter()
    if (through === null) this.ip.sendRaw(packet)
    else this.deliver(packet, through)
    this.host.leave()
  }

  /** Sealed by whoever has the keys, which does not make it well formed. */
  private deliver(packet: Uint8Array, through: NetworkInterface): void {
    try {
      this.ip.receiveOpened(packet, through)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.packetsRefused++
    }
  }

  private schedule(atNs: Nanos, packet: Uint8Array, through: NetworkInterface | null): void {
    const event: TransformedEvent = { kind: 'packet-transformed', packet, through }
    this.kernel.scheduleAt(atNs, this, event)
  }
}
