/**
 * What is inside a captured frame, for the link types that captures of TCP have (https://www.tcpdump.org/linktypes.html).
 */
import { WireError } from '../../base/errors.js'
import { readU16be } from '../../base/octets.js'
import type { IpAddress } from './addresses.js'
import { ETHERNET_HEADER_OCTETS, ETHERTYPE } from './ethernet.js'
import { IP_PROTOCOL, Ipv4Header, readCapturedIpv4Header } from './ipv4.js'
import { Ipv6Header, readCapturedIpv6Header } from './ipv6.js'
import { readTcpHeader, TcpHeader, type TcpSegment } from './tcp.js'

export const LINK_TYPE = { ethernet: 1, rawIp: 101, linuxCooked: 113, rawIpv4: 228, linuxCooked2: 276 } as const

/** The 802.1Q and 802.1ad tags, any number of which may follow one another. */
const TAGS: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100])

export interface NetworkLayer {
  readonly etherType: number
  /** The packet begins at this octet of the frame. */
  readonly start: number
}

/** Throws `WireError` when the frame ends inside its header or the link type is unknown. */
export function networkLayerOf(linkType: number, octets: Uint8Array): NetworkLayer {
  switch (linkType) {
    case LINK_TYPE.ethernet: {
      let start = ETHERNET_HEADER_OCTETS
      while (start <= octets.length && TAGS.has(readU16be(octets, start - 2))) start += 4
      if (octets.length < start) throw new WireError('ethernet', octets.length, 'shorter than its header')
      return { etherType: readU16be(octets, start - 2), start }
    }
    case LINK_TYPE.linuxCooked:
      if (octets.length < 16) throw new WireError('sll', octets.length, 'shorter than its 16-octet header')
      return { etherType: readU16be(octets, 14), start: 16 }
    case LINK_TYPE.linuxCooked2:
      if (octets.length < 20) throw new WireError('sll2', octets.length, 'shorter than its 20-octet header')
      return { etherType: readU16be(octets, 0), start: 20 }
    case LINK_TYPE.rawIp:
    case LINK_TYPE.rawIpv4:
      if (octets.length < 1) throw new WireError('raw-ip', 0, 'empty')
      return { etherType: (octets[0] ?? 0) >>> 4 === 6 ? ETHERTYPE.ipv6 : ETHERTYPE.ipv4, start: 0 }
    default:
      throw new WireError('capture', 0, `link type ${linkType} is not known`)
  }
}

export interface CapturedTcp {
  readonly ip: Readonly<Ipv4Header> | Readonly<Ipv6Header>
  readonly segment: TcpSegment
}

const noOctets = new Uint8Array(0)

class CapturedSegment extends TcpHeader implements TcpSegment {
  payload: Uint8Array = noOctets
}

/**
 * The TCP segment in a captured frame, or null when it carries something else (or a fragment). Checksums are not
 * looked at: captures at the sender are made before the card fills them in. Throws `WireError`.
 */
export function decodeCapturedTcp(linkType: number, octets: Uint8Array): CapturedTcp | null {
  const { etherType, start } = networkLayerOf(linkType, octets)
  const ip = readCapturedIp(etherType, octets, start)
  if (ip === null || ip.protocol !== IP_PROTOCOL.tcp || ip.moreFragments || ip.fragmentOffset !== 0) return null
  const segment = new CapturedSegment()
  readTcpHeader(octets, ip.payloadStart, ip.payloadEnd, segment)
  segment.payload = octets.subarray(segment.payloadStart, segment.payloadEnd)
  return { ip, segment }
}

/** An IPsec ESP packet (RFC 4303) as a watcher sees it: between whom, and how long. */
export interface CapturedEsp {
  readonly source: IpAddress
  readonly destination: IpAddress
  /** From its SPI to the end of its ICV: a view. */
  readonly packet: Uint8Array
}

/** Null when the frame carries no ESP. Throws `WireError`. */
export function decodeCapturedEsp(linkType: number, octets: Uint8Array): CapturedEsp | null {
  const { etherType, start } = networkLayerOf(linkType, octets)
  const ip = readCapturedIp(etherType, octets, start)
  if (ip === null || ip.protocol !== IP_PROTOCOL.esp) return null
  return { source: ip.source, destination: ip.destination, packet: octets.subarray(ip.payloadStart, ip.payloadEnd) }
}

function readCapturedIp(etherType: number, octets: Uint8Array, start: number): Ipv4Header | Ipv6Header | null {
  if (etherType === ETHERTYPE.ipv4) {
    const header = new Ipv4Header()
    readCapturedIpv4Header(octets, start, header)
    return header
  }
  if (etherType !== ETHERTYPE.ipv6) return null
  const header = new Ipv6Header()
  readCapturedIpv6Header(octets, start, header)
  return header
}
