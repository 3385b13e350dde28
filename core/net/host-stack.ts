/** The network stack of a host: interfaces, ARP and neighbour discovery, IP with routes, ICMP, UDP and TCP. */
import type { ByteStream } from '../base/byte-stream.js'
import { assert, InputError, WireError } from '../base/errors.js'
import type { FrameSink } from '../base/frame-sink.js'
import { readU16be } from '../base/octets.js'
import type { Nanos } from '../base/units.js'
import type { Kernel } from '../kernel/kernel.js'
import type { ArpTable } from './arp.js'
import type { FramePort } from './frame-port.js'
import { recycleFrame } from './frame-pool.js'
import { FrameQueue } from './frame-queue.js'
import { IcmpLayer } from './icmp.js'
import { IpLayer, isIpv4Frame } from './ip.js'
import type { LinkEnd } from './link.js'
import type { NeighbourRow } from './neighbour-table.js'
import { NetworkInterface, type InterfaceHost, type InterfaceOptions, type InterfaceRow } from './network-interface.js'
import type { RouteRow } from './routing-table.js'
import { TcpLayer, type TcpListener, type TcpOptions } from './tcp/tcp-layer.js'
import { UdpLayer } from './udp.js'
import {
  addressBits,
  IPV6_ALL_ROUTERS,
  prefixOf,
  readMac,
  type AddressPrefix,
  type IpAddress,
  type Ipv4Address,
  type MacAddress,
} from './wire/addresses.js'
import { ETHERNET_HEADER_OCTETS, ETHERTYPE, VLAN_TAG_OCTETS } from './wire/ethernet.js'

const INTERFACES_MAX = 64

export interface HostStackOptions extends Omit<InterfaceOptions, 'name' | 'addresses'> {
  readonly name: string
  /** Of the first interface, `eth0`. 0: none yet. */
  readonly address: Ipv4Address
  /** Bits of the subnet: 24. */
  readonly prefixLength?: number
  /** More addresses of the first interface, of either family. */
  readonly addresses?: readonly AddressPrefix[]
  /** The default router. */
  readonly gateway?: IpAddress
  /** A router. */
  readonly forwards?: boolean
  readonly tcp?: TcpOptions
}

export interface StaticRoute extends AddressPrefix {
  readonly nextHop: IpAddress
  readonly metric?: number
}

/** With one interface it is that interface's port; with more, plug cables into `interface('eth1')`. */
export class HostStack implements FramePort, InterfaceHost {
  readonly name: string
  readonly interfaces: NetworkInterface[] = []
  /**
   * The link that this host's frames leave by, if TCP is to keep its queue short (as Linux does with "small queues")
   * instead of filling it to the window, so that a probe does not wait behind a bulk transfer of the same host.
   */
  uplink: LinkEnd | null = null
  readonly ip: IpLayer
  readonly icmp: IcmpLayer
  readonly udp: UdpLayer
  readonly tcp: TcpLayer
  /** Frames that did not decode or failed a checksum, and were dropped. */
  framesMalformed = 0
  private readonly first: NetworkInterface
  private busyDepth = 0
  /** Frames in the inboxes of the interfaces. */
  private framesWaiting = 0
  private readonly loopedInbox = new FrameQueue()

  constructor(
    private readonly kernel: Kernel,
    {
      name,
      address,
      prefixLength = 24,
      addresses = [],
      gateway,
      forwards = false,
      tcp = {},
      ...rest
    }: HostStackOptions,
  ) {
    this.name = name
    this.ip = new IpLayer(kernel, this)
    this.icmp = new IcmpLayer(kernel, this.ip)
    this.udp = new UdpLayer(this.ip, this.icmp)
    const own = address === 0 ? [] : [{ address, prefixLength }]
    this.first = this.addInterface({ ...rest, addresses: [...own, ...addresses] })
    this.forwards = forwards
    if (gateway !== undefined) this.addRoute({ address: prefixOf(gateway, 0), prefixLength: 0, nextHop: gateway })
    this.tcp = new TcpLayer(kernel, this, tcp)
  }

  // The first interface, which most hosts have alone.

  get mac(): MacAddress {
    return this.first.mac
  }
  /** The first IPv4 address; 0 when there is none. */
  get address(): Ipv4Address {
    return this.first.ipv4Address()
  }
  get arp(): ArpTable {
    return this.first.arp
  }
  get output(): FrameSink | null {
    return this.first.output
  }
  set output(output: FrameSink | null) {
    this.first.output = output
  }
  receiveFrame(frame: Uint8Array): void {
    this.frameArrived(frame, this.first)
  }
  /** Send any frame, true or not, through the first interface or another. The frame is given away. */
  transmit(frame: Uint8Array, through: NetworkInterface = this.first): void {
    through.transmit(frame)
  }

  // Setting up.

  /** Throws `InputError` when the name is taken or there are too many. */
  addInterface(options: InterfaceOptions): NetworkInterface {
    const name = options.name ?? `eth${this.interfaces.filter(({ vlan }) => vlan === null).length}`
    return this.attach(new NetworkInterface(this.kernel, this, { ...options, name }), options)
  }

  /** An interface `eth0.20` whose frames go through `parent` with the tag of VLAN 20. Throws `InputError`. */
  addVlan(parent: NetworkInterface, vlan: number, options: Omit<InterfaceOptions, 'mac'> = {}): NetworkInterface {
    if (!(vlan >= 1 && vlan <= 4094)) throw new InputError(`${vlan} is no VLAN: 1 to 4094`)
    const { name = `${parent.name}.${vlan}` } = options
    const inherited = { mac: parent.mac, mtu: parent.mtu, ...options, name }
    return this.attach(new NetworkInterface(this.kernel, this, inherited, parent, vlan), options)
  }

  /** Throws `InputError` when there is none of that name. */
  interface(name: string): NetworkInterface {
    const found = this.interfaces.find((one) => one.name === name)
    if (found === undefined) throw new InputError(`host ${this.name} has no interface ${name}`)
    return found
  }

  /** Throws `InputError` when the next hop is on none of our links. */
  addRoute({ address, prefixLength, nextHop, metric = 0 }: StaticRoute): void {
    const through = this.interfaces.find((one) => one.isOnLink(nextHop))
    if (through === undefined) throw new InputError(`the next hop is on no link of host ${this.name}`)
    if (prefixLength > addressBits(address)) throw new InputError(`prefix of ${prefixLength} bits`)
    this.ip.routes.add({ prefix: address, prefixLength, nextHop, interface: through, metric, origin: 'static' })
  }

  removeRoute({ address, prefixLength, nextHop, metric = 0 }: StaticRoute): void {
    for (const through of this.interfaces)
      this.ip.routes.remove({ prefix: address, prefixLength, nextHop, interface: through, metric, origin: 'static' })
  }

  /** Whether packets that are not for us are sent on (core/net/forwarding.ts). */
  get forwards(): boolean {
    return this.ip.forwards
  }
  set forwards(isOn: boolean) {
    if (isOn === this.ip.forwards) return
    this.ip.forwarding.isOn = isOn
    for (const one of this.interfaces)
      if (isOn) one.joinGroup(IPV6_ALL_ROUTERS)
      else one.leaveGroup(IPV6_ALL_ROUTERS)
  }

  // For displays.

  interfaceRows(): InterfaceRow[] {
    return this.interfaces.map((one) => one.row())
  }
  /** ARP entries and IPv6 neighbours of all interfaces. */
  neighbourRows(): NeighbourRow[] {
    return this.interfaces.flatMap(({ arp, neighbours }) => [...arp.table(), ...(neighbours?.rows() ?? [])])
  }
  routeRows(): RouteRow[] {
    return this.ip.routes.rows()
  }

  // Streams.

  /** Open a TCP connection. The stream is `opening` until its owner is told. */
  connect(address: IpAddress, port: number): ByteStream {
    return this.tcp.connect(address, port)
  }

  /** Accept TCP connections on `port`. Throws `InputError` when the port is taken. */
  listen(port: number, listener: TcpListener): void {
    this.tcp.listen(port, listener)
  }

  /** Send a packet that somebody else has made, true or not, where its destination leads. It is copied. Throws `WireError`. */
  sendRawIp(packet: Uint8Array): void {
    this.ip.sendRaw(packet)
  }

  /** How long what this host sent will still occupy its packet transform or its uplink; 0 where there is none. */
  backlogNs(): Nanos {
    return Math.max(this.ip.transformed.backlogNs(), this.uplink?.backlogNs() ?? 0)
  }

  // Frames that come.

  /**
   * A frame may come while another is being handled, through ports without delay: an answer to what we just sent. It
   * waits until that is over, so that no layer is entered twice.
   */
  frameArrived(frame: Uint8Array, through: NetworkInterface): void {
    if (this.busyDepth > 0) {
      through.inbox.push(frame)
      this.framesWaiting++
      return
    }
    this.enter()
    this.handleFrame(frame, through, false)
    this.leave()
  }

  loopBack(frame: Uint8Array): void {
    this.loopedInbox.push(frame)
    if (this.busyDepth > 0) return
    this.enter()
    this.leave()
  }

  /** Until the matching `leave`, frames that come wait. Layers call it around work that must not be entered again. */
  enter(): void {
    this.busyDepth++
  }
  leave(): void {
    if (this.busyDepth === 1)
      while (this.framesWaiting > 0 || this.loopedInbox.length > 0) {
        const looped = this.loopedInbox.shift()
        if (looped !== null) this.handleFrame(looped, this.first, true)
        else this.handleWaiting()
      }
    this.busyDepth--
  }

  private handleWaiting(): void {
    for (const through of this.interfaces) {
      const frame = through.inbox.shift()
      if (frame === null) continue
      this.framesWaiting--
      this.handleFrame(frame, through, false)
      return
    }
    assert(false, 'a frame waits at no interface')
  }

  /** No layer keeps a frame beyond this, but one that forwards it. */
  private handleFrame(frame: Uint8Array, through: NetworkInterface, isLooped: boolean): void {
    const isOurs = frame.length >= ETHERNET_HEADER_OCTETS && through.isUp && this.hears(frame, through)
    if (!isOurs || !this.readFrame(frame, through, isLooped)) recycleFrame(frame)
  }

  private hears(frame: Uint8Array, through: NetworkInterface): boolean {
    const isOurs = through.takes(readMac(frame, 0))
    if (through.listener !== null && (isOurs || through.isPromiscuous)) through.listener.frameHeard(frame, through)
    return isOurs
  }

  /** True when the frame was given away. */
  private readFrame(frame: Uint8Array, through: NetworkInterface, isLooped: boolean): boolean {
    try {
      if (isIpv4Frame(frame)) return this.ip.receive(frame, through, isLooped)
      const etherType = readU16be(frame, 12)
      if (etherType === ETHERTYPE.arp) through.arp.receive(frame.subarray(ETHERNET_HEADER_OCTETS))
      else if (etherType === ETHERTYPE.ipv6) return this.ip.receiveIpv6(frame, through, isLooped)
      else if (etherType === ETHERTYPE.vlan) this.readTagged(frame, through)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.framesMalformed++
    }
    return false
  }

  private readTagged(frame: Uint8Array, through: NetworkInterface): void {
    if (frame.length < ETHERNET_HEADER_OCTETS + VLAN_TAG_OCTETS)
      throw new WireError('ethernet', frame.length, 'ends inside its VLAN tag')
    const tagged = through.vlanInterface(readU16be(frame, 14) & 0xfff)
    if (tagged !== undefined) this.handleFrame(tagged.untag(frame), tagged, false)
  }

  private attach(
    added: NetworkInterface,
    { addresses = [], hasIpv6 = false }: Partial<InterfaceOptions>,
  ): NetworkInterface {
    if (this.interfaces.length >= INTERFACES_MAX) throw new InputError(`over ${INTERFACES_MAX} interfaces`)
    if (this.interfaces.some(({ name }) => name === added.name))
      throw new InputError(`host ${this.name} has an interface ${added.name} already`)
    this.interfaces.push(added)
    if (this.forwards) added.joinGroup(IPV6_ALL_ROUTERS)
    if (hasIpv6) added.enableIpv6()
    for (const address of addresses) added.addAddress(address)
    return added
  }
}
