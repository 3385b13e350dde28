/** One TCP transfer over one bad path, in virtual time. */
import type { ByteStream, StreamOwner } from '../../core/base/byte-stream.js'
import type { Failure } from '../../core/base/errors.js'
import { seconds, type Nanos } from '../../core/base/units.js'
import { Kernel } from '../../core/kernel/kernel.js'
import { joinPorts } from '../../core/net/frame-port.js'
import { HostStack } from '../../core/net/host-stack.js'
import { Link } from '../../core/net/link.js'
import type { TcpConnection } from '../../core/net/tcp/tcp-connection.js'
import type { TcpListener, TcpOptions } from '../../core/net/tcp/tcp-layer.js'
import { parseIpv4, parseMac } from '../../core/net/wire/addresses.js'
import { FaultySink, type Faults } from './faulty-sink.js'
import { patternOctets } from './network-fixture.js'

const CHUNK_OCTETS = 65536
/** Two periods, so that every chunk of the endless pattern is one part of it. */
const PERIOD_OCTETS = 251 * 1009
const endless = Buffer.from(patternOctets(PERIOD_OCTETS + CHUNK_OCTETS))
for (let i = 0; i < CHUNK_OCTETS; i++) endless[PERIOD_OCTETS + i] = endless[i]!

export interface TransferOptions {
  readonly seed: string
  readonly octets: number
  readonly rateBps: number
  /** One way. */
  readonly delayNs: Nanos
  /** Of data segments. */
  readonly faults?: Faults
  /** Of acknowledgments. */
  readonly ackFaults?: Faults
  readonly tcp?: TcpOptions
}

class Source implements StreamOwner {
  failure: Failure | null = null
  private written = 0
  constructor(private readonly octets: number) {}
  streamOpened(stream: ByteStream): void {
    this.streamWritable(stream)
  }
  streamWritable(stream: ByteStream): void {
    while (this.written < this.octets) {
      const length = Math.min(CHUNK_OCTETS, this.octets - this.written, stream.writableOctets())
      if (length === 0) return
      const at = this.written % PERIOD_OCTETS
      stream.write(endless.subarray(at, at + length))
      this.written += length
    }
    stream.end()
  }
  streamReadable(): void {}
  streamEnded(): void {}
  streamFailed(_stream: ByteStream, cause: Failure): void {
    this.failure = cause
  }
}

class Sink implements StreamOwner, TcpListener {
  octets = 0
  isIntact = true
  hasEnded = false
  finishedNs: Nanos | null = null
  constructor(private readonly kernel: Kernel) {}
  connectionAccepted(stream: ByteStream): void {
    stream.owner = this
  }
  streamOpened(): void {}
  streamReadable(stream: ByteStream): void {
    while (stream.readableOctets() > 0) {
      const octets = stream.read(CHUNK_OCTETS)
      const at = this.octets % PERIOD_OCTETS
      if (endless.compare(octets, 0, octets.length, at, at + octets.length) !== 0) this.isIntact = false
      this.octets += octets.length
    }
  }
  streamWritable(): void {}
  streamEnded(stream: ByteStream): void {
    this.hasEnded = true
    this.finishedNs = this.kernel.nowNs
    stream.end()
  }
  streamFailed(): void {}
}

export class TcpTransfer {
  readonly kernel: Kernel
  readonly stream: TcpConnection
  readonly source: Source
  readonly sink: Sink
  readonly faulty: FaultySink
  private readonly startNs: Nanos

  constructor(readonly options: TransferOptions) {
    const { seed, octets, rateBps, delayNs, faults = {}, ackFaults = {}, tcp = {} } = options
    const kernel = new Kernel(seed)
    this.kernel = kernel
    const [one, two] = [1, 2].map(
      (index) =>
        new HostStack(kernel, {
          name: `host${index}`,
          mac: parseMac(`52:54:00:00:00:0${index}`),
          address: parseIpv4(`10.0.0.${index}`),
          tcp,
        }),
    ) as [HostStack, HostStack]
    const cable = new Link(kernel, 'cable', { rateBps, delayNs })
    joinPorts(one, cable.a)
    joinPorts(two, cable.b)
    one.uplink = cable.a
    two.uplink = cable.b
    // Addresses are known before anything is lost.
    one.icmp.sendEcho(two.address, 1, 1, new Uint8Array(0))
    kernel.runUntil(4 * delayNs + seconds(1))
    this.faulty = new FaultySink(two, kernel.random('faults'), faults)
    cable.b.output = this.faulty
    cable.a.output = new FaultySink(one, kernel.random('ack faults'), ackFaults)
    this.source = new Source(octets)
    this.sink = new Sink(kernel)
    two.listen(80, this.sink)
    this.startNs = kernel.nowNs
    this.stream = one.connect(two.address, 80) as TcpConnection
    this.stream.owner = this.source
  }

  /** Until everything or so many octets arrived, the connection failed, or `limitNs` have passed. */
  run(limitNs: Nanos, octets = Infinity): this {
    const { kernel, sink, source } = this
    const endNs = this.startNs + limitNs
    while (!sink.hasEnded && sink.octets < octets && source.failure === null && (kernel.nextEventNs() ?? endNs) < endNs)
      kernel.step()
    return this
  }

  get isWhole(): boolean {
    return this.sink.hasEnded && this.sink.isIntact && this.sink.octets === this.options.octets
  }

  /** Octets a second of what arrived. */
  get rate(): number {
    const elapsedNs = (this.sink.finishedNs ?? this.kernel.nowNs) - this.startNs
    return (this.sink.octets * 1e9) / elapsedNs
  }
}
