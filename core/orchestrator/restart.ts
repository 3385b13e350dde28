/** Orders a machine to be started anew at a host, again and again until the host answers. */
import { WireError } from '../base/errors.js'
import { seconds, type Nanos } from '../base/units.js'
import { decodeStartOrder, encodeStartOrder, START_PORT } from '../hypervisor/wire/start-order.js'
import type { Kernel, Process, QueuedEvent } from '../kernel/kernel.js'
import type { HostStack } from '../net/host-stack.js'
import type { ReceivedDatagram, UdpListener, UdpSocket } from '../net/udp.js'
import type { MoveEnd } from './move.js'

const RETRY_NS: Nanos = seconds(1)
const TRIES_MAX = 5

export interface RestartOrder {
  readonly vm: string
  readonly from: string
  readonly to: MoveEnd
}

export interface RestartOwner {
  restartEnded(restart: Restart): void
}

export class Restart implements UdpListener, Process {
  /** `unknown`: nobody answered, and it may run there or not. */
  outcome: 'started' | 'refused' | 'unknown' | null = null
  reason = ''
  private readonly socket: UdpSocket
  private retry: QueuedEvent
  private tries = 0

  constructor(
    private readonly kernel: Kernel,
    stack: HostStack,
    readonly order: RestartOrder,
    private readonly owner: RestartOwner,
  ) {
    this.socket = stack.udp.open(this)
    this.retry = kernel.schedule(0, this, { kind: 'order' })
  }

  handleEvent(): void {
    const { vm, to } = this.order
    if (this.tries === TRIES_MAX) return this.end('unknown', `${to.host} does not answer`)
    this.tries++
    this.socket.sendTo(to.address, START_PORT, encodeStartOrder({ kind: 'start', vm, reason: '' }))
    this.retry = this.kernel.schedule(RETRY_NS, this, { kind: 'order' })
  }

  datagramReceived({ source, payload }: ReceivedDatagram): void {
    if (source !== this.order.to.address) return
    try {
      const { kind, vm, reason } = decodeStartOrder(payload)
      if (kind !== 'start' && vm === this.order.vm) this.end(kind, reason)
    } catch (error) {
      if (!(error instanceof WireError)) throw error // it is asked again
    }
  }

  private end(outcome: 'started' | 'refused' | 'unknown', reason: string): void {
    this.outcome = outcome
    this.reason = reason
    this.kernel.cancel(this.retry)
    this.socket.close()
    this.owner.restartEnded(this)
  }
}
