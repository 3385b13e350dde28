/** Frames a second, from one host stack through a switch to another, alone, captured, and among idle hosts. */
import { performance, PerformanceObserver } from 'node:perf_hooks'
import type { ByteStream, StreamOwner } from '../../core/base/byte-stream.js'
import type { FrameSink } from '../../core/base/frame-sink.js'
import { writeU16be } from '../../core/base/octets.js'
import { microseconds, seconds } from '../../core/base/units.js'
import { Kernel, type KernelEvent, type Process } from '../../core/kernel/kernel.js'
import { recycleFrame, takeFrame } from '../../core/net/frame-pool.js'
import { joinPorts } from '../../core/net/frame-port.js'
import { HostStack } from '../../core/net/host-stack.js'
import { Link } from '../../core/net/link.js'
import { Switch } from '../../core/net/switch/switch.js'
import { Tap } from '../../core/net/tap.js'
import { writeMac } from '../../core/net/wire/addresses.js'
import type { TcpListener } from '../../core/net/tcp/tcp-layer.js'
import type { UdpListener } from '../../core/net/udp.js'
import { add, median, MIB, printMeasures, ROUNDS, time } from './measures.js'

const chunk = new Uint8Array(65536).map((_, index) => (index * 31 + (index >>> 8)) & 255)

class Sender implements StreamOwner {
  constructor(private left: number) {}
  streamOpened(stream: ByteStream): void {
    this.streamWritable(stream)
  }
  streamWritable(stream: ByteStream): void {
    while (this.left > 0 && stream.writableOctets() >= chunk.length) {
      stream.write(chunk)
      this.left -= chunk.length
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

interface Network {
  readonly kernel: Kernel
  readonly hosts: readonly HostStack[]
  readonly links: readonly Link[]
}

function network(hostCount: number, { isCaptured = false } = {}): Network {
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
function transfer({ kernel, hosts, links }: Network, octets: number): number {
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
    for (let count = 0; count < BURST; count++)
      from?.udp.send({ sourcePort: 9, destination: to?.address ?? 0, destinationPort: 7, payload: datagram })
    this.left -= BURST
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
function datagrams(net: Network): number {
  const sink = new DatagramSink()
  net.hosts[1]?.udp.listen(7, sink)
  net.kernel.schedule(0, new DatagramSource(net, DATAGRAMS), { kind: 'burst' })
  net.kernel.runUntil(net.kernel.nowNs + seconds(10))
  if (sink.received !== DATAGRAMS) throw new Error(`${sink.received} of ${DATAGRAMS} datagrams arrived`)
  return sink.received
}

const OCTETS = 512 * MIB

interface Load {
  readonly isCaptured?: boolean
  readonly idleHosts?: number
}

/** Collections of garbage while a million full-size frames arrive. */
async function collections(work: (net: Network) => number): Promise<number> {
  let count = 0
  const observer = new PerformanceObserver((list) => (count += list.getEntries().length))
  work(network(2))
  observer.observe({ entryTypes: ['gc'] })
  const frames = work(network(2))
  await new Promise((resolve) => setTimeout(resolve, 50)) // entries come by and by
  observer.disconnect()
  return (count / frames) * 1e6
}

/** Full-size frames a second of wall time. */
function framesPerSecond(work: (net: Network) => number, { isCaptured = false, idleHosts = 0 }: Load = {}): number {
  const rates: number[] = []
  for (let round = 0; round <= ROUNDS; round++) {
    const net = network(2 + idleHosts, { isCaptured })
    const start = performance.now()
    const frames = work(net)
    const elapsed = performance.now() - start
    if (round > 0) rates.push((frames / elapsed) * 1000) // the first one compiles
  }
  return median(rates)
}

/** Where the frames of a bench end. */
class End implements FrameSink {
  receiveFrame(frame: Uint8Array): void {
    recycleFrame(frame)
  }
}

const FORWARDED = 500_000

/** Between two stations that the switch knows. */
function forward(): void {
  const device = new Switch(new Kernel('bench'), 's1')
  const ports = [device.addPort(), device.addPort(), device.addPort()]
  for (const port of ports) port.output = new End()
  for (let count = 0; count < FORWARDED; count++)
    ports[count & 1]?.receiveFrame(smallFrame((count & 1) + 1, 2 - (count & 1)))
}

/** In bursts of 8, as TCP sends. */
function carry(): void {
  const kernel = new Kernel('bench')
  const link = new Link(kernel, 'cable', { rateBps: 10e9, delayNs: microseconds(5) })
  link.b.output = new End()
  for (let count = 0; count < FORWARDED; count += 8) {
    for (let index = 0; index < 8; index++) link.a.receiveFrame(smallFrame(1, 2))
    while (kernel.step());
  }
}

function smallFrame(source: number, destination: number): Uint8Array {
  const frame = takeFrame(60)
  writeMac(frame, 0, destination)
  writeMac(frame, 6, source)
  writeU16be(frame, 12, 0x0800)
  return frame
}

const nsPerFrame = (work: () => void): number => (time(() => undefined, work) / FORWARDED) * 1e6
forward()
carry()
add('a frame through a switch, made and dropped', nsPerFrame(forward), 'ns')
add('a frame over a link, made and dropped', nsPerFrame(carry), 'ns')
add(
  'full-size frames a second, host to host through a switch, every checksum made and checked',
  framesPerSecond(datagrams),
  '/s',
  'over 1000000',
)
add('  with capture', framesPerSecond(datagrams, { isCaptured: true }), '/s', 'over 500000')
add('  among 1000 idle hosts', framesPerSecond(datagrams, { idleHosts: 1000 }), '/s', 'as without')
add('  collections of garbage a million frames', await collections(datagrams), '')
const tcp = (net: Network): number => transfer(net, OCTETS)
add('the same carrying one TCP connection, whose acknowledgments are not counted', framesPerSecond(tcp), '/s')
add('  with capture', framesPerSecond(tcp, { isCaptured: true }), '/s')
add('  collections of garbage a million frames', await collections(tcp), '')
printMeasures()
