/** Makes the network that a plan describes, on a kernel. */
import { InputError, LabError } from '../base/errors.js'
import type { Kernel } from '../kernel/kernel.js'
import { joinPorts, type FramePort } from '../net/frame-port.js'
import { HostStack } from '../net/host-stack.js'
import { Link, type LinkEnd } from '../net/link.js'
import type { NetworkInterface } from '../net/network-interface.js'
import { RipRouter } from '../net/rip/rip-router.js'
import { Switch } from '../net/switch/switch.js'
import type { SwitchPort } from '../net/switch/switch-port.js'
import { Tap } from '../net/tap.js'
import { prefixOf, type MacAddress } from '../net/wire/addresses.js'
import { DiscardServer } from './discard-server.js'
import type { Inspected } from './inspection.js'
import type { TapPlan, NetworkPlan } from './network-plan.js'
import { allHosts } from './network-plan/plan-names.js'
import type { ArpInspectionPlan, HostPlan, InterfacePlan, SwitchPlan } from './network-plan/device-plan.js'
import type { LinkEndPlan } from './network-plan/link-plan.js'
import { given } from './network-plan/plan-values.js'

/** Stations are numbered in the order of the plan: locally administered addresses. */
const MAC_FIRST: MacAddress = 0x0200_0000_0001
const DAY_SECONDS = 86_400
/** Of all taps together; each drops its oldest frames beyond its part. */
const CAPTURE_OCTETS_MAX = 1024 ** 3

/** Something of the plan that a cable ends at. */
interface CableEnd {
  readonly port: FramePort
  readonly stack: HostStack | null
}

export class Network implements Inspected {
  readonly stacks: HostStack[] = []
  readonly switches: Switch[] = []
  readonly links: Link[] = []
  readonly taps: Tap[] = []
  readonly rip = new Map<string, RipRouter>()
  /** By switch, then by the name of the cable. */
  private readonly switchPorts = new Map<string, Map<string, SwitchPort>>()
  /** The cable at each interface that has one, and which end of it. */
  private readonly cables = new Map<NetworkInterface, { readonly link: Link; readonly end: LinkEnd }>()
  private nextMac = MAC_FIRST

  /** Throws `LabError` for what only the things themselves can refuse. */
  constructor(
    readonly kernel: Kernel,
    plan: NetworkPlan,
  ) {
    for (const [kind, hosts] of Object.entries({ hosts: plan.hosts, routers: plan.routers }))
      for (const [name, host] of Object.entries(hosts) as [string, HostPlan][])
        within(`${kind}.${name}`, () => this.stacks.push(this.hostStack(name, host)))
    for (const [name, options] of Object.entries(plan.switches))
      within(`switches.${name}`, () => this.addSwitch(name, options))
    plan.links.forEach(({ name, from, to, options }, index) =>
      within(`links[${index}]`, () => {
        const link = new Link(kernel, name, options)
        this.links.push(link)
        this.plug(link, link.a, this.end(from, name, plan))
        this.plug(link, link.b, this.end(to, name, plan))
      }),
    )
    for (const [name, options] of Object.entries(plan.switches))
      within(`switches.${name}`, () => this.finishSwitch(name, options))
    const octetsMax = Math.floor(CAPTURE_OCTETS_MAX / Math.max(1, plan.taps.length))
    plan.taps.forEach((tap, index) =>
      within(`taps[${index}]`, () => this.taps.push(this.watch(new Tap(kernel, tap.name, { octetsMax }), tap))),
    )
    this.begin(plan)
  }

  /** Throws `InputError`, as the next three. */
  host(name: string): HostStack {
    return found(this.stacks, name, 'host')
  }
  switch(name: string): Switch {
    return found(this.switches, name, 'switch')
  }
  link(name: string): Link {
    return found(this.links, name, 'link')
  }
  port(device: string, cable: string): SwitchPort {
    const port = this.switchPorts.get(device)?.get(cable)
    if (port === undefined) throw new InputError(`no cable ${cable} ends at ${device}`)
    return port
  }

  /** The name of the cable at a switch's port, by which plans name the port. */
  cableAt(device: string, switchPort: number): string {
    for (const [cable, { index }] of this.switchPorts.get(device) ?? []) if (index === switchPort) return cable
    throw new InputError(`${device} has no port ${switchPort}`)
  }

  /** The switch and its port at the other end of an interface's cable, or null. */
  portAcross(through: NetworkInterface): { readonly device: Switch; readonly port: SwitchPort } | null {
    const link = this.cables.get(through)?.link
    for (const [name, ports] of this.switchPorts) {
      const port = link === undefined ? undefined : ports.get(link.name)
      if (port !== undefined) return { device: this.switch(name), port }
    }
    return null
  }

  /** Begin to inspect ARP, or stop (null). */
  inspectArp(name: string, plan: ArpInspectionPlan | null): void {
    const device = this.switch(name)
    if (plan === null) {
      device.inspectArp(null)
      return
    }
    const { bindings, ...options } = plan
    const inspection = device.inspectArp({ vlans: options.vlans, ...given(options) })
    for (const binding of bindings) {
      const { vlan } = binding
      if ('host' in binding) {
        for (const through of this.host(binding.host).interfaces)
          for (const { address } of through.addresses) {
            if (typeof address !== 'number') continue
            const across = this.portAcross(through.parent ?? through)
            const switchPort = across?.device === device ? across.port.index : null
            inspection?.bindings.add({ vlan, address, mac: through.mac, switchPort })
          }
      } else {
        const { address, mac, port } = binding
        const switchPort = port === undefined ? null : this.port(name, port).index
        inspection?.bindings.add({ vlan, address, mac, switchPort })
      }
    }
  }

  private hostStack(name: string, plan: HostPlan): HostStack {
    const [first, ...others] = plan.interfaces
    if (first === undefined) throw new InputError('a host has an interface')
    const stack = new HostStack(this.kernel, {
      ...this.interfaceOptions(first),
      name,
      address: 0,
      forwards: plan.forwards,
      tcp: plan.tcp,
    })
    for (const other of others) stack.addInterface({ ...this.interfaceOptions(other), name: other.name })
    for (const each of plan.interfaces) {
      const parent = stack.interface(each.name)
      if (each.gratuitousArp !== undefined) parent.arp.gratuitous = each.gratuitousArp
      for (const { vlan, ...options } of each.vlans) {
        const through = stack.addVlan(parent, vlan, addressing(options))
        if (options.gratuitousArp !== undefined) through.arp.gratuitous = options.gratuitousArp
      }
    }
    for (const nextHop of plan.gateway) stack.addRoute({ address: prefixOf(nextHop, 0), prefixLength: 0, nextHop })
    for (const { to, via: nextHop, metric } of plan.routes) stack.addRoute({ ...to, nextHop, metric })
    for (const { address, mac, interface: eth } of plan.arp) stack.interface(eth).arp.setPermanent(address, mac)
    for (const port of plan.listens) stack.listen(port, new DiscardServer())
    return stack
  }

  private interfaceOptions({ mac = this.nextMac++, ...plan }: InterfacePlan) {
    return { mac, ...addressing(plan) }
  }

  private addSwitch(name: string, { ageing, addressesMax, domain, recover, mac }: SwitchPlan): void {
    const options = given({ ageingNs: ageing, addressesMax, domain, recoverNs: recover, mac })
    this.switches.push(new Switch(this.kernel, name, options))
    this.switchPorts.set(name, new Map())
  }

  /** What needs every port of the switch. */
  private finishSwitch(name: string, { mirrors, arpInspection }: SwitchPlan): void {
    for (const { ports, direction, vlans, to } of mirrors)
      this.switch(name).mirror({
        sources: ports.map((cable) => ({ port: this.port(name, cable), direction })),
        destination: this.port(name, to),
        ...given({ vlans }),
      })
    if (arpInspection !== undefined) this.inspectArp(name, arpInspection)
  }

  private end({ device, through }: LinkEndPlan, cable: string, plan: NetworkPlan): CableEnd {
    const options = plan.switches[device]
    if (options === undefined) {
      const stack = this.host(device)
      return { port: stack.interface(through ?? 'eth0'), stack }
    }
    const port = this.switch(device).addPort(options.ports[cable])
    this.switchPorts.get(device)?.set(cable, port)
    return { port, stack: null }
  }

  private plug(link: Link, end: LinkEnd, { port, stack }: CableEnd): void {
    joinPorts(port, end)
    if (stack === null) return
    this.cables.set(port as NetworkInterface, { link, end })
    // A host with one cable keeps its own queue short.
    if (stack.interfaces.filter(({ parent }) => parent === null).length === 1) stack.uplink = end
  }

  private watch(tap: Tap, { link, switch: device, port, host, interface: eth, direction, place }: TapPlan): Tap {
    const linkDirection = direction === 'forward' ? 'a-to-b' : 'b-to-a'
    if (link !== undefined)
      this.link(link).watch(tap, direction === 'both' ? { place } : { place, direction: linkDirection })
    else if (host !== undefined) {
      const cable = this.cables.get(this.host(host).interface(eth))
      if (cable === undefined) throw new InputError(`no cable ends at ${eth} of ${host}`)
      const isA = cable.end === cable.link.a
      if (direction !== 'backward') cable.link.watch(tap, { direction: isA ? 'a-to-b' : 'b-to-a', place: 'sent' })
      if (direction !== 'forward') cable.link.watch(tap, { direction: isA ? 'b-to-a' : 'a-to-b', place: 'delivered' })
    } else
      this.port(device ?? '', port ?? '').watch(
        tap,
        direction === 'both' ? 'both' : direction === 'forward' ? 'in' : 'out',
      )
    return tap
  }

  /** Everything is plugged in: routers begin to talk. */
  private begin(plan: NetworkPlan): void {
    for (const [name, { rip }] of Object.entries(plan.routers))
      if (rip !== null)
        within(`routers.${name}.rip`, () =>
          this.rip.set(name, new RipRouter(this.kernel, this.host(name), { ...given(rip), passive: rip.passive })),
        )
    for (const [name, { interfaces }] of allHosts(plan))
      for (const each of interfaces) {
        this.beginIpv6(this.host(name).interface(each.name), each)
        for (const vlan of each.vlans) this.beginIpv6(this.host(name).interface(`${each.name}.${vlan.vlan}`), vlan)
      }
    for (const stack of this.stacks)
      for (const through of stack.interfaces)
        if (!stack.forwards && through.neighbours !== null) through.neighbours.solicitRouters()
  }

  private beginIpv6(through: NetworkInterface, { advertises }: Pick<InterfacePlan, 'advertises'>): void {
    if (advertises.length === 0) return
    const prefixes = advertises.map(({ address, prefixLength }) => {
      const lives = { validSeconds: DAY_SECONDS, preferredSeconds: DAY_SECONDS / 2 }
      return { prefix: address, prefixLength, isOnLink: true, isAutonomous: true, ...lives }
    })
    const neighbours = through.enableIpv6()
    neighbours.advertisement = { hopLimit: 64, lifetimeSeconds: 1800, mtu: through.mtu, prefixes }
    neighbours.advertiseRouter()
  }
}

function addressing({ address, mtu, ipv6, detectsDuplicates }: Omit<InterfacePlan, 'mac' | 'name' | 'vlans'>) {
  return { addresses: address, hasIpv6: ipv6, ...given({ mtu, detectsDuplicates }) }
}

function found<T extends { readonly name: string }>(things: readonly T[], name: string, kind: string): T {
  const thing = things.find((one) => one.name === name)
  if (thing === undefined) throw new InputError(`there is no ${kind} ${name}`)
  return thing
}

/** What is refused while `build` is at work is a mistake at `path` of the plan. */
function within(path: string, build: () => void): void {
  try {
    build()
  } catch (error) {
    if (error instanceof InputError) throw new LabError(path, error.message)
    throw error
  }
}
