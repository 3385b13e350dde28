/** A host's agent: it advertises the host's resources at an interval, and starts machines when it is told to. */
import { InputError, WireError } from '../base/errors.js'
import type { Nanos } from '../base/units.js'
import type { AdvertSeal } from '../defence/advert-seal.js'
import { ADVERT_PORT, encodeAdvert, type Advert } from '../hypervisor/wire/adverts.js'
import { decodeStartOrder, encodeStartOrder, START_PORT } from '../hypervisor/wire/start-order.js'
import type { Kernel, Process, QueuedEvent } from '../kernel/kernel.js'
import type { HostStack } from '../net/host-stack.js'
import type { ReceivedDatagram, UdpListener, UdpSocket } from '../net/udp.js'
import type { Ipv4Address } from '../net/wire/addresses.js'

/** What an agent sees and does of its host. */
export interface AgentHost {
  /** Of the time since it was asked last. */
  resources(): Omit<Advert, 'sequence' | 'power'>
  /** Nothing when the machine runs here already. Throws `InputError` when it cannot be started. */
  startVm(name: string): void
}

export class HostAgent implements UdpListener, Process {
  private readonly socket: UdpSocket
  private sequence = 0
  private next: QueuedEvent | null = null
  /** Orders that did not decode, and were dropped. */
  malformed = 0

  constructor(
    private readonly kernel: Kernel,
    stack: HostStack,
    private readonly host: AgentHost,
    private readonly orchestrator: Ipv4Address,
    private readonly intervalNs: Nanos,
    /** Null where adverts have no tag. */
    private readonly seal: AdvertSeal | null = null,
  ) {
    this.socket = stack.udp.open(this, START_PORT)
  }

  /** The first advert goes out after `delayNs`. */
  start(delayNs: Nanos): void {
    this.next ??= this.kernel.schedule(delayNs, this, { kind: 'advertise' })
  }

  get isSending(): boolean {
    return this.next !== null
  }

  /** Says nothing any more: the host has failed, or is off. */
  stop(): void {
    this.kernel.cancel(this.next)
    this.next = null
  }

  handleEvent(): void {
    const advert = { ...this.host.resources(), sequence: this.sequence, power: 'on' } as const
    this.sequence = (this.sequence + 1) >>> 0
    this.socket.sendTo(this.orchestrator, ADVERT_PORT, this.seal?.encode(advert) ?? encodeAdvert(advert))
    this.next = this.kernel.schedule(this.intervalNs, this, { kind: 'advertise' })
  }

  datagramReceived({ source, sourcePort, payload }: ReceivedDatagram): void {
    try {
      const { kind, vm } = decodeStartOrder(payload)
      if (kind !== 'start') return
      this.socket.sendTo(source, sourcePort, encodeStartOrder(this.outcomeOf(vm)))
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.malformed++
    }
  }

  private outcomeOf(vm: string): Parameters<typeof encodeStartOrder>[0] {
    try {
      this.host.startVm(vm)
      return { kind: 'started', vm, reason: '' }
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      return { kind: 'refused', vm, reason: error.message }
    }
  }
}
