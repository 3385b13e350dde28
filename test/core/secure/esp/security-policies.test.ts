import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeIpv6, Ipv6Header } from '../../../../core/net/wire/ipv6.js'
import { SecurityPolicies, type SecurityPolicy } from '../../../../core/secure/esp/security-policies.js'
import { localAddress, remoteAddress } from '../../../support/ike-pair.js'

const keys = (spi: number) => ({ spi, key: new Uint8Array(32).fill(spi), salt: new Uint8Array(4).fill(spi) })

/** Two hosts with a policy and associations. */
function pair(mode: SecurityPolicy['mode'], remoteMode = mode): readonly [SecurityPolicies, SecurityPolicies] {
  const [one, two] = [new SecurityPolicies(), new SecurityPolicies()]
  one.set({ local: localAddress, remote: remoteAddress, action: 'protect', mode })
  two.set({ local: remoteAddress, remote: localAddress, action: 'protect', mode: remoteMode })
  one.install(remoteAddress, { sealing: keys(1000), opening: keys(2000) })
  two.install(localAddress, { sealing: keys(2000), opening: keys(1000) })
  return [one, two]
}

const packetOf = (protocol: number, payload: Uint8Array, source = localAddress) =>
  encodeIpv6({ ...new Ipv6Header(), source, destination: remoteAddress, protocol, payload })

const tcp = packetOf(6, new Uint8Array(20).fill(3))
const toIke = packetOf(17, Uint8Array.of(1, 244, 1, 244, 0, 8, 0, 0))
const solicitation = packetOf(58, Uint8Array.of(135, 0, 0, 0))

function sealed(policies: SecurityPolicies, packet: Uint8Array): Uint8Array {
  const verdict = policies.outgoing(packet)
  if (verdict.kind !== 'done') throw new Error(`not sealed: ${verdict.kind}`)
  return verdict.packet
}

describe.each(['transport', 'tunnel'] as const)('policies of %s mode', (mode) => {
  it('give back what was sealed, in packets as long as was said', () => {
    const [one, two] = pair(mode)
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1400 }), fc.integer({ min: 1, max: 16 }), (octets, protocol) => {
        const packet = packetOf(protocol, new Uint8Array(octets).fill(5))
        const outer = sealed(one, packet)
        expect(outer[6]).toBe(50)
        const mtu = one.innerMtu(remoteAddress, 1500)
        expect(outer.length <= 1500).toBe(packet.length <= mtu)
        expect(two.incoming(outer)).toMatchObject({ kind: 'done', packet })
      }),
    )
    expect(two.refused.size).toBe(0)
  })

  it('take nothing that was changed, cut, replayed or is random', () => {
    const [one, two] = pair(mode)
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.integer({ min: 40, max: 80 }), fc.nat(7), (octets, at, bit) => {
        const outer = sealed(one, tcp)
        const changed = outer.slice()
        changed[at] = (changed[at] ?? 0) ^ (1 << bit)
        const hostile = [changed, packetOf(50, outer.slice(40, -4)), packetOf(50, octets)]
        for (const packet of hostile) expect(two.incoming(packet).kind).toBe('refused')
        expect(two.incoming(outer).kind).toBe('done')
        expect(two.incoming(outer)).toMatchObject({ kind: 'refused', reason: 'replayed' })
      }),
    )
  })

  it('let the key exchange and neighbour discovery through, and nothing else in clear', () => {
    const [one, two] = pair(mode)
    for (const clear of [toIke, solicitation]) {
      expect(one.outgoing(clear).kind).toBe('pass')
      expect(two.incoming(clear).kind).toBe('pass')
    }
    expect(two.incoming(tcp)).toMatchObject({ kind: 'refused', reason: 'in clear where the policy protects' })
    expect(two.incoming(packetOf(6, new Uint8Array(20), 7n)).kind).toBe('pass')
  })
})

describe('policies', () => {
  it('ask for an association where there is none, and end them when they are set anew', () => {
    const [one, two] = pair('transport')
    const outer = sealed(one, tcp)
    const policy = { local: localAddress, remote: remoteAddress, action: 'protect', mode: 'tunnel' } as const
    one.set(policy)
    expect(one.outgoing(tcp)).toEqual({ kind: 'no-association', policy })
    two.set({ ...policy, local: remoteAddress, remote: localAddress })
    expect(two.incoming(outer)).toMatchObject({ reason: 'there is no association with that SPI' })
  })

  it('discard, or let pass, as they say', () => {
    const policies = new SecurityPolicies()
    const policy = { local: localAddress, remote: remoteAddress, mode: 'transport' } as const
    policies.set({ ...policy, action: 'discard' })
    expect(policies.outgoing(tcp)).toMatchObject({ kind: 'refused', reason: 'the policy is to discard' })
    policies.set({ ...policy, action: 'bypass' })
    expect(policies.outgoing(tcp).kind).toBe('pass')
    expect(policies.innerMtu(remoteAddress, 1500)).toBe(1500)
  })

  it('take nothing out of a tunnel that is no packet between the two hosts', () => {
    const [one, two] = pair('transport', 'tunnel')
    expect(two.incoming(sealed(one, tcp))).toMatchObject({ reason: 'no IPv6 packet came out of the tunnel' })
    const stranger = packetOf(6, new Uint8Array(20), 7n)
    const wrapped = packetOf(41, stranger)
    expect(two.incoming(sealed(one, wrapped))).toMatchObject({
      reason: 'the addresses are not those of the association',
    })
    expect([...two.refused.values()]).toEqual([1, 1])
  })

  it('go on opening by older associations when exchanges have crossed', () => {
    const [one, two] = pair('transport')
    const early = sealed(one, tcp)
    two.install(localAddress, { sealing: keys(2001), opening: keys(1001) })
    expect(two.incoming(early).kind).toBe('done')
    for (let spi = 1002; spi < 1005; spi++) two.install(localAddress, { sealing: keys(2002), opening: keys(spi) })
    expect(two.incoming(sealed(one, tcp))).toMatchObject({ reason: 'there is no association with that SPI' })
  })
})
