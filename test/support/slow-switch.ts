/**
 * What a switch with VLANs does, in the slow and obvious way: frames as fields, every table a list, every rule in the words of
 * IEEE 802.1Q. The fast one (core/net/switch) is compared with it. No time passes, so nothing ages.
 */
import { copyFrame } from '../../core/net/frame-pool.js'
import { decodeEthernet, encodeEthernet, type EthernetFrame, type VlanTag } from '../../core/net/wire/ethernet.js'

export interface SlowPort {
  readonly isTrunk: boolean
  /** Access or native VLAN. */
  readonly ownVlan: number
  readonly allowed: readonly number[]
  readonly tagsNative: boolean
}

export interface SlowMirror {
  readonly rx: readonly number[]
  readonly tx: readonly number[]
  readonly vlans: readonly number[]
  readonly destination: number
}

/** A frame as it goes through the switch: in a VLAN, without the tag that said so. */
interface Inside {
  readonly vlan: number
  readonly priority: Omit<VlanTag, 'id'>
  /** Without the outer tag. */
  readonly frame: EthernetFrame
}

export class SlowSwitch {
  private readonly learned: { vlan: number; mac: number; port: number }[] = []

  constructor(
    private readonly ports: readonly SlowPort[],
    private readonly mirror: SlowMirror | null,
    private readonly addressesMax: number,
  ) {}

  /** What leaves, in the order in which it does, by port. */
  forward(octets: Uint8Array, ingress: number): { port: number; octets: Uint8Array }[] {
    const { mirror } = this
    if (ingress === mirror?.destination) return []
    const inside = this.classify(decodeEthernet(octets), ingress)
    const copiesReceived =
      mirror !== null && (mirror.rx.includes(ingress) || (inside !== null && mirror.vlans.includes(inside.vlan)))
    const copies = copiesReceived ? [{ port: mirror.destination, octets: copyFrame(octets) }] : []
    if (inside === null) return copies
    const { vlan, frame } = inside
    this.learn(vlan, frame.source, ingress)
    const known = isGroup(frame.destination)
      ? undefined
      : this.learned.find((entry) => entry.vlan === vlan && entry.mac === frame.destination)
    const members = this.ports.flatMap((port, index) =>
      index !== ingress && index !== mirror?.destination && isMember(port, vlan) ? [index] : [],
    )
    const egresses = known === undefined ? members : members.filter((index) => index === known.port)
    const leaving = egresses.map((port) => ({ port, octets: this.leave(inside, port) }))
    const mirrored = leaving.find(({ port }) => mirror?.tx.includes(port))
    if (!copiesReceived && mirror !== null && mirrored !== undefined)
      copies.push({ port: mirror.destination, octets: mirrored.octets })
    return [...copies, ...leaving]
  }

  private classify(frame: EthernetFrame, ingress: number): Inside | null {
    const port = this.ports[ingress]!
    const { vlan: tag } = frame
    const vlan = tag === null || tag.id === 0 ? (port.isTrunk && port.tagsNative ? null : port.ownVlan) : tag.id
    if (vlan === null || !isMember(port, vlan)) return null
    const priority = tag === null ? { priority: 0, isDropEligible: false } : tag
    return { vlan, priority, frame: tag === null ? frame : withoutTag(frame) }
  }

  private learn(vlan: number, mac: number, port: number): void {
    const entry = this.learned.find((known) => known.vlan === vlan && known.mac === mac)
    if (entry !== undefined) entry.port = port
    else if (!isGroup(mac) && this.learned.length < this.addressesMax) this.learned.push({ vlan, mac, port })
  }

  private leave({ vlan, priority, frame }: Inside, egress: number): Uint8Array {
    const port = this.ports[egress]!
    const isBare = !port.isTrunk || (vlan === port.ownVlan && !port.tagsNative)
    if (isBare) return encodeEthernet(frame)
    const { priority: level, isDropEligible } = priority
    return encodeEthernet(withTag(frame, { id: vlan, priority: level, isDropEligible }))
  }
}

function isMember(port: SlowPort, vlan: number): boolean {
  return port.isTrunk ? port.allowed.includes(vlan) : vlan === port.ownVlan
}

function isGroup(mac: number): boolean {
  return (Number.parseInt(mac.toString(16).padStart(12, '0').slice(0, 2), 16) & 1) === 1
}

function tagsOf({ vlan, innerVlans = [] }: EthernetFrame): VlanTag[] {
  return vlan === null ? [] : [vlan, ...innerVlans]
}

function withTags(frame: EthernetFrame, tags: readonly VlanTag[]): EthernetFrame {
  const [vlan = null, ...innerVlans] = tags
  const { destination, source, etherType, payload } = frame
  return { destination, source, vlan, innerVlans, etherType, payload }
}

function withTag(frame: EthernetFrame, tag: VlanTag): EthernetFrame {
  return withTags(frame, [tag, ...tagsOf(frame)])
}

function withoutTag(frame: EthernetFrame): EthernetFrame {
  return withTags(frame, tagsOf(frame).slice(1))
}
