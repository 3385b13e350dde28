import { describe, expect, it } from 'vitest'
import type { FrameSink } from '../../../core/base/frame-sink.js'
import { microseconds, milliseconds } from '../../../core/base/units.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { LinkTraffic } from '../../../core/net/link-traffic.js'
import { Link } from '../../../core/net/link.js'
import { encodeEthernet } from '../../../core/net/wire/ethernet.js'
import { encodeIcmp } from '../../../core/net/wire/icmp.js'
import { encodeIpv4 } from '../../../core/net/wire/ipv4.js'
import { encodeTcp } from '../../../core/net/wire/tcp.js'

class Arrivals implements FrameSink {
  readonly timesNs: number[] = []
  constructor(private readonly kernel: Kernel) {}
  receiveFrame(): void {
    this.timesNs.push(this.kernel.nowNs)
  }
}

function linkWith(rateBps: number, delayNs: number, queueOctetsMax?: number) {
  const kernel = new Kernel('link')
  const link = new Link(kernel, 'cable', {
    rateBps,
    delayNs,
    ...(queueOctetsMax === undefined ? {} : { queueOctetsMax }),
  })
  const atB = new Arrivals(kernel)
  const atA = new Arrivals(kernel)
  link.b.output = atB
  link.a.output = atA
  return { kernel, link, atA, atB }
}

const frame = (length: number) => new Uint8Array(length)

describe('Link', () => {
  it('takes the time of the frame, its overhead and the delay: 1500 octets at 1 Gbit/s', () => {
    const { kernel, link, atB } = linkWith(1e9, microseconds(100))
    link.a.receiveFrame(frame(1500))
    kernel.runUntil(milliseconds(1))
    expect(atB.timesNs).toEqual([(1500 + 8 + 4 + 12) * 8 + 100_000])
  })

  it('counts short frames as 60 octets', () => {
    const { kernel, link, atB } = linkWith(1e9, 0)
    link.a.receiveFrame(frame(42))
    kernel.runUntil(milliseconds(1))
    expect(atB.timesNs).toEqual([84 * 8])
  })

  it('sends frames one after another without adding up roundings', () => {
    const { kernel, link, atB } = linkWith(10e9, 7)
    for (let i = 0; i < 1000; i++) link.a.receiveFrame(frame(1514))
    kernel.runUntil(milliseconds(10))
    const exactNs = (count: number) => Math.ceil((count * 1538 * 8) / 10)
    expect(atB.timesNs).toEqual(Array.from({ length: 1000 }, (_, index) => exactNs(index + 1) + 7))
  })

  it('carries both directions at once', () => {
    const { kernel, link, atA, atB } = linkWith(1e9, 0)
    link.a.receiveFrame(frame(100))
    link.b.receiveFrame(frame(100))
    kernel.runUntil(milliseconds(1))
    expect([atA.timesNs, atB.timesNs]).toEqual([[992], [992]])
  })

  it('drops what does not fit the queue', () => {
    const { kernel, link, atB } = linkWith(1e9, 0, 10 * 1024)
    for (let i = 0; i < 20; i++) link.a.receiveFrame(frame(1000))
    expect(link.a.backlogNs()).toBe(10 * 1024 * 8)
    kernel.runUntil(milliseconds(1))
    expect(atB.timesNs).toHaveLength(10)
    expect(link.a.framesDropped).toBe(10)
    expect(link.a.framesDelivered).toBe(10)
  })

  it('loses what is on the way when it is cut, and works again when restored', () => {
    const { kernel, link, atB } = linkWith(1e9, microseconds(100))
    link.a.receiveFrame(frame(100))
    kernel.runUntil(microseconds(50))
    link.cut()
    link.a.receiveFrame(frame(100))
    kernel.runUntil(milliseconds(1))
    link.restore()
    link.a.receiveFrame(frame(100))
    kernel.runUntil(milliseconds(2))
    expect(atB.timesNs).toEqual([milliseconds(1) + 992 + 100_000])
    expect(link.a.framesDropped).toBe(2)
  })

  it('keeps frames in order when the delay is made shorter', () => {
    const { kernel, link, atB } = linkWith(1e9, microseconds(100))
    link.a.receiveFrame(frame(100))
    link.delayNs = 0
    link.a.receiveFrame(frame(100))
    kernel.runUntil(milliseconds(1))
    expect(atB.timesNs).toEqual([100_992, 100_992])
  })

  it('has one event a frame, and none when idle', () => {
    const { kernel, link } = linkWith(1e9, 0)
    for (let i = 0; i < 10; i++) link.a.receiveFrame(frame(100))
    let events = 0
    while (kernel.step()) events++
    expect(events).toBe(10)
  })
})

describe('LinkTraffic', () => {
  const pair = { source: 1, destination: 2 }
  const ethernetOf = (protocol: number, payload: Uint8Array) =>
    encodeEthernet({
      destination: 1,
      source: 2,
      vlan: null,
      etherType: 0x0800,
      payload: encodeIpv4({
        ...pair,
        ...{ protocol, payload, ttl: 64, dscpEcn: 0, identification: 0, fragmentOffset: 0 },
        ...{ dontFragment: true, moreFragments: false },
      }),
    })
  const tcpFrame = (destinationPort: number) =>
    ethernetOf(
      6,
      encodeTcp(
        {
          ...{
            sourcePort: 50000,
            destinationPort,
            sequence: 0,
            acknowledgment: 0,
            flags: 16,
            window: 0,
            urgentPointer: 0,
          },
          ...{ mss: null, windowScale: null, sackPermitted: false, hasTimestamps: false, tsVal: 0, tsEcr: 0 },
          ...{ sackBlocks: [], payload: new Uint8Array(100) },
        },
        pair,
      ),
    )
  const ping = ethernetOf(1, encodeIcmp({ type: 8, code: 0, identifier: 1, sequence: 1, payload: new Uint8Array(56) }))

  it('writes a row for each millisecond with traffic, by kind', () => {
    const { kernel, link } = linkWith(1e9, 0)
    link.traffic = new LinkTraffic(kernel, 'cable', [49152, 22])
    link.a.receiveFrame(tcpFrame(49152))
    link.b.receiveFrame(tcpFrame(22))
    link.a.receiveFrame(ping)
    kernel.runUntil(milliseconds(5.5))
    link.a.receiveFrame(tcpFrame(80))
    link.a.receiveFrame(frame(42))
    while (kernel.step());
    expect(kernel.trace.rows('link-traffic')).toEqual([
      { atNs: 1e6, link: 'cable', binNs: 0, migrationOctets: 308, probeOctets: 98, otherOctets: 0 },
      { atNs: 6e6, link: 'cable', binNs: 5e6, migrationOctets: 0, probeOctets: 0, otherOctets: 154 + 42 },
    ])
  })
})
