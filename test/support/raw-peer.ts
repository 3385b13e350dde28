import { parseIpv4, readMac } from '../../core/net/wire/addresses.js'
import { decodeEthernet, encodeEthernet, ETHERTYPE } from '../../core/net/wire/ethernet.js'
import { decodeIpv4, encodeIpv4, IP_PROTOCOL, Ipv4Header } from '../../core/net/wire/ipv4.js'
import { decodeTcp, encodeTcp, TCP_FLAG, TcpHeader, type TcpSegment } from '../../core/net/wire/tcp.js'
import { latin1Octets } from '../../core/base/octets.js'
import { GUEST_MAC, type RunningMachine } from './guest-machine.js'

export const GUEST_ADDRESS = parseIpv4('10.1.0.7')
const OUR_ADDRESS = parseIpv4('10.1.0.99')
const OUR_MAC = 0x0200_0000_0001

type FlagName = keyof typeof TCP_FLAG
export const flagsOf = (...names: readonly FlagName[]): number => names.reduce((bits, name) => bits | TCP_FLAG[name], 0)

export interface RawSegment {
  readonly flags: readonly FlagName[]
  readonly payload?: string | Uint8Array
  /** Where the peer's own numbers are not meant. */
  readonly sequence?: number
  readonly acknowledgment?: number
  readonly window?: number
  readonly mss?: number
}

/** The frame of a TCP packet from us to the guest. */
export function tcpFrame(segment: Uint8Array): Uint8Array {
  const header = { ...new Ipv4Header(), source: OUR_ADDRESS, destination: GUEST_ADDRESS, protocol: IP_PROTOCOL.tcp }
  const link = { destination: readMac(GUEST_MAC, 0), source: OUR_MAC, vlan: null, etherType: ETHERTYPE.ipv4 }
  return encodeEthernet({ ...link, payload: encodeIpv4({ ...header, payload: segment }) })
}

/** The other end of a TCP connection with a guest, by hand: each segment and each number is the test's. */
export class RawPeer {
  /** The next octet we send, and the next we expect; they follow what passes. */
  sequence: number
  acknowledgment = 0
  window = 65535

  constructor(
    readonly guest: RunningMachine,
    readonly ports: { readonly ours: number; readonly theirs: number },
    firstSequence = 1000,
  ) {
    this.sequence = firstSequence
  }

  /** Octets of a segment of ours. */
  encode({ flags, payload = '', ...rest }: RawSegment): Uint8Array {
    const { ours, theirs } = this.ports
    const octets = typeof payload === 'string' ? latin1Octets(payload) : payload
    const header = {
      ...new TcpHeader(),
      sourcePort: ours,
      destinationPort: theirs,
      sequence: this.sequence >>> 0,
      acknowledgment: this.acknowledgment >>> 0,
      window: this.window,
      ...rest,
      mss: rest.mss ?? null,
      flags: flagsOf(...flags),
      payload: octets,
    }
    return encodeTcp(header, { source: OUR_ADDRESS, destination: GUEST_ADDRESS })
  }

  /** Send, and return what the guest says to us within 5 ms. Our sequence number moves, unless one was given. */
  send(segment: RawSegment): TcpSegment[] {
    this.guest.machine.nic.receiveFrame(tcpFrame(this.encode(segment)))
    const { flags, payload = '', sequence } = segment
    if (sequence === undefined)
      this.sequence = (this.sequence + payload.length + (flags.includes('syn') || flags.includes('fin') ? 1 : 0)) >>> 0
    return this.listen(5e6)
  }

  /** What the guest says to us in the next `spanNs`. What is new and in order is what we acknowledge from then on. */
  listen(spanNs: number): TcpSegment[] {
    this.guest.run(spanNs)
    const segments: TcpSegment[] = []
    for (const frame of this.guest.machine.nic.takeFrames()) {
      const { etherType, payload } = decodeEthernet(frame)
      if (etherType !== ETHERTYPE.ipv4) continue
      const packet = decodeIpv4(payload)
      if (packet.protocol !== IP_PROTOCOL.tcp) continue
      const segment = decodeTcp(packet.payload, { source: packet.source, destination: packet.destination })
      if (segment.destinationPort === this.ports.ours) segments.push(segment)
    }
    return segments
  }

  /** Acknowledge all of `segments`, without saying so yet. */
  accept(segments: readonly TcpSegment[]): void {
    for (const { sequence, payload, flags } of segments) {
      const control = (flags & (TCP_FLAG.syn | TCP_FLAG.fin)) !== 0 ? 1 : 0
      this.acknowledgment = (sequence + payload.length + control) >>> 0
    }
  }

  /** The three-way handshake; returns the guest's part of it. */
  open(mss?: number): TcpSegment {
    const [synAck] = this.send({ flags: ['syn'], ...(mss === undefined ? {} : { mss }) })
    if (synAck === undefined) throw new Error('the guest did not answer our SYN')
    this.accept([synAck])
    this.send({ flags: ['ack'] })
    return synAck
  }
}
