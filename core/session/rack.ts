/** The network of a session: two hosts, a client and a listener at one switch. */
import type { FrameSink } from '../base/frame-sink.js'
import { assert } from '../base/errors.js'
import { octetsOfHex } from '../base/octets.js'
import type { Kernel } from '../kernel/kernel.js'
import { profiles } from '../hypervisor/profiles/profiles.js'
import type { VmNetwork } from '../hypervisor/host.js'
import type { VirtualMachine } from '../hypervisor/virtual-machine.js'
import { joinPorts, partPorts } from '../net/frame-port.js'
import { HostStack } from '../net/host-stack.js'
import { Link, type LinkEnd } from '../net/link.js'
import { LinkTraffic } from '../net/link-traffic.js'
import { Switch } from '../net/switch/switch.js'
import type { SwitchPort } from '../net/switch/switch-port.js'
import { Tap } from '../net/tap.js'
import { parseIpv4, parseMac, readMac, type Ipv4Address, type Ipv6Address } from '../net/wire/addresses.js'
import { SSH_PORT } from '../secure/channels.js'
import { probePorts } from './probes/probe-of-image.js'
import { directionOptions } from './link-conditions.js'
import type { AttackerPosition } from '../attack/catalogue/attack-definition.js'
import type { LinkName, Scenario } from './scenario.js'

export const places = {
  hostA: { name: 'host-a', title: 'Host A', address: '10.0.0.1', mac: '02:00:00:00:00:01' },
  hostB: { name: 'host-b', title: 'Host B', address: '10.0.0.2', mac: '02:00:00:00:00:02' },
  client: { name: 'client', title: 'Client', address: '10.0.0.9', mac: '02:00:00:00:00:09' },
  attacker: { name: 'mallory', title: 'Mallory', address: '10.0.0.66', mac: '02:00:00:00:00:66' },
} as const

/** A station: its name, its IPv4 address and its MAC address. */
export interface Place {
  readonly name: string
  readonly address: string
  readonly mac: string
  /** Bits of its subnet: 24 unless told. */
  readonly prefixLength?: number
}

/** What a host's TCP is set up by. */
export type StackScenario = Pick<Scenario, 'bandwidthBps' | 'latencyNs' | 'tcp'>

export const RACK_SWITCH = 's1'

export const guestMac: Uint8Array = octetsOfHex('525400123456')

/** A host's own stack and its guests, joined by a virtual switch to the host's cable. */
export class HostNetwork implements VmNetwork {
  readonly stack: HostStack
  readonly bridge: Switch
  private readonly stackPort: SwitchPort
  private readonly guestPorts = new Map<VirtualMachine, { port: SwitchPort; guest: GuestPort }>()

  constructor(kernel: Kernel, place: Place, cable: Link, scenario: StackScenario) {
    this.bridge = new Switch(kernel, `${place.name}-bridge`, { isVlanAware: false })
    this.stack = hostStack(kernel, place, cable, scenario)
    this.stack.interface('eth0').addAddress({ address: hostIpv6(this.stack.address), prefixLength: 64 })
    joinPorts(this.bridge.addPort(), cable.a)
    this.stackPort = this.bridge.addPort()
    this.connectStack()
  }

  /** The host is on, or off: then nothing reaches its stack, and nothing leaves it. */
  connectStack(): void {
    joinPorts(this.stackPort, this.stack)
  }
  disconnectStack(): void {
    partPorts(this.stackPort, this.stack)
  }

  plug(vm: VirtualMachine): FrameSink {
    const known = this.guestPorts.get(vm)
    if (known !== undefined) return known.port
    const port = this.bridge.addPort()
    const guest = new GuestPort(vm)
    joinPorts(port, guest)
    this.guestPorts.set(vm, { port, guest })
    return port
  }

  unplug(vm: VirtualMachine): void {
    const known = this.guestPorts.get(vm)
    if (known === undefined) return
    partPorts(known.port, known.guest)
    this.guestPorts.delete(vm)
  }
}

/** The VM's end of the cable to its host's bridge. What the VM sends, it gives to the bridge's port itself. */
class GuestPort {
  output: FrameSink | null = null
  constructor(private readonly vm: VirtualMachine) {}
  receiveFrame(frame: Uint8Array): void {
    this.vm.receiveFrame(frame)
  }
}

const SEND_BUFFER_OCTETS_MIN = 128 * 1024
const SEND_BUFFER_OCTETS_MAX = 4 * 1024 * 1024

/** What a kernel's autotuning would settle at: twice what is under way on a path that is full. */
function sendBufferOctets({ bandwidthBps, latencyNs }: StackScenario): number {
  const octetsUnderWay = ((bandwidthBps / 8) * 2 * latencyNs) / 1e9
  return Math.round(Math.min(SEND_BUFFER_OCTETS_MAX, Math.max(SEND_BUFFER_OCTETS_MIN, 2 * octetsUnderWay)))
}

/** What the rack's switch does against forgeries. */
export interface SwitchDefences {
  /** ARP is believed only from where an address is known to be. */
  readonly arpInspection: boolean
  /**
   * A station's port has room for one address; another switches it off. Not at the hosts' ports: an address that is secure at
   * one port may not appear at another, and a guest that moves does just that.
   */
  readonly portSecurity: boolean
}
/** Somebody may look at every cable. */
const LINK_TAP_OCTETS_MAX = 256 * 1024 ** 2

export class Rack {
  private readonly guestAddress: Ipv4Address
  readonly links: readonly Link[]
  readonly hostA: HostNetwork
  readonly hostB: HostNetwork
  readonly client: HostStack
  /** The attacker's capture: a copy of every frame that passes Host A's port. */
  readonly tap: Tap
  /** The attacker's end of its cable. */
  readonly attackerEnd: LinkEnd
  /** The rack's own, then the hosts' bridges. */
  readonly switches: readonly Switch[]
  hasStaticArp = false
  attackerPosition: AttackerPosition = 'mirror'
  defences: SwitchDefences = { arpInspection: false, portSecurity: false }
  private readonly portsByPlace = new Map<string, SwitchPort>()

  constructor(
    private readonly kernel: Kernel,
    scenario: Scenario,
  ) {
    const rackSwitch = new Switch(kernel, RACK_SWITCH)
    // Two links lie between any two hosts: each has half the delay.
    const delayNs = Math.floor(scenario.latencyNs / 2)
    const cable = (place: (typeof places)[keyof typeof places], rateBps: number): { link: Link; port: SwitchPort } => {
      const conditions = directionOptions(scenario.links[place.name] ?? {})
      const link = new Link(kernel, place.name, { rateBps, delayNs, ...conditions })
      link.traffic = new LinkTraffic(
        kernel,
        place.name,
        [profiles[scenario.profile].migrationPort, SSH_PORT],
        probePorts,
      )
      const port = rackSwitch.addPort()
      this.portsByPlace.set(place.name, port)
      joinPorts(link.b, port)
      return { link, port }
    }
    const a = cable(places.hostA, scenario.bandwidthBps)
    const b = cable(places.hostB, scenario.bandwidthBps)
    const c = cable(places.client, scenario.bandwidthBps)
    // A mirror port gets both directions of the port it mirrors.
    const m = cable(places.attacker, 2 * scenario.bandwidthBps)
    this.links = [a.link, b.link, c.link, m.link]
    this.hostA = new HostNetwork(kernel, places.hostA, a.link, scenario)
    this.hostB = new HostNetwork(kernel, places.hostB, b.link, scenario)
    this.client = hostStack(kernel, places.client, c.link, scenario)
    joinPorts(this.client, c.link.a)
    this.tap = new Tap(kernel, `mirror of ${places.hostA.name}`)
    this.attackerEnd = m.link.a
    this.switches = [rackSwitch, this.hostA.bridge, this.hostB.bridge]
    this.guestAddress = parseIpv4(scenario.guest.address)
  }

  get stacks(): readonly HostStack[] {
    return [this.hostA.stack, this.hostB.stack, this.client]
  }

  /** Captures of cables, by name; each from when it was first asked for. */
  private readonly linkTaps = new Map<LinkName, Tap>()

  /**
   * A capture of all that arrives at either end of a cable, from now on. It is nobody's in the lab: it changes nothing, so a
   * session is the same with and without.
   */
  tapOf(name: LinkName): Tap {
    let tap = this.linkTaps.get(name)
    if (tap === undefined) {
      tap = new Tap(this.kernel, `cable of ${name}`, { octetsMax: LINK_TAP_OCTETS_MAX })
      this.linkTaps.set(name, tap)
      this.link(name).watch(tap)
    }
    return tap
  }

  link(name: LinkName): Link {
    const found = this.links.find((link) => link.name === name)
    assert(found !== undefined, `every place has a cable: ${name}`)
    return found
  }

  /** Where the attacker's cable is plugged in. */
  placeAttacker(position: AttackerPosition): void {
    const [rackSwitch] = this.switches
    const port = this.portsByPlace.get(places.attacker.name)
    assert(rackSwitch !== undefined && port !== undefined, 'the attacker has a cable to the switch of the rack')
    const others = [...this.portsByPlace.values()].filter((other) => other !== port)
    this.attackerPosition = position
    rackSwitch.floodsAll = position === 'hub'
    if (position === 'mirror') rackSwitch.mirrorPorts(others.slice(0, 1), port)
    else if (position === 'switch') rackSwitch.mirrorPorts(others, port)
    else rackSwitch.stopMirroring(port)
  }

  /** What each host knows of the others' MAC addresses, as somebody wrote it down: no message changes it. */
  setStaticArp(isOn: boolean): void {
    const hosts = [places.hostA, places.hostB, places.client]
    for (const { stack } of [this.hostA, this.hostB])
      for (const { address, mac } of hosts) {
        if (parseIpv4(address) === stack.address) continue
        if (isOn) stack.arp.setPermanent(parseIpv4(address), parseMac(mac))
        else stack.arp.remove(parseIpv4(address))
      }
    this.hasStaticArp = isOn
  }

  setDefences(defences: SwitchDefences): void {
    this.defences = defences
    const { arpInspection, portSecurity } = defences
    const [device] = this.switches
    const inspection = device?.inspectArp(arpInspection ? { vlans: '1' } : null) ?? null
    for (const { name, address, mac } of Object.values(places))
      inspection?.bindings.add({
        vlan: 1,
        address: parseIpv4(address),
        mac: parseMac(mac),
        switchPort: this.portsByPlace.get(name)?.index ?? null,
      })
    // The guest moves from port to port.
    inspection?.bindings.add({ vlan: 1, address: this.guestAddress, mac: readMac(guestMac, 0), switchPort: null })
    for (const [name, port] of this.portsByPlace) {
      const isStation = name === places.client.name || name === places.attacker.name
      if (isStation) port.configure({ security: portSecurity ? { maximum: 1 } : null })
      if (!portSecurity) port.recover()
    }
  }

  setRate(bandwidthBps: number): void {
    for (const link of this.links) link.rateBps = link.name === places.attacker.name ? 2 * bandwidthBps : bandwidthBps
  }
}

/** The host's unique local address (RFC 4193): 10.0.0.1 is fd00::a00:1 too. */
export function hostIpv6(address: Ipv4Address): Ipv6Address {
  return (0xfd00n << 112n) | BigInt(address)
}

export function hostStack(kernel: Kernel, place: Place, cable: Link, scenario: StackScenario): HostStack {
  const stack = new HostStack(kernel, {
    name: place.name,
    ...(place.prefixLength === undefined ? {} : { prefixLength: place.prefixLength }),
    mac: parseMac(place.mac),
    address: parseIpv4(place.address),
    tcp: { sendBufferOctets: sendBufferOctets(scenario), ...scenario.tcp },
  })
  stack.uplink = cable.a
  return stack
}
