/** Frames made by hand, and the signs of intruders that are found in them. */
import { CaptureAnalysis } from '../../core/attack/capture-analysis.js'
import type { IntruderSign } from '../../core/attack/signs/intruder-sign.js'
import { latin1Octets } from '../../core/base/octets.js'
import { encodeEthernet, ETHERTYPE } from '../../core/net/wire/ethernet.js'
import { encodeIpv4, IP_PROTOCOL } from '../../core/net/wire/ipv4.js'
import { encodeTcp, TCP_FLAG, TcpHeader } from '../../core/net/wire/tcp.js'

/** The captured frame, and when it passed. */
export interface TimedFrame {
  readonly atNs: number
  readonly octets: Uint8Array
}

export function signsOf(frames: readonly TimedFrame[]): readonly IntruderSign[] {
  const analysis = new CaptureAnalysis()
  frames.forEach(({ octets, atNs }, index) => analysis.addFrame(octets, atNs, index + 1))
  analysis.finish()
  return analysis.report().signs
}

/** `kind packet packet`, in their order. */
export const signWords = (frames: readonly TimedFrame[]): string[] =>
  signsOf(frames).map(({ kind, packets }) => [kind, ...packets].join(' '))

export interface Ends {
  /** Host number, which is its address in 10.0.0.0/24 and its MAC address; another one may send in its name. */
  readonly from: number
  readonly to: number
  readonly fromMac?: number
  readonly toMac?: number
  readonly ttl?: number
  readonly identification?: number
}

export const addressOf = (host: number): number => 0x0a00_0000 + host

export function ipv4Frame(ends: Ends, protocol: number, payload: Uint8Array): Uint8Array {
  const { from, to, fromMac = from, toMac = to, ttl = 64, identification = 0 } = ends
  const packet = encodeIpv4({
    ...{ source: addressOf(from), destination: addressOf(to), protocol, ttl, identification, payload },
    ...{ dscpEcn: 0, dontFragment: true, moreFragments: false, fragmentOffset: 0 },
  })
  const header = { destination: toMac, source: fromMac, vlan: null, etherType: ETHERTYPE.ipv4 }
  return encodeEthernet({ ...header, payload: packet })
}

export interface Segment extends Ends {
  readonly flags?: number
  readonly sequence: number
  readonly acknowledgment?: number
  readonly text?: string
  readonly sourcePort?: number
  readonly destinationPort?: number
}

export function tcpFrame(segment: Segment): Uint8Array {
  const { from, to, flags = TCP_FLAG.ack, sequence, acknowledgment = 0, text = '' } = segment
  const { sourcePort = 1000 + from, destinationPort = 1000 + to } = segment
  const header = Object.assign(new TcpHeader(), {
    ...{ sourcePort, destinationPort, sequence, acknowledgment, flags, window: 65_535, payload: latin1Octets(text) },
  })
  const pair = { source: addressOf(from), destination: addressOf(to) }
  return ipv4Frame(segment, IP_PROTOCOL.tcp, encodeTcp(header, pair))
}
