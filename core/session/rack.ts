/** The network of a session: two hosts, a client and a listener at one switch. */
import type { FrameSink } from '../base/frame-sink.js'
import { octetsOfHex } from '../base/octets.js'
import type { Kernel } from '../kernel/kernel.js'
import type { VmNetwork } from '../hypervisor/host.js'
import type { VirtualMachine } from '../hypervisor/virtual-machine.js'
import { joinPorts, partPorts } from '../net/frame-port.js'
import { HostStack } from '../net/host-stack.js'
import { Link, type LinkEnd } from '../net/link.js'
import { LinkTraffic } from '../net/link-traffic.js'
import { Switch } from '../net/switch/switch.js'
import type { SwitchPort } from '../net/switch/switch-port.js'
import { Tap } from '../net/tap.js'
import { parseIpv4, parseMac } from '../net/wire/addresses.js'
import { MIGRATION_PORT, SSH_PORT } from '../secure/channels.js'
import { probePorts } from './probes/probe-of-image.js'
import type { Scenario } from './scenario.js'

export const places = {
  hostA: { name: 'host-a', title: 'Host A', address: '10.0.0.1', mac: '02:00:00:00:00:01' },
  hostB: { name: 'host-b', title: 'Host B', address: '10.0.0.2', mac: '02:00:00:00:00:02' },
  client: { name: 'client', title: 'Client', address: '10.0.0.9', mac: '02:00:00:00:00:09' },
  attacker: { name: 'mallory', title: 'Mallory', address: '10.0.0.66', mac: '02:00:00:00:00:66' },
} as const
type Place = (typeof places)[keyof typeof places]

export const guestMac: Uint8Array = octetsOfHex('525400123456')

/** A host's own stack and its guests, joined by a virtual switch to the host's cable. */
export class HostNetwork implements VmNetwork {
  readonly stack: HostStack
  private readonly bridge: Switch
  private readonly guestPorts = new Map<VirtualMachine, { port: SwitchPort; guest: GuestPort }>()

  constructor(kernel: Kernel, place: Place, cable: Link, scenario: Scenario) {
    this.bridge = new Switch(kernel, `${place.name}-bridge`, { isVlanAware: false })
    this.stack = hostStack(kernel, place, cable, scenario)
    joinPorts(this.bridge.addPort(), cable.a)
    joinPorts(this.bridge.addPort(), this.stack)
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
function sendBufferOctets({ bandwidthBps, latencyNs }: Scenario): number {
  const octetsUnderWay = ((bandwidthBps / 8) * 2 * latencyNs) / 1e9
  return Math.round(Math.min(SEND_BUFFER_OCTETS_MAX, Math.max(SEND_BUFFER_OCTETS_MIN, 2 * octetsUnderWay)))
}

export class Rack {
  readonly links: readonly Link[]
  readonly hostA: HostNetwork
  readonly hostB: HostNetwork
  readonly client: HostStack
  /** The attacker's capture: a copy of every frame that passes Host A's port. */
  readonly tap: Tap
  /** Where the attacker's cable ends. */
  readonly mirrorEnd: LinkEnd

  constructor(kernel: Kernel, scenario: Scenario) {
    const rackSwitch = new Switch(kernel, 's1')
    // Two links lie between any two hosts: each has half the delay.
    const delayNs = Math.floor(scenario.latencyNs / 2)
    const cable = (place: Place, rateBps: number): { link: Link; port: SwitchPort } => {
      const link = new Link(kernel, place.name, { rateBps, delayNs })
      link.traffic = new LinkTraffic(kernel, place.name, [MIGRATION_PORT, SSH_PORT], probePorts)
      const port = rackSwitch.addPort()
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
    this.mirrorEnd = m.link.a
    rackSwitch.mirrorPorts([a.port], m.port)
  }

  setRate(bandwidthBps: number): void {
    for (const link of this.links) link.rateBps = link.name === places.attacker.name ? 2 * bandwidthBps : bandwidthBps
  }
}

function hostStack(kernel: Kernel, place: Place, cable: Link, scenario: Scenario): HostStack {
  const stack = new HostStack(kernel, {
    name: place.name,
    mac: parseMac(place.mac),
    address: parseIpv4(place.address),
    tcp: { sendBufferOctets: sendBufferOctets(scenario) },
  })
  stack.uplink = cable.a
  return stack
}
