/** One interface of a host: its MAC address, its IP addresses, who its neighbours are; a port for frames. */
import { InputError } from '../base/errors.js'
import type { FrameSink } from '../base/frame-sink.js'
import { writeU16be } from '../base/octets.js'
import type { Kernel } from '../kernel/kernel.js'
import { ArpTable } from './arp.js'
import { recycleFrame, takeFrame } from './frame-pool.js'
import type { FramePort } from './frame-port.js'
import { FrameQueue } from './frame-queue.js'
import type { IcmpLayer } from './icmp.js'
import type { IpLayer } from './ip.js'
import { NeighbourDiscovery } from './neighbour-discovery.js'
import {
  addressBits,
  IPV4_BROADCAST,
  IPV6_ALL_NODES,
  isInPrefix,
  isLinkLocal,
  linkLocalOf,
  MAC_BROADCAST,
  macOfGroup,
  prefixText,
  solicitedNodeOf,
  type AddressPrefix,
  type IpAddress,
  type Ipv4Address,
  type Ipv6Address,
  type MacAddress,
} from './wire/addresses.js'
import { ETHERNET_HEADER_OCTETS, ETHERTYPE, VLAN_TAG_OCTETS } from './wire/ethernet.js'

/** RFC 791 §3.2: every link carries that much. IPv6 wants 1,280. */
const MTU_MIN = 68
const MTU_MAX = 65535

export interface InterfaceOptions {
  /** `eth0`, `eth1`, ... unless told. */
  readonly name?: string
  readonly mac: MacAddress
  /** Octets of the largest packet: 1500. */
  readonly mtu?: number
  readonly addresses?: readonly AddressPrefix[]
  /** IPv6 is on from the start. It is turned on anyway by the first IPv6 address. */
  readonly hasIpv6?: boolean
  /** IPv6 addresses are asked about before they are used (RFC 4862 §5.4). False. */
  readonly detectsDuplicates?: boolean
  /** Routers' advertisements give addresses and a default route. True. */
  readonly acceptsAdvertisements?: boolean
}

export interface InterfaceAddress extends AddressPrefix {
  readonly origin: 'static' | 'link-local' | 'advertisement'
  /** Only a `preferred` one is used. */
  state: 'tentative' | 'preferred' | 'duplicate'
}

/** An interface as displays want it. */
export interface InterfaceRow {
  readonly name: string
  readonly mac: MacAddress
  readonly mtu: number
  readonly isUp: boolean
  readonly vlan: number | null
  readonly addresses: readonly { readonly text: string; readonly origin: string; readonly state: string }[]
}

/** Hears frames without owning them: what it wants to keep it copies. */
export interface FrameListener {
  frameHeard(frame: Uint8Array, through: NetworkInterface): void
}

/** What an interface needs of its host. */
export interface InterfaceHost {
  readonly name: string
  readonly ip: IpLayer
  readonly icmp: IcmpLayer
  frameArrived(frame: Uint8Array, through: NetworkInterface): void
  enter(): void
  leave(): void
}

export class NetworkInterface implements FramePort {
  readonly name: string
  readonly mac: MacAddress
  readonly mtu: number
  readonly addresses: InterfaceAddress[] = []
  readonly arp: ArpTable
  readonly detectsDuplicates: boolean
  readonly acceptsAdvertisements: boolean
  output: FrameSink | null = null
  /** Null until IPv6 is turned on. */
  neighbours: NeighbourDiscovery | null = null
  /** Hears what comes in, addressed to us or, if `isPromiscuous`, to anybody. */
  listener: FrameListener | null = null
  isPromiscuous = false
  isUp = true
  /** Frames that came while the host was busy. */
  readonly inbox = new FrameQueue()
  private readonly groupMacs = new Map<MacAddress, number>()
  private readonly vlans = new Map<number, NetworkInterface>()

  constructor(
    private readonly kernel: Kernel,
    readonly host: InterfaceHost,
    options: InterfaceOptions,
    /** Of an interface for one VLAN: the one that its tagged frames go through. */
    readonly parent: NetworkInterface | null = null,
    readonly vlan: number | null = null,
  ) {
    const { name = 'eth0', mac, mtu = 1500, detectsDuplicates = false, acceptsAdvertisements = true } = options
    if (!(mtu >= MTU_MIN && mtu <= MTU_MAX))
      throw new InputError(`an MTU is ${MTU_MIN} to ${MTU_MAX} octets, not ${mtu}`)
    this.name = name
    this.mac = mac
    this.mtu = mtu
    this.detectsDuplicates = detectsDuplicates
    this.acceptsAdvertisements = acceptsAdvertisements
    this.arp = new ArpTable(kernel, this)
    if (parent !== null && vlan !== null) parent.vlans.set(vlan, this)
  }

  get hostName(): string {
    return this.host.name
  }

  receiveFrame(frame: Uint8Array): void {
    this.host.frameArrived(frame, this)
  }

  transmit(frame: Uint8Array): void {
    if (this.parent !== null) this.parent.transmit(this.tag(frame))
    else if (this.output === null || !this.isUp) recycleFrame(frame)
    else this.output.receiveFrame(frame)
  }

  /** Send an IP packet's frame to a neighbour. */
  transmitTo(nextHop: IpAddress, frame: Uint8Array): void {
    if (typeof nextHop === 'number') this.arp.sendTo(nextHop, frame)
    else if (this.neighbours === null) recycleFrame(frame)
    else this.neighbours.sendTo(nextHop, frame)
  }

  neighbourFailed(frame: Uint8Array): void {
    this.host.ip.neighbourFailed(frame)
  }

  /** Whether a frame to `destination` is for this interface. */
  takes(destination: MacAddress): boolean {
    if (destination === this.mac || destination === MAC_BROADCAST) return true
    return this.groupMacs.size > 0 && this.groupMacs.has(destination)
  }

  /** The interface for a VLAN's frames, or undefined. */
  vlanInterface(vlan: number): NetworkInterface | undefined {
    return this.vlans.get(vlan)
  }

  /** Take frames for the group, as often as it is not left. */
  joinGroup(group: IpAddress): void {
    this.parent?.joinGroup(group)
    const mac = macOfGroup(group)
    this.groupMacs.set(mac, (this.groupMacs.get(mac) ?? 0) + 1)
  }

  leaveGroup(group: IpAddress): void {
    this.parent?.leaveGroup(group)
    const mac = macOfGroup(group)
    const count = this.groupMacs.get(mac) ?? 0
    if (count > 1) this.groupMacs.set(mac, count - 1)
    else this.groupMacs.delete(mac)
  }

  /** Turn IPv6 on: the link-local address, and the groups that every node is in. */
  enableIpv6(): NeighbourDiscovery {
    if (this.neighbours === null) {
      this.neighbours = new NeighbourDiscovery(this.kernel, this)
      this.joinGroup(IPV6_ALL_NODES)
      this.addAddress({ address: linkLocalOf(this.mac), prefixLength: 64 }, 'link-local')
    }
    return this.neighbours
  }

  /** Throws `InputError` when the interface has the address already. */
  addAddress({ address, prefixLength }: AddressPrefix, origin: InterfaceAddress['origin'] = 'static'): void {
    if (this.addresses.some((other) => other.address === address))
      throw new InputError(`${this.name} has ${prefixText({ address, prefixLength })} already`)
    if (prefixLength < 0 || prefixLength > addressBits(address))
      throw new InputError(`an address of ${addressBits(address)} bits has no prefix of ${prefixLength}`)
    const added: InterfaceAddress = { address, prefixLength, origin, state: 'preferred' }
    if (typeof address === 'bigint') {
      const neighbours = this.enableIpv6()
      this.addresses.push(added)
      this.joinGroup(solicitedNodeOf(address))
      if (this.detectsDuplicates) {
        added.state = 'tentative'
        neighbours.detectDuplicate(address)
        return
      }
    } else this.addresses.push(added)
    this.host.ip.addressAdded(this, added)
  }

  removeAddress(address: IpAddress): void {
    const index = this.addresses.findIndex((other) => other.address === address)
    const [removed] = index < 0 ? [] : this.addresses.splice(index, 1)
    if (removed === undefined) return
    if (typeof address === 'bigint') this.leaveGroup(solicitedNodeOf(address))
    this.host.ip.addressRemoved(this, removed)
  }

  /** Whether `address` is ours here and in use. */
  hasAddress(address: IpAddress): boolean {
    for (const own of this.addresses) if (own.address === address) return own.state === 'preferred'
    return false
  }

  /** The address to use towards `destination`: in its subnet if there is one, else the first; 0 when there is none. */
  ipv4Address(destination?: Ipv4Address): Ipv4Address {
    let first: Ipv4Address | null = null
    for (const { address, prefixLength } of this.addresses) {
      if (typeof address !== 'number') continue
      if (destination !== undefined && isInPrefix(destination, address, prefixLength)) return address
      first ??= address
    }
    return first ?? 0
  }

  /** As `ipv4Address`, of the scope of `destination` (RFC 6724 §5, rules 2 and 8). */
  ipv6Address(destination: Ipv6Address): Ipv6Address {
    const isLocal = isLinkLocal(destination) || destination >> 112n === 0xff02n
    let best: Ipv6Address = 0n
    let bestBits = -1
    for (const { address, state } of this.addresses) {
      if (typeof address !== 'bigint' || state !== 'preferred') continue
      const bits = isLinkLocal(address) === isLocal ? 1 + commonBits(address, destination) : 0
      if (bits > bestBits) {
        best = address
        bestBits = bits
      }
    }
    return best
  }

  /** Whether everybody in one of our subnets is meant. A subnet of one or two addresses has no such address (RFC 3021). */
  isBroadcast(address: Ipv4Address): boolean {
    if (address === IPV4_BROADCAST) return true
    for (const { address: own, prefixLength } of this.addresses)
      if (typeof own === 'number' && prefixLength < 31 && (own | (2 ** (32 - prefixLength) - 1)) >>> 0 === address)
        return true
    return false
  }

  /** Whether `address` can be reached without a router. */
  isOnLink(address: IpAddress): boolean {
    return this.addresses.some((own) => isInPrefix(address, own.address, own.prefixLength))
  }

  /** Pull the plug, or put it in: routes over the interface go and come. */
  setUp(isUp: boolean): void {
    if (isUp === this.isUp) return
    this.isUp = isUp
    if (!isUp) {
      this.arp.clear()
      this.neighbours?.clear()
    }
    this.host.ip.interfaceChanged(this)
  }

  row(): InterfaceRow {
    const { name, mac, mtu, isUp, vlan } = this
    const addresses = this.addresses.map(({ origin, state, ...address }) => ({
      text: prefixText(address),
      origin,
      state,
    }))
    return { name, mac, mtu, isUp, vlan, addresses }
  }

  /** The frame without its tag, in memory of its own. */
  untag(frame: Uint8Array): Uint8Array {
    const untagged = takeFrame(frame.length - VLAN_TAG_OCTETS)
    untagged.set(frame.subarray(0, 12))
    untagged.set(frame.subarray(12 + VLAN_TAG_OCTETS), 12)
    return untagged
  }

  private tag(frame: Uint8Array): Uint8Array {
    const tagged = takeFrame(frame.length + VLAN_TAG_OCTETS)
    tagged.set(frame.subarray(0, 12))
    tagged.set(frame.subarray(12), 12 + VLAN_TAG_OCTETS)
    writeU16be(tagged, 12, ETHERTYPE.vlan)
    writeU16be(tagged, ETHERNET_HEADER_OCTETS, this.vlan ?? 0)
    recycleFrame(frame)
    return tagged
  }
}

/** How many bits the addresses begin with that are the same in both. */
function commonBits(a: Ipv6Address, b: Ipv6Address): number {
  let bits = 128
  for (let rest = a ^ b; rest > 0n; rest >>= 1n) bits--
  return bits
}
