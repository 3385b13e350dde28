/** Floods: connections that open in the names of stations that are not there (RFC 4987), and frames of stations that are not. */
import { seconds, type Nanos } from '../../base/units.js'
import { endpointText, isGroupMac, macText, type IpAddress, type MacAddress } from '../../net/wire/addresses.js'
import type { CapturedTcp } from '../../net/wire/link-layer.js'
import { TCP_FLAG } from '../../net/wire/tcp.js'
import type { SeenFrame, SignKind, SignList } from './intruder-sign.js'

const TARGETS_MAX = 64
const WAITING_MAX = 512
/** So many addresses must be silent, and for so long: whoever is there would have sent its SYN again (RFC 6298 §2.1). */
const SILENT_MIN = 64
const SILENT_NS: Nanos = seconds(1.5)
const STATIONS_MAX = 8192
/** A frame of each of so many new stations, in so long. */
const NEW_STATIONS = 512
const NEW_STATIONS_NS: Nanos = seconds(1)

/** A port at which connections open. */
interface Target {
  /** Who has opened one and not answered since, the first of them first. */
  readonly silent: Map<IpAddress, { readonly packet: number; readonly atNs: Nanos }>
  readonly told: Set<SignKind>
}

export class FloodSigns {
  private readonly targets = new Map<string, Target>()
  private readonly stations = new Set<MacAddress>()
  private readonly stationsTold = new Set<SignKind>()
  private lastStation: MacAddress = -1
  /** Of the stations that are counted now, the first. */
  private first = { packet: 0, atNs: 0, stations: 0 }

  constructor(private readonly list: SignList) {}

  station({ source, packet, atNs }: SeenFrame): void {
    if (source === this.lastStation || this.stations.has(source)) return
    this.lastStation = source
    if (isGroupMac(source) || this.stations.size === STATIONS_MAX) return
    this.stations.add(source)
    if (this.first.stations === 0 || atNs - this.first.atNs >= NEW_STATIONS_NS)
      this.first = { packet, atNs, stations: 0 }
    if (++this.first.stations < NEW_STATIONS) return
    this.list.tell(this.stationsTold, 'station-flood', [this.first.packet, packet], atNs, () => {
      const spanMs = Math.ceil((atNs - this.first.atNs) / 1e6)
      return `${NEW_STATIONS} new stations in ${spanMs} ms, the last of them ${macText(source)}: somebody fills the switch’s table`
    })
  }

  segment({ packet, atNs }: SeenFrame, { ip, segment }: CapturedTcp): void {
    const isOpening = (segment.flags & (TCP_FLAG.syn | TCP_FLAG.ack)) === TCP_FLAG.syn
    if (!isOpening && this.targets.size === 0) return
    const key = endpointText(ip.destination, segment.destinationPort)
    const target = isOpening ? this.targetOf(key) : this.targets.get(key)
    if (target === undefined) return
    const { silent, told } = target
    if (!isOpening || silent.has(ip.source)) {
      silent.delete(ip.source)
      // Nobody to wait for: the next segments are passed over quickly.
      if (silent.size === 0 && told.size === 0) this.targets.delete(key)
      return
    }
    if (silent.size < WAITING_MAX) silent.set(ip.source, { packet, atNs })
    if (silent.size < SILENT_MIN || told.has('half-open-flood')) return
    const enough = nth(silent.values(), SILENT_MIN)
    const [first] = silent.values()
    if (enough === undefined || first === undefined || atNs - enough.atNs < SILENT_NS) return
    this.list.tell(told, 'half-open-flood', [first.packet, packet], atNs, () => {
      return `${SILENT_MIN} addresses or more open connections to ${key} and never say another word`
    })
  }

  private targetOf(key: string): Target | undefined {
    let target = this.targets.get(key)
    if (target === undefined && this.targets.size < TARGETS_MAX) {
      target = { silent: new Map(), told: new Set() }
      this.targets.set(key, target)
    }
    return target
  }
}

function nth<T>(values: Iterable<T>, count: number): T | undefined {
  let at = 0
  for (const value of values) if (++at === count) return value
  return undefined
}
