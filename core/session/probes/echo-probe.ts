import type { HostStack } from '../../net/host-stack.js'
import type { EchoListener, EchoReply } from '../../net/icmp.js'
import type { Ipv4Address } from '../../net/wire/addresses.js'
import type { Probe, ProbeListener } from './probe.js'

const PAYLOAD = Object.freeze(new Array<number>(32).fill(0x70))

/** ICMP echo: each question goes its own way, and none is repeated. */
export class EchoProbe implements Probe, EchoListener {
  listener: ProbeListener | null = null
  private readonly identifier: number

  constructor(
    private readonly stack: HostStack,
    private readonly target: Ipv4Address,
  ) {
    this.identifier = stack.icmp.openEcho(this)
  }

  isReady(): boolean {
    return true
  }

  ask(sequence: number): void {
    this.stack.icmp.sendEcho(this.target, this.identifier, sequence, Uint8Array.from(PAYLOAD))
  }

  echoReplied({ sequence }: EchoReply): void {
    this.listener?.probeAnswered(sequence)
  }
}
