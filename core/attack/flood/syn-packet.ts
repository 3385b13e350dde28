import { encodeIpv4, IP_PROTOCOL } from '../../net/wire/ipv4.js'
import { encodeTcp, TCP_FLAG, TcpHeader } from '../../net/wire/tcp.js'
import type { Ipv4Address } from '../../net/wire/addresses.js'
import type { AttackerRandom } from '../reach.js'

/** An IPv4 packet that opens a connection to a port, in whosever name, from any port of his. */
export function encodeSyn(
  random: AttackerRandom,
  source: Ipv4Address,
  destination: Ipv4Address,
  port: number,
): Uint8Array {
  const pair = { source, destination }
  const syn = Object.assign(new TcpHeader(), {
    ...{ sourcePort: 1024 + random.below(64_512), destinationPort: port },
    ...{ sequence: random.u32(), flags: TCP_FLAG.syn, window: 65_535, mss: 1460 },
    payload: new Uint8Array(0),
  })
  return encodeIpv4({
    ...pair,
    ...{ protocol: IP_PROTOCOL.tcp, ttl: 64, identification: random.below(0x1_0000) },
    ...{ dscpEcn: 0, dontFragment: true, moreFragments: false, fragmentOffset: 0 },
    payload: encodeTcp(syn, pair),
  })
}
