import type { Kernel, Process } from '../kernel/kernel.js'
import type { Nanos } from '../base/units.js'
import type { Probe, ProbeListener } from './probes/probe.js'

/** A question that is not answered by then counts as lost. */
const PATIENCE_NS: Nanos = 1e9

/** A client that asks the guest at a fixed interval, and traces what came back and when. */
export class ProbeClient implements Process, ProbeListener {
  private readonly waiting = new Map<number, Nanos>()
  private sequence = 0
  private isRunning = false

  constructor(
    private readonly kernel: Kernel,
    /** Its host's name, for the trace. */
    private readonly name: string,
    readonly probe: Probe,
    private readonly intervalNs: Nanos,
  ) {
    probe.listener = this
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
    if (this.probe.isReady()) {
      const sequence = this.sequence++ & 0xffff
      this.waiting.set(sequence, nowNs)
      this.probe.ask(sequence)
    }
    this.kernel.schedule(this.intervalNs, this, { kind: 'probe' })
  }

  /** One that was counted as lost may come all the same: that changes nothing any more. */
  probeAnswered(sequence: number): void {
    const sentNs = this.waiting.get(sequence)
    if (sentNs !== undefined) this.record(sequence, sentNs, this.kernel.nowNs, 0)
  }

  probeFailed(sequence: number): void {
    const sentNs = this.waiting.get(sequence)
    if (sentNs !== undefined) this.record(sequence, sentNs, 0, 1)
  }

  private record(sequence: number, sentNs: Nanos, replyNs: Nanos, lost: 0 | 1): void {
    this.waiting.delete(sequence)
    this.kernel.trace.add('probe', { client: this.name, sequence, sentNs, replyNs, lost })
  }
}
