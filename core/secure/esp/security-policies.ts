/**
 * What a host does to packets between it and another (RFC 4301): its policies, its associations, and how a packet is sealed or
 * opened by them, in transport and in tunnel mode, over IPv6. No time: whoever has some drives it.
 *
 *     transport   IPv6 header │ ESP( what was behind the header )
 *     tunnel      IPv6 header │ ESP( the whole packet )
 *
 * A pair of hosts has one policy; where there is none packets pass. Neighbour discovery and IKE always do: without them no
 * packet could be sealed. A tunnel ends at the hosts themselves: what comes out of it must be between them. Packets of IPv4
 * pass. Extension headers that come before ESP are taken off with it; none are sent.
 */
import { AuthenticationError, failureOf, WireError } from '../../base/errors.js'
import { readU16be, readU32be, writeU16be } from '../../base/octets.js'
import { readIpv6, type IpAddress, type Ipv6Address } from '../../net/wire/addresses.js'
import { IP_PROTOCOL } from '../../net/wire/ipv4.js'
import { IPV6_HEADER_OCTETS, Ipv6Header, readIpv6Header, writeIpv6Header } from '../../net/wire/ipv6.js'
import { noWork, type CipherWork } from '../costs.js'
import {
  checkEspLength,
  espOctets,
  espPayloadMax,
  openEsp,
  OpeningAssociation,
  sealEsp,
  SealingAssociation,
  type EspKeys,
} from './esp-packet.js'

export const IKE_PORT = 500
const IPV6_IN_IP = 41
const NO_NEXT_HEADER = 59
const HOP_LIMIT = 64
/** Router solicitation to redirect. */
const ND_FIRST = 133
const ND_LAST = 137

export type EspMode = 'transport' | 'tunnel'

/** What is done to packets between the host and `remote`. */
export interface SecurityPolicy {
  readonly local: Ipv6Address
  readonly remote: Ipv6Address
  readonly action: 'protect' | 'bypass' | 'discard'
  /** Of `protect`. */
  readonly mode: EspMode
}

/** Associations of both directions, made together. */
export interface AssociationKeys {
  readonly sealing: EspKeys
  readonly opening: EspKeys
}

/** Two exchanges may cross, each begun by another end: what the older one made still opens. */
const OPENING_MAX = 4

interface Peer {
  readonly policy: SecurityPolicy
  sealing: SealingAssociation | null
  /** The newest last. */
  readonly opening: OpeningAssociation[]
}

/** `work` says what a cipher did, for the verdicts that need one. */
export type EspVerdict =
  | { readonly kind: 'pass' }
  /** There is a policy, and no association yet. */
  | { readonly kind: 'no-association'; readonly policy: SecurityPolicy }
  | { readonly kind: 'refused'; readonly reason: string; readonly work: CipherWork }
  | { readonly kind: 'done'; readonly packet: Uint8Array; readonly work: CipherWork }

const pass: EspVerdict = Object.freeze({ kind: 'pass' })

export class SecurityPolicies {
  private readonly peers = new Map<IpAddress, Peer>()
  private readonly openingBySpi = new Map<number, { readonly peer: Peer; readonly opening: OpeningAssociation }>()
  private readonly header = new Ipv6Header()
  /** Refused packets by reason. */
  readonly refused = new Map<string, number>()
  packetsSealed = 0
  packetsOpened = 0

  /** In place of the one there was for that pair, whose associations end. */
  set(policy: SecurityPolicy): void {
    for (const { keys } of this.peers.get(policy.remote)?.opening ?? []) this.openingBySpi.delete(keys.spi)
    this.peers.set(policy.remote, { policy, sealing: null, opening: [] })
  }

  policyFor(remote: IpAddress): SecurityPolicy | undefined {
    return this.peers.get(remote)?.policy
  }

  hasSpi(spi: number): boolean {
    return this.openingBySpi.has(spi)
  }

  /** New associations with a host that has a policy. */
  install(remote: IpAddress, { sealing, opening }: AssociationKeys): void {
    const peer = this.peers.get(remote)
    if (peer === undefined) return
    peer.sealing = new SealingAssociation(sealing)
    const added = new OpeningAssociation(opening)
    peer.opening.push(added)
    this.openingBySpi.set(opening.spi, { peer, opening: added })
    const oldest = peer.opening.length > OPENING_MAX ? peer.opening.shift() : undefined
    if (oldest !== undefined) this.openingBySpi.delete(oldest.keys.spi)
  }

  /** Of every association that lives, either direction: what somebody needs who wants to look into a capture. */
  keysInUse(): EspKeys[] {
    return [...this.peers.values()].flatMap(({ sealing, opening }) => [
      ...(sealing === null ? [] : [sealing.keys]),
      ...opening.map(({ keys }) => keys),
    ])
  }

  outgoing(packet: Uint8Array): EspVerdict {
    const peer = this.peers.size === 0 || !isIpv6(packet) ? undefined : this.peers.get(readIpv6(packet, 24))
    if (peer === undefined || isAlwaysClear(packet)) return pass
    const { policy, sealing } = peer
    if (policy.action === 'bypass' || readIpv6(packet, 8) !== policy.local) return pass
    if (policy.action === 'discard') return this.refuse('the policy is to discard', noWork())
    if (sealing === null) return { kind: 'no-association', policy }
    if (sealing.isUsedUp) return this.refuse('the sequence numbers are used up', noWork())
    this.packetsSealed++
    const isTunnel = policy.mode === 'tunnel'
    const payload = {
      nextHeader: isTunnel ? IPV6_IN_IP : (packet[6] ?? 0),
      octets: isTunnel ? packet : packet.subarray(IPV6_HEADER_OCTETS),
    }
    const length = espOctets(payload.octets.length)
    const sealed = new Uint8Array(IPV6_HEADER_OCTETS + length)
    if (isTunnel) {
      const { local: source, remote: destination } = policy
      writeIpv6Header(sealed, 0, {
        ...new Ipv6Header(),
        source,
        destination,
        protocol: IP_PROTOCOL.esp,
        ttl: HOP_LIMIT,
      })
    } else {
      sealed.set(packet.subarray(0, IPV6_HEADER_OCTETS))
      sealed[6] = IP_PROTOCOL.esp
      writeU16be(sealed, 4, length)
    }
    sealEsp(sealing, payload, sealed.subarray(IPV6_HEADER_OCTETS))
    return { kind: 'done', packet: sealed, work: workOn(payload.octets.length) }
  }

  /** `packet` is for this host. */
  incoming(packet: Uint8Array): EspVerdict {
    if (this.peers.size === 0 || !isIpv6(packet)) return pass
    const { header } = this
    readIpv6Header(packet, 0, header)
    if (header.protocol === IP_PROTOCOL.esp) return this.open(packet, header)
    const peer = this.peers.get(header.source)
    if (peer === undefined || peer.policy.action === 'bypass' || isAlwaysClear(packet)) return pass
    const { action } = peer.policy
    return this.refuse(
      action === 'discard' ? 'the policy is to discard' : 'in clear where the policy protects',
      noWork(),
    )
  }

  /** As `PacketTransform.innerMtu`. */
  innerMtu(destination: IpAddress, mtu: number): number {
    const policy = this.peers.get(destination)?.policy
    if (policy?.action !== 'protect') return mtu
    const payloadMax = espPayloadMax(mtu - IPV6_HEADER_OCTETS)
    return policy.mode === 'tunnel' ? payloadMax : IPV6_HEADER_OCTETS + payloadMax
  }

  private open(packet: Uint8Array, header: Readonly<Ipv6Header>): EspVerdict {
    const esp = packet.subarray(header.payloadStart, header.payloadEnd)
    let work = noWork()
    try {
      checkEspLength(esp)
      const association = this.openingBySpi.get(readU32be(esp, 0))
      if (association === undefined) return this.refuse('there is no association with that SPI', work)
      const { peer, opening } = association
      const { policy } = peer
      const refusal = opening.window.refusal(readU32be(esp, 4))
      if (refusal !== null) return this.refuse(refusal, work)
      work = workOn(esp.length - espOctets(0))
      const { nextHeader, octets } = openEsp(opening, esp)
      if (nextHeader === NO_NEXT_HEADER) return this.refuse('a dummy packet', work)
      const opened =
        policy.mode === 'tunnel' ? innerPacket(nextHeader, octets) : outerPacket(packet, nextHeader, octets)
      if (readIpv6(opened, 8) !== policy.remote || readIpv6(opened, 24) !== policy.local)
        return this.refuse('the addresses are not those of the association', work)
      this.packetsOpened++
      return { kind: 'done', packet: opened, work }
    } catch (error) {
      const { message } = failureOf(error)
      return this.refuse(
        error instanceof WireError || error instanceof AuthenticationError ? error.reason : message,
        work,
      )
    }
  }

  private refuse(reason: string, work: CipherWork): EspVerdict {
    this.refused.set(reason, (this.refused.get(reason) ?? 0) + 1)
    return { kind: 'refused', reason, work }
  }
}

/** Tunnel mode: the packet was sealed whole. */
function innerPacket(nextHeader: number, octets: Uint8Array): Uint8Array {
  if (nextHeader !== IPV6_IN_IP) throw new WireError('esp', 0, 'no IPv6 packet came out of the tunnel')
  if (octets.length < IPV6_HEADER_OCTETS || !isIpv6(octets))
    throw new WireError('esp', 0, 'what came out of the tunnel is no IPv6 packet')
  return octets.slice()
}

/** Transport mode: the header is that of the sealed packet. */
function outerPacket(packet: Uint8Array, nextHeader: number, octets: Uint8Array): Uint8Array {
  const opened = new Uint8Array(IPV6_HEADER_OCTETS + octets.length)
  opened.set(packet.subarray(0, IPV6_HEADER_OCTETS))
  opened[6] = nextHeader
  writeU16be(opened, 4, octets.length)
  opened.set(octets, IPV6_HEADER_OCTETS)
  return opened
}

function workOn(octets: number): CipherWork {
  return { ...noWork(), octets, records: 1 }
}

function isIpv6(packet: Uint8Array): boolean {
  return (packet[0] ?? 0) >>> 4 === 6
}

/** Neighbour discovery and IKE, by the first header alone. */
function isAlwaysClear(packet: Uint8Array): boolean {
  const protocol = packet[6]
  if (protocol === IP_PROTOCOL.udp)
    return (
      packet.length >= IPV6_HEADER_OCTETS + 4 &&
      readU16be(packet, IPV6_HEADER_OCTETS) === IKE_PORT &&
      readU16be(packet, IPV6_HEADER_OCTETS + 2) === IKE_PORT
    )
  const type = packet[IPV6_HEADER_OCTETS] ?? 0
  return protocol === IP_PROTOCOL.icmpv6 && type >= ND_FIRST && type <= ND_LAST
}
