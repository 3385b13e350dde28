/** From an IP header to what it carries. */
import type { Dissection } from '../dissection.js'
import { dissectData } from './data.js'
import { dissectEsp } from './esp.js'
import { dissectIcmp } from './icmp.js'
import { dissectIcmpv6 } from './icmpv6.js'
import { dissectTcp } from './tcp.js'
import { dissectUdp } from './udp.js'

export interface TransportRange {
  /** The message is `octets[start, end)`. */
  readonly start: number
  readonly end: number
  /** False when the capture, or whoever quoted the packet, cut it: then its checksum says nothing. */
  readonly isWhole: boolean
}

export function dissectTransport(dissection: Dissection, protocol: number, range: TransportRange): void {
  switch (protocol) {
    case 1:
      return dissectIcmp(dissection, range)
    case 6:
      return dissectTcp(dissection, range)
    case 17:
      return dissectUdp(dissection, range)
    case 50:
      return dissectEsp(dissection, range)
    case 58:
      return dissectIcmpv6(dissection, range)
    default:
      return dissectData(dissection, range.start, range.end)
  }
}
