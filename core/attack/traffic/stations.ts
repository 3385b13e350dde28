/**
 * Who else is on the wire: when each station's last frames passed, and which of them were announced. A hypervisor announces
 * a guest where it lives from now on (QEMU net/announce.c sends RARP, others a gratuitous ARP), and a guest that stands still
 * sends nothing: both pass in clear whatever the migration's channel is.
 */
import { readU16be, readU32be } from '../../base/octets.js'
import type { Nanos } from '../../base/units.js'
import { ARP_OCTETS } from '../../net/wire/arp.js'
import { readMac, type MacAddress } from '../../net/wire/addresses.js'
import { ETHERNET_HEADER_OCTETS, ETHERTYPE } from '../../net/wire/ethernet.js'

/** Of a station the last so many frames are known. */
const FRAMES_MAX = 16_384
const STATIONS_MAX = 256
const ANNOUNCEMENTS_MAX = 256
/** Spacings that say how often a station usually sends. */
const SPACINGS = 64

class Station {
  count = 0
  times = new Float64Array(64)

  add(atNs: Nanos): void {
    if (this.count === this.times.length && this.count < FRAMES_MAX) {
      const times = new Float64Array(2 * this.times.length)
      times.set(this.times)
      this.times = times
    }
    this.times[this.count++ % this.times.length] = atNs
  }

  /** The last frames that passed before `atNs`, the latest first, at most `most`. */
  before(atNs: Nanos, most: number): number[] {
    const times: number[] = []
    const oldest = Math.max(0, this.count - this.times.length)
    for (let index = this.count - 1; index >= oldest && times.length < most; index--) {
      const time = this.times[index % this.times.length] as number
      if (time < atNs) times.push(time)
    }
    return times
  }
}

/** A guest that moved, as far as its own frames tell. */
export interface GuestSilence {
  readonly mac: MacAddress
  /** Its last frame, and half its usual spacing; null when it had sent nothing. */
  readonly stoppedNs: Nanos | null
  /** Announced at its new place. */
  readonly resumedNs: Nanos
}

export class Stations {
  private readonly stations = new Map<MacAddress, Station>()
  private readonly announcements: { readonly mac: MacAddress; readonly atNs: Nanos }[] = []

  /** An Ethernet frame passed. */
  add(frame: Uint8Array, atNs: Nanos): void {
    if (frame.length < ETHERNET_HEADER_OCTETS) return
    const mac = readMac(frame, 6)
    if (isAnnouncement(frame)) {
      if (this.announcements.length === ANNOUNCEMENTS_MAX) this.announcements.shift()
      this.announcements.push({ mac, atNs })
      return // the hypervisor's word, not the guest's own
    }
    let station = this.stations.get(mac)
    if (station === undefined) {
      if (this.stations.size === STATIONS_MAX) return
      station = new Station()
      this.stations.set(mac, station)
    }
    station.add(atNs)
  }

  /** The guest that was announced first between these instants. */
  silence(fromNs: Nanos, toNs: Nanos): GuestSilence | null {
    const announced = this.announcements.find(({ atNs }) => atNs >= fromNs && atNs <= toNs)
    if (announced === undefined) return null
    const { mac, atNs: resumedNs } = announced
    const times = this.stations.get(mac)?.before(resumedNs, SPACINGS) ?? []
    const spacings = times.slice(1).map((time, index) => (times[index] as number) - time)
    const usual = spacings.sort((a, b) => a - b)[spacings.length >> 1] ?? 0
    const [last] = times
    return { mac, resumedNs, stoppedNs: last === undefined ? null : Math.min(resumedNs, last + usual / 2) }
  }
}

/** RARP of QEMU's, or ARP in which sender and target have the same address. */
function isAnnouncement(frame: Uint8Array): boolean {
  const type = readU16be(frame, 12)
  if (type === ETHERTYPE.rarp) return true
  if (type !== ETHERTYPE.arp || frame.length < ETHERNET_HEADER_OCTETS + ARP_OCTETS) return false
  const sender = readU32be(frame, ETHERNET_HEADER_OCTETS + 14)
  return sender === readU32be(frame, ETHERNET_HEADER_OCTETS + 24)
}
