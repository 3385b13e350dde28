/** Asks a server over one TCP connection that is kept, one question after another. */
import type { ByteStream, StreamOwner } from '../../base/byte-stream.js'
import { WireError } from '../../base/errors.js'
import { concatOctets, latin1Octets } from '../../base/octets.js'
import { milliseconds, seconds, type Nanos } from '../../base/units.js'
import type { Kernel } from '../../kernel/kernel.js'
import type { HostStack } from '../../net/host-stack.js'
import type { Ipv4Address } from '../../net/wire/addresses.js'
import type { Probe, ProbeListener } from './probe.js'
import type { Question } from './question.js'

/** A connection that is not made by then is tried anew, sooner than TCP would by itself. */
const CONNECT_PATIENCE_NS: Nanos = milliseconds(250)
/** TCP repeats a question that a standing guest did not hear; after this long the client gives up the connection. */
const ANSWER_PATIENCE_NS: Nanos = seconds(10)

/** The connection is made again, by the next question, after a reset or when the patience is over. */
export class RequestProbe implements Probe, StreamOwner {
  listener: ProbeListener | null = null
  /** What the last answer said, and how many connections it took so far. */
  lastValue: number | null = null
  connectionCount = 0
  private stream: ByteStream | null = null
  private asked: { readonly sequence: number; readonly atNs: Nanos } | null = null
  private received: Uint8Array = new Uint8Array(0)

  constructor(
    private readonly kernel: Kernel,
    private readonly stack: HostStack,
    private readonly target: Ipv4Address,
    private readonly question: Question,
  ) {}

  isReady(): boolean {
    const { asked, stream } = this
    if (asked === null) return true
    const patienceNs = stream?.state === 'opening' ? CONNECT_PATIENCE_NS : ANSWER_PATIENCE_NS
    if (this.kernel.nowNs - asked.atNs >= patienceNs) this.hangUp()
    return this.asked === null
  }

  ask(sequence: number): void {
    this.asked = { sequence, atNs: this.kernel.nowNs }
    if (this.stream !== null) {
      this.write(this.stream, false)
      return
    }
    this.connectionCount++
    this.stream = this.stack.connect(this.target, this.question.port)
    this.stream.owner = this
  }

  streamOpened(stream: ByteStream): void {
    this.write(stream, true)
  }

  streamReadable(stream: ByteStream): void {
    this.received = concatOctets([this.received, stream.read(stream.readableOctets())])
    try {
      const answer = this.question.read(this.received)
      if (answer === null) return
      this.received = this.received.slice(answer.length)
      if (answer.value !== null) this.lastValue = answer.value
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.hangUp()
      return
    }
    const { asked } = this
    this.asked = null
    if (asked !== null) this.listener?.probeAnswered(asked.sequence)
  }

  streamWritable(): void {}

  streamEnded(): void {
    this.hangUp()
  }

  streamFailed(): void {
    this.hangUp()
  }

  private write(stream: ByteStream, isFirst: boolean): void {
    const octets = latin1Octets(this.question.request(isFirst))
    if (stream.writableOctets() < octets.length) this.hangUp()
    else stream.write(octets)
  }

  /** What was asked is not answered any more; the next question takes another connection. */
  private hangUp(): void {
    const { asked, stream } = this
    this.stream = null
    this.asked = null
    this.received = new Uint8Array(0)
    if (stream !== null) {
      stream.owner = null
      stream.abort()
    }
    if (asked !== null) this.listener?.probeFailed(asked.sequence)
  }
}
