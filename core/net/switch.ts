/**
 * A learning Ethernet switch (IEEE 802.1D §7, without spanning tree), for a rack or inside a host: forwarding takes no
 * time of its own; the links at its ports do. Tags are carried unread.
 */
import type { FrameSink } from '../base/frame-sink.js'
import { seconds, type Nanos } from '../base/units.js'
import type { Kernel } from '../kernel/kernel.js'
import { copyFrame, recycleFrame } from './frame-pool.js'
import type { FramePort } from './frame-port.js'
import { isGroupMac, macText, readMac, type MacAddress } from './wire/addresses.js'
import { ETHERNET_HEADER_OCTETS } from './wire/ethernet.js'

export interface SwitchOptions {
  /** Forget an address that was silent for so long: 300 s as IEEE 802.1D recommends. */
  readonly ageingNs?: Nanos
  /** Addresses that the table holds: 8192. When it is full, no more are learned and frames to them are flooded. */
  readonly addressesMax?: number
}

/** An answer to an answer, at most: more nested forwardings of one switch are a loop. */
const DEPTH_MAX = 8

interface LearnedAddress {
  port: SwitchPort
  seenNs: Nanos
}

export class SwitchPort implements FramePort {
  output: FrameSink | null = null
  /** The mirror port that gets a copy of what this port receives and sends. */
  mirror: SwitchPort | null = null
  /** A mirror port gets copies only, and what is sent into it is dropped, as a SPAN destination does by default. */
  isMirror = false
  framesIn = 0
  framesOut = 0

  constructor(
    private readonly device: Switch,
    readonly index: number,
  ) {}

  receiveFrame(frame: Uint8Array): void {
    this.framesIn++
    this.device.forward(frame, this)
  }

  send(frame: Uint8Array): void {
    this.framesOut++
    if (this.output === null) recycleFrame(frame)
    else this.output.receiveFrame(frame)
  }
}

export class Switch {
  private readonly portList: SwitchPort[] = []
  private readonly learned = new Map<MacAddress, LearnedAddress>()
  private readonly ageingNs: Nanos
  private readonly addressesMax: number
  private nextSweepNs: Nanos = 0
  /** Forwardings under way inside one another: ports without delay may bring frames back before they are over. */
  private depth = 0
  /** Frames that were dropped because they went round and round a loop of cables without delay. */
  framesLooped = 0

  constructor(
    private readonly kernel: Kernel,
    readonly name: string,
    { ageingNs = seconds(300), addressesMax = 8192 }: SwitchOptions = {},
  ) {
    this.ageingNs = ageingNs
    this.addressesMax = addressesMax
  }

  get ports(): readonly SwitchPort[] {
    return this.portList
  }

  addPort(): SwitchPort {
    const port = new SwitchPort(this, this.portList.length)
    this.portList.push(port)
    return port
  }

  /** Copy what each of `sources` receives and sends to `destination`. A frame between two sources is copied once. */
  mirrorPorts(sources: readonly SwitchPort[], destination: SwitchPort): void {
    destination.isMirror = true
    for (const source of sources) source.mirror = destination
  }

  stopMirroring(destination: SwitchPort): void {
    destination.isMirror = false
    for (const port of this.portList) if (port.mirror === destination) port.mirror = null
  }

  /** Where frames to `mac` go now, or null when they are flooded. */
  portOf(mac: MacAddress): SwitchPort | null {
    const entry = this.learned.get(mac)
    return entry === undefined || this.kernel.nowNs - entry.seenNs > this.ageingNs ? null : entry.port
  }

  /** Called by the ports. */
  forward(frame: Uint8Array, ingress: SwitchPort): void {
    if (ingress.isMirror || frame.length < ETHERNET_HEADER_OCTETS) {
      recycleFrame(frame)
      return
    }
    if (this.depth >= DEPTH_MAX) {
      this.framesLooped++
      recycleFrame(frame)
      return
    }
    this.learn(readMac(frame, 6), ingress)
    const destination = readMac(frame, 0)
    const egress = isGroupMac(destination) ? null : this.portOf(destination)
    this.depth++
    // Copies leave first, so that a mirror never shows an answer before what it answers.
    this.sendCopies(frame, ingress, egress)
    if (egress === null) this.flood(frame, ingress)
    else if (egress !== ingress) egress.send(frame)
    else recycleFrame(frame)
    this.depth--
  }

  private flood(frame: Uint8Array, ingress: SwitchPort): void {
    for (const port of this.portList)
      if (port !== ingress && !port.isMirror && port.output !== null) port.send(copyFrame(frame))
    recycleFrame(frame)
  }

  private sendCopies(frame: Uint8Array, ingress: SwitchPort, egress: SwitchPort | null): void {
    const first = ingress.mirror
    first?.send(copyFrame(frame))
    if (egress !== null) {
      const { mirror } = egress
      if (egress !== ingress && mirror !== null && mirror !== first) mirror.send(copyFrame(frame))
      return
    }
    for (const mirror of this.portList) {
      if (!mirror.isMirror || mirror === first) continue
      if (this.portList.some((port) => port !== ingress && port.mirror === mirror)) mirror.send(copyFrame(frame))
    }
  }

  private learn(mac: MacAddress, port: SwitchPort): void {
    const entry = this.learned.get(mac)
    const { nowNs } = this.kernel
    if (entry !== undefined) {
      entry.seenNs = nowNs
      if (entry.port === port) return
      entry.port = port
    } else {
      if (isGroupMac(mac)) return // no station has a group address: a forgery
      if (this.learned.size >= this.addressesMax && !this.sweep()) return
      this.learned.set(mac, { port, seenNs: nowNs })
    }
    this.kernel.trace.add('switch-learned', { device: this.name, mac: macText(mac), switchPort: port.index })
  }

  /** Forget what is too old, at most once a second. True when there is room. */
  private sweep(): boolean {
    const { nowNs } = this.kernel
    if (nowNs < this.nextSweepNs) return false
    this.nextSweepNs = nowNs + seconds(1)
    for (const [mac, entry] of this.learned) if (nowNs - entry.seenNs > this.ageingNs) this.learned.delete(mac)
    return this.learned.size < this.addressesMax
  }
}
