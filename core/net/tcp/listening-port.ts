/** A port that somebody listens on, and the two queues in front of the listener: half open, and open but not yet taken. */
import type { Kernel } from '../../kernel/kernel.js'
import type { TcpConnection } from './tcp-connection.js'

export interface TcpListener {
  /** A connection is established: take it by setting its owner, who is then told that it opened. */
  connectionAccepted(stream: TcpConnection): void
}

export interface BacklogLimits {
  readonly synBacklogMax: number
  readonly acceptBacklogMax: number
}

export class ListeningPort {
  /** SYNs that were neither kept nor answered with a cookie. */
  synsDropped = 0
  private halfOpen = 0
  private readonly untaken: TcpConnection[] = []
  private isFull = false

  constructor(
    private readonly kernel: Kernel,
    private readonly hostName: string,
    readonly port: number,
    readonly listener: TcpListener,
    private readonly limits: BacklogLimits,
  ) {}

  /** Connections in SYN-RECEIVED. */
  get halfOpenCount(): number {
    return this.halfOpen
  }

  /** Connections that are open and have no owner yet. */
  get untakenCount(): number {
    this.forgetTaken()
    return this.untaken.length
  }

  get hasSynRoom(): boolean {
    return this.halfOpen < this.limits.synBacklogMax
  }

  get hasAcceptRoom(): boolean {
    return this.untakenCount < this.limits.acceptBacklogMax
  }

  /** A connection entered SYN-RECEIVED. */
  entered(): void {
    this.halfOpen++
  }

  /** A connection left SYN-RECEIVED: it is `established`, or gone (null). */
  left(established: TcpConnection | null): void {
    this.halfOpen--
    if (established !== null) this.untaken.push(established)
    if (this.isFull && this.hasSynRoom) this.tell(false)
  }

  /** The listener may take `connection` now. */
  accepted(connection: TcpConnection): void {
    this.listener.connectionAccepted(connection)
    this.forgetTaken()
  }

  /** There was no room for a SYN. */
  overflowed(isDropped: boolean): void {
    if (isDropped) this.synsDropped++
    if (!this.isFull) this.tell(true)
  }

  private forgetTaken(): void {
    const { untaken } = this
    let kept = 0
    for (const connection of untaken)
      if (connection.owner === null && connection.tcpState !== 'CLOSED') untaken[kept++] = connection
    untaken.length = kept
  }

  private tell(isFull: boolean): void {
    this.isFull = isFull
    const { hostName: host, port, synsDropped: dropped } = this
    this.kernel.trace.add('tcp-backlog', { host, port, full: isFull ? 1 : 0, dropped })
  }
}
