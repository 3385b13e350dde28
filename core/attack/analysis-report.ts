/** What an analysis of captured traffic says. Plain data, the shape of `analyse --json`. */
import type { IntruderSign } from './signs/intruder-sign.js'
import type { SecretKind, TextEncoding } from './secret-finding.js'
import type { MetadataEstimate } from './traffic/metadata-estimate.js'

export type CaptureKind = 'pcapng' | 'pcap' | 'qevm'

export type StreamProtocol = 'qevm' | 'libxc' | 'multifd' | 'tls' | 'ssh' | 'nacl' | 'records' | 'http' | 'unknown'

export interface BlockReport {
  readonly name: string
  readonly octets: number
  readonly pagesRecovered: number
  /** Of the whole block in hexadecimal, pages never seen counted as zero; '' if next to nothing of a huge one came. */
  readonly sha256: string
}

export interface RoundReport {
  readonly zero: number
  readonly normal: number
  readonly xbzrle: number
  /** Nothing in a stream says where a round begins. */
  readonly inferred: true
}

export interface FindingReport {
  readonly kind: SecretKind
  readonly value: string
  /** User, key, cookie's name or issuer; '' if unknown. */
  readonly name: string
  /** Guest-physical where the board's layout is known (migration/wire/guest-address.ts), else offset in the block; hexadecimal. */
  readonly address: string
  /** Every place where it stands, the one above first. */
  readonly addresses: readonly string[]
  readonly block: string
  /** In the block, octets. */
  readonly offset: number
  readonly encoding: TextEncoding
  /** Frames that carried these very octets, numbered from 1 as Wireshark does. Empty for a bare stream. */
  readonly packets: readonly number[]
  /** When the last of those packets passed, as the capture's clock has it; null for a bare stream. */
  readonly atNs: number | null
  readonly confidence: 'high' | 'medium'
  readonly why: string
  /** Some octets before and after, unprintable ones as dots. */
  readonly excerpt: string
  /** It stood there in an earlier copy of the page and no longer in the last. */
  readonly isOverwritten: boolean
}

export interface StreamReport {
  readonly protocol: StreamProtocol
  /** A migration's state was there to its end; another connection was seen from its first octet to its last. */
  readonly complete: boolean
  /** `address:port` of who connected; null for a bare stream. */
  readonly client: string | null
  readonly server: string | null
  readonly octetsToServer: number
  readonly octetsToClient: number
  readonly machine: string | null
  readonly blocks: readonly BlockReport[]
  readonly rounds: readonly RoundReport[]
  readonly findings: readonly FindingReport[]
  /** Of the guest's kernel, by the structure of its table. */
  readonly processes: readonly ProcessReport[]
  /** What changed while pages crossed several times, a RAM block an entry. */
  readonly changes: readonly ChangeReport[]
  readonly structure: StructureReport
  /** What a watcher can say about it, a sentence an entry: versions, algorithms, what was refused. */
  readonly seen: readonly string[]
}

/** Copies of pages, each compared with the one before. */
export interface ChangeReport {
  readonly block: string
  /** How many pages were sent once, twice and so on; the last number is of those sent 16 times or more. */
  readonly pagesBySends: readonly number[]
  readonly pagesChanged: number
  /** Those that changed most often. */
  readonly hottest: readonly ChangedPageReport[]
  readonly counters: readonly ChangedWordReport[]
}

export interface ChangedPageReport {
  /** As in findings. */
  readonly address: string
  readonly copies: number
  /** Copies that differ from the one before. */
  readonly changes: number
  /** Words of 32 bits that differed, in all copies together. */
  readonly wordsChanged: number
  /** Those that changed, if they are few. */
  readonly words: readonly ChangedWordReport[]
}

/** A word of 32 bits, and its last values. */
export interface ChangedWordReport {
  readonly address: string
  readonly values: readonly number[]
  /** It goes up by a little each time. */
  readonly isCounter: boolean
}

export interface ProcessReport {
  readonly name: string
  readonly state: string
  /** Guest-physical, hexadecimal: of its record, of its memory's beginning and end, and of the instruction that it goes on with. */
  readonly record: string
  readonly from: string
  readonly to: string
  readonly pc: string
  /** Frames that carried the record; empty for a bare stream. */
  readonly packets: readonly number[]
}

/** Which pages are alike, read in clear or told by cipher blocks that come again. */
export interface StructureReport {
  /** Cipher blocks that were compared, and those that had come before; 0 where pages were read. */
  readonly blocks: number
  readonly blocksRepeated: number
  /** Pages that are like another, or empty, and the empty ones among them. */
  readonly alikePages: number
  readonly emptyPages: number
}

/** A large transfer, sealed or not: what its lengths and times say. */
export interface TransferReport {
  readonly client: string
  readonly server: string
  /** Payload of both directions. */
  readonly octets: number
  readonly firstNs: number | null
  readonly lastNs: number
  readonly estimate: MetadataEstimate
}

export interface AnalysisReport {
  readonly kind: CaptureKind
  readonly packets: number
  readonly streams: readonly StreamReport[]
  readonly transfers: readonly TransferReport[]
  /** Of somebody in between who pretends to be others. */
  readonly signs: readonly IntruderSign[]
  readonly warnings: readonly string[]
}

/** How far a passive attack has come: cheap enough to ask for at every frame of a chart. */
export interface AnalysisProgress {
  readonly pagesRecovered: number
  /** RAM in recovered pages that are not all zero. */
  readonly octetsRecovered: number
  readonly findings: readonly LiveFinding[]
}

export interface LiveFinding {
  readonly kind: SecretKind
  readonly value: string
  readonly name: string
  readonly address: string
  /** The packet that made it complete, and when that passed. */
  readonly packet: number
  readonly atNs: number
}
