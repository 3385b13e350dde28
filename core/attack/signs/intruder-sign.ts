/** What shows that somebody pretends to be others, and the frames that signs are looked for in. */
import type { Nanos } from '../../base/units.js'
import type { MacAddress } from '../../net/wire/addresses.js'

export type SignKind =
  | 'two-claim-an-address'
  | 'overriding-advertisement'
  | 'other-station'
  | 'other-distance'
  | 'relayed'
  | 'opened-twice'
  | 'differing-retransmission'
  | 'forged-reset'
  | 'guessed-resets'
  | 'slower-answers'
  | 'route-taken-over'
  | 'half-open-flood'
  | 'station-flood'

/** A sign, with the packets that show it: the last one before, and the first one after. */
export interface IntruderSign {
  readonly kind: SignKind
  readonly text: string
  readonly packets: readonly number[]
  /** When the later one passed, as the capture's clock has it. */
  readonly atNs: Nanos
}

/** A frame of Ethernet as the finders of signs get it; made once and used for all of them. */
export class SeenFrame {
  octets: Uint8Array = new Uint8Array(0)
  atNs: Nanos = 0
  packet = 0
  source: MacAddress = 0
  destination: MacAddress = 0
  /** Of its outermost tag; 0 without one. An address may be elsewhere in another VLAN. */
  vlan = 0
  etherType = 0
  /** What is inside begins at this octet. */
  start = 0
}

const SIGNS_MAX = 64

export class SignList {
  readonly signs: IntruderSign[] = []

  /** Each kind once a `subject`, which keeps what was told of it. */
  tell(subject: Set<SignKind>, kind: SignKind, packets: readonly number[], atNs: Nanos, words: () => string): void {
    if (subject.has(kind) || this.signs.length === SIGNS_MAX) return
    subject.add(kind)
    this.signs.push({ kind, text: words(), packets, atNs })
  }
}

/** With which systems begin to count a packet's time to live (RFC 1700, and Windows). */
const FIRST_TTLS = [64, 128, 255] as const

/** How many routers a packet has passed, most likely. */
export function hopsOf(ttl: number): number {
  return (FIRST_TTLS.find((first) => ttl <= first) ?? 255) - ttl
}
