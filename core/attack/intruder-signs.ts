/**
 * What gives a man in the middle, or a flood, away in a capture of Ethernet. Everything that is kept is bounded, whatever comes: a
 * capture is hostile.
 */
import { WireError } from '../base/errors.js'
import { readU16be } from '../base/octets.js'
import type { Nanos } from '../base/units.js'
import { readMac, type IpAddress, type MacAddress } from '../net/wire/addresses.js'
import { ETHERNET_HEADER_OCTETS, ETHERTYPE } from '../net/wire/ethernet.js'
import { LINK_TYPE, networkLayerOf, type CapturedTcp } from '../net/wire/link-layer.js'
import { AddressSigns } from './signs/address-signs.js'
import { AnswerTimes } from './signs/answer-times.js'
import { ConnectionSigns } from './signs/connection-signs.js'
import { FloodSigns } from './signs/flood-signs.js'
import { SeenFrame, SignList, type IntruderSign } from './signs/intruder-sign.js'
import { RouteSigns } from './signs/route-signs.js'

export class IntruderSigns {
  private readonly list = new SignList()
  private readonly seen = new SeenFrame()
  private readonly addresses = new AddressSigns(this.list)
  private readonly answers = new AnswerTimes(this.list, this.addresses)
  private readonly connections = new ConnectionSigns(this.list)
  private readonly floods = new FloodSigns(this.list)
  private readonly routes = new RouteSigns(this.list)

  get signs(): readonly IntruderSign[] {
    return this.list.signs
  }

  /** Where a station is, as its administrator has it written down: an ARP message that says otherwise is a sign. */
  expect(address: IpAddress, mac: MacAddress): void {
    this.addresses.expect(address, mac)
  }

  /** `tcp` is the segment in the frame, or null. Frames are kept for a while: they must not change. */
  frame(octets: Uint8Array, atNs: Nanos, packet: number, linkType: number, tcp: CapturedTcp | null): void {
    if (linkType !== LINK_TYPE.ethernet || octets.length < ETHERNET_HEADER_OCTETS) return
    const { seen } = this
    if (!open(seen, octets)) return
    seen.atNs = atNs
    seen.packet = packet
    this.floods.station(seen)
    this.answers.passed(seen)
    if (seen.etherType === ETHERTYPE.arp || seen.etherType === ETHERTYPE.rarp) {
      this.addresses.arp(seen)
      this.answers.announced(seen)
    } else if (seen.etherType === ETHERTYPE.ipv4) {
      this.addresses.ipv4(seen)
      if (tcp === null) {
        this.answers.icmp(seen)
        this.routes.ipv4(seen)
      }
    } else if (seen.etherType === ETHERTYPE.ipv6) this.addresses.ipv6(seen)
    if (tcp === null) return
    this.answers.segment(seen, tcp)
    this.connections.segment(seen, tcp)
    this.floods.segment(seen, tcp)
  }
}

/** False when the frame ends inside its header. */
function open(seen: SeenFrame, octets: Uint8Array): boolean {
  try {
    const { etherType, start } = networkLayerOf(LINK_TYPE.ethernet, octets)
    seen.octets = octets
    seen.destination = readMac(octets, 0)
    seen.source = readMac(octets, 6)
    seen.vlan = start > ETHERNET_HEADER_OCTETS ? readU16be(octets, ETHERNET_HEADER_OCTETS) & 0xfff : 0
    seen.etherType = etherType
    seen.start = start
    return true
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return false
  }
}
