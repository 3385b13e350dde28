import { describe, expect, it } from 'vitest'
import { keepGraph } from '../../../../core/base/snapshot.js'
import { seconds } from '../../../../core/base/units.js'
import { Kernel } from '../../../../core/kernel/kernel.js'
import type { HostStack } from '../../../../core/net/host-stack.js'
import { RipRouter, type RipOptions } from '../../../../core/net/rip/rip-router.js'
import { parseIp, parseIpv4, parsePrefix } from '../../../../core/net/wire/addresses.js'
import { encodeRip, RIP_COMMAND, RIP_GROUP, RIP_PORT } from '../../../../core/net/wire/rip.js'
import { patternOctets } from '../../../support/network-fixture.js'
import { RoutedNetwork } from '../../../support/routed-network.js'

interface Triangle extends RoutedNetwork {
  readonly rip: Record<'a' | 'b' | 'c', RipRouter>
}

/**
 * Routers a, b, c, each joined to both others; networks 10.1 behind a, 10.2 behind b, 10.3 behind c, the last with a server.
 * A client sits behind a, and a thief at the switch between a and b.
 */
function triangle(options: Partial<Record<'a' | 'b' | 'c', RipOptions>> = {}): Triangle {
  const net = new RoutedNetwork()
  const router = (name: string, ...addresses: string[]): HostStack =>
    net.addHost(name, { addresses: addresses.map((text) => [text]), forwards: true })
  const a = router('a', '10.0.12.1/24', '10.0.13.1/24', '10.1.0.1/24')
  const b = router('b', '10.0.12.2/24', '10.0.23.2/24', '10.2.0.1/24')
  const c = router('c', '10.0.13.3/24', '10.0.23.3/24', '10.3.0.1/24')
  net.addHost('client', { addresses: [['10.1.0.9/24']], gateway: parseIp('10.1.0.1') })
  net.addHost('server', { addresses: [['10.3.0.9/24']], gateway: parseIp('10.3.0.1') })
  net.addHost('thief', { addresses: [['10.0.12.66/24']] })
  net.joinAll('ab', ['a', 'b', 'thief'])
  net.join('ac', 'a/eth1', 'c')
  net.join('bc', 'b/eth1', 'c/eth1')
  net.join('behind-a', 'a/eth2', 'client')
  net.join('behind-c', 'c/eth2', 'server')
  const rip = {
    a: new RipRouter(net.kernel, a, options.a),
    b: new RipRouter(net.kernel, b, options.b),
    c: new RipRouter(net.kernel, c, options.c),
  }
  return Object.assign(net, { rip })
}

const routeOf = (net: RoutedNetwork, host: string, prefix: string) =>
  net
    .host(host)
    .routeRows()
    .find((row) => row.prefix === prefix && row.origin === 'rip')

function forge(net: RoutedNetwork, prefix: string, metric: number): void {
  const { address, prefixLength } = parsePrefix(prefix)
  const entry = { family: 2, routeTag: 0, prefix: address as number, prefixLength, nextHop: 0, metric }
  net.host('thief').udp.send({
    sourcePort: RIP_PORT,
    destination: RIP_GROUP,
    destinationPort: RIP_PORT,
    payload: encodeRip({ command: RIP_COMMAND.response, entries: [entry], authentication: null }),
    ttl: 1,
    through: net.host('thief').interface('eth0'),
  })
}

/** How many echoes come back within 5 seconds. */
function reaches(net: RoutedNetwork): boolean {
  let replies = 0
  const { icmp } = net.host('client')
  const identifier = icmp.openEcho({ echoReplied: () => void replies++ })
  icmp.sendEcho(parseIp('10.3.0.9'), identifier, 1, patternOctets(8))
  net.runFor(seconds(5))
  icmp.closeEcho(identifier)
  return replies > 0
}

describe('RipRouter', () => {
  it('converges: every router knows every network by the shortest way', () => {
    const net = triangle()
    net.runFor(seconds(10))
    expect(routeOf(net, 'a', '10.3.0.0/24')).toMatchObject({ nextHop: '10.0.13.3', interface: 'eth1', metric: 2 })
    expect(routeOf(net, 'a', '10.2.0.0/24')).toMatchObject({ nextHop: '10.0.12.2', metric: 2 })
    expect(routeOf(net, 'b', '10.1.0.0/24')).toMatchObject({ nextHop: '10.0.12.1', metric: 2 })
    expect(routeOf(net, 'c', '10.0.12.0/24')).toMatchObject({ metric: 2 })
    expect(reaches(net)).toBe(true)
    expect(net.rip.a.routes()).toContainEqual({
      prefix: '10.1.0.0/24',
      neighbour: '',
      nextHop: '',
      interface: 'eth2',
      metric: 1,
    })
  })

  it('goes around a link that was cut, when its routes have timed out, and comes back', () => {
    const net = triangle()
    net.runFor(seconds(40))
    net.links.get('ac')!.cut()
    net.runFor(seconds(60))
    expect(reaches(net)).toBe(false)
    net.runFor(seconds(200))
    expect(routeOf(net, 'a', '10.3.0.0/24')).toMatchObject({ nextHop: '10.0.12.2', metric: 3 })
    expect(reaches(net)).toBe(true)
    net.links.get('ac')!.restore()
    net.runFor(seconds(40))
    expect(routeOf(net, 'a', '10.3.0.0/24')).toMatchObject({ nextHop: '10.0.13.3', metric: 2 })
  })

  it('goes around at once when the interfaces notice', () => {
    const net = triangle()
    net.runFor(seconds(40))
    net.host('a').interface('eth1').setUp(false)
    net.host('c').interface('eth0').setUp(false)
    net.runFor(seconds(45))
    expect(routeOf(net, 'a', '10.3.0.0/24')).toMatchObject({ nextHop: '10.0.12.2', metric: 3 })
    expect(reaches(net)).toBe(true)
    net.runFor(seconds(150))
    expect(routeOf(net, 'b', '10.0.13.0/24')).toBeUndefined()
  })

  it('does not count to infinity between two routers: a network that is gone is gone everywhere', () => {
    const net = triangle()
    net.runFor(seconds(40))
    net.host('c').interface('eth2').setUp(false)
    net.runFor(seconds(40))
    for (const router of ['a', 'b']) expect(routeOf(net, router, '10.3.0.0/24')).toBeUndefined()
    expect(net.rip.a.routes().find(({ prefix }) => prefix === '10.3.0.0/24')?.metric).toBe(16)
    net.runFor(seconds(200))
    expect(net.rip.a.routes().some(({ prefix }) => prefix === '10.3.0.0/24')).toBe(false)
  })

  it('believes a forged longer prefix, which takes the traffic', () => {
    const net = triangle()
    net.runFor(seconds(40))
    let stolen = 0
    net.host('thief').forwards = true
    net.host('thief').ip.forwarding.inspector = { inspect: () => (stolen++, 'drop') }
    forge(net, '10.3.0.0/25', 1)
    net.runFor(seconds(1))
    expect(routeOf(net, 'a', '10.3.0.0/25')).toMatchObject({ nextHop: '10.0.12.66', metric: 2 })
    expect(reaches(net)).toBe(false)
    expect(stolen).toBe(1)
    expect(net.kernel.trace.rows('route-changed')).toContainEqual(
      expect.objectContaining({ host: 'a', prefix: '10.3.0.0/25', nextHop: '10.0.12.66', metric: 2, origin: 'rip' }),
    )
    // Nobody repeats it: it times out, and is forgotten.
    net.runFor(seconds(340))
    expect(reaches(net)).toBe(true)
    expect(net.rip.a.routes().some(({ prefix }) => prefix === '10.3.0.0/25')).toBe(false)
  })

  it('believes a cheaper way', () => {
    const net = triangle()
    net.runFor(seconds(40))
    net.host('a').interface('eth1').setUp(false)
    net.host('c').interface('eth0').setUp(false)
    net.runFor(seconds(40))
    forge(net, '10.3.0.0/24', 1)
    net.runFor(seconds(1))
    expect(routeOf(net, 'a', '10.3.0.0/24')).toMatchObject({ nextHop: '10.0.12.66', metric: 2 })
  })

  it('refuses with origin filters what a neighbour has no business to announce, and tells it once', () => {
    const everything = [{ prefix: parsePrefix('10.0.0.0/8'), longest: 24 }]
    const filters = (neighbour: string) => [
      { interface: 'eth0', neighbour: parseIpv4(neighbour), accepts: everything },
      { interface: 'eth1', accepts: everything },
    ]
    // One alone would not do: what b believed would come to c.
    const net = triangle({ a: { filters: filters('10.0.12.2') }, b: { filters: filters('10.0.12.1') } })
    net.runFor(seconds(40))
    for (let times = 0; times < 3; times++) forge(net, '10.3.0.0/25', 1)
    net.runFor(seconds(1))
    expect(routeOf(net, 'a', '10.3.0.0/25')).toBeUndefined()
    expect(reaches(net)).toBe(true)
    expect(net.rip.a.announcementsRefused).toBe(3)
    expect(net.kernel.trace.rows('route-refused').filter(({ host }) => host === 'a')).toMatchObject([
      { host: 'a', neighbour: '10.0.12.66', prefix: '10.3.0.0/25', metric: 1, cause: 'neighbour not allowed here' },
    ])
  })

  it('believes nobody on a passive interface', () => {
    const net = triangle({ a: { passive: ['eth0'] }, b: { passive: ['eth0'] } })
    net.runFor(seconds(40))
    forge(net, '10.3.0.0/25', 1)
    net.runFor(seconds(1))
    expect(routeOf(net, 'a', '10.3.0.0/25')).toBeUndefined()
    expect(routeOf(net, 'a', '10.2.0.0/24')).toMatchObject({ nextHop: '10.0.13.3', metric: 3 })
  })

  it('believes only those with the key, and nothing twice', () => {
    const key = { keyId: 1, octets: patternOctets(32) }
    const net = triangle({ a: { key }, b: { key }, c: { key } })
    const heard: Uint8Array[] = []
    const eth0 = net.host('thief').interface('eth0')
    eth0.joinGroup(RIP_GROUP)
    eth0.listener = { frameHeard: (frame) => void heard.push(frame.slice()) }
    net.runFor(seconds(40))
    expect(routeOf(net, 'a', '10.3.0.0/24')).toMatchObject({ metric: 2 })
    // An answer that waited for ARP comes after a later update, and counts as old.
    const honest = net.kernel.trace.rows('route-refused')
    expect(honest.filter(({ cause, atNs }) => cause !== 'digest used before' || atNs > seconds(1))).toEqual([])
    forge(net, '10.3.0.0/25', 1)
    net.runFor(seconds(1))
    expect(routeOf(net, 'a', '10.3.0.0/25')).toBeUndefined()
    for (const frame of heard) net.host('thief').transmit(frame.slice())
    net.runFor(seconds(1))
    const causes = new Set(net.kernel.trace.rows('route-refused').map(({ cause }) => cause))
    expect(causes).toContain('digest used before')
  })

  it('goes on from a kept state as it would have gone on', () => {
    const net = triangle()
    net.runFor(seconds(100))
    const kept = keepGraph({ kernel: net.kernel, a: net.host('a') })
    const { kernel, a } = kept.restore()
    net.runFor(seconds(300))
    kernel.runUntil(seconds(400))
    expect(kernel.trace.hash()).toBe(net.kernel.trace.hash())
    expect(a.routeRows()).toEqual(net.host('a').routeRows())
    expect(kernel).toBeInstanceOf(Kernel)
  })
})
