import { describe, expect, it } from 'vitest'
import type { PacketTransform, PacketVerdict } from '../../../core/base/packet-transform.js'
import { milliseconds, seconds, type Nanos } from '../../../core/base/units.js'
import type { Kernel } from '../../../core/kernel/kernel.js'
import type { HostStack } from '../../../core/net/host-stack.js'
import {
  expectSameOctets,
  NetworkFixture,
  patternOctets,
  TestListener,
  TestOwner,
} from '../../support/network-fixture.js'

const ADDRESSES = [(0xfd00n << 112n) | 1n, (0xfd00n << 112n) | 2n] as const
const MARK = 0x5a
const TRAILER_OCTETS = 100

/** Adds a trailer on the way out and takes it off on the way in, each in a millisecond. */
class Trailer implements PacketTransform {
  outgoingVerdict: 'wait' | 'drop' | null = null
  sealed = 0
  longest = 0

  constructor(private readonly kernel: Kernel) {}

  outgoing(packet: Uint8Array): PacketVerdict {
    if (packet[6] !== 6) return { kind: 'pass' }
    if (this.outgoingVerdict === 'wait') return { kind: 'wait' }
    if (this.outgoingVerdict === 'drop') return { kind: 'drop', reason: 'told to' }
    this.sealed++
    const longer = new Uint8Array(packet.length + TRAILER_OCTETS).fill(MARK)
    longer.set(packet)
    this.longest = Math.max(this.longest, longer.length)
    return { kind: 'replace', packet: withLength(longer), readyNs: this.kernel.nowNs + milliseconds(1) }
  }
  incoming(packet: Uint8Array): PacketVerdict {
    if (packet[6] !== 6) return { kind: 'pass' }
    if (packet.at(-1) !== MARK) return { kind: 'drop', reason: 'no trailer' }
    const shorter = withLength(packet.slice(0, -TRAILER_OCTETS))
    return { kind: 'replace', packet: shorter, readyNs: this.kernel.nowNs + milliseconds(1) }
  }
  innerMtu(_destination: number | bigint, mtu: number): number {
    return mtu - TRAILER_OCTETS
  }
  busyUntilNs(): Nanos {
    return 0
  }
}

function withLength(packet: Uint8Array): Uint8Array {
  const payload = packet.length - 40
  packet[4] = payload >>> 8
  packet[5] = payload & 255
  return packet
}

function pair(): { net: NetworkFixture; one: HostStack; two: HostStack; transforms: Trailer[] } {
  const net = new NetworkFixture()
  const [one, two] = [net.host(0), net.host(1)]
  const transforms = [one, two].map((host, index) => {
    host.interface('eth0').addAddress({ address: ADDRESSES[index] ?? 0n, prefixLength: 64 })
    const transform = new Trailer(net.kernel)
    host.ip.transformed.transform = transform
    return transform
  })
  return { net, one, two, transforms }
}

describe('packets through a transform', () => {
  it('leave and arrive when it is done with them, and none is too long', () => {
    const { net, one, two, transforms } = pair()
    const sent = patternOctets(50_000)
    const [client, server] = [new TestOwner(sent), new TestOwner()]
    two.listen(80, new TestListener(server))
    one.connect(ADDRESSES[1], 80).owner = client
    // SYN and SYN-ACK: a millisecond at each end, twice, and no more than the rest of one on the links.
    net.kernel.runUntil(milliseconds(4))
    expect(client.told).toEqual([])
    net.kernel.runUntil(milliseconds(6))
    expect(client.told[0]).toBe('opened')
    net.kernel.runUntil(seconds(5))
    expectSameOctets(server.receivedWhole(), sent)
    expect(transforms.map(({ longest }) => longest <= 1500)).toEqual([true, true])
    expect(transforms[0]?.longest).toBe(1500)
  })

  it('wait until they are asked about again', () => {
    const { net, one, two, transforms } = pair()
    const client = new TestOwner()
    two.listen(80, new TestListener(new TestOwner()))
    transforms[0]!.outgoingVerdict = 'wait'
    one.connect(ADDRESSES[1], 80).owner = client
    net.kernel.runUntil(milliseconds(500))
    expect([client.told, transforms[0]?.sealed]).toEqual([[], 0])
    transforms[0]!.outgoingVerdict = null
    one.ip.transformed.retryWaiting()
    net.kernel.runUntil(milliseconds(510))
    expect(client.told).toEqual(['opened'])
  })

  it('are refused on the way out, which connections are told', () => {
    const { net, one, transforms } = pair()
    const client = new TestOwner()
    transforms[0]!.outgoingVerdict = 'drop'
    one.connect(ADDRESSES[1], 80).owner = client
    net.kernel.runUntil(milliseconds(10))
    expect(client.failure?.message).toContain('prohibited')
    expect(one.ip.transformed.packetsRefused).toBe(1)
  })

  it('are refused on the way in, and one that opens to nonsense harms nobody', () => {
    const { net, one, two } = pair()
    one.ip.transformed.transform = null
    const client = new TestOwner()
    two.listen(80, new TestListener(new TestOwner()))
    one.connect(ADDRESSES[1], 80).owner = client
    net.kernel.runUntil(milliseconds(10))
    expect([client.told, two.ip.transformed.packetsRefused]).toEqual([[], 1])
    const nonsense = new Uint8Array(40 + 3 + TRAILER_OCTETS).fill(MARK)
    nonsense.set([0x60, 0, 0, 0, 0, 0, 6, 64])
    ADDRESSES.forEach((address, index) => {
      nonsense.fill(0, 8 + 16 * index, 24 + 16 * index)
      nonsense.set([0xfd, 0], 8 + 16 * index)
      nonsense[23 + 16 * index] = Number(address & 255n)
    })
    one.sendRawIp(withLength(nonsense))
    net.kernel.runUntil(milliseconds(20))
    expect(two.ip.transformed.packetsRefused).toBe(2)
  })
})
