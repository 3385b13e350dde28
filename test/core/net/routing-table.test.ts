import { describe, expect, it } from 'vitest'
import { seconds } from '../../../core/base/units.js'
import { Kernel } from '../../../core/kernel/kernel.js'
import { HostStack } from '../../../core/net/host-stack.js'
import type { Route } from '../../../core/net/routing-table.js'
import { parseIp, parsePrefix } from '../../../core/net/wire/addresses.js'

function host(): HostStack {
  const stack = new HostStack(new Kernel('test'), {
    name: 'host',
    mac: 1,
    address: parseIp('10.0.0.2') as number,
    gateway: parseIp('10.0.0.1'),
  })
  stack.addInterface({ mac: 2, addresses: [parsePrefix('10.1.0.2/24'), parsePrefix('fd01::2/64')] })
  return stack
}

function learned(stack: HostStack, prefix: string, nextHop: string, changes: Partial<Route> = {}): Route {
  const { address, prefixLength } = parsePrefix(prefix)
  return {
    prefix: address,
    prefixLength,
    nextHop: parseIp(nextHop),
    interface: stack.interface('eth1'),
    metric: 2,
    origin: 'rip',
    ...changes,
  }
}

describe('RoutingTable', () => {
  it('has a route for each network of ours, and the default', () => {
    expect(
      host()
        .routeRows()
        .map(({ prefix, nextHop, interface: through, origin }) => [prefix, nextHop, through, origin]),
    ).toEqual([
      ['10.0.0.0/24', '', 'eth0', 'connected'],
      ['10.1.0.0/24', '', 'eth1', 'connected'],
      ['0.0.0.0/0', '10.0.0.1', 'eth0', 'static'],
      ['fd01::/64', '', 'eth1', 'connected'],
    ])
  })

  it('prefers connected to static to learned, and then the lower metric', () => {
    const stack = host()
    const { routes } = stack.ip
    const worse = learned(stack, '10.9.0.0/16', '10.1.0.8', { metric: 5 })
    routes.add(worse)
    routes.add(learned(stack, '10.9.0.0/16', '10.1.0.9'))
    expect(routes.find(parseIp('10.9.1.1'))?.nextHop).toBe(parseIp('10.1.0.9'))
    stack.addRoute({ ...parsePrefix('10.9.0.0/16'), nextHop: parseIp('10.0.0.7'), metric: 50 })
    expect(routes.find(parseIp('10.9.1.1'))?.origin).toBe('static')
    routes.add(learned(stack, '10.0.0.0/24', '10.1.0.9'))
    expect(routes.find(parseIp('10.0.0.9'))?.origin).toBe('connected')
    stack.removeRoute({ ...parsePrefix('10.9.0.0/16'), nextHop: parseIp('10.0.0.7') })
    routes.remove(learned(stack, '10.9.0.0/16', '10.1.0.9'))
    expect(routes.find(parseIp('10.9.1.1'))).toEqual(worse)
  })

  it('forgets a route whose time is over, when it is looked for', () => {
    const stack = host()
    stack.ip.routes.add(learned(stack, 'fd09::/16', 'fd01::9', { untilNs: 5 }))
    expect(stack.ip.routes.find(parseIp('fd09::1'))?.nextHop).toBe(parseIp('fd01::9'))
    const kernel = new Kernel('test')
    const late = new HostStack(kernel, { name: 'late', mac: 1, address: 1 })
    late.ip.routes.add({ ...learned(stack, 'fd09::/16', 'fd01::9'), untilNs: 5 })
    kernel.runUntil(seconds(1))
    expect(late.ip.routes.find(parseIp('fd09::1'))).toBeNull()
    expect(late.routeRows()).toHaveLength(1)
  })

  it('traces what changes for packets, and only that', () => {
    const kernel = new Kernel('test')
    const stack = new HostStack(kernel, { name: 'host', mac: 1, address: parseIp('10.1.0.2') as number })
    stack.addInterface({ mac: 2 })
    const { routes } = stack.ip
    const first = learned(stack, '10.9.0.0/16', '10.1.0.9')
    routes.add(first)
    routes.add(first)
    routes.add(learned(stack, '10.9.0.0/16', '10.1.0.8', { metric: 9 }))
    routes.add(learned(stack, '10.9.0.0/16', '10.1.0.7', { metric: 1 }), first)
    routes.removeAll(stack.interface('eth1'), 'rip')
    expect(kernel.trace.rows('route-changed').map(({ nextHop, origin }) => [nextHop, origin])).toEqual([
      ['10.1.0.9', 'rip'],
      ['10.1.0.7', 'rip'],
      ['10.1.0.8', 'rip'],
      ['', 'none'],
    ])
  })

  it('sends over the other interface when one goes down, and back', () => {
    const stack = host()
    stack.addRoute({ ...parsePrefix('10.1.0.0/16'), nextHop: parseIp('10.0.0.1') })
    expect(stack.ip.find(parseIp('10.1.0.5'))).toMatchObject({ kind: 'unicast', nextHop: parseIp('10.1.0.5') })
    stack.interface('eth1').setUp(false)
    expect(stack.ip.find(parseIp('10.1.0.5'))).toMatchObject({ kind: 'unicast', nextHop: parseIp('10.0.0.1') })
    stack.interface('eth1').setUp(true)
    expect(stack.ip.find(parseIp('10.1.0.5')).nextHop).toBe(parseIp('10.1.0.5'))
  })
})
