/**
 * Neighbour discovery inside ICMPv6 (RFC 4861 §4): solicitations and advertisements of neighbours and routers, with the
 * options for link-layer addresses, prefixes and the MTU. Other options are stepped over.
 *
 *   neighbour solicitation   reserved 4                                  | target 16                    | options
 *   neighbour advertisement  router, solicited, override 3 bits of 4     | target 16                    | options
 *   router solicitation      reserved 4                                                                 | options
 *   router advertisement     hop limit 1, flags 1, lifetime 2 (seconds)  | reachable 4 | retransmit 4   | options
 *   redirect                 reserved 4                                  | target 16 | destination 16   | options
 *   option                   type 1 | length 1, in units of 8 octets | the rest
 *
 * The first four octets are `word` of an `Icmpv6Message`, the rest is its payload.
 */
import { WireError } from '../../base/errors.js'
import { OctetWriter, readU32be } from '../../base/octets.js'
import { readIpv6, readMac, writeIpv6, writeMac, type Ipv6Address, type MacAddress } from './addresses.js'
import { ICMPV6_TYPE, type Icmpv6Message } from './icmpv6.js'

const OPTION = { sourceLinkLayer: 1, targetLinkLayer: 2, prefixInformation: 3, mtu: 5 } as const
const FLAG = { router: 0x8000_0000, solicited: 0x4000_0000, override: 0x2000_0000 } as const

export interface NeighbourSolicitation {
  readonly kind: 'neighbour-solicitation'
  readonly target: Ipv6Address
  /** The asker's; null while it only looks whether the address is taken. */
  readonly sourceMac: MacAddress | null
}

export interface NeighbourAdvertisement {
  readonly kind: 'neighbour-advertisement'
  readonly target: Ipv6Address
  readonly targetMac: MacAddress | null
  readonly isRouter: boolean
  readonly isSolicited: boolean
  readonly isOverride: boolean
}

export interface RouterSolicitation {
  readonly kind: 'router-solicitation'
  readonly sourceMac: MacAddress | null
}

export interface PrefixInformation {
  readonly prefix: Ipv6Address
  readonly prefixLength: number
  readonly isOnLink: boolean
  /** Hosts may make addresses of it (RFC 4862). */
  readonly isAutonomous: boolean
  readonly validSeconds: number
  readonly preferredSeconds: number
}

export interface RouterAdvertisement {
  readonly kind: 'router-advertisement'
  readonly hopLimit: number
  /** 0 means: no default router. */
  readonly lifetimeSeconds: number
  readonly sourceMac: MacAddress | null
  readonly mtu: number | null
  readonly prefixes: readonly PrefixInformation[]
}

export interface Icmpv6Redirect {
  readonly kind: 'redirect'
  /** The better next hop: the destination itself when it is a neighbour. */
  readonly target: Ipv6Address
  readonly destination: Ipv6Address
  readonly targetMac: MacAddress | null
}

export type NeighbourMessage =
  NeighbourSolicitation | NeighbourAdvertisement | RouterSolicitation | RouterAdvertisement | Icmpv6Redirect

interface Options {
  sourceMac: MacAddress | null
  targetMac: MacAddress | null
  mtu: number | null
  prefixes: PrefixInformation[]
}

/** Null when the message is of another kind. Throws `WireError`. */
export function decodeNeighbourMessage({ type, word, payload }: Icmpv6Message): NeighbourMessage | null {
  switch (type) {
    case ICMPV6_TYPE.neighbourSolicitation: {
      const { sourceMac } = readOptions(payload, 16)
      return { kind: 'neighbour-solicitation', target: readIpv6(payload, 0), sourceMac }
    }
    case ICMPV6_TYPE.neighbourAdvertisement: {
      const { targetMac } = readOptions(payload, 16)
      return {
        kind: 'neighbour-advertisement',
        target: readIpv6(payload, 0),
        targetMac,
        isRouter: word >= FLAG.router,
        isSolicited: (word & FLAG.solicited) !== 0,
        isOverride: (word & FLAG.override) !== 0,
      }
    }
    case ICMPV6_TYPE.routerSolicitation:
      return { kind: 'router-solicitation', sourceMac: readOptions(payload, 0).sourceMac }
    case ICMPV6_TYPE.routerAdvertisement: {
      const { sourceMac, mtu, prefixes } = readOptions(payload, 8)
      const [hopLimit, lifetimeSeconds] = [word >>> 24, word & 0xffff]
      return { kind: 'router-advertisement', hopLimit, lifetimeSeconds, sourceMac, mtu, prefixes }
    }
    case ICMPV6_TYPE.redirect: {
      const { targetMac } = readOptions(payload, 32)
      return { kind: 'redirect', target: readIpv6(payload, 0), destination: readIpv6(payload, 16), targetMac }
    }
    default:
      return null
  }
}

/** Offsets in errors count from the start of the ICMPv6 message's payload. */
function readOptions(octets: Uint8Array, start: number): Options {
  if (octets.length < start) throw new WireError('nd', octets.length, `shorter than ${start} octets`)
  const options: Options = { sourceMac: null, targetMac: null, mtu: null, prefixes: [] }
  for (let at = start; at < octets.length;) {
    const length = 8 * (octets[at + 1] ?? 0)
    if (length === 0 || at + length > octets.length) throw new WireError('nd', at, `option of ${length} octets`)
    switch (octets[at]) {
      case OPTION.sourceLinkLayer:
        options.sourceMac = readMac(octets, at + 2)
        break
      case OPTION.targetLinkLayer:
        options.targetMac = readMac(octets, at + 2)
        break
      case OPTION.mtu:
        options.mtu = readU32be(octets, at + 4)
        break
      case OPTION.prefixInformation:
        if (length !== 32) throw new WireError('nd', at, `prefix information of ${length} octets`)
        options.prefixes.push(readPrefix(octets, at))
        break
      default:
    }
    at += length
  }
  return options
}

function readPrefix(octets: Uint8Array, at: number): PrefixInformation {
  const prefixLength = octets[at + 2] ?? 0
  const flags = octets[at + 3] ?? 0
  if (prefixLength > 128) throw new WireError('nd', at + 2, `prefix of ${prefixLength} bits`)
  return {
    prefix: readIpv6(octets, at + 16),
    prefixLength,
    isOnLink: (flags & 0x80) !== 0,
    isAutonomous: (flags & 0x40) !== 0,
    validSeconds: readU32be(octets, at + 4),
    preferredSeconds: readU32be(octets, at + 8),
  }
}

export function encodeNeighbourMessage(message: NeighbourMessage): Icmpv6Message {
  const writer = new OctetWriter()
  let word = 0
  switch (message.kind) {
    case 'neighbour-solicitation':
      writeAddress(writer, message.target)
      writeLinkLayer(writer, OPTION.sourceLinkLayer, message.sourceMac)
      return { type: ICMPV6_TYPE.neighbourSolicitation, code: 0, word, payload: writer.take() }
    case 'neighbour-advertisement':
      if (message.isRouter) word += FLAG.router
      if (message.isSolicited) word += FLAG.solicited
      if (message.isOverride) word += FLAG.override
      writeAddress(writer, message.target)
      writeLinkLayer(writer, OPTION.targetLinkLayer, message.targetMac)
      return { type: ICMPV6_TYPE.neighbourAdvertisement, code: 0, word, payload: writer.take() }
    case 'router-solicitation':
      writeLinkLayer(writer, OPTION.sourceLinkLayer, message.sourceMac)
      return { type: ICMPV6_TYPE.routerSolicitation, code: 0, word, payload: writer.take() }
    case 'router-advertisement':
      word = message.hopLimit * 0x100_0000 + message.lifetimeSeconds
      writer.u32(0).u32(0)
      writeLinkLayer(writer, OPTION.sourceLinkLayer, message.sourceMac)
      if (message.mtu !== null) writer.u8(OPTION.mtu).u8(1).u16(0).u32(message.mtu)
      for (const prefix of message.prefixes) writePrefix(writer, prefix)
      return { type: ICMPV6_TYPE.routerAdvertisement, code: 0, word, payload: writer.take() }
    case 'redirect':
      writeAddress(writer, message.target)
      writeAddress(writer, message.destination)
      writeLinkLayer(writer, OPTION.targetLinkLayer, message.targetMac)
      return { type: ICMPV6_TYPE.redirect, code: 0, word, payload: writer.take() }
  }
}

function writeAddress(writer: OctetWriter, address: Ipv6Address): void {
  const octets = new Uint8Array(16)
  writeIpv6(octets, 0, address)
  writer.octets(octets)
}

function writeLinkLayer(writer: OctetWriter, option: number, mac: MacAddress | null): void {
  if (mac === null) return
  const octets = new Uint8Array(6)
  writeMac(octets, 0, mac)
  writer.u8(option).u8(1).octets(octets)
}

function writePrefix(writer: OctetWriter, prefix: PrefixInformation): void {
  writer.u8(OPTION.prefixInformation).u8(4).u8(prefix.prefixLength)
  writer.u8((prefix.isOnLink ? 0x80 : 0) | (prefix.isAutonomous ? 0x40 : 0))
  writer.u32(prefix.validSeconds).u32(prefix.preferredSeconds).u32(0)
  writeAddress(writer, prefix.prefix)
}
