/** The TCP connections of a migration: opened by its source, and known again when they arrive at its destination. */
import type { ByteStream } from '../base/byte-stream.js'
import { assert } from '../base/errors.js'
import type { Host } from '../hypervisor/host.js'
import type { HostStack } from '../net/host-stack.js'
import { TcpConnection } from '../net/tcp/tcp-connection.js'
import type { IpAddress } from '../net/wire/addresses.js'
import type { ChannelPair } from './channel-pair.js'
import type { IpsecHost } from './ipsec-host.js'
import { ProtectedStream } from './protected-stream.js'

export interface CrossingEnd {
  readonly host: Host
  readonly stack: HostStack
  readonly ipsec: IpsecHost
}

export interface ConnectionParts {
  readonly from: CrossingEnd
  readonly to: CrossingEnd
  /** What runs on each connection. */
  readonly channels: ChannelPair
}

export class CrossingConnections {
  /** The source's end of what has not arrived: the connection of the main stream, and the extra ones of multifd. */
  private awaitedMain: ByteStream | null = null
  private readonly awaitedChannels = new Set<ByteStream>()
  /** How many extra ones were opened, and arrived. */
  private channelsOpened = 0
  private channelsArrived = 0

  /** IPsec protects the hosts' IPv6 addresses: connections are between those. */
  private readonly isIpsec: boolean

  constructor(private readonly parts: ConnectionParts) {
    const { from, to, channels } = parts
    this.isIpsec = channels.protectPackets(from.ipsec, to.ipsec)
  }

  /** For the main stream: at first, and again to recover. One that has not arrived yet is not waited for any more. */
  openMain(): ByteStream {
    this.awaitedMain = this.connect()
    return this.secured(this.awaitedMain, 0)
  }

  openChannel(): ByteStream {
    const lower = this.connect()
    this.awaitedChannels.add(lower)
    return this.secured(lower, ++this.channelsOpened)
  }

  /** Whether a connection that came to `port` of `end` is one that was opened here. */
  expects(end: CrossingEnd, port: number, arrived: ByteStream): boolean {
    const { from, to, channels } = this.parts
    return (
      end === to &&
      port === channels.port &&
      arrived instanceof TcpConnection &&
      arrived.remoteAddress === this.addressOf(from) &&
      this.nearEndOf(arrived) !== undefined
    )
  }

  /** One that is expected arrived. Returns the destination's end of what runs on it, and whether it is the main stream's. */
  accept(arrived: ByteStream): { readonly stream: ByteStream; readonly isMain: boolean } {
    const { to, channels } = this.parts
    const near = this.nearEndOf(arrived)
    assert(near !== undefined, 'only a connection that is expected is let in')
    const isMain = near === this.awaitedMain
    if (isMain) this.awaitedMain = null
    else this.awaitedChannels.delete(near)
    const connection = isMain ? 0 : ++this.channelsArrived
    return { stream: channels.server(arrived, to.host.cores, connection), isMain }
  }

  private connect(): ByteStream {
    const { from, to, channels } = this.parts
    return from.stack.connect(this.addressOf(to), channels.port)
  }

  private secured(lower: ByteStream, connection: number): ByteStream {
    const { from, channels } = this.parts
    return channels.client(this.isIpsec ? this.protectedStream(lower) : lower, from.host.cores, connection)
  }

  private protectedStream(connection: ByteStream): ByteStream {
    const { from, to } = this.parts
    const stream = new ProtectedStream(connection)
    from.ipsec.watch(to.ipsec.address, stream)
    return stream
  }

  private addressOf({ stack, ipsec }: CrossingEnd): IpAddress {
    return this.isIpsec ? ipsec.address : stack.address
  }

  private nearEndOf(arrived: ByteStream): ByteStream | undefined {
    const awaited = this.awaitedMain === null ? [] : [this.awaitedMain]
    return [...awaited, ...this.awaitedChannels].find((near) => areEnds(near, arrived))
  }
}

/** Whether both are ends of one TCP connection, by its source's port. */
function areEnds(near: ByteStream, far: ByteStream): boolean {
  return near instanceof TcpConnection && far instanceof TcpConnection && far.remotePort === near.localPort
}
