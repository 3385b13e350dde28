/**
 * A learning Ethernet switch with VLANs (IEEE 802.1Q §6 and §8, without spanning tree), for a rack or inside a host:
 * forwarding takes no time of its own; the links at its ports do. Every VLAN from 1 to 4094 exists.
 *
 * Tags are treated as switches on the market do, which is what VLAN hopping lives on: an access port takes a frame that is
 * tagged with its own VLAN, a trunk takes one that is tagged with its native VLAN, and where the native VLAN leaves
 * untagged only the outermost tag is taken off.
 */
import { InputError } from '../../base/errors.js'
import { readU16be, readU32be } from '../../base/octets.js'
import { seconds, type Nanos } from '../../base/units.js'
import type { Kernel } from '../../kernel/kernel.js'
import { copyFrame, recycleFrame } from '../frame-pool.js'
import { macText, type MacAddress } from '../wire/addresses.js'
import { DOMAIN_OCTETS_MAX, isDtpFrame } from '../wire/dtp.js'
import { ETHERNET_HEADER_OCTETS, ETHERTYPE, ETHERTYPE_MIN, VLAN_TAG_OCTETS } from '../wire/ethernet.js'
import { ArpInspection, type ArpInspectionOptions } from './arp-inspection.js'
import { IngressChecks } from './ingress-checks.js'
import { DYNAMIC, MAC_TYPES, MacTable, type MacType } from './mac-table.js'
import { MirrorSession, type MirrorOptions } from './mirror-session.js'
import { portSettings, type PortOptions, type PortSettings } from './port-options.js'
import { SwitchPort, type PortState } from './switch-port.js'
import { taggedCopy, untaggedCopy } from './tagging.js'

export interface SwitchOptions {
  /** Forget an address that was silent for so long: 300 s as IEEE 802.1D recommends. */
  readonly ageingNs?: Nanos
  /** Addresses that the table holds, of all VLANs: 8192. When it is full, no more are learned and frames to them are flooded. */
  readonly addressesMax?: number
  /** False for a switch that carries tags unread and has one network for all, as a bridge inside a host. */
  readonly isVlanAware?: boolean
  /** VTP domain, for DTP: none. */
  readonly domain?: string
  /** The switch's own address; its ports have those that follow. Made from the name unless told. */
  readonly mac?: MacAddress
  /** When a port that an error disabled comes back by itself: never (null). */
  readonly recoverNs?: Nanos | null
}

/** A row of the table of addresses, for displays. */
export interface MacEntry {
  readonly vlan: number
  readonly mac: string
  readonly switchPort: number
  readonly type: MacType
  /** Since it was last heard. */
  readonly ageNs: Nanos
}

/** An answer to an answer, at most: more nested forwardings of one switch are a loop. */
const DEPTH_MAX = 8

export class Switch {
  readonly isVlanAware: boolean
  readonly domain: string
  readonly mac: MacAddress
  /** What is known of stations: the ports work on it too. */
  readonly addresses = new MacTable()
  private readonly portList: SwitchPort[] = []
  private readonly mirrors: MirrorSession[] = []
  private readonly checks: IngressChecks
  private readonly ageingNs: Nanos
  private readonly addressesMax: number
  /** A hub: it learns nothing, and every frame goes to everybody. */
  floodsAll = false
  private nextSweepNs: Nanos = 0
  /** Forwardings under way inside one another: ports without delay may bring frames back before they are over. */
  private depth = 0
  /** Frames that were dropped because they went round and round a loop of cables without delay. */
  framesLooped = 0
  /** Frames whose source was not learned because the table was full. */
  notLearned = 0

  /** Throws `InputError`. */
  constructor(
    private readonly kernel: Kernel,
    readonly name: string,
    options: SwitchOptions = {},
  ) {
    const { ageingNs = seconds(300), addressesMax = 8192, isVlanAware = true, domain = '', recoverNs = null } = options
    if (domain.length > DOMAIN_OCTETS_MAX)
      throw new InputError(`"${domain}" is not a VTP domain: at most ${DOMAIN_OCTETS_MAX} characters`)
    this.ageingNs = ageingNs
    this.addressesMax = addressesMax
    this.isVlanAware = isVlanAware
    this.domain = domain
    this.mac = options.mac ?? macOfName(name)
    this.checks = new IngressChecks(kernel, name, recoverNs)
  }

  get ports(): readonly SwitchPort[] {
    return this.portList
  }

  /** Throws `InputError`. */
  addPort(options: PortOptions = {}): SwitchPort {
    const port = new SwitchPort(this.kernel, this, this.portList.length, options)
    this.portList.push(port)
    return port
  }

  /** Copy what each of `sources` receives and sends to `destination`. A frame between two sources is copied once. */
  mirrorPorts(sources: readonly SwitchPort[], destination: SwitchPort): void {
    this.mirror({ sources: sources.map((port) => ({ port })), destination })
  }

  /** Begin to mirror; the destination's former session ends. A frame is copied once a session. Throws `InputError`. */
  mirror(options: MirrorOptions): void {
    const session = new MirrorSession(options)
    this.stopMirroring(options.destination)
    this.mirrors.push(session)
    options.destination.setMirror(true)
  }

  stopMirroring(destination: SwitchPort): void {
    const index = this.mirrors.findIndex((session) => session.destination === destination)
    if (index >= 0) this.mirrors.splice(index, 1)
    destination.setMirror(false)
  }

  /** Begin to inspect ARP, or otherwise than until now, or stop (null). Bindings that are known stay. Throws `InputError`. */
  inspectArp(options: ArpInspectionOptions | null): ArpInspection | null {
    if (options !== null && !this.isVlanAware) throw new InputError(`${this.name} knows no VLANs to inspect ARP in`)
    const { checks } = this
    checks.arpInspection = options === null ? null : new ArpInspection(options, checks.arpInspection?.bindings)
    return checks.arpInspection
  }

  /** Where frames to `mac` go now, or null when they are flooded. */
  portOf(mac: MacAddress, vlan = this.isVlanAware ? 1 : 0): SwitchPort | null {
    return this.find(this.slotOf(vlan, mac))
  }

  /** By VLAN and address. */
  macTable(): MacEntry[] {
    const { addresses, kernel } = this
    const entries: MacEntry[] = []
    for (let slot = 0; slot < addresses.slotCount; slot++) {
      const port = this.find(slot)
      if (port === null) continue
      entries.push({
        vlan: addresses.vlanAt(slot),
        mac: macText(addresses.macAt(slot)),
        switchPort: port.index,
        type: MAC_TYPES[addresses.typeAt(slot)] as MacType,
        ageNs: kernel.nowNs - addresses.seenAt(slot),
      })
    }
    return entries.sort((a, b) => a.vlan - b.vlan || (a.mac < b.mac ? -1 : 1))
  }

  portTable(): PortState[] {
    return this.portList.map((port) => port.state())
  }

  /** Called by the ports. */
  forward(frame: Uint8Array, ingress: SwitchPort): void {
    if (ingress.closed !== null) {
      ingress.drop(frame, ingress.closed)
      return
    }
    if (frame.length < ETHERNET_HEADER_OCTETS) {
      ingress.drop(frame, 'runt')
      return
    }
    if (this.depth >= DEPTH_MAX) {
      this.framesLooped++
      ingress.drop(frame, 'loop')
      return
    }
    let vlan = ingress.ingressVlan
    let etherType = readU16be(frame, 12)
    let isTagged = false
    if (this.isVlanAware && etherType === ETHERTYPE.vlan) {
      if (frame.length < ETHERNET_HEADER_OCTETS + VLAN_TAG_OCTETS) {
        ingress.drop(frame, 'runt')
        return
      }
      isTagged = true
      etherType = readU16be(frame, 16)
      const id = readU16be(frame, 14) & 0xfff
      // VLAN 0 means that the tag holds a priority only (IEEE 802.1Q §6.9.1).
      if (id !== 0) vlan = id
    }
    const isMember = ingress.carries(vlan)
    if (this.mirrors.length > 0) this.copyReceived(frame, ingress, isMember ? vlan : -1)
    if (this.isVlanAware) {
      if (etherType < ETHERTYPE_MIN && !isTagged && isDtpFrame(frame)) {
        ingress.receiveDtp(frame)
        return
      }
      if (!isMember) {
        ingress.drop(frame, vlan < 0 ? 'untagged' : 'vlan')
        return
      }
      if (isTagged && (readU16be(frame, 14) & 0xfff) === 0) {
        frame[14] = ((frame[14] as number) & 0xf0) | (vlan >>> 8)
        frame[15] = vlan
      }
    }
    const sourceHigh = readU16be(frame, 6)
    const sourceLow = readU32be(frame, 8)
    if (ingress.security !== null) {
      const verdict = this.checks.checkSource(ingress, vlan, sourceHigh, sourceLow)
      if (verdict === 'violation') {
        ingress.drop(frame, 'port-security')
        return
      }
      if (verdict === 'learned') this.traceLearned(vlan, sourceHigh, sourceLow, ingress)
    }
    if (etherType === ETHERTYPE.arp && this.checks.arpInspection !== null) {
      const start = isTagged ? ETHERNET_HEADER_OCTETS + VLAN_TAG_OCTETS : ETHERNET_HEADER_OCTETS
      if (!this.checks.admitsArp(frame, { start, vlan, ingress })) {
        ingress.drop(frame, 'arp-inspection')
        return
      }
    }
    if (!this.floodsAll) this.learn(vlan, sourceHigh, sourceLow, ingress)

    const high = readU16be(frame, 0)
    const low = readU32be(frame, 2)
    let egress: SwitchPort | null = null
    if ((high & 0x100) === 0 && !this.floodsAll) {
      const slot = this.addresses.slotOf(vlan, high, low, ingress.destinationHint)
      if (slot >= 0) ingress.destinationHint = slot
      egress = this.find(slot)
      if (egress === ingress) {
        ingress.drop(frame, 'own-segment')
        return
      }
    } else if (high === 0x0180 && low >>> 4 === 0xc20_0000) {
      // 01:80:c2:00:00:00 to 0f are for the bridge itself (IEEE 802.1Q §8.6.3).
      ingress.drop(frame, 'reserved-address')
      return
    }
    this.depth++
    // Copies leave first, so that a mirror never shows an answer before what it answers.
    if (this.mirrors.length > 0) this.copySent(frame, { ingress, egress, vlan, isTagged })
    if (egress === null) this.flood(frame, ingress, vlan, isTagged)
    else this.deliver(frame, egress, vlan, isTagged)
    this.depth--
  }

  /** Called by the ports: a frame of the switch itself. */
  sendControl(frame: Uint8Array, egress: SwitchPort): void {
    for (const session of this.mirrors) if (session.copiesSent(egress)) session.destination.send(copyFrame(frame))
    egress.send(frame)
  }

  /** Called by the ports. Throws `InputError`. */
  checkedSettings(options: PortOptions, index: number): PortSettings {
    const settings = portSettings(options)
    const { mode, accessVlan, nativeVlan, security } = settings
    if (!this.isVlanAware && (mode !== 'access' || accessVlan !== 1))
      throw new InputError(`${this.name} knows no VLANs: its ports have neither a mode nor a VLAN`)
    const vlan = !this.isVlanAware ? 0 : mode === 'access' ? accessVlan : nativeVlan
    for (const mac of security?.addresses ?? []) {
      const slot = this.slotOf(vlan, mac)
      if (slot >= 0 && this.addresses.typeAt(slot) !== DYNAMIC && this.addresses.portAt(slot) !== index)
        throw new InputError(`${macText(mac)} is a secure address of port ${this.addresses.portAt(slot)} already`)
    }
    return settings
  }

  /** Called by the ports: forget what is behind one, but for what `keeps` says of its type (index in `MAC_TYPES`). */
  forgetPort(port: SwitchPort, keeps: (type: number) => boolean): void {
    const { addresses } = this
    addresses.retain((slot) => addresses.portAt(slot) !== port.index || keeps(addresses.typeAt(slot)))
    port.security?.forgetCount()
  }

  /** Called by the ports. */
  tracePortMode(port: SwitchPort, cause: string): void {
    const { name: device } = this
    this.kernel.trace.add('port-mode', { device, switchPort: port.index, mode: port.operationalMode, cause })
  }

  private deliver(frame: Uint8Array, egress: SwitchPort, vlan: number, isTagged: boolean): void {
    const leavesTagged = vlan !== egress.untaggedVlan
    if (leavesTagged && !egress.carries(vlan)) egress.drop(frame, 'egress-vlan')
    else if (leavesTagged === isTagged) egress.send(frame)
    else {
      const changed = leavesTagged ? taggedCopy(frame, vlan) : untaggedCopy(frame)
      recycleFrame(frame)
      egress.send(changed)
    }
  }

  private flood(frame: Uint8Array, ingress: SwitchPort, vlan: number, isTagged: boolean): void {
    for (const port of this.portList)
      if (port !== ingress && port.closed === null && port.output !== null && port.carries(vlan))
        port.send(copyFor(port, frame, vlan, isTagged))
    recycleFrame(frame)
  }

  private copyReceived(frame: Uint8Array, ingress: SwitchPort, vlan: number): void {
    for (const session of this.mirrors)
      if (session.copiesReceived(ingress, vlan)) session.destination.send(copyFrame(frame))
  }

  /** As the frame leaves; a flooded one as it leaves by the first port that is mirrored. */
  private copySent(
    frame: Uint8Array,
    path: { ingress: SwitchPort; egress: SwitchPort | null; vlan: number; isTagged: boolean },
  ): void {
    const { ingress, egress, vlan, isTagged } = path
    for (const session of this.mirrors) {
      if (session.copiesReceived(ingress, vlan)) continue
      const source =
        egress !== null
          ? session.copiesSent(egress)
            ? egress
            : undefined
          : this.portList.find(
              (port) => port !== ingress && port.closed === null && session.copiesSent(port) && port.carries(vlan),
            )
      if (source !== undefined) session.destination.send(copyFor(source, frame, vlan, isTagged))
    }
  }

  private slotOf(vlan: number, mac: MacAddress): number {
    return this.addresses.slotOf(vlan, Math.floor(mac / 0x1_0000_0000), mac >>> 0, 0)
  }

  /** The port of an entry that is not too old. */
  private find(slot: number): SwitchPort | null {
    const { addresses } = this
    if (slot < 0 || addresses.portAt(slot) < 0) return null
    const isOld = addresses.typeAt(slot) === DYNAMIC && this.kernel.nowNs - addresses.seenAt(slot) > this.ageingNs
    return isOld ? null : (this.portList[addresses.portAt(slot)] ?? null)
  }

  private learn(vlan: number, high: number, low: number, port: SwitchPort): void {
    const { addresses } = this
    const { nowNs } = this.kernel
    const slot = addresses.slotOf(vlan, high, low, port.sourceHint)
    if (slot >= 0) {
      port.sourceHint = slot
      addresses.touch(slot, nowNs)
      if (addresses.portAt(slot) === port.index || addresses.typeAt(slot) !== DYNAMIC) return
      addresses.set(slot, port.index, DYNAMIC, nowNs)
    } else {
      if ((high & 0x100) !== 0) return // no station has a group address: a forgery
      if (addresses.size >= this.addressesMax && !this.sweep()) {
        this.notLearned++
        return
      }
      addresses.add(vlan, high, low, port.index, DYNAMIC, nowNs)
    }
    this.traceLearned(vlan, high, low, port)
  }

  private traceLearned(vlan: number, high: number, low: number, port: SwitchPort): void {
    const mac = macText(high * 0x1_0000_0000 + low)
    this.kernel.trace.add('switch-learned', { device: this.name, mac, switchPort: port.index, vlan })
  }

  /** Forget what is too old, at most once a second. True when there is room. */
  private sweep(): boolean {
    const { nowNs } = this.kernel
    if (nowNs < this.nextSweepNs) return false
    this.nextSweepNs = nowNs + seconds(1)
    const { addresses } = this
    addresses.retain((slot) => addresses.typeAt(slot) !== DYNAMIC || nowNs - addresses.seenAt(slot) <= this.ageingNs)
    return addresses.size < this.addressesMax
  }
}

/** As the frame leaves by that port, which carries its VLAN. */
function copyFor(port: SwitchPort, frame: Uint8Array, vlan: number, isTagged: boolean): Uint8Array {
  const leavesTagged = vlan !== port.untaggedVlan
  if (leavesTagged === isTagged) return copyFrame(frame)
  return leavesTagged ? taggedCopy(frame, vlan) : untaggedCopy(frame)
}

/** Locally administered, with 16 bits that follow from the name (FNV-1a) and room for the ports. */
function macOfName(name: string): MacAddress {
  let hash = 0x811c_9dc5
  for (const character of name) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x0100_0193)
  return 0x0253_5700_0000 + (hash & 0xffff) * 0x100
}
