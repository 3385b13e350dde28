/**
 * RIP version 2 (RFC 2453 §4) with the keyed authentication of RFC 4822.
 *
 *   command 1 | version 1 = 2 | 0 2 | entries, 20 octets each, 25 at most
 *   entry           family 2 = 2      | route tag 2 | prefix 4 | subnet mask 4 | next hop 4 | metric 4
 *   authentication  family 2 = 0xffff | type 2 = 3  | offset of the trailer 2 | key 1 | digest length 1 | sequence 4 | 0 8
 *   trailer         0xffff 2          | 1 2         | digest
 *
 * The digest covers everything up to and with the trailer's first four octets, then the digest's place filled with 0x878fe1f3
 * (RFC 4822 §2.5, "Apad").
 */
import { WireError } from '../../base/errors.js'
import { readU16be, readU32be, writeU16be, writeU32be } from '../../base/octets.js'
import type { Ipv4Address } from './addresses.js'

export const RIP_PORT = 520
export const RIP_GROUP: Ipv4Address = 0xe000_0009
/** "Cannot be reached". */
export const RIP_INFINITY = 16
export const RIP_ENTRIES_MAX = 25
export const RIP_COMMAND = { request: 1, response: 2 } as const

const HEADER_OCTETS = 4
const ENTRY_OCTETS = 20
const TRAILER_OCTETS = 4
const FAMILY_IPV4 = 2
const FAMILY_AUTHENTICATION = 0xffff
const KEYED_DIGEST = 3

export interface RipEntry {
  /** 2 for a route; 0 in the request for a whole table (§3.9.1). */
  readonly family: number
  readonly routeTag: number
  readonly prefix: Ipv4Address
  readonly prefixLength: number
  /** 0: whoever sends this. */
  readonly nextHop: Ipv4Address
  /** 1 to 16. */
  readonly metric: number
}

export interface RipAuthentication {
  readonly keyId: number
  readonly sequence: number
  /** 32 octets for HMAC-SHA-256; zeros while it is being computed. */
  readonly digest: Uint8Array
}

export interface RipMessage {
  readonly command: number
  readonly entries: readonly RipEntry[]
  readonly authentication: RipAuthentication | null
}

/** Masks that are no prefix, and metrics beyond 16, are refused. */
export function decodeRip(octets: Uint8Array): RipMessage {
  if (octets.length < HEADER_OCTETS) throw new WireError('rip', octets.length, 'shorter than its 4-octet header')
  if (octets[1] !== 2) throw new WireError('rip', 1, `version is ${octets[1] ?? 0}`)
  let end = octets.length
  let start = HEADER_OCTETS
  let authentication: RipAuthentication | null = null
  if (end >= HEADER_OCTETS + ENTRY_OCTETS && readU16be(octets, HEADER_OCTETS) === FAMILY_AUTHENTICATION) {
    authentication = readAuthentication(octets)
    end = readU16be(octets, HEADER_OCTETS + 4)
    start += ENTRY_OCTETS
  }
  if ((end - start) % ENTRY_OCTETS !== 0) throw new WireError('rip', end, 'ends inside an entry')
  if (end - HEADER_OCTETS > RIP_ENTRIES_MAX * ENTRY_OCTETS) throw new WireError('rip', end, 'over 25 entries')
  const entries: RipEntry[] = []
  for (let at = start; at < end; at += ENTRY_OCTETS) entries.push(readEntry(octets, at))
  return { command: octets[0] ?? 0, entries, authentication }
}

function readAuthentication(octets: Uint8Array): RipAuthentication {
  const at = HEADER_OCTETS
  if (readU16be(octets, at + 2) !== KEYED_DIGEST) throw new WireError('rip', at + 2, 'authentication is not keyed')
  const trailer = readU16be(octets, at + 4)
  const digestOctets = octets[at + 7] ?? 0
  const isInside = trailer >= at + ENTRY_OCTETS && trailer + TRAILER_OCTETS + digestOctets === octets.length
  if (!isInside) throw new WireError('rip', at + 4, `trailer at octet ${trailer} with a digest of ${digestOctets}`)
  if (readU32be(octets, trailer) !== 0xffff_0001) throw new WireError('rip', trailer, 'no trailer here')
  return {
    keyId: octets[at + 6] ?? 0,
    sequence: readU32be(octets, at + 8),
    digest: octets.slice(trailer + TRAILER_OCTETS),
  }
}

function readEntry(octets: Uint8Array, at: number): RipEntry {
  const family = readU16be(octets, at)
  if (family !== FAMILY_IPV4 && family !== 0) throw new WireError('rip', at, `address family is ${family}`)
  const mask = readU32be(octets, at + 8)
  const prefixLength = Math.clz32(~mask)
  if (mask !== maskOf(prefixLength)) throw new WireError('rip', at + 8, 'subnet mask has holes')
  const metric = readU32be(octets, at + 16)
  if (metric < 1 || metric > RIP_INFINITY) throw new WireError('rip', at + 16, `metric is ${metric}`)
  const prefix = readU32be(octets, at + 4)
  return {
    family,
    routeTag: readU16be(octets, at + 2),
    prefix,
    prefixLength,
    nextHop: readU32be(octets, at + 12),
    metric,
  }
}

/** Throws `WireError` when there are too many entries. */
export function encodeRip({ command, entries, authentication }: RipMessage): Uint8Array {
  const entryCount = entries.length + (authentication === null ? 0 : 1)
  if (entryCount > RIP_ENTRIES_MAX) throw new WireError('rip', HEADER_OCTETS, `${entryCount} entries`)
  const trailer = HEADER_OCTETS + entryCount * ENTRY_OCTETS
  const octets = new Uint8Array(trailer + (authentication === null ? 0 : TRAILER_OCTETS + authentication.digest.length))
  octets[0] = command
  octets[1] = 2
  let at = HEADER_OCTETS
  if (authentication !== null) {
    writeU16be(octets, at, FAMILY_AUTHENTICATION)
    writeU16be(octets, at + 2, KEYED_DIGEST)
    writeU16be(octets, at + 4, trailer)
    octets[at + 6] = authentication.keyId
    octets[at + 7] = authentication.digest.length
    writeU32be(octets, at + 8, authentication.sequence)
    writeU32be(octets, trailer, 0xffff_0001)
    octets.set(authentication.digest, trailer + TRAILER_OCTETS)
    at += ENTRY_OCTETS
  }
  for (const entry of entries) {
    writeU16be(octets, at, entry.family)
    writeU16be(octets, at + 2, entry.routeTag)
    writeU32be(octets, at + 4, entry.prefix)
    writeU32be(octets, at + 8, maskOf(entry.prefixLength))
    writeU32be(octets, at + 12, entry.nextHop)
    writeU32be(octets, at + 16, entry.metric)
    at += ENTRY_OCTETS
  }
  return octets
}

function maskOf(prefixLength: number): number {
  return prefixLength === 0 ? 0 : (0xffff_ffff << (32 - prefixLength)) >>> 0
}
