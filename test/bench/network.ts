/** Frames a second, from one host stack through a switch to another, alone, captured, and among idle hosts. */
import { performance, PerformanceObserver } from 'node:perf_hooks'
import type { FrameSink } from '../../core/base/frame-sink.js'
import { writeU16be } from '../../core/base/octets.js'
import { microseconds } from '../../core/base/units.js'
import { Kernel } from '../../core/kernel/kernel.js'
import { recycleFrame, takeFrame } from '../../core/net/frame-pool.js'
import { Link } from '../../core/net/link.js'
import { Switch } from '../../core/net/switch/switch.js'
import { writeMac } from '../../core/net/wire/addresses.js'
import { add, median, MIB, printMeasures, ROUNDS, time } from './measures.js'
import { datagrams, network, transfer, type Network } from './traffic.js'

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
