import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { milliseconds, seconds } from '../../../../core/base/units.js'
import { TcpConnection } from '../../../../core/net/tcp/tcp-connection.js'
import { encodeEthernet, ETHERTYPE } from '../../../../core/net/wire/ethernet.js'
import { encodeIpv4 } from '../../../../core/net/wire/ipv4.js'
import { encodeTcp } from '../../../../core/net/wire/tcp.js'
import { NetworkFixture, patternOctets, TestListener, TestOwner } from '../../../support/network-fixture.js'

const near = fc.oneof(fc.integer({ min: -3000, max: 3000 }), fc.constantFrom(0, 1, -1, 100_000, 2 ** 31, 2 ** 31 - 1))
const forged = fc.record({
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

describe('a TCP connection under forged segments with right checksums', () => {
  it('stays within its bounds and never breaks an assertion', () => {
    fc.assert(
      fc.property(fc.array(forged, { minLength: 1, maxLength: 25 }), (list) => {
        const net = new NetworkFixture({ tcp: { receiveBufferOctets: 20_000, sendBufferOctets: 20_000 } })
        const server = new TestOwner(patternOctets(50_000))
        server.isReading = false
        const client = new TestOwner(patternOctets(50_000))
        net.host(1).listen(80, new TestListener(server))
        const stream = net.host(0).connect(net.host(1).address, 80)
        stream.owner = client
        net.kernel.runUntil(milliseconds(3))
        const peer = server.stream
        if (!(stream instanceof TcpConnection && peer instanceof TcpConnection)) throw new Error('not open')
        for (const { toServer, sequenceOffset, ackOffset, length, waitNs, ...fields } of list) {
          const to = toServer ? peer : stream
          const pair = { source: to.remoteAddress as number, destination: to.localAddress as number }
          const segment = encodeTcp(
            {
              ...fields,
              sourcePort: to.remotePort,
              destinationPort: to.localPort,
              sequence: (to.rcvNxt + sequenceOffset) >>> 0,
              acknowledgment: (to.sndUna + ackOffset) >>> 0,
              urgentPointer: 0,
              sackPermitted: false,
              sackBlocks: [],
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
        }
        // Frames go round between the two only while they have something to say.
        net.kernel.runUntil(net.kernel.nowNs + seconds(30))
        expect(net.tap.lastPacket).toBeLessThan(5000)
      }),
      { numRuns: 100 },
    )
  })
})
