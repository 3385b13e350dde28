/** Switches a host on or off by its management controller, again and again until that says it is so, or does not answer. */
import { milliseconds, type Nanos } from '../base/units.js'
import { WireError } from '../base/errors.js'
import { ASF_PORT, decodeAsf, encodeAsf } from '../hypervisor/wire/asf.js'
import type { CommandGuard } from '../defence/command-guard.js'
import { decodeGuarded, isGuarded } from '../hypervisor/wire/guarded-command.js'
import type { Kernel, Process, QueuedEvent } from '../kernel/kernel.js'
import type { HostStack } from '../net/host-stack.js'
import type { ReceivedDatagram, UdpListener, UdpSocket } from '../net/udp.js'
import type { Ipv4Address } from '../net/wire/addresses.js'

const RETRY_NS: Nanos = milliseconds(500)
const TRIES_MAX = 6
/** Asks for an answer; any below 255 does. */
const TAG = 1

export interface PowerOrderOwner {
  /** `isDone`: the controller has confirmed it. */
  powerOrderEnded(order: PowerOrder, isDone: boolean): void
}

export class PowerOrder implements UdpListener, Process {
  private readonly socket: UdpSocket
  private retry: QueuedEvent
  private tries = 0

  constructor(
    private readonly kernel: Kernel,
    stack: HostStack,
    readonly host: string,
    private readonly controller: Ipv4Address,
    readonly wanted: 'on' | 'off',
    private readonly guard: CommandGuard,
    private readonly owner: PowerOrderOwner,
  ) {
    this.socket = stack.udp.open(this)
    this.retry = kernel.schedule(0, this, { kind: 'order' })
  }

  handleEvent(): void {
    if (this.tries === TRIES_MAX) return this.end(false)
    this.tries++
    if (this.guard.scheme === 'nonce') this.send(this.guard.question())
    else this.command(0)
    this.retry = this.kernel.schedule(RETRY_NS, this, { kind: 'order' })
  }

  datagramReceived({ source, payload }: ReceivedDatagram): void {
    if (source !== this.controller) return
    try {
      if (isGuarded(payload)) {
        const { kind, stamp } = decodeGuarded(payload)
        if (kind === 'challenge' && this.guard.scheme === 'nonce') this.command(stamp)
        return
      }
      const { type, isOn } = decodeAsf(payload)
      if (type === 'state-response' && isOn === (this.wanted === 'on')) this.end(true)
    } catch (error) {
      if (!(error instanceof WireError)) throw error // it says nothing, so it is asked again
    }
  }

  private command(challenge: number): void {
    const type = this.wanted === 'on' ? 'power-up' : 'power-down'
    this.send(this.guard.seal(encodeAsf({ type, tag: TAG, isOn: null }), challenge))
    this.send(encodeAsf({ type: 'state-request', tag: TAG, isOn: null }))
  }

  private send(payload: Uint8Array): void {
    this.socket.sendTo(this.controller, ASF_PORT, payload)
  }

  private end(isDone: boolean): void {
    this.kernel.cancel(this.retry)
    this.socket.close()
    this.owner.powerOrderEnded(this, isDone)
  }
}
