/** UDP datagrams: read out of frames that pass, and sent in whosever name. */
import { WireError } from '../../base/errors.js'
import type { Ipv4Address, MacAddress } from '../../net/wire/addresses.js'
import { decodeEthernet, encodeEthernet, ETHERTYPE } from '../../net/wire/ethernet.js'
import { decodeIpv4, encodeIpv4, IP_PROTOCOL } from '../../net/wire/ipv4.js'
import { decodeUdp, encodeUdp } from '../../net/wire/udp.js'
import type { Reach } from '../reach.js'

export interface PassingDatagram {
  readonly source: Ipv4Address
  readonly destination: Ipv4Address
  /** Of whom it was sent to, on this segment. */
  readonly mac: MacAddress
  readonly sourcePort: number
  readonly destinationPort: number
  readonly payload: Uint8Array
}

/** What a whole frame carries, or null. `payload` is a view. */
export function datagramIn(frame: Uint8Array): PassingDatagram | null {
  try {
    const { etherType, payload, destination: mac } = decodeEthernet(frame)
    if (etherType !== ETHERTYPE.ipv4) return null
    const { source, destination, protocol, fragmentOffset, moreFragments, payload: octets } = decodeIpv4(payload)
    if (protocol !== IP_PROTOCOL.udp || fragmentOffset > 0 || moreFragments) return null
    return { source, destination, mac, ...decodeUdp(octets, { source, destination }) }
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    return null
  }
}

/** Nobody checks whose name stands on it. */
export function sendDatagram(reach: Reach, datagram: PassingDatagram): void {
  const { source, destination, mac } = datagram
  const pair = { source, destination }
  const payload = encodeIpv4({
    ...pair,
    ...{ protocol: IP_PROTOCOL.udp, ttl: 64, identification: reach.random.below(0x1_0000) },
    ...{ dscpEcn: 0, dontFragment: true, moreFragments: false, fragmentOffset: 0 },
    payload: encodeUdp(datagram, pair),
  })
  const header = { destination: mac, source: reach.mac, vlan: null, etherType: ETHERTYPE.ipv4 }
  reach.sendFrame(encodeEthernet({ ...header, payload }))
}
