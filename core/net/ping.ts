/** `ping`: asks a host again and again whether it is there, and tells what became of each question. */
import { seconds, type Nanos } from '../base/units.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../kernel/kernel.js'
import type { HostStack } from './host-stack.js'
import type { EchoListener, EchoReply } from './icmp.js'
import type { SendOptions } from './ip.js'
import type { PacketError, PacketErrorKind } from './packet-error.js'
import type { IpAddress } from './wire/addresses.js'

export interface PingOptions extends SendOptions {
  readonly destination: IpAddress
  /** 4. */
  readonly count?: number
  /** From one question to the next: 1 s. */
  readonly intervalNs?: Nanos
  /** How long an answer is waited for: 1 s. */
  readonly timeoutNs?: Nanos
  /** 56; at most 65,507. */
  readonly payloadOctets?: number
}

export type PingResult =
  | { readonly outcome: 'answered'; readonly sequence: number; readonly rttNs: Nanos; readonly reply: EchoReply }
  | { readonly outcome: 'lost'; readonly sequence: number }
  | {
      readonly outcome: 'failed'
      readonly sequence: number
      readonly kind: PacketErrorKind
      /** Who said so. */
      readonly from: IpAddress
    }

export interface PingListener {
  pingResult(result: PingResult): void
  /** Nothing more will be told. */
  pingFinished(): void
}

interface PingEvent extends KernelEvent {
  readonly kind: 'ping-ask' | 'ping-timeout'
  readonly sequence: number
}

export class Ping implements EchoListener, Process {
  sent = 0
  answered = 0
  private readonly options: Required<Omit<PingOptions, keyof SendOptions>> & SendOptions
  private readonly identifier: number
  private readonly payload: Uint8Array
  /** When each question was asked that is still open. */
  private readonly asked = new Map<number, Nanos>()
  private next: QueuedEvent | null = null
  private isFinished = false

  /** Begins at once. */
  constructor(
    private readonly kernel: Kernel,
    private readonly stack: HostStack,
    private readonly listener: PingListener,
    options: PingOptions,
  ) {
    this.options = { count: 4, intervalNs: seconds(1), timeoutNs: seconds(1), payloadOctets: 56, ...options }
    this.payload = new Uint8Array(this.options.payloadOctets).map((_, index) => index)
    this.identifier = stack.icmp.openEcho(this)
    this.next = kernel.schedule(0, this, event('ping-ask', 1))
  }

  /** Ask no more; what is still open is not told. */
  stop(): void {
    this.kernel.cancel(this.next)
    this.asked.clear()
    this.finish()
  }

  handleEvent({ kind, sequence }: PingEvent): void {
    if (this.isFinished) return
    if (kind === 'ping-ask') this.ask(sequence)
    else if (this.asked.delete(sequence)) this.tell({ outcome: 'lost', sequence })
  }

  echoReplied(reply: EchoReply): void {
    const { sequence } = reply
    const sentNs = this.asked.get(sequence)
    if (sentNs === undefined) return
    this.asked.delete(sequence)
    this.answered++
    this.tell({ outcome: 'answered', sequence, rttNs: reply.receivedNs - sentNs, reply })
  }

  echoFailed(sequence: number, { kind, from }: PacketError): void {
    if (this.asked.delete(sequence)) this.tell({ outcome: 'failed', sequence, kind, from })
  }

  private ask(sequence: number): void {
    const { count, intervalNs, timeoutNs, destination } = this.options
    this.next = sequence < count ? this.kernel.schedule(intervalNs, this, event('ping-ask', sequence + 1)) : null
    this.kernel.schedule(timeoutNs, this, event('ping-timeout', sequence))
    this.asked.set(sequence, this.kernel.nowNs)
    this.sent++
    this.stack.icmp.sendEcho(destination, this.identifier, sequence, this.payload, this.options)
  }

  private tell(result: PingResult): void {
    this.listener.pingResult(result)
    if (this.sent === this.options.count && this.asked.size === 0) this.finish()
  }

  private finish(): void {
    if (this.isFinished) return
    this.isFinished = true
    this.stack.icmp.closeEcho(this.identifier)
    this.listener.pingFinished()
  }
}

function event(kind: PingEvent['kind'], sequence: number): PingEvent {
  return { kind, sequence }
}
