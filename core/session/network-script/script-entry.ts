/** What became of the items of a network's script: plain values, for people and for JSON. */
import type { Nanos } from '../../base/units.js'
import type { PacketErrorKind } from '../../net/packet-error.js'
import type { CongestionControlName } from '../../net/tcp/congestion-control.js'
import type { InspectionTable } from '../inspection.js'
import type { Deed } from '../network-plan/script-plan.js'

export interface ScriptEntry {
  /** Place in the script, from 0. */
  readonly index: number
  readonly do: Deed
  readonly note: string
  readonly startNs: Nanos
  readonly endNs: Nanos
  /** One of `outcomesOf` that deed, or `error`. */
  readonly outcome: string
  /** What is not as the plan expects; empty when all is. */
  readonly problems: readonly string[]
  readonly details: EntryDetails
}

export type EntryDetails = PingDetails | TracerouteDetails | TransferDetails | SendDetails | TableDetails | TextDetails

/** Frames for others that reached the listener meanwhile; null when nobody listened. */
export interface Overheard {
  readonly overheard: number | null
}

export interface PingDetails extends Overheard {
  readonly kind: 'ping'
  readonly from: string
  readonly to: string
  readonly address: string
  readonly octets: number
  readonly answers: readonly PingAnswer[]
  readonly sent: number
  readonly answered: number
}

export type PingAnswer =
  | {
      readonly outcome: 'answered'
      readonly sequence: number
      readonly from: string
      readonly ttl: number
      readonly rttNs: Nanos
    }
  | { readonly outcome: 'lost'; readonly sequence: number }
  | { readonly outcome: 'failed'; readonly sequence: number; readonly from: string; readonly cause: PacketErrorKind }

export interface TracerouteDetails {
  readonly kind: 'traceroute'
  readonly from: string
  readonly to: string
  readonly address: string
  readonly hopsMax: number
  readonly probes: readonly TracerouteAnswer[]
  /** Who answered, hop by hop, by name; `*` where nobody did. */
  readonly through: readonly string[]
}

export interface TracerouteAnswer {
  readonly hop: number
  /** Empty when nobody answered. */
  readonly from: string
  /** Of the plan; the address when it is nobody's. */
  readonly name: string
  readonly rttNs: Nanos
  readonly cause: PacketErrorKind | 'no-answer'
}

export interface TransferDetails extends Overheard {
  readonly kind: 'transfer'
  readonly from: string
  readonly to: string
  readonly address: string
  readonly port: number
  readonly octets: number
  /** From the SYN until the other side's FIN has come. */
  readonly elapsedNs: Nanos
  /** Bits of payload a second over that time; 0 when it did not end. */
  readonly throughputBps: number
  readonly segmentsRetransmitted: number
  /** 0 when nothing was ever measured. */
  readonly srttNs: Nanos
  /** Octets, at the end. */
  readonly cwnd: number
  /** Octets; null when nothing was lost. */
  readonly ssthresh: number | null
  readonly mss: number
  readonly congestionControl: CongestionControlName
  /** Why the connection failed, or empty. */
  readonly cause: string
}

export interface SendDetails extends Overheard {
  readonly kind: 'send'
  readonly from: string
  readonly to: string
  readonly address: string
  readonly port: number
  /** The sender's address as it was received; empty when it was not. */
  readonly receivedFrom: string
  /** The ICMP error that came back, or empty. */
  readonly cause: string
}

export interface TableDetails {
  readonly kind: 'tables'
  readonly of: string
  readonly tables: readonly InspectionTable[]
}

export interface TextDetails {
  readonly kind: 'text'
  readonly text: string
}
