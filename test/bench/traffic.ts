/** What benches of the network are made of: hosts at one switch, a TCP transfer and bursts of datagrams between two of them. */
import type { ByteStream, StreamOwner } from '../../core/base/byte-stream.js'
import { microseconds, seconds } from '../../core/base/units.js'
import { Kernel, type KernelEvent, type Process } from '../../core/kernel/kernel.js'
import { joinPorts } from '../../core/net/frame-port.js'
import { HostStack } from '../../core/net/host-stack.js'
import { Link } from '../../core/net/link.js'
import { Switch } from '../../core/net/switch/switch.js'
import { Tap } from '../../core/net/tap.js'
import type { TcpListener } from '../../core/net/tcp/tcp-layer.js'
import type { UdpListener } from '../../core/net/udp.js'
import { MIB } from './measures.js'

const chunk = new Uint8Array(65536).map((_, index) => (index * 31 + (index >>> 8)) & 255)

class Sender implements StreamOwner {
  constructor(private left: number) {}
  streamOpened(stream: ByteStream): void {
    this.streamWritable(stream)
  }
  streamWritable(stream: ByteStream): void {
    while (this.left > 0 && stream.writableOctets() >= chunk.length) {
      const piece = this.left < chunk.length ? chunk.subarray(0, this.left) : chunk
      stream.write(piece)
      this.left -= piece.length
    }
    if (this.left === 0) stream.end()
  }
  streamReadable(): void {}
  streamEnded(): void {}
  streamFailed(): void {}
}

class Receiver implements StreamOwner, TcpListener {
  octets = 0
  connectionAccepted(stream: ByteStream): void {
    stream.owner = this
  }
  streamOpened(): void {}
  streamReadable(stream: ByteStream): void {
    this.octets += stream.read(stream.readableOctets()).length
  }
  streamWritable(): void {}
  streamEnded(stream: ByteStream): void {
    stream.end()
  }
  streamFailed(): void {}
}

export interface Network {
  readonly kernel: Kernel
  readonly hosts: readonly HostStack[]
  readonly links: readonly Link[]
}

export function network(hostCount: number, { isCaptured = false } = {}): Network {
  const kernel = new Kernel('bench')
  const device = new Switch(kernel, 's1', { addressesMax: 65536 })
  const links: Link[] = []
  const hosts = Array.from({ length: hostCount }, (_, index) => {
    const host = new HostStack(kernel, {
      name: `h${index}`,
      mac: 0x0200_0000_0000 + index + 1,
      address: 0x0a00_0000 + index + 1,
      prefixLength: 16,
    })
    const link = new Link(kernel, host.name, { rateBps: 10e9, delayNs: microseconds(5) })
    joinPorts(host, link.a)
    joinPorts(link.b, device.addPort())
    host.uplink = link.a
    links.push(link)
    return host
  })
  if (isCaptured) links[0]?.watch(new Tap(kernel, 'capture', { octetsMax: 256 * MIB }))
  return { kernel, hosts, links }
}

/** One TCP transfer; full-size frames delivered. */
export function transfer({ kernel, hosts, links }: Network, octets: number): number {
  const [a, b] = hosts
  if (a === undefined || b === undefined) throw new Error('two hosts are needed')
  const receiver = new Receiver()
  b.listen(5001, receiver)
  a.connect(b.address, 5001).owner = new Sender(octets)
  kernel.runUntil(kernel.nowNs + seconds(10))
  if (receiver.octets !== octets) throw new Error(`${receiver.octets} of ${octets} octets arrived`)
  return links[0]?.a.framesDelivered ?? 0
}

/** Sends full-size datagrams in bursts, at the speed of its link. */
class DatagramSource implements Process {
  constructor(
    private readonly net: Network,
    private left: number,
  ) {}
  handleEvent(event: KernelEvent): void {
    const { kernel, hosts } = this.net
    const [from, to] = hosts
    const burst = Math.min(BURST, this.left)
    for (let count = 0; count < burst; count++)
      from?.udp.send({ sourcePort: 9, destination: to?.address ?? 0, destinationPort: 7, payload: datagram })
    this.left -= burst
    if (this.left > 0) kernel.schedule(BURST_NS, this, event)
  }
}
const BURST = 32
const datagram = chunk.slice(0, 1472)
/** What a burst takes at 10 Gbit/s, and a little more. */
const BURST_NS = microseconds(40)

/** Counts what arrives. */
class DatagramSink implements UdpListener {
  received = 0
  datagramReceived(): void {
    this.received++
  }
}

const DATAGRAMS = 640_000

/** Full-size frames that arrived. */
export function datagrams(net: Network, count = DATAGRAMS): number {
  const sink = new DatagramSink()
  net.hosts[1]?.udp.listen(7, sink)
  net.kernel.schedule(0, new DatagramSource(net, count), { kind: 'burst' })
  net.kernel.runUntil(net.kernel.nowNs + seconds(10))
  if (sink.received !== count) throw new Error(`${sink.received} of ${count} datagrams arrived`)
  return sink.received
}
