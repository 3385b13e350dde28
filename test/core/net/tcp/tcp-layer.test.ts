import { describe, expect, it } from 'vitest'
import { copyGraph } from '../../../../core/base/snapshot.js'
import { milliseconds, seconds } from '../../../../core/base/units.js'
import { TcpConnection } from '../../../../core/net/tcp/tcp-connection.js'
import type { TcpListener, TcpOptions } from '../../../../core/net/tcp/tcp-layer.js'
import { encodeEthernet, ETHERTYPE } from '../../../../core/net/wire/ethernet.js'
import { encodeIpv4, Ipv4Header } from '../../../../core/net/wire/ipv4.js'
import { decodeCapturedTcp, LINK_TYPE } from '../../../../core/net/wire/link-layer.js'
import { encodeTcp, TCP_FLAG, TcpHeader, type TcpSegment } from '../../../../core/net/wire/tcp.js'
import { parseIpv4 } from '../../../../core/net/wire/addresses.js'
import {
  expectSameOctets,
  NetworkFixture,
  patternOctets,
  TestListener,
  TestOwner,
} from '../../../support/network-fixture.js'

const PORT = 80
const SYN_ACK = TCP_FLAG.syn | TCP_FLAG.ack

/** Two hosts; the second listens, and can be flooded. All of it is data, so it can be copied. */
class Flood {
  readonly net: NetworkFixture
  readonly server = new TestOwner(patternOctets(3000))
  private source = 0

  constructor(tcp: TcpOptions = {}, listener?: TcpListener) {
    this.net = new NetworkFixture({ tcp })
    this.net.host(1).listen(PORT, listener ?? new TestListener(this.server))
    this.run(milliseconds(1))
  }

  run(ns: number): this {
    this.net.kernel.runUntil(this.net.kernel.nowNs + ns)
    return this
  }

  /** SYNs from addresses that nobody has. */
  syns(count: number): this {
    for (let index = 0; index < count; index++) {
      const ends = {
        source: (parseIpv4('10.0.0.100') + (this.source % 100)) >>> 0,
        destination: this.net.host(1).address,
      }
      const header = { ...new TcpHeader(), sourcePort: 1000 + this.source++, destinationPort: PORT, window: 1000 }
      const segment = encodeTcp({ ...header, sequence: 77, flags: TCP_FLAG.syn, payload: new Uint8Array(0) }, ends)
      const payload = encodeIpv4({ ...new Ipv4Header(), ...ends, protocol: 6, payload: segment })
      const destination = this.net.host(1).mac
      this.net
        .host(1)
        .receiveFrame(encodeEthernet({ destination, source: 9, vlan: null, etherType: ETHERTYPE.ipv4, payload }))
    }
    return this
  }

  connect(owner = new TestOwner()): TcpConnection {
    const stream = this.net.host(0).connect(this.net.host(1).address, PORT)
    if (!(stream instanceof TcpConnection)) throw new Error('not TCP')
    stream.owner = owner
    return stream
  }

  get tcp() {
    return this.net.host(1).tcp
  }

  states(): string[] {
    return this.tcp.table().map(({ state }) => state)
  }

  segments(): TcpSegment[] {
    const { tap } = this.net
    return Array.from({ length: tap.lastPacket }, (_, index) =>
      decodeCapturedTcp(LINK_TYPE.ethernet, tap.frame(index + 1)!),
    ).flatMap((captured) => (captured === null ? [] : [captured.segment]))
  }
}

describe('the SYN backlog', () => {
  it('can be exhausted: then nobody gets in, and the trace says so', () => {
    const flood = new Flood({ synBacklogMax: 16 }).syns(40)
    expect(flood.states().filter((state) => state === 'SYN-RECEIVED')).toHaveLength(16)
    expect(flood.tcp.synsDropped).toBe(24)
    const client = flood.connect()
    flood.run(milliseconds(500))
    expect(client.tcpState).toBe('SYN-SENT')
    expect(flood.net.kernel.trace.rows('tcp-backlog')).toMatchObject([
      { host: 'host2', port: PORT, full: 1, dropped: 1 },
    ])
  })

  it('has room again when half-open connections were given up, after 63 s', () => {
    const flood = new Flood({ synBacklogMax: 16 }).syns(16)
    flood.run(seconds(62))
    expect(flood.states()).toHaveLength(17)
    flood.run(seconds(2))
    expect(flood.states()).toEqual(['LISTEN'])
    const client = flood.connect()
    flood.run(seconds(1))
    expect(client.tcpState).toBe('ESTABLISHED')
  })

  it('gives up sooner when it is told to try less often', () => {
    const flood = new Flood({ synBacklogMax: 4, synAckRetriesMax: 1 }).syns(9).run(seconds(4))
    expect(flood.states()).toEqual(['LISTEN'])
    expect(flood.net.kernel.trace.rows('tcp-backlog').map(({ full }) => full)).toEqual([1, 0])
  })
})

describe('SYN cookies', () => {
  for (const hasTimestamps of [true, false])
    it(`let clients in while the backlog is full (timestamps ${hasTimestamps})`, () => {
      const flood = new Flood({ synBacklogMax: 8, synCookies: true, hasTimestamps, receiveBufferOctets: 1 << 20 }).syns(
        50,
      )
      expect([flood.tcp.cookiesSent, flood.tcp.synsDropped]).toEqual([42, 0])
      const owner = new TestOwner(patternOctets(500_000))
      const client = flood.connect(owner)
      flood.run(seconds(1))
      expect(client.tcpState).toBe('ESTABLISHED')
      expect(flood.tcp.cookiesAccepted).toBe(1)
      expectSameOctets(flood.server.receivedWhole(), patternOctets(500_000))
      expect(owner.receivedOctets).toBe(3000)
      const { stream } = flood.server
      if (!(stream instanceof TcpConnection)) throw new Error('not accepted')
      // What the SYN offered came back in the time stamp, or was lost without one.
      expect([stream.hasSack, client.hasSack]).toEqual([hasTimestamps, hasTimestamps])
      expect([stream.sndWndShift, client.sndWndShift]).toEqual(hasTimestamps ? [5, 5] : [0, 0])
      expect(stream.sndMss).toBe(hasTimestamps ? 1448 : 1460)
    })

  for (const waitSeconds of [60, 200])
    it(`are not taken from who guesses one, nor later than two minutes (${waitSeconds} s)`, () => {
      const flood = new Flood({ synBacklogMax: 0, synCookies: true })
      flood.net.host(0).icmp.sendEcho(flood.net.host(1).address, 1, 1, new Uint8Array(0))
      flood.run(milliseconds(10))
      const frames: Uint8Array[] = []
      flood.net.host(1).output = { receiveFrame: (frame) => void frames.push(frame) }
      const client = flood.connect()
      flood.run(milliseconds(500))
      expect(flood.tcp.cookiesSent).toBe(1)
      const cookie = decodeCapturedTcp(LINK_TYPE.ethernet, frames[0]!)!.segment.sequence
      const answer = (acknowledgment: number): Uint8Array => {
        const ends = { source: client.localAddress as number, destination: client.remoteAddress as number }
        const ports = { sourcePort: client.localPort, destinationPort: PORT }
        const header = {
          ...new TcpHeader(),
          ...ports,
          flags: TCP_FLAG.ack,
          sequence: client.sndMax,
          acknowledgment,
        }
        const payload = encodeTcp({ ...header, payload: new Uint8Array(0) }, ends)
        const packet = encodeIpv4({ ...new Ipv4Header(), ...ends, protocol: 6, payload })
        const destination = flood.net.host(1).mac
        return encodeEthernet({ destination, source: 9, vlan: null, etherType: ETHERTYPE.ipv4, payload: packet })
      }
      for (let guess = 0; guess < 2000; guess++) flood.net.host(1).receiveFrame(answer(guess * 2_000_003))
      expect([flood.tcp.cookiesAccepted, flood.states()]).toEqual([0, ['LISTEN']])
      flood.run(seconds(waitSeconds))
      flood.net.host(1).receiveFrame(answer((cookie + 1) >>> 0))
      expect(flood.tcp.cookiesAccepted).toBe(waitSeconds < 120 ? 1 : 0)
    })
})

class NeverTakes implements TcpListener {
  offered = 0
  connectionAccepted(): void {
    this.offered++
  }
}

describe('the accept backlog', () => {
  it('holds so many connections that nobody takes; the others wait outside', () => {
    const flood = new Flood({ acceptBacklogMax: 2 }, new NeverTakes())
    const clients = Array.from({ length: 4 }, () => {
      const client = flood.connect()
      flood.run(milliseconds(10))
      return client
    })
    expect(clients.map(({ tcpState }) => tcpState)).toEqual(['ESTABLISHED', 'ESTABLISHED', 'SYN-SENT', 'SYN-SENT'])
    expect(flood.tcp.synsDropped).toBe(2)
    expect(flood.tcp.table()[0]).toMatchObject({ local: '*:80', state: 'LISTEN', receiveQueue: 2, sendQueue: 2 })
    clients[0]!.abort()
    flood.run(seconds(5))
    expect(clients.filter(({ tcpState }) => tcpState === 'ESTABLISHED')).toHaveLength(2)
  })
})

describe('initial sequence numbers', () => {
  const numbers = (isn: 'hashed' | 'predictable', count: number): number[] => {
    const flood = new Flood({ isn }).run(milliseconds(10))
    return Array.from({ length: count }, () => flood.connect().iss)
  }

  it('say nothing about the next one (RFC 6528), and are the same in every run', () => {
    const hashed = numbers('hashed', 50)
    const steps = hashed.slice(1).map((number, index) => (number - hashed[index]!) >>> 0)
    expect(new Set(steps).size).toBe(49)
    expect(numbers('hashed', 50)).toEqual(hashed)
  })

  it('grow with the clock for one pair of ends, so that old segments are not taken for new ones', () => {
    const flood = new Flood().run(milliseconds(10))
    const [one, two] = [flood.net.host(0).tcp, flood.net.host(1).address]
    const first = one.connect(two, PORT, 5000) as TcpConnection
    flood.run(milliseconds(10))
    first.abort()
    flood.run(seconds(1) - milliseconds(10))
    const second = one.connect(two, PORT, 5000) as TcpConnection
    expect((second.iss - first.iss) >>> 0).toBe(250_000) // a tick is 4 microseconds
  })

  it('can be foretold where a lab wants that', () => {
    const [first, second, third] = numbers('predictable', 3)
    expect([second! - first!, third! - second!]).toEqual([64_000, 64_000])
  })
})

describe('TcpLayer.table', () => {
  it('shows what ss shows, and the trace every state', () => {
    const flood = new Flood()
    const client = flood.connect(new TestOwner(patternOctets(100_000)))
    flood.run(seconds(1))
    const [row] = flood.net.host(0).tcp.table()
    expect(row).toMatchObject({
      local: `10.0.0.1:${client.localPort}`,
      remote: '10.0.0.2:80',
      state: 'ESTABLISHED',
      receiveQueue: 0,
      sendQueue: 0,
      ssthresh: null,
      retransmissions: 0,
    })
    expect(row!.cwnd).toBeGreaterThan(14_480)
    expect(row!.rtoNs - row!.srttNs).toBe(milliseconds(200))
    expect(flood.states()).toEqual(['LISTEN', 'ESTABLISHED'])
    client.end()
    flood.run(seconds(1))
    flood.server.stream!.end()
    flood.run(seconds(70))
    const states = (host: string): string[] =>
      flood.net.kernel.trace.rows('tcp-state').flatMap((row) => (row.host === host ? [row.state] : []))
    expect(states('host1')).toEqual(['SYN-SENT', 'ESTABLISHED', 'FIN-WAIT-1', 'FIN-WAIT-2', 'TIME-WAIT', 'CLOSED'])
    expect(states('host2')).toEqual(['SYN-RECEIVED', 'ESTABLISHED', 'CLOSE-WAIT', 'LAST-ACK', 'CLOSED'])
  })
})

describe('a peer that falls silent', () => {
  const keepAlive = { idleNs: seconds(10), intervalNs: seconds(2), probes: 3 }

  it('is asked, and the connection lives while it answers', () => {
    const flood = new Flood({ keepAlive })
    const client = flood.connect()
    flood.run(seconds(100))
    expect(client.tcpState).toBe('ESTABLISHED')
    // Both ends ask after ten seconds; whoever was asked has heard something.
    const probes = flood.segments().filter(({ sequence }) => sequence === (client.sndNxt - 1) >>> 0)
    expect(probes.length).toBeGreaterThanOrEqual(4)
    expect(probes.length).toBeLessThan(12)
  })

  it('is given up after as many probes as were chosen', () => {
    const flood = new Flood({ keepAlive })
    const owner = new TestOwner()
    flood.connect(owner)
    flood.run(seconds(1))
    flood.net.links[1]!.cut()
    flood.run(seconds(14.5))
    expect(owner.failure).toBeNull()
    flood.run(seconds(1))
    expect(owner.failure?.message).toMatch(/keep-alive/)
  })

  it('is not asked unless that was chosen', () => {
    const flood = new Flood()
    flood.connect()
    flood.run(seconds(1))
    const before = flood.net.tap.lastPacket
    flood.run(seconds(20_000))
    expect(flood.net.tap.lastPacket).toBe(before)
  })

  it('is given up when the user has waited long enough', () => {
    const flood = new Flood({ userTimeoutNs: seconds(5) })
    const owner = new TestOwner()
    const client = flood.connect(owner)
    flood.run(seconds(1))
    flood.net.links[1]!.cut()
    client.write(patternOctets(10))
    flood.run(seconds(4.9))
    expect(owner.failure).toBeNull()
    flood.run(seconds(0.2))
    expect(owner.failure?.message).toMatch(/timed out/)
  })

  it('is given up after fifteen window probes, though a closed window alone is no reason', () => {
    const flood = new Flood({ receiveBufferOctets: 10_000 })
    flood.server.isReading = false
    const owner = new TestOwner(patternOctets(50_000))
    const client = flood.connect(owner)
    flood.run(seconds(5000))
    expect([client.tcpState, client.sndWnd]).toEqual(['ESTABLISHED', 0])
    flood.net.links[1]!.cut()
    flood.run(seconds(500))
    expect(owner.failure).toBeNull()
    flood.run(seconds(600))
    expect(owner.failure?.message).toMatch(/window probes/)
  })
})

describe('Nagle', () => {
  it('joins small writes while something is outstanding, when it is chosen', () => {
    const count = (hasNagle: boolean): number => {
      const flood = new Flood({ hasNagle })
      const client = flood.connect()
      flood.run(milliseconds(10))
      const before = flood.segments().length
      for (let index = 0; index < 20; index++) {
        client.write(patternOctets(10))
        flood.run(1000)
      }
      flood.run(seconds(1))
      expect(flood.server.receivedOctets).toBe(200)
      return flood
        .segments()
        .slice(before)
        .filter(({ payload }) => payload.length === 10).length
    }
    expect(count(false)).toBe(20)
    expect(count(true)).toBe(1)
  })
})

describe('kept state', () => {
  it('goes on from a copy made in the middle of a flood', () => {
    const flood = new Flood({
      synBacklogMax: 8,
      synCookies: true,
      keepAlive: { idleNs: 1e9, intervalNs: 1e9, probes: 2 },
    }).syns(20)
    flood.connect(new TestOwner(patternOctets(20_000)))
    flood.run(milliseconds(1))
    const copy = copyGraph(flood)
    for (const each of [flood, copy]) each.run(seconds(70))
    expect(copy.net.kernel.trace.hash()).toBe(flood.net.kernel.trace.hash())
    expect(copy.tcp.table()).toEqual(flood.tcp.table())
    expect(copy.segments().filter(({ flags }) => flags === SYN_ACK).length).toBeGreaterThan(0)
  })
})
