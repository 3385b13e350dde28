/** Hosts and routers on point-to-point links and switches, each wire with a tap, for tests of layer 3. */
import { microseconds } from '../../core/base/units.js'
import { Kernel } from '../../core/kernel/kernel.js'
import { joinPorts } from '../../core/net/frame-port.js'
import { HostStack, type HostStackOptions } from '../../core/net/host-stack.js'
import { Link } from '../../core/net/link.js'
import type { NetworkInterface } from '../../core/net/network-interface.js'
import { Switch } from '../../core/net/switch/switch.js'
import { Tap } from '../../core/net/tap.js'
import { parseIpv4, parsePrefix } from '../../core/net/wire/addresses.js'

export interface HostSettings extends Partial<Omit<HostStackOptions, 'address' | 'name' | 'addresses' | 'mac'>> {
  /** `10.0.1.1/24`, `fd00::1/64`; one list for each interface. */
  readonly addresses: readonly (readonly string[])[]
}

export class RoutedNetwork {
  readonly kernel: Kernel
  readonly links = new Map<string, Link>()
  readonly taps = new Map<string, Tap>()
  readonly hosts = new Map<string, HostStack>()
  private macs = 0

  constructor(seed = 'test') {
    this.kernel = new Kernel(seed)
  }

  host(name: string): HostStack {
    const found = this.hosts.get(name)
    if (found === undefined) throw new Error(`no host ${name}`)
    return found
  }

  addHost(name: string, { addresses: [first = [], ...others], ...options }: HostSettings): HostStack {
    const stack = new HostStack(this.kernel, {
      name,
      mac: this.nextMac(),
      address: 0,
      addresses: first.map(parsePrefix),
      ...options,
    })
    const { mtu, detectsDuplicates } = options
    for (const addresses of others)
      stack.addInterface({
        mac: this.nextMac(),
        addresses: addresses.map(parsePrefix),
        ...(mtu === undefined ? {} : { mtu }),
        ...(detectsDuplicates === undefined ? {} : { detectsDuplicates }),
      })
    this.hosts.set(name, stack)
    return stack
  }

  /** Join `a` and `b`, such as `client` (its first interface) and `router/eth1`, by a link whose frames a tap keeps. */
  join(name: string, a: string, b: string): Link {
    const link = new Link(this.kernel, name, { rateBps: 1e9, delayNs: microseconds(50) })
    const device = new Switch(this.kernel, name)
    const [near, far, mirror] = [device.addPort(), device.addPort(), device.addPort()]
    const tap = new Tap(this.kernel, name)
    mirror.output = tap
    device.mirrorPorts([near], mirror)
    joinPorts(this.end(a), near)
    joinPorts(far, link.a)
    joinPorts(link.b, this.end(b))
    this.links.set(name, link)
    this.taps.set(name, tap)
    return link
  }

  /** All of them at one switch; the tap sees what passes the first one's port. */
  joinAll(name: string, ends: readonly string[]): void {
    const device = new Switch(this.kernel, name)
    const ports = ends.map((end) => {
      const port = device.addPort()
      joinPorts(this.end(end), port)
      return port
    })
    const tap = new Tap(this.kernel, name)
    const mirror = device.addPort()
    mirror.output = tap
    device.mirrorPorts(ports.slice(0, 1), mirror)
    this.taps.set(name, tap)
  }

  tap(name: string): Tap {
    const found = this.taps.get(name)
    if (found === undefined) throw new Error(`no link ${name}`)
    return found
  }

  runFor(ns: number): void {
    this.kernel.runUntil(this.kernel.nowNs + ns)
  }

  private end(name: string): NetworkInterface {
    const [host = '', through = 'eth0'] = name.split('/')
    return this.host(host).interface(through)
  }

  private nextMac(): number {
    return 0x5254_0000_0000 + ++this.macs
  }
}

/** A client and a server in networks of their own, with two routers between, both families. */
export function chain(settings: { readonly middleMtu?: number } = {}): RoutedNetwork {
  const net = new RoutedNetwork()
  const middle = settings.middleMtu === undefined ? {} : { mtu: settings.middleMtu }
  net.addHost('client', { addresses: [['10.0.1.2/24', 'fd01::2/64']], gateway: parseIpv4('10.0.1.1') })
  net.addHost('server', { addresses: [['10.0.3.2/24', 'fd03::2/64']], gateway: parseIpv4('10.0.3.1') })
  const one = net.addHost('one', { addresses: [['10.0.1.1/24', 'fd01::1/64']], forwards: true })
  const two = net.addHost('two', { addresses: [['10.0.3.1/24', 'fd03::1/64']], forwards: true })
  one.addInterface({ mac: 0x5254_0000_0101, addresses: ['10.0.2.1/24', 'fd02::1/64'].map(parsePrefix), ...middle })
  two.addInterface({ mac: 0x5254_0000_0102, addresses: ['10.0.2.2/24', 'fd02::2/64'].map(parsePrefix), ...middle })
  route(net.host('client'), '::/0', 'fd01::1')
  route(net.host('server'), '::/0', 'fd03::1')
  route(one, '10.0.3.0/24', '10.0.2.2')
  route(one, 'fd03::/64', 'fd02::2')
  route(two, '10.0.1.0/24', '10.0.2.1')
  route(two, 'fd01::/64', 'fd02::1')
  net.join('left', 'client', 'one')
  net.join('middle', 'one/eth1', 'two/eth1')
  net.join('right', 'two', 'server')
  return net
}

export function route(stack: HostStack, prefix: string, nextHop: string): void {
  stack.addRoute({ ...parsePrefix(prefix), nextHop: parsePrefix(nextHop).address })
}
