import type { ByteStream, StreamOwner } from '../../base/byte-stream.js'
import { assert, type Failure } from '../../base/errors.js'
import type { Nanos } from '../../base/units.js'
import type { KernelEvent, Process, QueuedEvent } from '../../kernel/kernel.js'
import { SSTHRESH_UNSET } from '../../net/tcp/slow-start.js'
import { TcpConnection } from '../../net/tcp/tcp-connection.js'
import { ipText } from '../../net/wire/addresses.js'
import { DiscardServer } from '../discard-server.js'
import type { Network } from '../network-builder.js'
import type { ItemOf } from '../network-plan/script-plan.js'
import type { ActionOwner } from './script-player.js'
import { addressOf, stackOf } from './script-target.js'

const GIVE_UP: KernelEvent = Object.freeze({ kind: 'transfer-timeout' })
/** What is sent, again and again: letters, so that one sees it in a capture. Nobody changes it. */
const chunk = new Uint8Array(65536).map((_, index) => 0x61 + (index % 26))

/** Octets over one TCP connection as fast as it takes them, to a server that throws them away. */
export class TransferAction implements StreamOwner, Process {
  private readonly connection: TcpConnection
  private readonly startNs: Nanos
  private readonly timeout: QueuedEvent
  /** Who listens only for us, and has to stop. */
  private readonly listens: boolean
  private octetsLeft: number
  private isOver = false

  /** Begins at once. Throws `InputError`. */
  constructor(
    private readonly network: Network,
    private readonly owner: ActionOwner,
    private readonly item: ItemOf<'transfer'>,
  ) {
    const { kernel } = network
    const host = network.host(item.from)
    const address = addressOf(network, item.to, host, item.family)
    const server = stackOf(network, address)
    this.listens = server?.tcp.table().every(({ local }) => local !== `*:${item.port}`) ?? false
    if (this.listens) server?.listen(item.port, new DiscardServer())
    this.octetsLeft = item.size
    this.startNs = kernel.nowNs
    this.timeout = kernel.schedule(item.patience, this, GIVE_UP)
    const stream = host.connect(address, item.port)
    assert(stream instanceof TcpConnection, 'hosts speak TCP')
    this.connection = stream
    stream.owner = this
  }

  handleEvent(): void {
    if (this.isOver) return
    this.connection.abort()
    this.finish('unfinished', '')
  }

  streamOpened(): void {
    this.streamWritable()
  }

  streamWritable(): void {
    const { connection } = this
    while (this.octetsLeft > 0) {
      const length = Math.min(chunk.length, this.octetsLeft, connection.writableOctets())
      if (length === 0) return
      connection.write(chunk.subarray(0, length))
      this.octetsLeft -= length
    }
    connection.end()
  }

  /** A server may have something to say; nobody asked. */
  streamReadable(stream: ByteStream): void {
    stream.read(stream.readableOctets())
  }

  streamEnded(): void {
    this.finish('complete', '')
  }

  streamFailed(_stream: ByteStream, { message }: Failure): void {
    this.finish('failed', message)
  }

  private finish(outcome: 'complete' | 'failed' | 'unfinished', cause: string): void {
    if (this.isOver) return
    this.isOver = true
    const { network, item, connection, owner } = this
    network.kernel.cancel(this.timeout)
    if (this.listens) stackOf(network, connection.remoteAddress)?.tcp.unlisten(item.port)
    const elapsedNs = network.kernel.nowNs - this.startNs
    const { congestion, rtt, segmentsRetransmitted, sndMss: mss } = connection
    owner.ended(outcome, {
      kind: 'transfer',
      from: item.from,
      to: item.to,
      address: ipText(connection.remoteAddress),
      port: item.port,
      octets: item.size,
      elapsedNs,
      throughputBps: outcome === 'complete' ? Math.round((item.size * 8e9) / elapsedNs) : 0,
      segmentsRetransmitted,
      srttNs: rtt.srttNs,
      cwnd: congestion.cwnd,
      ssthresh: congestion.ssthresh === SSTHRESH_UNSET ? null : congestion.ssthresh,
      mss,
      congestionControl: congestion.name,
      cause,
      overheard: owner.overheard(),
    })
  }
}
