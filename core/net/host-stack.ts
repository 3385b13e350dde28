/** The network stack of a host with one interface: ARP, IPv4, ICMP echo, UDP and TCP over a frame port. */
import type { ByteStream } from '../base/byte-stream.js'
import { WireError } from '../base/errors.js'
import type { FrameSink } from '../base/frame-sink.js'
import { readU16be } from '../base/octets.js'
import type { Nanos } from '../base/units.js'
import type { Kernel } from '../kernel/kernel.js'
import { ArpTable } from './arp.js'
import type { FramePort } from './frame-port.js'
import { recycleFrame } from './frame-pool.js'
import { FrameQueue } from './frame-queue.js'
import { IcmpLayer } from './icmp.js'
import { Ipv4Layer, isIpv4Frame } from './ip.js'
import type { LinkEnd } from './link.js'
import { TcpLayer, type TcpListener, type TcpOptions } from './tcp/tcp-layer.js'
import { UdpLayer } from './udp.js'
import { MAC_BROADCAST, readMac, type Ipv4Address, type MacAddress } from './wire/addresses.js'
import { ETHERNET_HEADER_OCTETS, ETHERTYPE } from './wire/ethernet.js'

export interface HostStackOptions {
  readonly name: string
  readonly mac: MacAddress
  readonly address: Ipv4Address
  /** Bits of the subnet: 24. */
  readonly prefixLength?: number
  readonly tcp?: TcpOptions
}

export class HostStack implements FramePort {
  readonly name: string
  readonly mac: MacAddress
  readonly address: Ipv4Address
  readonly prefixLength: number
  output: FrameSink | null = null
  /**
   * The link that this host's frames leave by, if TCP is to keep its queue short (as Linux does with "small queues")
   * instead of filling it to the window, so that a probe does not wait behind a bulk transfer of the same host.
   */
  uplink: LinkEnd | null = null
  readonly arp: ArpTable
  readonly ip: Ipv4Layer
  readonly icmp: IcmpLayer
  readonly udp: UdpLayer
  readonly tcp: TcpLayer
  /** Frames that did not decode or failed a checksum, and were dropped. */
  framesMalformed = 0
  private busyDepth = 0
  private readonly inbox = new FrameQueue()
  private readonly loopedInbox = new FrameQueue()

  constructor(kernel: Kernel, { name, mac, address, prefixLength = 24, tcp = {} }: HostStackOptions) {
    this.name = name
    this.mac = mac
    this.address = address
    this.prefixLength = prefixLength
    this.arp = new ArpTable(kernel, this)
    this.ip = new Ipv4Layer(this)
    this.icmp = new IcmpLayer(kernel, this.ip)
    this.udp = new UdpLayer(this.ip)
    this.tcp = new TcpLayer(kernel, this, tcp)
  }

  /** Open a TCP connection. The stream is `opening` until its owner is told. */
  connect(address: Ipv4Address, port: number): ByteStream {
    return this.tcp.connect(address, port)
  }

  /** Accept TCP connections on `port`. Throws `InputError` when the port is taken. */
  listen(port: number, listener: TcpListener): void {
    this.tcp.listen(port, listener)
  }

  /**
   * A frame may come while another is being handled, through ports without delay: an answer to what we just sent. It
   * waits until that is over, so that no layer is entered twice.
   */
  receiveFrame(frame: Uint8Array): void {
    if (this.busyDepth > 0) {
      this.inbox.push(frame)
      return
    }
    this.enter()
    this.handleFrame(frame, false)
    this.leave()
  }

  transmit(frame: Uint8Array): void {
    if (this.output === null) recycleFrame(frame)
    else this.output.receiveFrame(frame)
  }

  transmitTo(nextHop: Ipv4Address, frame: Uint8Array): void {
    this.arp.sendTo(nextHop, frame)
  }

  loopBack(frame: Uint8Array): void {
    this.loopedInbox.push(frame)
    if (this.busyDepth > 0) return
    this.enter()
    this.leave()
  }

  /** How long what this host sent will still occupy its uplink; 0 when none is named. */
  backlogNs(): Nanos {
    return this.uplink?.backlogNs() ?? 0
  }

  /** Until the matching `leave`, frames that come wait. Layers call it around work that must not be entered again. */
  enter(): void {
    this.busyDepth++
  }
  leave(): void {
    if (this.busyDepth === 1)
      for (;;) {
        const looped = this.loopedInbox.shift()
        const frame = looped ?? this.inbox.shift()
        if (frame === null) break
        this.handleFrame(frame, looped !== null)
      }
    this.busyDepth--
  }

  /** No layer keeps a frame beyond this. */
  private handleFrame(frame: Uint8Array, isLooped: boolean): void {
    if (frame.length >= ETHERNET_HEADER_OCTETS && this.isForUs(readMac(frame, 0))) this.readFrame(frame, isLooped)
    recycleFrame(frame)
  }

  private isForUs(destination: MacAddress): boolean {
    return destination === this.mac || destination === MAC_BROADCAST
  }

  private readFrame(frame: Uint8Array, isLooped: boolean): void {
    try {
      if (isIpv4Frame(frame)) this.ip.receive(frame, isLooped)
      else if (readU16be(frame, 12) === ETHERTYPE.arp) this.arp.receive(frame.subarray(ETHERNET_HEADER_OCTETS))
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.framesMalformed++
    }
  }
}
