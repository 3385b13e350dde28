import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { WireError } from '../../../core/base/errors.js'
import { seconds } from '../../../core/base/units.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { fragmentIpv4, fragmentIpv6 } from '../../../core/net/fragmentation.js'
import { HostStack } from '../../../core/net/host-stack.js'
import { Reassembly, type ReassemblyOwner } from '../../../core/net/reassembly.js'
import { parseIpv6 } from '../../../core/net/wire/addresses.js'
import { decodeIpv4, encodeIpv4, Ipv4Header, readIpv4Header } from '../../../core/net/wire/ipv4.js'
import { decodeIpv6, encodeIpv6, Ipv6Header, readIpv6Header } from '../../../core/net/wire/ipv6.js'
import { patternOctets } from '../../support/network-fixture.js'

class Expired implements ReassemblyOwner {
  readonly frames: Uint8Array[] = []
  reassemblyExpired(frame: Uint8Array): void {
    this.frames.push(frame)
  }
}

function framed(packet: Uint8Array): Uint8Array {
  const frame = new Uint8Array(14 + packet.length)
  frame.set(packet, 14)
  return frame
}

const ipv4 = (payload: Uint8Array, changes: Partial<Ipv4Header> = {}): Uint8Array =>
  framed(
    encodeIpv4({
      ...new Ipv4Header(),
      source: 1,
      destination: 2,
      protocol: 17,
      identification: 7,
      ...changes,
      payload,
    }),
  )
const ipv6 = (payload: Uint8Array): Uint8Array =>
  framed(encodeIpv6({ ...new Ipv6Header(), source: parseIpv6('fd00::1'), destination: 2n, protocol: 17, payload }))

class Fixture {
  readonly kernel = new Kernel('test')
  readonly expired = new Expired()
  readonly reassembly = new Reassembly(this.kernel, this.expired)
  readonly through = new HostStack(this.kernel, { name: 'host', mac: 1, address: 1 }).interface('eth0')

  /** The message, when it is whole. */
  add(frame: Uint8Array): Uint8Array | null {
    const isIpv4 = frame[14]! >>> 4 === 4
    const header = isIpv4 ? new Ipv4Header() : new Ipv6Header()
    if (header instanceof Ipv4Header) readIpv4Header(frame, 14, header)
    else readIpv6Header(frame, 14, header)
    const whole = this.reassembly.add(frame, header, this.through)
    if (whole === null) return null
    return (isIpv4 ? decodeIpv4 : decodeIpv6)(whole.subarray(14)).payload
  }
}

const mtus = { ipv4: fc.integer({ min: 68, max: 1500 }), ipv6: fc.integer({ min: 1280, max: 1500 }) }
const message = fc.integer({ min: 1, max: 9000 }).map((length) => patternOctets(length))

describe('fragmentation and reassembly', () => {
  it.each(['ipv4', 'ipv6'] as const)('gives the message back, whatever the order, with some twice: %s', (family) => {
    fc.assert(
      fc.property(message, mtus[family], fc.infiniteStream(fc.nat()), (payload, mtu, order) => {
        const fixture = new Fixture()
        const parts = family === 'ipv4' ? fragmentIpv4(ipv4(payload), mtu) : fragmentIpv6(ipv6(payload), mtu, 99)
        for (const part of parts) expect(part.length - 14).toBeLessThanOrEqual(mtu)
        const shuffled = parts
          .flatMap((part, index) => (index % 3 === 0 && parts.length > 1 ? [part, part] : [part]))
          .map((part) => ({ part, key: order.next().value as number }))
          .toSorted((a, b) => a.key - b.key)
        const whole = shuffled.map(({ part }) => fixture.add(part)).filter((one) => one !== null)
        expect(whole).toEqual([payload])
      }),
      { numRuns: 60 },
    )
  })

  it('cuts a fragment again, keeping its place', () => {
    const payload = patternOctets(5000)
    const fixture = new Fixture()
    const parts = fragmentIpv4(ipv4(payload), 1500).flatMap((part) => fragmentIpv4(part, 576))
    expect(parts.length).toBeGreaterThan(8)
    expect(parts.map((part) => fixture.add(part)).filter((one) => one !== null)).toEqual([payload])
  })

  it('gives nothing when the headers leave no room', () => {
    const frame = ipv6(new Uint8Array(4000))
    frame[20] = 0 // hop-by-hop options
    frame.set([17, 255], 54) // of 2,048 octets
    expect(fragmentIpv6(frame, 1280, 1)).toEqual([])
  })

  it('discards what overlaps, and what would be longer than a packet', () => {
    const fixture = new Fixture()
    const teardrop = [
      ipv4(patternOctets(40), { moreFragments: true }),
      ipv4(patternOctets(24), { fragmentOffset: 24 }),
      ipv4(patternOctets(8), { fragmentOffset: 40 }),
    ]
    expect(teardrop.map((part) => fixture.add(part))).toEqual([null, null, null])
    const death = [
      ipv4(patternOctets(1400), { moreFragments: true, identification: 8 }),
      ipv4(patternOctets(1400), { fragmentOffset: 65528, identification: 8 }),
    ]
    expect(death.map((part) => fixture.add(part))).toEqual([null, null])
    expect(fixture.reassembly.packetsDiscarded).toBe(2)
  })

  it('gives up after 30 seconds, and quotes the first fragment', () => {
    const fixture = new Fixture()
    fixture.add(ipv4(patternOctets(1400), { moreFragments: true }))
    fixture.add(ipv4(patternOctets(1400), { moreFragments: true, fragmentOffset: 1400, identification: 9 }))
    fixture.kernel.runUntil(seconds(29))
    expect(fixture.reassembly.packetCount).toBe(2)
    fixture.kernel.runUntil(seconds(31))
    expect(fixture.reassembly.packetCount).toBe(0)
    expect(fixture.expired.frames.map((frame) => frame.length)).toEqual([1434])
    expect(fixture.kernel.nextEventNs()).toBeUndefined()
  })

  it('holds bounded memory, whatever comes', () => {
    const fixture = new Fixture()
    for (let identification = 0; identification < 5000; identification++)
      fixture.add(ipv4(patternOctets(1400), { moreFragments: true, identification: identification & 0xffff }))
    expect(fixture.reassembly.packetCount).toBeLessThanOrEqual(256)
    for (let offset = 0; offset < 60_000; offset += 16)
      fixture.add(ipv4(patternOctets(8), { moreFragments: true, fragmentOffset: offset, identification: 6000 }))
    expect(fixture.reassembly.packetCount).toBeLessThanOrEqual(256)
  })

  it('takes hostile fragments without failing', () => {
    const fragment = fc.record({
      fragmentOffset: fc.nat(0x1fff).map((units) => units * 8),
      moreFragments: fc.boolean(),
      identification: fc.nat(3),
      length: fc.nat(300),
    })
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 60 }), (fragments) => {
        const fixture = new Fixture()
        for (const { length, ...changes } of fragments)
          try {
            const whole = fixture.add(ipv4(patternOctets(length), changes))
            if (whole !== null) expect(whole.length).toBeLessThanOrEqual(65515)
          } catch (error) {
            expect(error).toBeInstanceOf(WireError)
          }
      }),
    )
  })
})
