/** One TCP connection as a watcher sees it: which protocol it speaks, and what its octets give away. */
import { failureOf } from '../base/errors.js'
import { LibxcUnframer } from '../migration/wire/libxc-runs.js'
import { opensRecovery } from '../migration/wire/qevm.js'
import { MultifdReader, type MultifdObserver } from '../migration/wire/multifd-reader.js'
import { ReturnPathReader } from '../migration/wire/return-path.js'
import { decodeOffer, opensVmotion, VMOTION_OFFER_OCTETS } from '../secure/wire/vmotion-offer.js'
import type { StreamProtocol, StreamReport } from './analysis-report.js'
import { describeRecords, describeSsh, describeTls } from './describe-sealed.js'
import { looksSealed, protocolOf } from './protocol-opening.js'
import { QevmAnalysis } from './qevm-analysis.js'
import { structureReport, type StructureSeen } from './structure/alike-pages.js'
import { structureOf } from './structure/block-repeats.js'
import { SealedBlocks } from './structure/sealed-blocks.js'

export type Direction = 'to-server' | 'to-client'

/** A page of a multifd channel goes to the migration whose main stream it belongs to. */
export interface MigrationOwner {
  multifdPage(
    connection: ConnectionAnalysis,
    block: string,
    offset: number,
    /** null for a page of zeros. */
    octets: Uint8Array | null,
    streamOffset: number,
  ): void
  /** A multifd connection carries octets from `offset` on in this packet. */
  multifdOctets(connection: ConnectionAnalysis, offset: number, packet: number, atNs: number): void
  migrationFound(connection: ConnectionAnalysis, migration: QevmAnalysis): void
  /** The post-copy that a connection without a header goes on with, or null. */
  interruptedPostcopy(connection: ConnectionAnalysis): QevmAnalysis | null
}

export interface ConnectionOptions {
  /** Whether the capture holds how the connection was opened. */
  readonly hasHandshake: boolean
  /** Octets of each direction to keep for describing it. */
  readonly openingOctets: number
}

class DirectionState {
  octets = 0
  missing = 0
  ended = false
  /** The first octets, kept to recognise and describe the protocol. */
  opening = new Uint8Array(0)

  keepOpening(octets: Uint8Array, octetsMax: number): void {
    const length = Math.min(octets.length, octetsMax - this.opening.length)
    if (length <= 0 || this.missing > 0) return
    const joined = new Uint8Array(this.opening.length + length)
    joined.set(this.opening)
    joined.set(octets.subarray(0, length), this.opening.length)
    this.opening = joined
  }
}

export class ConnectionAnalysis implements MultifdObserver {
  protocol: StreamProtocol | null = null
  qevm: QevmAnalysis | null = null
  /** The migration of another connection, which broke, that this one goes on with. */
  private recovered: QevmAnalysis | null = null
  private multifd: MultifdReader | null = null
  /** Around a migration of Xen's. */
  private unframer: LibxcUnframer | null = null
  private readonly toServer = new DirectionState()
  private readonly toClient = new DirectionState()
  /** Which way the migration goes: towards the server, but for `exec:` and file servers. */
  private payload: Direction = 'to-server'
  private returnPath: ReturnPathReader | null = new ReturnPathReader()
  /** Of what goes to the server, once it is known to be sealed. */
  private sealed: SealedBlocks | null = null
  private readonly notes: string[] = []

  constructor(
    private readonly owner: MigrationOwner,
    readonly client: string,
    readonly server: string,
    private readonly options: ConnectionOptions,
  ) {}

  /** The next octets of a direction, in order and without repetition. */
  octets(direction: Direction, octets: Uint8Array, packet: number, atNs: number): void {
    const side = this.side(direction)
    const offset = side.octets
    side.octets += octets.length
    if (this.protocol === null) {
      side.keepOpening(octets, this.options.openingOctets)
      this.recognise(direction, side, packet, atNs)
      return
    }
    if (this.protocol === 'qevm' || this.protocol === 'libxc') this.migrationOctets(direction, octets, packet, atNs)
    else if (this.protocol === 'multifd') this.multifdOctets(direction, octets, offset, packet, atNs)
    else {
      side.keepOpening(octets, this.options.openingOctets)
      if (direction === 'to-server') this.sealedOctets(octets)
    }
  }

  /** `octets` octets of a direction are missing from the capture here. */
  gap(direction: Direction, octets: number): void {
    const side = this.side(direction)
    side.missing += octets
    side.octets += octets
    if (direction === 'to-server') this.sealed?.gap()
    if (direction !== this.payload) this.returnPath = null
    else if (this.protocol !== 'libxc') this.stream?.gap(octets)
    else if (this.unframer !== null) {
      this.unframer = null
      this.note(`${octets} octets are missing from the capture: the records after them are not rebuilt`)
    }
    if (this.multifd !== null && direction === this.payload) {
      this.multifd = null
      this.note(`${octets} octets are missing from the capture: the pages after them are not rebuilt`)
    }
  }

  /** A direction was closed, or the capture is over. */
  end(direction: Direction, wasSeen: boolean): void {
    const side = this.side(direction)
    side.ended ||= wasSeen
    if (direction === this.payload) this.stream?.end()
  }

  get isEmpty(): boolean {
    return this.toServer.octets + this.toClient.octets === 0
  }

  get octetsToServer(): number {
    return this.toServer.octets
  }

  /** Pages that are seen to be like others: read in clear, or by cipher blocks that come again. */
  structure(): StructureSeen {
    if (this.qevm !== null) return { blocks: 0, repeated: 0, pages: this.qevm.alikePages() }
    return structureOf(this.sealed?.repeats ?? null)
  }

  report(): StreamReport {
    const protocol = this.protocol ?? 'unknown'
    const isWhole =
      this.options.hasHandshake && [this.toServer, this.toClient].every(({ ended, missing }) => ended && missing === 0)
    return {
      protocol,
      complete: this.qevm?.isComplete ?? isWhole,
      client: this.client,
      server: this.server,
      octetsToServer: this.toServer.octets,
      octetsToClient: this.toClient.octets,
      machine: this.qevm?.machine ?? null,
      blocks: this.qevm?.blockReports() ?? [],
      rounds: this.qevm?.roundReports() ?? [],
      findings: this.qevm?.findingReports() ?? [],
      processes: this.qevm?.processReports() ?? [],
      changes: this.qevm?.changeReports() ?? [],
      structure: structureReport(this.structure()),
      seen: [...(this.qevm?.notes() ?? []), ...this.notes, ...this.describe(protocol)],
    }
  }

  note(sentence: string): void {
    if (this.notes.length < 32 && !this.notes.includes(sentence)) this.notes.push(sentence)
  }

  private side(direction: Direction): DirectionState {
    return direction === 'to-server' ? this.toServer : this.toClient
  }

  private recognise(direction: Direction, side: DirectionState, packet: number, atNs: number): void {
    if (side.missing === 0) this.takeOffer(side)
    if (side.missing === 0 && opensVmotion(side.opening)) return
    this.protocol = side.missing > 0 ? 'unknown' : protocolOf(side.opening)
    if (this.protocol === 'unknown' && side.missing === 0 && opensRecovery(side.opening)) this.joinInterrupted()
    if (this.protocol !== 'qevm' && this.protocol !== 'multifd' && this.protocol !== 'libxc') {
      // The client's side tells what it is at its first octets; the server's may have come before.
      if (direction === 'to-server') this.sealedOctets(side.opening)
      return
    }
    this.payload = direction
    const opening = side.opening
    side.opening = new Uint8Array(0)
    if (this.recovered !== null) this.migrationOctets(direction, opening, packet, atNs)
    else if (this.protocol !== 'multifd') {
      this.qevm = new QevmAnalysis()
      this.owner.migrationFound(this, this.qevm)
      if (this.protocol === 'libxc') this.unframer = new LibxcUnframer()
      this.migrationOctets(direction, opening, packet, atNs)
    } else {
      this.multifd = new MultifdReader()
      this.multifdOctets(direction, opening, 0, packet, atNs)
    }
  }

  /** What two hosts of vMotion say before they seal, or do not; then something else begins. */
  private takeOffer(side: DirectionState): void {
    const { opening } = side
    if (opening.length < VMOTION_OFFER_OCTETS || !opensVmotion(opening)) return
    side.opening = opening.slice(VMOTION_OFFER_OCTETS)
    const seals = offerIn(opening)
    if (seals === null) return this.note('vMotion: an offer that makes no sense')
    if (side === this.toServer) this.note(`vMotion: the source says that it ${seals ? 'can' : 'cannot'} seal`)
    else this.note(`vMotion: the destination chose to go ${seals ? 'sealed' : 'in clear'}`)
  }

  private sealedOctets(octets: Uint8Array): void {
    const { protocol } = this
    if (protocol === null || protocol === 'http') return
    this.sealed ??= new SealedBlocks(protocol === 'records')
    this.sealed.push(octets)
  }

  private joinInterrupted(): void {
    this.recovered = this.owner.interruptedPostcopy(this)
    if (this.recovered === null) return
    this.protocol = 'qevm'
    this.recovered.continueElsewhere()
    this.note('goes on with a post-copy whose connection broke: its pages are counted there')
  }

  /** What the payload is part of. */
  private get stream(): QevmAnalysis | null {
    return this.recovered ?? this.qevm
  }

  private migrationOctets(direction: Direction, octets: Uint8Array, packet: number, atNs: number): void {
    if (direction !== this.payload) return this.returnPathOctets(octets)
    if (this.protocol === 'qevm') return this.stream?.push(octets, packet, atNs)
    try {
      for (const piece of this.unframer?.push(octets) ?? []) this.qevm?.push(piece, packet, atNs)
    } catch (error) {
      this.unframer = null
      this.note(`could not be read on: ${failureOf(error).message}`)
    }
  }

  private returnPathOctets(octets: Uint8Array): void {
    try {
      for (const message of this.returnPath?.push(octets) ?? []) {
        if (message.kind === 'SHUT')
          this.note(
            message.value === 0
              ? 'the destination said that it loaded everything'
              : 'the destination said that it failed',
          )
        else if (message.kind === 'REQ_PAGES') this.note('the destination asked for pages: post-copy')
      }
    } catch (error) {
      this.returnPath = null
      this.note(`what came back is not QEMU's return path: ${failureOf(error).message}`)
    }
  }

  private multifdOctets(direction: Direction, octets: Uint8Array, offset: number, packet: number, atNs: number): void {
    if (direction !== this.payload || this.multifd === null) return
    this.owner.multifdOctets(this, offset, packet, atNs)
    try {
      for (let at = 0; at < octets.length;) at += this.multifd.push(octets.subarray(at), this)
    } catch (error) {
      this.note(`could not be read on: ${failureOf(error).message}`)
      this.multifd = null
    }
  }

  /** Called by the reader of multifd packets. */
  multifdPage(block: string, offset: number, octets: Uint8Array, streamOffset: number): void {
    this.owner.multifdPage(this, block, offset, octets, streamOffset)
  }

  multifdZeroPage(block: string, offset: number, streamOffset: number): void {
    this.owner.multifdPage(this, block, offset, null, streamOffset)
  }

  /** A listener does not wait for the main stream: what it misses of the order between connections is seldom a page. */
  multifdSync(): void {}

  private describe(protocol: StreamProtocol): string[] {
    switch (protocol) {
      case 'qevm':
        return []
      case 'libxc':
        return ['Xen’s frame (libxc migration stream) around the pages; what is inside is read']
      case 'multifd':
        return [`extra channel of a migration: ${this.multifd?.pages ?? 0} pages, counted with its main stream`]
      case 'nacl':
        return ['NaCl channel: x25519 public keys in clear, then sealed records; nothing inside can be read']
      case 'records':
        return describeRecords(this.toServer.opening)
      case 'http':
        return ['HTTP, in clear; only migrations are searched']
      case 'tls':
        return describeTls(this.toServer.opening, this.toClient.opening)
      case 'ssh':
        return describeSsh(this.toServer.opening, this.toClient.opening)
      case 'unknown':
        return [this.describeUnknown()]
    }
  }

  private describeUnknown(): string {
    if (looksSealed(this.toServer.opening) || looksSealed(this.toClient.opening))
      return 'no protocol known here, and its octets are spread evenly: sealed or compressed'
    if (!this.options.hasHandshake) return 'began before the capture did: what it carries cannot be told'
    return 'no protocol known here'
  }
}

function offerIn(octets: Uint8Array): boolean | null {
  try {
    return decodeOffer(octets)
  } catch {
    return null
  }
}
