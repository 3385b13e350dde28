import { describe, expect, it } from 'vitest'
import { copyGraph } from '../../../../core/base/snapshot.js'
import { microseconds, milliseconds, seconds } from '../../../../core/base/units.js'
import { LinkTraffic } from '../../../../core/net/link-traffic.js'
import { TcpConnection } from '../../../../core/net/tcp/tcp-connection.js'
import { sendReset } from '../../../../core/net/tcp/transmit.js'
import type { TcpOptions } from '../../../../core/net/tcp/tcp-layer.js'
import { decodeCapturedTcp, LINK_TYPE } from '../../../../core/net/wire/link-layer.js'
import { TCP_FLAG, type TcpSegment } from '../../../../core/net/wire/tcp.js'
import { FaultySink, type Faults } from '../../../support/faulty-sink.js'
import {
  expectSameOctets,
  NetworkFixture,
  patternOctets,
  TestListener,
  TestOwner,
} from '../../../support/network-fixture.js'

const PORT = 49152

interface SessionOptions {
  readonly request?: Uint8Array
  readonly response?: Uint8Array
  readonly faults?: Faults
  readonly tcp?: TcpOptions
  readonly seed?: string
  readonly startNs?: number
}

/** Two hosts, and a connection from the first to the second. All of it is data, so it can be copied. */
class Session {
  readonly net: NetworkFixture
  readonly client: TestOwner
  readonly server: TestOwner
  readonly listener: TestListener
  readonly stream: TcpConnection
  readonly faultyOut: FaultySink
  readonly faultyIn: FaultySink

  constructor({ request, response, faults = {}, tcp, seed = 'tcp', startNs = 0 }: SessionOptions = {}) {
    this.net = new NetworkFixture({ seed, ...(tcp === undefined ? {} : { tcp }) })
    const { kernel } = this.net
    this.client = new TestOwner(request)
    this.server = new TestOwner(response)
    this.listener = new TestListener(this.server)
    this.faultyOut = new FaultySink(this.net.links[1]!.a, kernel.random('faults out'), faults)
    this.faultyIn = new FaultySink(this.net.host(1), kernel.random('faults in'), faults)
    this.net.host(1).output = this.faultyOut
    this.net.links[1]!.a.output = this.faultyIn
    this.net.host(1).listen(PORT, this.listener)
    kernel.runUntil(startNs)
    const stream = this.net.host(0).connect(this.net.host(1).address, PORT)
    if (!(stream instanceof TcpConnection)) throw new Error('not TCP')
    this.stream = stream
    this.stream.owner = this.client
  }

  run(ns: number): this {
    this.net.kernel.runUntil(this.net.kernel.nowNs + ns)
    return this
  }

  get peer(): TcpConnection {
    if (!(this.server.stream instanceof TcpConnection)) throw new Error('not accepted')
    return this.server.stream
  }

  /** What the mirror saw of TCP, with its times. */
  segments(): { atNs: number; isFromClient: boolean; segment: TcpSegment }[] {
    const { tap } = this.net
    const seen = []
    for (let packet = 1; packet <= tap.lastPacket; packet++) {
      const captured = decodeCapturedTcp(LINK_TYPE.ethernet, tap.frame(packet)!)
      if (captured === null) continue
      const isFromClient = captured.ip.source === this.net.host(0).address
      seen.push({ atNs: tap.timeNs(packet)!, isFromClient, segment: captured.segment })
    }
    return seen
  }
}

describe('TcpConnection', () => {
  it('opens, carries both ways, and closes both ways', () => {
    const session = new Session({ request: patternOctets(300_000), response: patternOctets(200_000, 5) })
    session.client.endsWhenSent = true
    session.server.endsWhenPeerEnds = true
    session.run(milliseconds(100))
    expectSameOctets(session.server.receivedWhole(), patternOctets(300_000))
    expectSameOctets(session.client.receivedWhole(), patternOctets(200_000, 5))
    expect(session.client.told).toEqual(['opened', 'ended'])
    expect(session.server.told).toEqual(['opened', 'ended'])
    expect(session.stream.tcpState).toBe('TIME-WAIT')
    expect(session.peer.tcpState).toBe('CLOSED')
    expect(session.stream.segmentsRetransmitted + session.peer.segmentsRetransmitted).toBe(0)
    session.run(seconds(61))
    expect(session.stream.tcpState).toBe('CLOSED')
    expect([session.stream.state, session.peer.state]).toEqual(['closed', 'closed'])
  })

  it('offers and uses MSS, window scale and timestamps', () => {
    const [syn, synAck, , data] = new Session({ request: patternOctets(100_000) }).run(milliseconds(50)).segments()
    expect(syn?.segment).toMatchObject({
      mss: 1460,
      windowScale: 6,
      hasTimestamps: true,
      tsEcr: 0,
      flags: TCP_FLAG.syn,
    })
    expect(synAck?.segment).toMatchObject({ windowScale: 6, tsEcr: syn?.segment.tsVal })
    expect(data?.segment.payload.length).toBe(1448)
    const plain = new Session({ request: patternOctets(100_000), tcp: { hasTimestamps: false } })
    expect(plain.run(milliseconds(50)).segments()[3]?.segment.payload.length).toBe(1460)
    expect(plain.server.receivedOctets).toBe(100_000)
  })

  it('joins what is written in one instant, and lets nobody write before it is open or after its end', () => {
    const session = new Session()
    expect(session.stream.writableOctets()).toBe(0)
    session.run(milliseconds(10))
    const before = session.segments().length
    for (let count = 0; count < 100; count++) session.stream.write(patternOctets(10))
    session.run(milliseconds(10))
    expect(session.segments().length - before).toBe(1)
    session.stream.end()
    expect(session.stream.writableOctets()).toBe(0)
    expect(() => session.stream.write(patternOctets(1))).toThrow(/octets written/)
  })

  it('waits 40 ms with an acknowledgment, unless a second segment comes', () => {
    const session = new Session({ request: patternOctets(100) }).run(milliseconds(100))
    const [data, ack] = session.segments().slice(3)
    const roundTripNs = ack!.atNs - data!.atNs
    expect(roundTripNs).toBeGreaterThan(milliseconds(40))
    expect(roundTripNs).toBeLessThan(milliseconds(41))
  })

  for (const [name, faults] of Object.entries({
    loss: { lostPerMille: 30 },
    'heavy loss': { lostPerMille: 150 },
    reordering: { swappedPerMille: 100 },
    everything: { lostPerMille: 20, duplicatedPerMille: 50, swappedPerMille: 50, damagedPerMille: 20 },
  }))
    for (const seed of ['1', '2', '3'])
      it(`delivers everything under ${name} (SEED=${seed})`, () => {
        const request = patternOctets(400_000)
        const response = patternOctets(300_000, 9)
        const session = new Session({ request, response, faults, seed })
        session.client.endsWhenSent = true
        session.server.endsWhenPeerEnds = true
        session.run(seconds(600))
        expectSameOctets(session.server.receivedWhole(), request)
        expectSameOctets(session.client.receivedWhole(), response)
        expect([session.stream.state, session.peer.state]).toEqual(['closed', 'closed'])
        expect(session.faultyIn.framesSeen).toBeGreaterThan(200)
      })

  it('repairs one loss by fast retransmit, without waiting for the timer', () => {
    const session = new Session({ request: patternOctets(500_000) })
    session.faultyIn.losesFrames.add(60)
    session.run(milliseconds(150))
    expect(session.server.receivedOctets).toBe(500_000)
    expect(session.stream.segmentsRetransmitted).toBe(1)
    expect(session.stream.congestion.ssthresh).toBeLessThan(200_000)
  })

  it('repairs several losses in one window with partial acknowledgments', () => {
    const session = new Session({ request: patternOctets(500_000), tcp: { hasSack: false } })
    for (const frame of [60, 63, 66]) session.faultyIn.losesFrames.add(frame)
    session.run(milliseconds(150))
    expect(session.server.receivedOctets).toBe(500_000)
    expect(session.stream.segmentsRetransmitted).toBe(3)
  })

  it('repairs several losses in one window by selective acknowledgments, in one round trip', () => {
    const session = new Session({ request: patternOctets(500_000) })
    for (const frame of [60, 63, 66]) session.faultyIn.losesFrames.add(frame)
    session.run(milliseconds(150))
    expect(session.server.receivedOctets).toBe(500_000)
    expect(session.stream.segmentsRetransmitted).toBe(3 + session.stream.recovery.rescues)
    expect(session.stream.recovery.rescues).toBeLessThanOrEqual(1)
    const again = session
      .segments()
      .filter(({ segment }, index, all) =>
        all
          .slice(0, index)
          .some(
            (before) =>
              before.isFromClient &&
              segment.payload.length > 0 &&
              before.segment.sequence === segment.sequence &&
              before.segment.payload.length > 0,
          ),
      )
    expect(again.slice(2)[0]!.atNs - again[0]!.atNs).toBeLessThan(milliseconds(1))
    const reports = session.segments().filter(({ segment }) => segment.sackBlocks.length > 0)
    expect(Math.max(...reports.map(({ segment }) => segment.sackBlocks.length))).toBe(3)
    // The block that grew last comes first (RFC 2018 §4).
    for (const { segment } of reports)
      expect(segment.sackBlocks[0]!.right).toBeGreaterThan(segment.sackBlocks.at(-1)!.left)
  })

  it('doubles its timeout while nothing is answered, and fails at last', () => {
    const session = new Session().run(milliseconds(10))
    session.net.links[1]!.cut()
    session.stream.write(patternOctets(100))
    session.run(seconds(7))
    const times = session
      .segments()
      .filter(({ segment }) => segment.payload.length > 0)
      .map(({ atNs }) => atNs)
    const waits = times.slice(1).map((atNs, index) => Math.round((atNs - times[index]!) / 1e8) * 100)
    expect(waits).toEqual([200, 400, 800, 1600, 3200])
    session.run(seconds(2000))
    expect(session.client.failure).toMatchObject({ kind: 'connection', protocol: 'tcp' })
    expect(session.stream.state).toBe('failed')
  })

  it('learns the length of a path that is longer than its first timeout', () => {
    const session = new Session({ request: patternOctets(200_000) })
    for (const link of session.net.links) link.delayNs = seconds(1)
    session.run(seconds(60))
    expectSameOctets(session.server.receivedWhole(), patternOctets(200_000))
    // Of the data only the first window was sent again in vain: two links each way make 4 s.
    expect(session.stream.rtt.srttNs).toBeGreaterThan(seconds(3.9))
    expect(session.stream.segmentsRetransmitted).toBeLessThan(20)
  })

  it('goes on when the cable is restored in time', () => {
    const session = new Session({ request: patternOctets(2_000_000) }).run(milliseconds(5))
    session.net.links[1]!.cut()
    session.run(seconds(1))
    expect(session.server.receivedOctets).toBeLessThan(2_000_000)
    session.net.links[1]!.restore()
    session.run(seconds(5))
    expectSameOctets(session.server.receivedWhole(), patternOctets(2_000_000))
  })

  it('gives up on a host that does not answer its SYN', () => {
    const session = new Session()
    session.net.links[1]!.cut()
    session.run(seconds(200))
    expect(session.client.told).toEqual(['failed'])
  })

  it('is refused where nobody listens', () => {
    const session = new Session()
    session.net.host(1).tcp.unlisten(PORT)
    session.run(milliseconds(10))
    expect(session.client.failure?.message).toMatch(/connection refused \(10.0.0.1:\d+ to 10.0.0.2:49152\)/)
    expect(session.stream.state).toBe('failed')
  })

  it('tells the other side when it is aborted, and its own owner nothing', () => {
    const session = new Session({ request: patternOctets(1000) }).run(milliseconds(10))
    session.stream.abort()
    session.run(milliseconds(10))
    expect(session.client.told).toEqual(['opened'])
    expect(session.stream.state).toBe('closed')
    expect(session.server.told).toEqual(['opened', 'failed'])
    expect(session.server.failure?.message).toMatch(/reset by the peer/)
  })

  it('takes a reset only at the exact place (RFC 5961)', () => {
    const session = new Session().run(milliseconds(10))
    const { stream, peer } = session
    const { sndMax } = stream
    for (const offset of [100, -100, 1]) {
      stream.sndMax = (sndMax + offset) >>> 0 // where the reset will stand
      sendReset(stream)
      stream.sndMax = sndMax
      session.run(milliseconds(10))
      expect(peer.tcpState).toBe('ESTABLISHED')
    }
    sendReset(stream)
    session.run(milliseconds(10))
    expect(session.server.failure?.message).toMatch(/reset by the peer/)
  })

  it('closes the window when nobody reads, probes it, and goes on when somebody does', () => {
    const session = new Session({ request: patternOctets(300_000), tcp: { receiveBufferOctets: 100_000 } })
    session.server.isReading = false
    session.run(seconds(20))
    expect(session.peer.readableOctets()).toBe(100_000)
    const windows = session.segments().filter(({ isFromClient }) => !isFromClient)
    expect(windows.at(-1)?.segment.window).toBe(0)
    const probes = session
      .segments()
      .filter(({ segment, isFromClient }) => isFromClient && segment.payload.length === 1)
    expect(probes.length).toBeGreaterThan(4)
    session.run(seconds(3000)) // more probes than retransmissions would be allowed: an answered probe is no failure
    session.server.isReading = true
    session.server.streamReadable(session.peer)
    session.run(seconds(10))
    expectSameOctets(session.server.receivedWhole(), patternOctets(300_000))
    expect(session.client.told).not.toContain('failed')
  })

  it('finds an opened window by probing when the news of it was lost', () => {
    const session = new Session({ request: patternOctets(300_000), tcp: { receiveBufferOctets: 100_000 } })
    session.server.isReading = false
    session.run(seconds(2))
    session.faultyOut.losesFrames.add(session.faultyOut.framesSeen + 1)
    session.server.isReading = true
    session.server.streamReadable(session.peer)
    session.run(milliseconds(1))
    expect(session.faultyOut.framesLost).toBe(1)
    session.run(seconds(10))
    expect(session.server.receivedOctets).toBe(300_000)
  })

  it('bounds what it takes from its owner, and says when there is room', () => {
    const session = new Session({ request: patternOctets(500_000), tcp: { sendBufferOctets: 50_000 } }).run(1e6)
    expect(session.stream.writableOctets()).toBeLessThan(50_000)
    session.run(milliseconds(100))
    expect(session.server.receivedOctets).toBe(500_000)
    expect(session.client.told.filter((text) => text === 'writable').length).toBeGreaterThan(5)
    expect(session.stream.writableOctets()).toBe(50_000)
  })

  it('opens from both ends at once', () => {
    const net = new NetworkFixture()
    const [one, two] = [net.host(0), net.host(1)]
    one.icmp.sendEcho(two.address, 1, 1, new Uint8Array(0)) // both know each other's MAC address then
    net.kernel.runUntil(seconds(1))
    const owners = [new TestOwner(patternOctets(1000)), new TestOwner(patternOctets(2000, 3))]
    const streams = [one.tcp.connect(two.address, 2000, 1000), two.tcp.connect(one.address, 1000, 2000)]
    streams.forEach((stream, index) => (stream.owner = owners[index]!))
    net.kernel.runUntil(seconds(2))
    expect(streams.map((stream) => (stream as TcpConnection).tcpState)).toEqual(['ESTABLISHED', 'ESTABLISHED'])
    expect(owners.map(({ receivedOctets }) => receivedOctets)).toEqual([2000, 1000])
  })

  it('closes from both ends at once', () => {
    const session = new Session().run(milliseconds(10))
    session.stream.end()
    session.peer.end()
    session.run(microseconds(150))
    expect([session.stream.tcpState, session.peer.tcpState]).toEqual(['FIN-WAIT-1', 'FIN-WAIT-1'])
    session.run(milliseconds(10))
    expect([session.stream.tcpState, session.peer.tcpState]).toEqual(['TIME-WAIT', 'TIME-WAIT'])
    expect([session.client.told, session.server.told]).toEqual([
      ['opened', 'ended'],
      ['opened', 'ended'],
    ])
  })

  it('stays half open as long as the other side likes', () => {
    const session = new Session({ request: patternOctets(10) })
    session.client.endsWhenSent = true
    session.run(seconds(100))
    expect([session.stream.tcpState, session.peer.tcpState]).toEqual(['FIN-WAIT-2', 'CLOSE-WAIT'])
    session.peer.write(patternOctets(5000))
    session.peer.end()
    session.run(seconds(1))
    expectSameOctets(session.client.receivedWhole(), patternOctets(5000))
    expect([session.stream.tcpState, session.peer.tcpState]).toEqual(['TIME-WAIT', 'CLOSED'])
  })

  it('carries on where sequence numbers wrap around', () => {
    const request = patternOctets(3_000_000)
    // 64,000 each half second: about 9 hours until the numbers begin again.
    const session = new Session({ request, tcp: { isn: 'predictable' }, startNs: seconds(33_533) }).run(seconds(1))
    expect(session.stream.iss).toBeGreaterThanOrEqual(2 ** 32 - 2_900_000)
    expect(session.stream.sndUna).toBeLessThan(session.stream.iss)
    expectSameOctets(session.server.receivedWhole(), request)
  })

  it('answers a bounded number of half-open connections', () => {
    const session = new Session({ tcp: { synBacklogMax: 3 } }).run(milliseconds(10))
    const { net } = session
    net.host(0).output = { receiveFrame: () => undefined }
    const spoofed = session.segments()[0]
    expect(spoofed?.segment.flags).toBe(TCP_FLAG.syn)
    const frame = Array.from({ length: net.tap.lastPacket }, (_, i) => net.tap.frame(i + 1)!).find((f) => f[47] === 2)!
    for (let port = 1; port <= 10; port++) {
      const copy = frame.slice()
      copy[34] = 0
      copy[35] = port
      // The checksum moves by what the port moved.
      const was = (frame[34]! << 8) | frame[35]!
      let sum = ((frame[50]! << 8) | frame[51]!) + was - port
      while (sum > 0xffff || sum < 0) sum += sum < 0 ? 0xffff : -0xffff
      copy[50] = sum >> 8
      copy[51] = sum & 255
      net.host(1).receiveFrame(copy)
    }
    const answered = new Set<number>()
    session.run(milliseconds(10))
    for (const { segment } of session.segments())
      if ((segment.flags & (TCP_FLAG.syn | TCP_FLAG.ack)) === (TCP_FLAG.syn | TCP_FLAG.ack))
        answered.add(segment.destinationPort)
    expect(answered.size).toBe(1 + 3)
  })

  it('lets a probe pass a bulk transfer of the same host', () => {
    const session = new Session({ request: patternOctets(20_000_000) }).run(milliseconds(50))
    expect(session.net.links[0]!.a.backlogNs()).toBeLessThan(microseconds(130))
    expect(session.net.links[0]!.a.backlogNs()).toBeGreaterThan(0)
  })

  it('is the same in every run, and another one with another seed', () => {
    const faults = { lostPerMille: 20, swappedPerMille: 20 }
    const run = (seed: string) => {
      const session = new Session({ request: patternOctets(200_000), faults, seed })
      session.net.links[0]!.traffic = new LinkTraffic(session.net.kernel, 'link1', [PORT])
      session.run(seconds(20))
      return [Buffer.from(session.net.tap.toPcapng()).toString('base64'), session.net.kernel.trace.hash()]
    }
    expect(run('a')).toEqual(run('a'))
    expect(run('a')).not.toEqual(run('b'))
  })

  // Before the address is resolved, in the handshake, in the transfer, while closing.
  for (const atNs of [microseconds(150), microseconds(900), milliseconds(3), milliseconds(9)])
    it(`goes on from a copy made after ${atNs} ns as if nothing had happened`, () => {
      const faults = { lostPerMille: 5, swappedPerMille: 10 }
      const session = new Session({ request: patternOctets(1_000_000), response: patternOctets(50_000), faults })
      session.client.endsWhenSent = true
      session.server.endsWhenPeerEnds = true
      session.net.links[0]!.traffic = new LinkTraffic(session.net.kernel, 'link1', [PORT])
      session.run(atNs)
      const copy = copyGraph(session)
      for (const each of [session, copy]) each.run(seconds(30))
      expect(Buffer.compare(session.net.tap.toPcapng(), copy.net.tap.toPcapng())).toBe(0)
      expect(copy.net.kernel.trace.hash()).toBe(session.net.kernel.trace.hash())
      expectSameOctets(copy.server.receivedWhole(), patternOctets(1_000_000))
      expectSameOctets(copy.server.receivedWhole(), session.server.receivedWhole())
    })
})
