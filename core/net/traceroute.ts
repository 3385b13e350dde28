/** `traceroute`: datagrams that live for 1, 2, 3, ... hops, and who says that they died (RFC 1393 §1 tells how it works). */
import { seconds, type Nanos } from '../base/units.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../kernel/kernel.js'
import type { HostStack } from './host-stack.js'
import { portsOf, type PacketError, type PacketErrorKind } from './packet-error.js'
import type { UdpListener, UdpSocket } from './udp.js'
import type { IpAddress } from './wire/addresses.js'

/** Nobody listens there and above, by custom. */
const PORT_FIRST = 33434
const PAYLOAD_OCTETS = 32

export interface TracerouteOptions {
  readonly destination: IpAddress
  /** 30. */
  readonly hopsMax?: number
  /** 3. */
  readonly probesPerHop?: number
  /** 1 s. */
  readonly timeoutNs?: Nanos
}

export interface TracerouteProbe {
  readonly hop: number
  /** Null when nobody answered in time. */
  readonly from: IpAddress | null
  readonly rttNs: Nanos
  /** `port-unreachable` is the destination itself. */
  readonly kind: PacketErrorKind | 'no-answer'
}

export interface TracerouteListener {
  probeEnded(probe: TracerouteProbe): void
  /** Nothing more will be told. `isReached`: the destination has answered. */
  tracerouteFinished(isReached: boolean): void
}

const ASK: KernelEvent = Object.freeze({ kind: 'traceroute-ask' })
const GIVE_UP: KernelEvent = Object.freeze({ kind: 'traceroute-timeout' })

export class Traceroute implements UdpListener, Process {
  private readonly options: Required<TracerouteOptions>
  private readonly socket: UdpSocket
  private probe = 0
  private sentNs: Nanos = 0
  private timeout: QueuedEvent | null = null
  /** The last hop asked has answered as a destination or as the end of the way does. */
  private end: 'reached' | 'blocked' | null = null
  private isFinished = false

  /** Begins at once. Throws `InputError` when there is no UDP port. */
  constructor(
    private readonly kernel: Kernel,
    stack: HostStack,
    private readonly listener: TracerouteListener,
    options: TracerouteOptions,
  ) {
    this.options = { hopsMax: 30, probesPerHop: 3, timeoutNs: seconds(1), ...options }
    this.socket = stack.udp.open(this)
    kernel.schedule(0, this, ASK)
  }

  /** Ask no more. */
  stop(): void {
    this.finish()
  }

  handleEvent(event: KernelEvent): void {
    if (this.isFinished) return
    if (event === ASK) this.ask()
    else this.ended({ hop: this.hop(), from: null, rttNs: 0, kind: 'no-answer' })
  }

  datagramReceived(): void {}

  datagramFailed(error: PacketError): void {
    if (this.isFinished || portsOf(error).remotePort !== this.port() || this.timeout === null) return
    const { kind, from } = error
    if (kind === 'port-unreachable') this.end = 'reached'
    else if (kind !== 'time-exceeded') this.end = 'blocked'
    this.ended({ hop: this.hop(), from, rttNs: this.kernel.nowNs - this.sentNs, kind })
  }

  private hop(): number {
    return 1 + Math.floor(this.probe / this.options.probesPerHop)
  }

  /** Another for each probe, so that answers tell which one they are for. */
  private port(): number {
    return PORT_FIRST + this.probe
  }

  private ask(): void {
    this.sentNs = this.kernel.nowNs
    this.timeout = this.kernel.schedule(this.options.timeoutNs, this, GIVE_UP)
    this.socket.sendTo(this.options.destination, this.port(), new Uint8Array(PAYLOAD_OCTETS), { ttl: this.hop() })
  }

  private ended(probe: TracerouteProbe): void {
    const { hopsMax, probesPerHop } = this.options
    this.kernel.cancel(this.timeout)
    this.timeout = null
    this.listener.probeEnded(probe)
    this.probe++
    const isHopDone = this.probe % probesPerHop === 0
    if (isHopDone && (this.end !== null || this.hop() > hopsMax)) this.finish()
    else this.kernel.schedule(0, this, ASK)
  }

  private finish(): void {
    if (this.isFinished) return
    this.isFinished = true
    this.kernel.cancel(this.timeout)
    this.socket.close()
    this.listener.tracerouteFinished(this.end === 'reached')
  }
}
