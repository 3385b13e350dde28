/**
 * One TCP connection (RFC 9293): its control block, the stream its owner sees, its timers. What arrives is handled in
 * segment-arrives.ts, what leaves in transmit.ts, what time brings in timeouts.ts. Options: MSS, window scale and timestamps
 * (RFC 7323), SACK (RFC 2018, RFC 2883). Left out: urgent data, ECN.
 *
 * @implements RFC 9293 §3.8, §3.9
 */
import type { ByteStream, StreamOwner, StreamState } from '../../base/byte-stream.js'
import { AssertionError, type Failure } from '../../base/errors.js'
import { milliseconds, type Nanos } from '../../base/units.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../../kernel/kernel.js'
import type { PacketErrorKind } from '../packet-error.js'
import { ipText, type IpAddress } from '../wire/addresses.js'
import { createCongestionControl, type CongestionClock, type CongestionControl } from './congestion-control.js'
import { LazyTimer, type TimerOwner } from './lazy-timer.js'
import type { ListeningPort } from './listening-port.js'
import { LossRecovery, type SendSpace } from './loss-recovery.js'
import { ReceiveBuffer } from './receive-buffer.js'
import { RttEstimator } from './rtt-estimator.js'
import { SendBuffer } from './send-buffer.js'
import { seqAdd, seqDiff } from './sequence.js'
import type { TcpLayer } from './tcp-layer.js'
import type { ConnectionState } from './tcp-state.js'
import { keepAliveTimedOut, persistTimedOut, retransmissionTimedOut, TIME_WAIT_NS } from './timeouts.js'
import { sendReset, transmit } from './transmit.js'

/** RFC 9293 §3.8.6.3 allows 500 ms; Linux waits 40. */
const DELAYED_ACK_NS = milliseconds(40)

const OUTPUT: KernelEvent = Object.freeze({ kind: 'tcp-output' })
const REPORT: KernelEvent = Object.freeze({ kind: 'tcp-report' })

/** What the owner is to be told by the next report. */
const TELL = { opened: 1, readable: 2, ended: 4, writable: 8, failed: 16 } as const

export interface ConnectionEnds {
  readonly localAddress: IpAddress
  readonly localPort: number
  readonly remoteAddress: IpAddress
  readonly remotePort: number
}

export class TcpConnection implements ByteStream, Process, TimerOwner, SendSpace, CongestionClock {
  owner: StreamOwner | null = null
  tcpState: ConnectionState = 'CLOSED'
  readonly localAddress: IpAddress
  readonly localPort: number
  readonly remoteAddress: IpAddress
  readonly remotePort: number

  // The send sequence space (RFC 9293 §3.3.1). `sndNxt` goes back after a timeout; `sndMax` never does.
  sndUna: number
  sndNxt: number
  sndMax: number
  sndWnd = 0
  sndWl1 = 0
  sndWl2 = 0
  maxSndWnd = 0
  sndWndShift = 0
  /** Sequence of the first octet in `sendBuffer`. */
  dataSeq: number
  readonly sendBuffer = new SendBuffer()
  finRequested = false
  finSent = false

  // The receive sequence space.
  rcvNxt = 0
  /** The right edge of the window that the peer was told of. */
  rcvAdv = 0
  rcvWndShift = 0
  readonly receiveBuffer: ReceiveBuffer
  /** The peer's FIN, when it came before the data in front of it. */
  finBeyondHole: number | null = null

  /** Octets of payload in a full segment, options taken off. */
  sndMss: number
  hasTimestamps: boolean
  hasSack: boolean
  /** Octets that came twice and are to be reported (RFC 2883); none when both are the same. */
  duplicateLeft = 0
  duplicateRight = 0
  tsRecent = 0
  /** The acknowledgment we sent last: RFC 7323 §4.3. */
  lastAckSent = 0
  segmentsUnacknowledged = 0
  ackNow = false
  nextChallengeNs: Nanos = 0

  readonly rtt = new RttEstimator()
  /** The octet whose acknowledgment is being timed, or null. */
  timedSeq: number | null = null
  timedAtNs: Nanos = 0
  lastSentNs: Nanos = 0
  readonly congestion: CongestionControl
  readonly recovery: LossRecovery
  /** Timeouts since something was acknowledged. */
  retries = 0
  /** Since when nothing of what is outstanding was acknowledged. */
  waitingSinceNs: Nanos = 0
  /** Zero-window probes since the window closed, and how many of the last were not answered. */
  windowProbes = 0
  windowProbesUnanswered = 0
  keepAliveProbes = 0
  lastHeardNs: Nanos = 0
  segmentsRetransmitted = 0

  readonly retransmissionTimer: LazyTimer
  readonly persistTimer: LazyTimer
  readonly keepAliveTimer: LazyTimer
  readonly delayedAckTimer: LazyTimer
  readonly timeWaitTimer: LazyTimer
  /** Where this connection came in; null when we opened it ourselves, or once the listener was told. */
  listening: ListeningPort | null = null
  /** What ICMP said last about a segment of ours: why there is no answer, perhaps. */
  softError: PacketErrorKind | null = null
  private failure: Failure | null = null
  private pendingReports = 0
  /** Who knows that there is something to read, and has not read since. */
  private readableToldTo: StreamOwner | null = null
  private reportEvent: QueuedEvent
  private outputEvent: QueuedEvent
  private writerWaits = false

  constructor(
    readonly kernel: Kernel,
    readonly layer: TcpLayer,
    ends: ConnectionEnds,
    readonly iss: number,
  ) {
    this.localAddress = ends.localAddress
    this.localPort = ends.localPort
    this.remoteAddress = ends.remoteAddress
    this.remotePort = ends.remotePort
    this.sndUna = iss
    this.sndNxt = iss
    this.sndMax = iss
    this.dataSeq = seqAdd(iss, 1)
    const { options } = layer
    this.hasTimestamps = options.hasTimestamps
    this.hasSack = options.hasSack
    this.sndMss = options.mss
    this.congestion = createCongestionControl(options.congestionControl, options.mss)
    this.recovery = new LossRecovery(iss)
    this.receiveBuffer = new ReceiveBuffer(options.receiveBufferOctets)
    this.rcvWndShift = layer.windowShift
    this.retransmissionTimer = new LazyTimer(kernel, this)
    this.persistTimer = new LazyTimer(kernel, this)
    this.keepAliveTimer = new LazyTimer(kernel, this)
    this.delayedAckTimer = new LazyTimer(kernel, this)
    this.timeWaitTimer = new LazyTimer(kernel, this)
    this.reportEvent = kernel.idleEvent(this, REPORT)
    this.outputEvent = kernel.idleEvent(this, OUTPUT)
  }

  // The stream.

  get state(): StreamState {
    if (this.failure !== null) return 'failed'
    switch (this.tcpState) {
      case 'SYN-SENT':
      case 'SYN-RECEIVED':
        return 'opening'
      case 'CLOSED':
      case 'TIME-WAIT':
        return 'closed'
      case 'ESTABLISHED':
      case 'FIN-WAIT-1':
      case 'FIN-WAIT-2':
      case 'CLOSE-WAIT':
      case 'CLOSING':
      case 'LAST-ACK':
        return 'open'
    }
  }

  /** Nothing before the connection is established and after `end`. When it is too little for its owner, who then writes
   * what there is room for, the owner is told as soon as half of the buffer is free. */
  writableOctets(): number {
    return this.canWrite() ? Math.max(0, this.layer.options.sendBufferOctets - this.sendBuffer.length) : 0
  }

  write(octets: Uint8Array): void {
    const writable = this.writableOctets()
    if (octets.length > writable)
      throw new AssertionError(`${octets.length} octets written where ${writable} can be (${this.describe()})`)
    if (octets.length === 0) return
    this.sendBuffer.append(octets)
    if (this.writableOctets() < this.layer.options.sendBufferOctets / 2) this.writerWaits = true
    this.scheduleOutput(0)
  }

  readableOctets(): number {
    return this.receiveBuffer.readableOctets
  }

  read(octetsMax: number): Uint8Array {
    const octets = this.receiveBuffer.read(octetsMax)
    this.readableToldTo = null
    // Tell the peer when the window has opened by a good part, not after each read.
    const { receiveBufferOctets } = this.layer.options
    const opensBy = receiveBufferOctets - this.receiveBuffer.readableOctets - seqDiff(this.rcvAdv, this.rcvNxt)
    if (this.canReceive() && opensBy >= receiveBufferOctets / 2) {
      this.ackNow = true
      this.scheduleOutput(0)
    }
    return octets
  }

  end(): void {
    if (this.finRequested || this.state === 'closed' || this.state === 'failed') return
    if (this.tcpState === 'SYN-SENT') {
      this.close()
      return
    }
    this.finRequested = true
    this.scheduleOutput(0)
  }

  abort(): void {
    const { tcpState } = this
    if (tcpState === 'CLOSED') return
    if (tcpState !== 'SYN-SENT' && tcpState !== 'TIME-WAIT') {
      this.layer.host.enter()
      sendReset(this)
      this.layer.host.leave()
    }
    this.close()
    this.pendingReports = 0
  }

  // For segment-arrives.ts and transmit.ts.

  /** The window to put into a segment, in octets: what is free, but an edge that moves only by whole segments. */
  updateWindow(): number {
    const { receiveBufferOctets, mss } = this.layer.options
    const edge = seqAdd(this.rcvNxt, Math.max(0, receiveBufferOctets - this.receiveBuffer.readableOctets))
    // What tells of a hole is a duplicate acknowledgment only with the same window as before (RFC 5681 §2).
    const isDuplicate = this.receiveBuffer.hasHole && this.rcvNxt === this.lastAckSent
    const half = receiveBufferOctets / 2
    if (seqDiff(edge, this.rcvAdv) >= (isDuplicate ? half : Math.min(half, mss))) this.rcvAdv = edge
    return Math.max(0, seqDiff(this.rcvAdv, this.rcvNxt))
  }

  get nowNs(): Nanos {
    return this.kernel.nowNs
  }
  get srttNs(): Nanos {
    return this.rtt.srttNs
  }

  /** Go to another state, which the trace tells. */
  enter(state: ConnectionState): void {
    const was = this.tcpState
    this.tcpState = state
    if (was === 'SYN-RECEIVED') this.listening?.left(state === 'ESTABLISHED' ? this : null)
    if (state === 'SYN-RECEIVED') this.listening?.entered()
    this.layer.traceState(this)
  }

  /** What of the send buffer lies at or after SND.NXT. */
  unsentOctets(): number {
    return Math.max(0, this.sendBuffer.length - seqDiff(this.sndNxt, this.dataSeq))
  }

  /** The sequence number of our FIN, once everything is written. */
  get finSeq(): number {
    return seqAdd(this.dataSeq, this.sendBuffer.length)
  }

  /** Outstanding, as far as SND.NXT says. */
  flightOctets(): number {
    return seqDiff(this.sndNxt, this.sndUna)
  }

  canReceive(): boolean {
    return this.tcpState === 'ESTABLISHED' || this.tcpState === 'FIN-WAIT-1' || this.tcpState === 'FIN-WAIT-2'
  }

  /** Send what can be sent, `delayNs` from now at the latest. */
  scheduleOutput(delayNs: Nanos): void {
    const atNs = this.kernel.nowNs + delayNs
    const { outputEvent } = this
    if (outputEvent.isQueued && !outputEvent.cancelled) {
      if (outputEvent.atNs <= atNs) return
      this.kernel.cancel(outputEvent)
    }
    this.outputEvent = this.kernel.rearm(outputEvent, atNs)
  }

  delayAck(): void {
    if (!this.delayedAckTimer.isSet) this.delayedAckTimer.set(DELAYED_ACK_NS)
  }

  tellOpened(): void {
    this.tell(TELL.opened)
  }
  tellReadable(): void {
    if (this.owner === null || this.readableToldTo !== this.owner) this.tell(TELL.readable)
  }
  tellEnded(): void {
    this.tell(TELL.ended)
  }
  /** Room may have come back. */
  tellRoom(): void {
    if (!this.writerWaits || this.writableOctets() < this.layer.options.sendBufferOctets / 2) return
    this.writerWaits = false
    this.tell(TELL.writable)
  }

  enterTimeWait(): void {
    if (this.tcpState !== 'TIME-WAIT') this.enter('TIME-WAIT')
    this.disposeTimers()
    this.timeWaitTimer.set(TIME_WAIT_NS)
  }

  fail(message: string): void {
    if (this.tcpState === 'CLOSED') return
    this.failure = { kind: 'connection', protocol: 'tcp', message: `${message} (${this.describe()})` }
    this.close()
    this.tell(TELL.failed)
  }

  /** Delete the control block. What was received can still be read. */
  close(): void {
    this.enter('CLOSED')
    this.disposeTimers()
    this.timeWaitTimer.dispose()
    this.layer.forget(this)
  }

  describe(): string {
    return `${ipText(this.localAddress)}:${this.localPort} to ${ipText(this.remoteAddress)}:${this.remotePort}`
  }

  // Events.

  handleEvent(event: KernelEvent): void {
    if (event === REPORT) {
      this.report()
      return
    }
    if (this.tcpState === 'CLOSED') return
    this.layer.host.enter()
    transmit(this)
    this.layer.host.leave()
  }

  timerExpired(timer: LazyTimer): void {
    this.layer.host.enter()
    if (timer === this.timeWaitTimer) this.close()
    else if (timer === this.retransmissionTimer) retransmissionTimedOut(this)
    else if (timer === this.persistTimer) persistTimedOut(this)
    else if (timer === this.keepAliveTimer) keepAliveTimedOut(this)
    else {
      this.ackNow = true
      transmit(this)
    }
    this.layer.host.leave()
  }

  private report(): void {
    if (this.take(TELL.opened)) {
      const { listening } = this
      this.listening = null
      listening?.accepted(this)
      this.owner?.streamOpened(this)
    }
    if (this.take(TELL.readable)) {
      this.readableToldTo = this.owner
      this.owner?.streamReadable(this)
    }
    if (this.take(TELL.ended)) this.owner?.streamEnded(this)
    if (this.take(TELL.writable)) this.owner?.streamWritable(this)
    if (this.take(TELL.failed) && this.failure !== null) this.owner?.streamFailed(this, this.failure)
  }

  /** Whether that was to be told; looked up afresh each time, since the owner may abort while it is being told. */
  private take(what: number): boolean {
    const isPending = (this.pendingReports & what) !== 0
    this.pendingReports &= ~what
    return isPending
  }

  private tell(what: number): void {
    this.pendingReports |= what
    if (!this.reportEvent.isQueued) this.reportEvent = this.kernel.rearm(this.reportEvent, this.kernel.nowNs)
  }

  private disposeTimers(): void {
    this.retransmissionTimer.dispose()
    this.persistTimer.dispose()
    this.keepAliveTimer.dispose()
    this.delayedAckTimer.dispose()
  }

  private canWrite(): boolean {
    return (this.tcpState === 'ESTABLISHED' || this.tcpState === 'CLOSE-WAIT') && !this.finRequested
  }
}
