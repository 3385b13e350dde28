/**
 * Makes sure that a silent host is off, so that its machines may be started elsewhere without living twice. A host whose
 * monitors still answer has only lost its adverts: it is left alone. Only when they do not is it switched off by its management
 * controller; and only when that confirms it, the host is dead.
 */
import { seconds, type Nanos } from '../base/units.js'
import type { Kernel, Process, QueuedEvent } from '../kernel/kernel.js'
import type { HostStack } from '../net/host-stack.js'
import type { Ipv4Address } from '../net/wire/addresses.js'
import type { CommandGuard } from '../defence/command-guard.js'
import { PowerOrder, type PowerOrderOwner } from './power-order.js'
import { QmpClient, type QmpClientOwner } from '../hypervisor/wire/qmp-client.js'

/** A monitor answers at once, if it does. */
const PATIENCE_NS: Nanos = seconds(2)

export interface FencedHost {
  readonly host: string
  readonly address: Ipv4Address
  readonly controller: Ipv4Address
  /** TCP port of a monitor there. */
  readonly monitorPort: number
}

/** `unreachable`: not even its controller answers, so nothing is certain. */
export type FenceOutcome = 'alive' | 'dead' | 'unreachable'

export interface FenceOwner {
  fenceEnded(fence: Fence, outcome: FenceOutcome): void
}

export class Fence implements QmpClientOwner, PowerOrderOwner, Process {
  private readonly probe: QmpClient
  private readonly deadline: QueuedEvent
  private isProbing = true

  constructor(
    private readonly kernel: Kernel,
    private readonly stack: HostStack,
    readonly fenced: FencedHost,
    private readonly guard: CommandGuard,
    private readonly owner: FenceOwner,
  ) {
    this.probe = new QmpClient(stack.connect(fenced.address, fenced.monitorPort), this)
    this.deadline = kernel.schedule(PATIENCE_NS, this, { kind: 'silence' })
  }

  monitorReady(): void {
    this.endProbe()
    this.owner.fenceEnded(this, 'alive')
  }
  monitorAnswered(): void {}
  monitorLost(): void {
    this.switchOff()
  }
  handleEvent(): void {
    this.switchOff()
  }

  powerOrderEnded(_order: PowerOrder, isDone: boolean): void {
    this.owner.fenceEnded(this, isDone ? 'dead' : 'unreachable')
  }

  private switchOff(): void {
    if (!this.isProbing) return
    this.endProbe()
    const { host, controller } = this.fenced
    new PowerOrder(this.kernel, this.stack, host, controller, 'off', this.guard, this)
  }

  private endProbe(): void {
    this.isProbing = false
    this.kernel.cancel(this.deadline)
    this.probe.close()
  }
}
