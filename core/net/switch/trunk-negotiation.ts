/**
 * The part that a port plays in DTP (core/net/wire/dtp.ts), which believes whatever it is told by whoever is plugged in.
 *
 * Times as Cisco documents them: a message every 30 s, every second while something is new, and a neighbour that was
 * silent for 300 s is forgotten. How often it is sent while something is new is not documented: three times here.
 */
import { WireError } from '../../base/errors.js'
import { seconds, type Nanos } from '../../base/units.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../../kernel/kernel.js'
import type { MacAddress } from '../wire/addresses.js'
import { decodeDtpFrame, encodeDtpFrame, type DtpAdministrativeStatus, type DtpMessage } from '../wire/dtp.js'
import type { PortMode } from './port-options.js'

export const HELLO_NS: Nanos = seconds(30)
export const QUICK_HELLO_NS: Nanos = seconds(1)
export const NEIGHBOUR_AGE_NS: Nanos = seconds(300)
const QUICK_HELLOS = 3

const HELLO: KernelEvent = Object.freeze({ kind: 'dtp-hello' })
const AGE: KernelEvent = Object.freeze({ kind: 'dtp-age' })

/** The modes that speak DTP, in its words. */
export type NegotiatingMode = Exclude<PortMode, 'access' | 'nonegotiate'>
const statusOf: Readonly<Record<NegotiatingMode, DtpAdministrativeStatus>> = {
  trunk: 'on',
  'dynamic-auto': 'auto',
  'dynamic-desirable': 'desirable',
}

/** The port, as the negotiation needs it. */
export interface NegotiationOwner {
  sendControl(frame: Uint8Array): void
  trunkNegotiated(cause: string): void
}

export interface NegotiationOptions {
  readonly mode: NegotiatingMode
  /** VTP domain: both sides' must be the same, or one empty. */
  readonly domain: string
  /** The port's own address. */
  readonly mac: MacAddress
}

export class TrunkNegotiation implements Process {
  /** Whether the port is a trunk now. */
  isTrunk: boolean
  /** What the other side said last; null when it is silent. */
  neighbour: DtpMessage | null = null
  messagesReceived = 0
  /** Malformed, or of another domain. */
  messagesRefused = 0
  private heardNs: Nanos = 0
  private hello: QueuedEvent
  private age: QueuedEvent
  private quickHellosLeft = 0

  constructor(
    private readonly kernel: Kernel,
    private readonly owner: NegotiationOwner,
    private readonly options: NegotiationOptions,
  ) {
    this.isTrunk = options.mode === 'trunk'
    this.hello = kernel.idleEvent(this, HELLO)
    this.age = kernel.idleEvent(this, AGE)
    this.speakUp()
  }

  stop(): void {
    this.kernel.cancel(this.hello)
    this.kernel.cancel(this.age)
  }

  receive(frame: Uint8Array): void {
    this.messagesReceived++
    const message = messageOf(frame)
    const { domain } = this.options
    if (message === null || (message.domain !== domain && message.domain !== '' && domain !== '')) {
      this.messagesRefused++
      return
    }
    const previous = this.neighbour
    this.neighbour = message
    this.heardNs = this.kernel.nowNs
    if (!this.age.isQueued) this.age = this.kernel.rearm(this.age, this.heardNs + NEIGHBOUR_AGE_NS)
    const isChanged = this.become(wantsTrunk(this.options.mode, message), 'negotiated')
    if (isChanged || previous === null || !saysTheSame(previous, message)) this.speakUp()
  }

  handleEvent(event: KernelEvent): void {
    if (event.kind === AGE.kind) this.ageNeighbour()
    else this.sendHello()
  }

  private sendHello(): void {
    const delayNs = this.quickHellosLeft > 0 ? QUICK_HELLO_NS : HELLO_NS
    this.quickHellosLeft = Math.max(0, this.quickHellosLeft - 1)
    this.hello = this.kernel.rearm(this.hello, this.kernel.nowNs + delayNs)
    const { mode, domain, mac } = this.options
    const message: DtpMessage = {
      domain,
      isTrunk: this.isTrunk,
      administrativeStatus: statusOf[mode],
      operatingType: this.isTrunk ? 'dot1q' : 'native',
      administrativeType: mode === 'trunk' ? 'dot1q' : 'negotiated',
      sender: mac,
    }
    this.owner.sendControl(encodeDtpFrame(message))
  }

  private ageNeighbour(): void {
    const untilNs = this.heardNs + NEIGHBOUR_AGE_NS
    if (untilNs > this.kernel.nowNs) {
      this.age = this.kernel.rearm(this.age, untilNs)
      return
    }
    this.neighbour = null
    if (this.become(this.options.mode === 'trunk', 'neighbour silent')) this.speakUp()
  }

  private become(isTrunk: boolean, cause: string): boolean {
    if (isTrunk === this.isTrunk) return false
    this.isTrunk = isTrunk
    this.owner.trunkNegotiated(cause)
    return true
  }

  /** Say what is new at once and repeat it: but never more than once a second, however often the neighbour changes its mind. */
  private speakUp(): void {
    this.quickHellosLeft = QUICK_HELLOS - 1
    const { kernel, hello } = this
    if (hello.isQueued && hello.atNs - kernel.nowNs <= QUICK_HELLO_NS) return
    kernel.cancel(hello)
    this.hello = kernel.rearm(hello, kernel.nowNs)
  }
}

function messageOf(frame: Uint8Array): DtpMessage | null {
  try {
    return decodeDtpFrame(frame)
  } catch (error) {
    if (error instanceof WireError) return null
    throw error
  }
}

/** This switch has no ISL, so a neighbour that insists on it gets no trunk. */
function wantsTrunk(mode: NegotiatingMode, { administrativeStatus, administrativeType }: DtpMessage): boolean {
  if (mode === 'trunk') return true
  if (administrativeType === 'isl' || administrativeStatus === 'off') return false
  return mode === 'dynamic-desirable' || administrativeStatus !== 'auto'
}

function saysTheSame(a: DtpMessage, b: DtpMessage): boolean {
  return a.sender === b.sender && a.isTrunk === b.isTrunk && a.administrativeStatus === b.administrativeStatus
}
