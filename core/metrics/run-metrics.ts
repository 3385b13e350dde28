/** What one migration did, computed from the trace alone. Times are virtual. */
import type { LeakQuantity } from '../base/leak-quantities.js'

export interface RoundMetrics {
  /** Counts from 1. */
  readonly round: number
  readonly zeroPages: number
  readonly normalPages: number
  readonly xbzrlePages: number
  /** Octets on the migration stream; the last round's include the devices. */
  readonly octets: number
  readonly startNs: number
  /** When the stream had taken all of it; TCP may still have to send what it buffers. */
  readonly endNs: number
  /** Pages the guest had dirtied by the end of the round. */
  readonly dirtiedPages: number
  /** The guest stood still during this round. */
  readonly paused: boolean
  /**
   * Pages that constant rates and the run's stop rule make of this round; null when they have no say (first round, stop-and-copy).
   * A guest that was paused when the run began writes nothing.
   */
  readonly predictedPages: number | null
}

export interface LeakStep {
  readonly atNs: number
  /** Planted secrets the attacker holds. */
  readonly secretsFound: number
  /** Octets of guest RAM the attacker has rebuilt. */
  readonly ramOctetsRecovered: number
}

export interface FoundSecret {
  readonly kind: string
  /** Whose or which, as the attacker understood it: a user, a setting's key, an issuer; empty if it is not known. */
  readonly name: string
  readonly value: string
  /** Guest-physical address. */
  readonly address: number
  /** Number of the captured frame that completed it, counted from 1 as Wireshark does. */
  readonly packet: number
  readonly atNs: number
  /** It is one of the secrets planted in this session's guest. */
  readonly planted: boolean
}

/** What the attacker made of lengths and times alone, and how it was. Units as `leakQuantities` has them. */
export interface MetadataScore {
  readonly quantity: LeakQuantity
  /** Null: the traffic did not tell. */
  readonly said: number | null
  /** The range in which the attacker takes it to be. */
  readonly low: number | null
  readonly high: number | null
  /** Null when this run has none: a guest that was stopped first was never seen to write. */
  readonly truth: number | null
  /** Sizes, counts and rates: the difference as a share of the truth. Times: nanoseconds. Class: 0 right, 1 wrong. */
  readonly error: number | null
}

/** What followed the guest after a switch to post-copy. */
export interface PostcopyMetrics {
  /** From the switch until everything had come; null while it has not. */
  readonly startNs: number
  readonly endNs: number | null
  /** Counted at the end. */
  readonly zeroPages: number
  readonly normalPages: number
  /** Octets on the migration stream. */
  readonly octets: number
  /** Pages that the guest needed before they had come. */
  readonly faults: readonly PageFault[]
  /** How long its processor stood still for them in all. */
  readonly blockedMs: number
}

export interface PageFault {
  readonly page: number
  readonly askedNs: number
  readonly arrivedNs: number
}

/** From then on the guest's processor was held back for so many percent of its time. */
export interface ThrottleStep {
  readonly atNs: number
  readonly percent: number
}

export interface RunMetrics {
  /** Counts from 1 in a session. */
  readonly migration: number
  readonly vm: string
  readonly source: string
  readonly destination: string
  readonly strategy: string
  readonly channel: string
  /** The channel seals where both hosts can, and they could not: everything crossed in clear. */
  readonly wentClear: boolean
  /** QEMU's word. */
  readonly status: string
  /** Why it failed, or an empty text. */
  readonly cause: string
  readonly downtimeLimitMs: number
  readonly linkBps: number
  readonly startNs: number
  /** Null while it runs. */
  readonly endNs: number | null
  readonly totalTimeMs: number
  /** Octets of memory left to send when the running guest was stopped; null while it was not, and for stop-and-copy. */
  readonly pendingAtStopOctets: number | null
  /** It did not converge: it was stopped because the rounds were used up, not because the rest fitted the downtime limit. */
  readonly forced: boolean
  /** When the guest was stopped at the source, if it was. */
  readonly pausedFromNs: number | null
  /**
   * When a copy of it ran again, or could have if nobody wanted it stopped: at the destination, or at the source after a
   * failure.
   */
  readonly resumedAtNs: number | null
  /** From the one to the other. No time in which the guest would have run, if it had not run before. */
  readonly downtimeMs: number | null
  /** Whether somebody kept the guest stopped besides the migration: before its last phase, and so after it, or only after it. */
  readonly ownPause: 'none' | 'before' | 'after'
  /** The longest time between two replies the client received around the switch-over. Null where `ownPause` made it longer. */
  readonly clientGapMs: number | null
  readonly clientGapFromNs: number | null
  readonly clientGapToNs: number | null
  /**
   * Octets of TCP frames to and from the migration's ports that crossed the cable of the source host, both directions
   * together: headers, acknowledgments and retransmissions included, preamble and frame check sequence not.
   */
  readonly wireOctets: number
  readonly rounds: readonly RoundMetrics[]
  /** Octets on the migration stream of a disk that was moved in it, before the rounds and when the guest stood still; 0 without. */
  readonly diskOctets: number
  /** Null unless it went over to post-copy. */
  readonly postcopy: PostcopyMetrics | null
  readonly throttle: readonly ThrottleStep[]
  readonly ramOctets: number
  readonly ramOctetsRecovered: number
  /** Of these, octets of pages that are as they were when the guest left; null until that was compared. */
  readonly ramOctetsExact: number | null
  /** Those that are there only once they were typed count when they were found. */
  readonly secretsPlanted: number
  readonly secretsFound: number
  readonly leak: readonly LeakStep[]
  readonly findings: readonly FoundSecret[]
  /** Empty until the transfer is over. */
  readonly metadata: readonly MetadataScore[]
  /** Null until then, and where no page crossed whole on the main stream. */
  readonly structure: StructureScore | null
  /** What it was disguised by, if it was. */
  readonly disguise: Disguise | null
  /** What that cost, beside an earlier or later run that is as it but for that; null where there is none. */
  readonly priceOfDisguise: (DisguisePrice & { readonly plainMigration: number }) | null
}

/** Pages that crossed whole, sent again or not; zeros that crossed as a word are none of them. */
export interface StructureScore {
  readonly pages: number
  /** Those that hold what another one holds, and as many of them as the attacker has put beside another. */
  readonly alikePages: number
  readonly alikeSeen: number
  /** Those of zeros, and as many of them as the attacker took for such. */
  readonly emptyPages: number
  readonly emptySeen: number
  /** Guesses beside the truth. */
  readonly wrong: number
  /** Cipher blocks that the attacker compared, and those that had come before. */
  readonly blocks: number
  readonly blocksRepeated: number
  /** Of the attacker's classes with the true ones: adjusted Rand index, 1 for the same, 0 for none; null where all pages differ. */
  readonly agreement: number | null
  readonly picture: StructurePicture
}

/**
 * The first pages in the order in which they crossed, a character each: `.` unlike any other, `0` empty, a letter for those that
 * are alike (the same letter in both for what is the same), `+` for the smallest classes of them.
 */
export interface StructurePicture {
  readonly truth: string
  readonly seen: string
}

/** How much more than without a disguise: octets on the wire, milliseconds. */
export interface DisguisePrice {
  readonly wireOctets: number
  readonly totalTimeMs: number
  /** Null where one of the two has none. */
  readonly downtimeMs: number | null
}

/** Length and pace that were made up. What it cost: `DisguisePrice`. */
export interface Disguise {
  /** So many rounds there had to be; 0: no matter how many. */
  readonly roundsMin: number
  /** Octets that had to go, and those of the cells they went in, filler included. Null where cells were not used, or not ended. */
  readonly cells: { readonly payloadOctets: number; readonly sentOctets: number } | null
}

/** One answer (or missing answer) to the client's probe. */
export interface ProbeSample {
  readonly sentNs: number
  /** Round-trip time, or null when no answer came. */
  readonly replyMs: number | null
}

/** Octets the source's link carried in one bin, which begins at `atNs` and is `binNs` long. */
export interface ThroughputSample {
  readonly atNs: number
  readonly binNs: number
  readonly migrationOctets: number
  readonly probeOctets: number
  readonly otherOctets: number
}
