import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { microseconds, milliseconds, seconds } from '../../../../core/base/units.js'
import { TcpConnection } from '../../../../core/net/tcp/tcp-connection.js'
import { encodeEthernet, ETHERTYPE } from '../../../../core/net/wire/ethernet.js'
import { encodeIpv4, Ipv4Header } from '../../../../core/net/wire/ipv4.js'
import { encodeTcp, TCP_FLAG, TcpHeader } from '../../../../core/net/wire/tcp.js'
import { FaultySink } from '../../../support/faulty-sink.js'
import {
  expectSameOctets,
  NetworkFixture,
  patternOctets,
  TestListener,
  TestOwner,
} from '../../../support/network-fixture.js'

const near = fc.oneof(fc.integer({ min: -3000, max: 3000 }), fc.constantFrom(0, 1, -1, 100_000, 2 ** 31, 2 ** 31 - 1))
const sackBlocks = fc.array(fc.record({ left: near, right: near }), { maxLength: 2 })
const forged = fc.record({
  sackBlocks,
  toServer: fc.boolean(),
  sequenceOffset: near,
  ackOffset: near,
  flags: fc.nat(0x3f),
  window: fc.constantFrom(0, 1, 100, 0xffff),
  length: fc.constantFrom(0, 1, 100, 1460),
  mss: fc.option(fc.constantFrom(0, 1, 536, 0xffff)),
  windowScale: fc.option(fc.nat(255)),
  hasTimestamps: fc.boolean(),
  tsVal: fc.nat(0xffffffff),
  waitNs: fc.constantFrom(0, milliseconds(1), seconds(1)),
})

/** At the beginning, and just before sequence numbers begin again with 0. */
const start = fc.constantFrom(0, seconds(33_554))

describe('a TCP connection under forged segments with right checksums', () => {
  it('stays within its bounds and never breaks an assertion', () => {
    fc.assert(
      fc.property(fc.array(forged, { minLength: 1, maxLength: 25 }), start, (list, startNs) => {
        const options = { receiveBufferOctets: 20_000, sendBufferOctets: 20_000, isn: 'predictable' } as const
        const net = new NetworkFixture({ tcp: options })
        net.kernel.runUntil(startNs)
        const server = new TestOwner(patternOctets(50_000))
        server.isReading = false
        const client = new TestOwner(patternOctets(50_000))
        net.host(1).listen(80, new TestListener(server))
        const stream = net.host(0).connect(net.host(1).address, 80)
        stream.owner = client
        net.kernel.runUntil(startNs + milliseconds(3))
        const peer = server.stream
        if (!(stream instanceof TcpConnection && peer instanceof TcpConnection)) throw new Error('not open')
        for (const { toServer, sequenceOffset, ackOffset, length, waitNs, sackBlocks, ...fields } of list) {
          const to = toServer ? peer : stream
          const pair = { source: to.remoteAddress, destination: to.localAddress }
          const segment = encodeTcp(
            {
              ...fields,
              sourcePort: to.remotePort,
              destinationPort: to.localPort,
              sequence: (to.rcvNxt + sequenceOffset) >>> 0,
              acknowledgment: (to.sndUna + ackOffset) >>> 0,
              urgentPointer: 0,
              sackPermitted: false,
              sackBlocks: sackBlocks.map(({ left, right }) => ({
                left: (to.sndUna + left) >>> 0,
                right: (to.sndUna + right) >>> 0,
              })),
              tsEcr: 0,
              payload: patternOctets(length),
            },
            pair,
          )
          const header = { ttl: 64, dscpEcn: 0, identification: 0, dontFragment: true, moreFragments: false }
          const payload = encodeIpv4({ ...pair, ...header, fragmentOffset: 0, protocol: 6, payload: segment })
          const host = net.host(toServer ? 1 : 0)
          host.receiveFrame(
            encodeEthernet({ destination: host.mac, source: 9, vlan: null, etherType: ETHERTYPE.ipv4, payload }),
          )
          net.kernel.runUntil(net.kernel.nowNs + waitNs)
          expect(peer.readableOctets()).toBeLessThanOrEqual(20_000)
          expect(to.sendBuffer.length).toBeLessThanOrEqual(20_000)
          const outstanding = (to.sndMax - to.sndUna) | 0
          expect(to.recovery.scoreboard.octets).toBeLessThanOrEqual(outstanding)
          expect(to.recovery.pipeOctets(to)).toBeGreaterThanOrEqual(0)
          expect(to.recovery.pipeOctets(to)).toBeLessThanOrEqual(2 * outstanding)
          expect(to.receiveBuffer.beyond.octets).toBeLessThanOrEqual(20_000)
        }
        // Frames go round between the two only while they have something to say.
        net.kernel.runUntil(net.kernel.nowNs + seconds(30))
        expect(net.tap.lastPacket).toBeLessThan(5000)
      }),
      { numRuns: 100 },
    )
  })

  it('delivers everything though somebody lies about what has arrived', () => {
    fc.assert(
      fc.property(fc.array(sackBlocks, { minLength: 1, maxLength: 40 }), fc.nat(50), (lies, lost) => {
        const net = new NetworkFixture()
        const faulty = new FaultySink(net.host(1), net.kernel.random('faults'), { lostPerMille: lost })
        net.links[1]!.a.output = faulty
        const server = new TestOwner()
        net.host(1).listen(80, new TestListener(server))
        const stream = net.host(0).connect(net.host(1).address, 80) as TcpConnection
        stream.owner = new TestOwner(patternOctets(200_000))
        for (const blocks of lies) {
          net.kernel.runUntil(net.kernel.nowNs + microseconds(300))
          const pair = { source: stream.remoteAddress, destination: stream.localAddress }
          const segment = encodeTcp(
            {
              ...new TcpHeader(),
              sourcePort: 80,
              destinationPort: stream.localPort,
              sequence: stream.rcvNxt,
              acknowledgment: stream.sndUna,
              flags: TCP_FLAG.ack,
              window: 0xffff,
              sackBlocks: blocks.map(({ left, right }) => ({
                left: (stream.sndUna + left) >>> 0,
                right: (stream.sndUna + right) >>> 0,
              })),
              payload: new Uint8Array(0),
            },
            pair,
          )
          const payload = encodeIpv4({ ...new Ipv4Header(), ...pair, protocol: 6, payload: segment })
          const { mac: destination } = net.host(0)
          net
            .host(0)
            .receiveFrame(encodeEthernet({ destination, source: 9, vlan: null, etherType: ETHERTYPE.ipv4, payload }))
        }
        net.kernel.runUntil(seconds(1000))
        expectSameOctets(server.receivedWhole(), patternOctets(200_000))
      }),
      { numRuns: 40 },
    )
  })
})
