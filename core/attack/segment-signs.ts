/**
 * What TCP shows of somebody in between: octets that come a second time and are others, answers that take longer than any before, and
 * connections that are opened in many names and by nobody. IPv4; what is kept is bounded.
 */
import type { Nanos } from '../base/units.js'
import { endpointText, ipv4Text, type Ipv4Address } from '../net/wire/addresses.js'
import type { CapturedTcp } from '../net/wire/link-layer.js'
import { TCP_FLAG } from '../net/wire/tcp.js'
import type { IntruderSign } from './intruder-signs.js'

const DIRECTIONS_MAX = 4096
/** Of each direction, the last so many segments with octets. */
const SEGMENTS_KEPT = 128
const PAIRS_MAX = 4096
/** Answers that have to be known of two stations before one is called slow, and how much slower it has to be. */
const ANSWERS_MIN = 3
const SPREADS = 3
const SLOWER_SHARE = 0.2
/** Stations that only ever opened a connection. */
const NAMES_MAX = 64

/** One direction of a connection. */
class SentSegments {
  /** The sequence number after the last octet that came. */
  next = 0
  hasAny = false
  openedNs: Nanos | null = null
  isTold = false
  private count = 0
  private readonly sequences = new Uint32Array(SEGMENTS_KEPT)
  private readonly lengths = new Uint32Array(SEGMENTS_KEPT)
  private readonly digests = new Uint32Array(SEGMENTS_KEPT)
  private readonly packets = new Uint32Array(SEGMENTS_KEPT)

  add(sequence: number, length: number, digest: number, packet: number): void {
    const slot = this.count++ % SEGMENTS_KEPT
    this.sequences[slot] = sequence
    this.lengths[slot] = length
    this.digests[slot] = digest
    this.packets[slot] = packet
  }

  /** The packet that had other octets in the same place; 0 for none. */
  differing(sequence: number, length: number, digest: number): number {
    for (let slot = 0; slot < Math.min(this.count, SEGMENTS_KEPT); slot++)
      if (this.sequences[slot] === sequence && this.lengths[slot] === length && this.digests[slot] !== digest)
        return this.packets[slot] ?? 0
    return 0
  }
}

/** How long a station took to answer another's SYN. */
interface Answers {
  count: number
  leastNs: Nanos
  mostNs: Nanos
  isTold: boolean
}

/** Who has opened connections to a port, and sent nothing else. */
interface Openers {
  readonly names: Set<Ipv4Address>
  readonly known: Set<Ipv4Address>
  firstPacket: number
  isTold: boolean
}

export class SegmentSigns {
  private readonly directions = new Map<string, SentSegments>()
  private readonly answers = new Map<string, Answers>()
  private readonly openers = new Map<string, Openers>()
  private last: { readonly key: string; readonly direction: SentSegments } | null = null

  constructor(private readonly signs: { add(sign: IntruderSign): void }) {}

  segment({ ip, segment }: CapturedTcp, atNs: Nanos, packet: number): void {
    const { source, destination } = ip
    if (typeof source !== 'number' || typeof destination !== 'number') return
    const { sourcePort, destinationPort, flags, sequence, payload } = segment
    const from = endpointText(source, sourcePort)
    const to = endpointText(destination, destinationPort)
    const direction = this.direction(`${from} ${to}`)
    if (direction === null) return
    const isSyn = (flags & TCP_FLAG.syn) !== 0
    if (isSyn && (flags & TCP_FLAG.ack) === 0) {
      Object.assign(direction, { openedNs: atNs, hasAny: false })
      this.opened(source, to, atNs, packet)
    } else if (isSyn) this.answered(source, destination, this.directions.get(`${to} ${from}`) ?? null, atNs, packet)
    else this.wentOn(source, to)
    if (payload.length > 0) this.octets(direction, sequence, payload, { from, to, atNs, packet })
  }

  private octets(
    direction: SentSegments,
    sequence: number,
    payload: Uint8Array,
    { from, to, atNs, packet }: { from: string; to: string; atNs: Nanos; packet: number },
  ): void {
    const digest = digestOf(payload)
    const isAgain = direction.hasAny && ((sequence - direction.next) | 0) < 0
    if (isAgain && !direction.isTold) {
      const before = direction.differing(sequence, payload.length, digest)
      if (before > 0) {
        direction.isTold = true
        const text = `${from} sent ${to} the same ${payload.length} octets twice, and they are others`
        this.signs.add({ kind: 'other-octets', text, packets: [before, packet], atNs })
      }
    }
    direction.add(sequence, payload.length, digest, packet)
    if (isAgain) return
    direction.next = (sequence + payload.length) >>> 0
    direction.hasAny = true
  }

  /** A SYN was answered: compared with how long that took between the same two before. */
  private answered(
    source: Ipv4Address,
    destination: Ipv4Address,
    asked: SentSegments | null,
    atNs: Nanos,
    packet: number,
  ): void {
    if (asked === null || asked.openedNs === null) return
    const tookNs = atNs - asked.openedNs
    asked.openedNs = null // a second answer to one question says nothing
    const key = `${source} ${destination}`
    const known = this.answers.get(key)
    if (known === undefined) {
      if (this.answers.size < PAIRS_MAX)
        this.answers.set(key, { count: 1, leastNs: tookNs, mostNs: tookNs, isTold: false })
      return
    }
    const { count, leastNs, mostNs } = known
    if (count >= ANSWERS_MIN && !known.isTold && tookNs > mostNs * (1 + SLOWER_SHARE) + SPREADS * (mostNs - leastNs)) {
      known.isTold = true
      const text = `${ipv4Text(source)} answered ${ipv4Text(destination)} after ${micros(tookNs)}, and after ${micros(mostNs)} at most before`
      this.signs.add({ kind: 'slower-answer', text, packets: [packet], atNs })
      return
    }
    known.count++
    known.leastNs = Math.min(leastNs, tookNs)
    known.mostNs = Math.max(mostNs, tookNs)
  }

  private opened(source: Ipv4Address, to: string, atNs: Nanos, packet: number): void {
    let openers = this.openers.get(to)
    if (openers === undefined) {
      if (this.openers.size === PAIRS_MAX) return
      openers = { names: new Set(), known: new Set(), firstPacket: packet, isTold: false }
      this.openers.set(to, openers)
    }
    if (openers.isTold || openers.known.has(source)) return
    openers.names.add(source)
    if (openers.names.size < NAMES_MAX) return
    openers.isTold = true
    const text = `${NAMES_MAX} addresses have opened connections to ${to}, and none of them went on`
    this.signs.add({ kind: 'half-open', text, packets: [openers.firstPacket, packet], atNs })
    openers.names.clear()
  }

  private wentOn(source: Ipv4Address, to: string): void {
    const openers = this.openers.get(to)
    if (openers === undefined || openers.isTold || !openers.names.delete(source)) return
    if (openers.known.size < PAIRS_MAX) openers.known.add(source)
  }

  private direction(key: string): SentSegments | null {
    if (this.last?.key === key) return this.last.direction
    let direction = this.directions.get(key)
    if (direction === undefined) {
      if (this.directions.size === DIRECTIONS_MAX) {
        const [oldest = ''] = this.directions.keys()
        this.directions.delete(oldest)
      }
      direction = new SentSegments()
      this.directions.set(key, direction)
    }
    this.last = { key, direction }
    return direction
  }
}

/** 32 bits, by multiplying and mixing four octets at a time: who would forge them need not be feared, only seen when he does not. */
function digestOf(octets: Uint8Array): number {
  let digest = octets.length
  let at = 0
  for (; at + 3 < octets.length; at += 4) {
    const word = octets[at]! | (octets[at + 1]! << 8) | (octets[at + 2]! << 16) | (octets[at + 3]! << 24)
    digest = Math.imul(digest ^ word, 0x9e37_79b1)
    digest ^= digest >>> 15
  }
  for (; at < octets.length; at++) digest = Math.imul(digest ^ octets[at]!, 0x9e37_79b1)
  return digest >>> 0
}

function micros(ns: Nanos): string {
  return `${(ns / 1000).toFixed(1)} µs`
}
