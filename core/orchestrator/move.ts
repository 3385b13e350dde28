/**
 * One move of a machine, by the two monitors: `migrate-incoming` at the destination, `migrate` at the source, and
 * `query-migrate` there until it is over. Its outcome is what the source says; when the source says nothing any more, it is
 * not known.
 */
import { milliseconds, seconds, type Nanos } from '../base/units.js'
import { isJsonObject, type JsonValue } from '../hypervisor/wire/json-value.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../kernel/kernel.js'
import type { HostStack } from '../net/host-stack.js'
import { ipv4Text, type Ipv4Address } from '../net/wire/addresses.js'
import { QmpClient, textOf, type QmpAnswer, type QmpClientOwner } from '../hypervisor/wire/qmp-client.js'

/** libvirt's first port for a migration without a tunnel. */
const MIGRATION_PORT = 49152
const POLL_NS: Nanos = milliseconds(100)
/** A migration that takes longer is cancelled, and a cancellation that is not heard of is not waited for longer than that. */
const PATIENCE_NS: Nanos = seconds(10)
const CANCEL_PATIENCE_NS: Nanos = seconds(2)
/** QEMU's word when the destination listens since an attempt that came to nothing. */
const LISTENS_ALREADY = 'already been started'

export type MoveOutcome = 'completed' | 'failed' | 'timed-out' | 'unknown'

export interface MoveEnd {
  readonly host: string
  readonly address: Ipv4Address
}

export interface MoveOrder {
  readonly decision: number
  readonly vm: string
  readonly from: MoveEnd
  readonly to: MoveEnd
  readonly monitorPort: number
}

export interface MoveOwner {
  moveEnded(move: Move): void
}

const POLL: KernelEvent = Object.freeze({ kind: 'poll' })
const GIVE_UP: KernelEvent = Object.freeze({ kind: 'give-up' })

export class Move implements QmpClientOwner, Process {
  outcome: MoveOutcome | null = null
  /** Why it failed; empty when it did not. */
  reason = ''
  /** As the source measured it; 0 unless it completed. */
  downtimeNs: Nanos = 0
  readonly startNs: Nanos
  private destination: QmpClient | null = null
  private source: QmpClient | null = null
  private poll: QueuedEvent | null = null
  private deadline: QueuedEvent
  /** `migrate` was sent: from here on the machine may leave. */
  private hasBegun = false
  private isCancelling = false
  private isCancelSent = false

  constructor(
    private readonly kernel: Kernel,
    private readonly stack: HostStack,
    readonly order: MoveOrder,
    private readonly owner: MoveOwner,
  ) {
    this.startNs = kernel.nowNs
    this.deadline = kernel.schedule(PATIENCE_NS, this, GIVE_UP)
    this.destination = this.connect(order.to)
  }

  monitorReady(client: QmpClient): void {
    const { to } = this.order
    if (client === this.destination) client.execute('migrate-incoming', { uri: `tcp:0:${MIGRATION_PORT}` })
    else {
      this.hasBegun = true
      client.execute('migrate', { uri: `tcp:${ipv4Text(to.address)}:${MIGRATION_PORT}` })
    }
  }

  monitorAnswered(client: QmpClient, { command, value, refusal }: QmpAnswer): void {
    switch (command) {
      case 'migrate-incoming':
        if (refusal !== null && !refusal.includes(LISTENS_ALREADY)) return this.end('failed', refusal)
        client.close()
        this.source = this.connect(this.order.from)
        return
      case 'migrate':
        if (refusal !== null) return this.end('failed', refusal)
        return this.pollLater()
      case 'query-migrate':
        if (refusal === null) this.learn(value)
        if (this.outcome === null) this.pollLater()
        return
      default:
        // Of a cancellation, the status tells what became of it.
        return this.pollLater()
    }
  }

  monitorLost(client: QmpClient, reason: string): void {
    if (client === this.destination && this.source !== null) return
    const { from, to } = this.order
    const host = client === this.destination ? to.host : from.host
    this.end(this.hasBegun ? 'unknown' : 'failed', `${host}: ${reason}`)
  }

  handleEvent(event: KernelEvent): void {
    if (this.outcome !== null) return
    if (event === POLL) {
      this.poll = null
      if (this.source?.isWaiting === false) this.source.execute(this.nextCommand())
    } else if (!this.hasBegun) this.end('timed-out', 'a monitor did not answer')
    else if (this.isCancelling) this.end('unknown', `${this.order.from.host} does not answer`)
    else {
      this.isCancelling = true
      this.deadline = this.kernel.schedule(CANCEL_PATIENCE_NS, this, GIVE_UP)
    }
  }

  /** It is cancelled once, and after that asked about again. */
  private nextCommand(): 'migrate_cancel' | 'query-migrate' {
    if (!this.isCancelling || this.isCancelSent) return 'query-migrate'
    this.isCancelSent = true
    return 'migrate_cancel'
  }

  private learn(value: JsonValue): void {
    if (!isJsonObject(value)) return
    const status = value.get('status')
    if (status === 'completed') {
      const downtime = value.get('downtime')
      this.downtimeNs = typeof downtime === 'bigint' ? milliseconds(Number(downtime)) : 0
      this.end('completed', '')
    } else if (status === 'failed') this.end('failed', textOf(value.get('error-desc')))
    else if (status === 'cancelled')
      this.end(this.isCancelling ? 'timed-out' : 'failed', this.isCancelling ? 'it took too long' : 'cancelled')
  }

  private pollLater(): void {
    this.poll ??= this.kernel.schedule(POLL_NS, this, POLL)
  }

  private connect({ address }: MoveEnd): QmpClient {
    return new QmpClient(this.stack.connect(address, this.order.monitorPort), this)
  }

  private end(outcome: MoveOutcome, reason: string): void {
    if (this.outcome !== null) return
    this.outcome = outcome
    this.reason = reason
    this.kernel.cancel(this.deadline)
    this.kernel.cancel(this.poll)
    this.destination?.close()
    this.source?.close()
    this.owner.moveEnded(this)
  }
}
