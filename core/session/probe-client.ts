import type { Kernel, Process } from '../kernel/kernel.js'
import type { Nanos } from '../base/units.js'
import type { HostStack } from '../net/host-stack.js'
import type { EchoListener, EchoReply } from '../net/icmp.js'
import type { Ipv4Address } from '../net/wire/addresses.js'

/** A question that is not answered by then counts as lost. */
const PATIENCE_NS: Nanos = 1e9
const PAYLOAD = Object.freeze(new Array<number>(32).fill(0x70))

/** A client that asks the guest's address for an echo at a fixed interval, and traces what came back and when. */
export class ProbeClient implements Process, EchoListener {
  private readonly identifier: number
  private readonly waiting = new Map<number, Nanos>()
  private sequence = 0
  private isRunning = false

  constructor(
    private readonly kernel: Kernel,
    private readonly stack: HostStack,
    private readonly target: Ipv4Address,
    private readonly intervalNs: Nanos,
  ) {
    this.identifier = stack.icmp.openEcho(this)
  }

  start(): void {
    if (this.isRunning) return
    this.isRunning = true
    this.kernel.schedule(0, this, { kind: 'probe' })
  }

  handleEvent(): void {
    const { nowNs } = this.kernel
    for (const [sequence, sentNs] of this.waiting) {
      if (nowNs - sentNs < PATIENCE_NS) break
      this.record(sequence, sentNs, 0, 1)
    }
    const sequence = this.sequence++ & 0xffff
    this.waiting.set(sequence, nowNs)
    this.stack.icmp.sendEcho(this.target, this.identifier, sequence, Uint8Array.from(PAYLOAD))
    this.kernel.schedule(this.intervalNs, this, { kind: 'probe' })
  }

  echoReplied({ sequence, receivedNs }: EchoReply): void {
    const sentNs = this.waiting.get(sequence)
    if (sentNs !== undefined) this.record(sequence, sentNs, receivedNs, 0)
  }

  private record(sequence: number, sentNs: Nanos, replyNs: Nanos, lost: 0 | 1): void {
    this.waiting.delete(sequence)
    this.kernel.trace.add('probe', { client: this.stack.name, sequence, sentNs, replyNs, lost })
  }
}
