/**
 * A migration stream in clear, read by someone who only watches: rebuilds RAM page by page, searches pages as they
 * come, and keeps for each which packets carried it.
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { WireError } from '../base/errors.js'
import { hexOf } from '../base/octets.js'
import { PAGE_OCTETS } from '../base/units.js'
import { DISK_CHUNK_OCTETS, DISK_SECTOR_OCTETS } from '../migration/wire/block-section.js'
import { packageItems } from '../migration/wire/package-items.js'
import { MIG_CMD, type RamBlockSize, type SectionHeader } from '../migration/wire/qevm.js'
import { ImageBlock, RamImage } from '../migration/wire/ram-image.js'
import { StreamReader } from '../migration/wire/stream-reader.js'
import type { DeviceDescription } from '../migration/wire/vmdesc.js'
import type {
  BlockReport,
  ChangedPageReport,
  ChangedWordReport,
  ChangeReport,
  FindingReport,
  LiveFinding,
  ProcessReport,
  RoundReport,
} from './analysis-report.js'
import { addressText, guestAddress } from '../migration/wire/guest-address.js'
import { PageChanges, type ChangedPage, type ChangedWord } from './page-changes.js'
import { PageEvidence } from './page-evidence.js'
import { type Evidence, PacketLog } from './packet-log.js'
import { findProcesses, PROCESS_RECORD_OCTETS } from './process-list.js'
import { RamSearch, SEARCH_PAGES_MAX } from './ram-search.js'
import { FindingList, type SecretFinding } from './secret-finding.js'
import type { AlikePage } from './structure/alike-pages.js'
import { ReadPages } from './structure/read-pages.js'

const zeroPage = new Uint8Array(PAGE_OCTETS)
const EXCERPT_OCTETS = 24
const NOTES_MAX = 32
/** Pages that were sent so often or more are told together. */
const SENDS_TOLD_MAX = 16
const HOTTEST_TOLD = 8
const COUNTERS_TOLD = 16
/** So many disks are rebuilt, and so much of each: a record of a few octets may claim any place. */
const DISKS_MAX = 4
const DISK_OCTETS_MAX = 1024 ** 3

/** A secret as it was when it became whole, while pages still came. */
interface LiveRecord {
  readonly finding: SecretFinding
  readonly evidence: Evidence
  readonly excerpt: string
}

/** What is kept beside the octets of a block. */
interface WatchedBlock {
  readonly image: ImageBlock
  readonly evidence: PageEvidence
  readonly changes: PageChanges
  readonly found: FindingList
  /** In the order of `found`. */
  readonly live: LiveRecord[]
}

export class QevmAnalysis extends RamImage {
  machine: string | null = null
  /** Sentences about what the stream did. */
  readonly seen: string[] = []
  readonly log = new PacketLog()
  octetsRecovered = 0
  isPostcopy = false
  private readonly reader = new StreamReader(this, { unknownDevices: 'recover' })
  private readonly watched: WatchedBlock[] = []
  /** Disks that came in the stream, by name. Nothing says how large they are: as large as what came. */
  private readonly disks = new Map<string, WatchedBlock>()
  private readonly search = new RamSearch()
  /** Pages that came whole. */
  private readonly whole = new ReadPages()
  private channel = this.log.addChannel()
  private chunkOffset = 0
  private failed = false
  private deltasWithoutPage = 0
  private compressedPages = 0
  private deviceCount = 0
  private isKnown = false
  /** Pages that came and were not searched yet. */
  private waiting: { watched: WatchedBlock; first: number; last: number } | null = null

  /** The next octets of the stream. `packet` is 0 for a bare stream. */
  push(octets: Uint8Array, packet: number, atNs: number): void {
    if (this.failed) return
    if (packet > 0) this.log.append(this.channel, this.chunkOffset, packet, atNs)
    try {
      this.reader.push(octets)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.failed = true
      this.note(`could not be read on: ${error.message}`)
    }
    this.chunkOffset += octets.length
  }

  /** Octets are missing from the capture: nothing after them can be told apart. */
  gap(octets: number): void {
    if (this.failed) return
    this.failed = true
    this.note(`${octets} octets are missing from the capture at octet ${this.chunkOffset}: what came before is rebuilt`)
  }

  /** Nothing more will come. */
  end(): void {
    if (!this.failed) this.reader.end()
  }

  /** The post-copy was interrupted, and another connection brings the rest. */
  continueElsewhere(): void {
    this.note('the connection broke, and the rest came on another one')
    this.failed = this.reader.stateComplete
    if (this.failed) return // all of it was seen, though it did not all arrive
    this.reader.continueElsewhere()
    this.chunkOffset = this.reader.octetsRead
    this.channel = this.log.addChannel()
  }

  alikePages(): AlikePage[] {
    return this.whole.alikePages()
  }

  get isComplete(): boolean {
    return this.reader.stateComplete
  }

  get pagesRecovered(): number {
    let pages = 0
    for (const block of this.blocks) pages += block.pagesRecovered
    return pages
  }

  // What the reader tells.

  override configuration(machineType: string): void {
    this.machine = machineType
  }

  override memorySize(blocks: readonly RamBlockSize[]): void {
    super.memorySize(blocks)
    for (const image of this.blocks)
      this.watched.push({
        image,
        evidence: new PageEvidence(),
        changes: new PageChanges(),
        found: new FindingList(),
        live: [],
      })
  }

  override page(block: number, offset: number, octets: Uint8Array): void {
    const page = offset / PAGE_OCTETS
    const wasZero = this.blocks[block]?.page(page) === null
    this.before(block, page)
    super.page(block, offset, octets)
    this.after(block, page)
    if (wasZero) this.octetsRecovered += PAGE_OCTETS
    const watched = this.watched[block]
    const at = this.reader.positionOf(octets)
    watched?.evidence.copied(page, this.channel, at)
    this.whole.add(octets, at)
    this.queueSearch(watched, page)
  }

  override filledPage(block: number, offset: number, fill: number): void {
    const image = this.blocks[block]
    if (fill === 0 && image !== undefined && image.page(offset / PAGE_OCTETS) !== null)
      this.octetsRecovered -= PAGE_OCTETS
    this.before(block, offset / PAGE_OCTETS)
    super.filledPage(block, offset, fill)
    this.after(block, offset / PAGE_OCTETS)
  }

  override xbzrlePage(block: number, offset: number, encoded: Uint8Array): void {
    const page = offset / PAGE_OCTETS
    const wasZero = this.blocks[block]?.page(page) === null
    this.before(block, page)
    super.xbzrlePage(block, offset, encoded)
    this.after(block, page)
    if (this.blocks[block]?.kind(page) !== 'xbzrle') {
      this.deltasWithoutPage++
      return
    }
    if (wasZero) this.octetsRecovered += PAGE_OCTETS
    this.watched[block]?.evidence.changed(page, this.channel, this.reader.positionOf(encoded), encoded.length)
    this.queueSearch(this.watched[block], page)
  }

  override compressedPage(block: number, offset: number, compressed: Uint8Array): void {
    const page = offset / PAGE_OCTETS
    const wasZero = this.blocks[block]?.page(page) === null
    this.before(block, page)
    super.compressedPage(block, offset, compressed)
    this.after(block, page)
    this.compressedPages++
    if (wasZero) this.octetsRecovered += PAGE_OCTETS
    this.watched[block]?.evidence.changed(page, this.channel, this.reader.positionOf(compressed), compressed.length)
    this.queueSearch(this.watched[block], page)
  }

  /** A disk is searched as memory is. */
  override diskChunk(device: string, sector: number, octets: Uint8Array | null): void {
    const at = sector * DISK_SECTOR_OCTETS
    if (at % DISK_CHUNK_OCTETS !== 0 || at >= DISK_OCTETS_MAX) return
    const watched = this.disks.get(device) ?? this.newDisk(device)
    if (watched === null) return
    const { image, evidence } = watched
    image.growTo(at + DISK_CHUNK_OCTETS)
    for (let offset = 0; offset < DISK_CHUNK_OCTETS; offset += PAGE_OCTETS) {
      const page = (at + offset) / PAGE_OCTETS
      if (octets === null) {
        image.fillPage(page, 0)
        continue
      }
      const view = octets.subarray(offset, offset + PAGE_OCTETS)
      image.setPage(page, view)
      evidence.copied(page, this.channel, this.reader.positionOf(view))
      this.queueSearch(watched, page)
    }
  }

  private newDisk(device: string): WatchedBlock | null {
    if (this.disks.size === DISKS_MAX) return null
    const image = new ImageBlock(device, 0)
    const watched = {
      image,
      evidence: new PageEvidence(),
      changes: new PageChanges(),
      found: new FindingList(),
      live: [],
    }
    this.disks.set(device, watched)
    this.note(`disk ${device} goes before the memory`)
    return watched
  }

  private allWatched(): readonly WatchedBlock[] {
    return [...this.watched, ...this.disks.values()]
  }

  override command(command: number, _data: Uint8Array): void {
    if (command === MIG_CMD.POSTCOPY_ADVISE) this.note('the source may switch to post-copy')
    if (command === MIG_CMD.POSTCOPY_RAM_DISCARD && !this.isPostcopy) this.notePostcopy()
  }

  override packaged(items: Uint8Array): void {
    this.notePostcopy()
    const names = packageItems(items).flatMap((item) => (item.kind === 'device' ? [item.idstr] : []))
    this.note(`the state of ${names.length} devices came in a package of ${items.length} octets: ${names.join(', ')}`)
  }

  override deviceSection(_header: SectionHeader, _body: Uint8Array, _description: DeviceDescription): void {
    this.deviceCount++
  }

  override unreadDevices(octets: Uint8Array, reason: string): void {
    this.note(`${octets.length} octets of device state could not be told apart: ${reason}`)
  }

  // What other streams of the same migration tell.

  /** A whole page that came on a multifd channel. */
  multifdPage(block: number, offset: number, octets: Uint8Array, channel: number, streamOffset: number): void {
    const image = this.blocks[block]
    if (image === undefined || offset % PAGE_OCTETS !== 0 || offset + PAGE_OCTETS > image.octets) return
    if (image.page(offset / PAGE_OCTETS) === null) this.octetsRecovered += PAGE_OCTETS
    this.before(block, offset / PAGE_OCTETS)
    image.setPage(offset / PAGE_OCTETS, octets)
    this.after(block, offset / PAGE_OCTETS)
    this.watched[block]?.evidence.copied(offset / PAGE_OCTETS, channel, streamOffset)
    this.queueSearch(this.watched[block], offset / PAGE_OCTETS)
  }

  multifdZeroPage(block: number, offset: number): void {
    const image = this.blocks[block]
    if (image === undefined || offset + PAGE_OCTETS > image.octets) return
    if (image.page(offset / PAGE_OCTETS) !== null) this.octetsRecovered -= PAGE_OCTETS
    this.before(block, offset / PAGE_OCTETS)
    image.fillPage(offset / PAGE_OCTETS, 0)
    this.after(block, offset / PAGE_OCTETS)
  }

  note(sentence: string): void {
    if (this.seen.length < NOTES_MAX && !this.seen.includes(sentence)) this.seen.push(sentence)
  }

  private notePostcopy(): void {
    this.isPostcopy = true
    this.note(
      'post-copy: the guest moved before its memory, which follows; the image is the source’s, pages by demand included',
    )
  }

  // Copies of a page are compared as they come. `isKnown` says that there is one to compare with.

  private before(block: number, page: number): void {
    const { image, changes } = this.watched[block] ?? {}
    this.isKnown = image !== undefined && image.kind(page) !== 'unseen' && image.kind(page) !== 'delta'
    if (image !== undefined && this.isKnown) changes?.keep(image.page(page))
  }

  private after(block: number, page: number): void {
    const { image, changes } = this.watched[block] ?? {}
    if (image !== undefined && this.isKnown) changes?.compare(page, image.page(page))
  }

  // Search as pages come: neighbours are searched together, a page sent again is searched again.

  private queueSearch(watched: WatchedBlock | undefined, page: number): void {
    const { waiting } = this
    if (watched === undefined) return
    if (waiting?.watched === watched && waiting.last + 1 === page && page - waiting.first < SEARCH_PAGES_MAX) {
      waiting.last = page
      return
    }
    this.searchWaiting()
    this.waiting = { watched, first: page, last: page }
  }

  private searchWaiting(): void {
    const { waiting } = this
    if (waiting === null) return
    this.waiting = null
    const { watched } = waiting
    this.search.searchPages(watched.image, waiting.first, waiting.last, watched.found)
    for (const finding of watched.found.foundSince(watched.live.length))
      watched.live.push({
        finding,
        evidence: this.evidenceFor(watched, finding),
        excerpt: excerptOf(watched.image, finding),
      })
  }

  private evidenceFor({ evidence }: WatchedBlock, { places }: SecretFinding): Evidence {
    const place = places[0]
    return this.log.evidenceFor(place === undefined ? [] : evidence.spans(place.offset, place.offset + place.octets))
  }

  /** Secrets that were whole at some time, counted once each. */
  get findingCount(): number {
    this.searchWaiting()
    return this.allWatched().reduce((count, { live }) => count + live.length, 0)
  }

  liveFindings(): LiveFinding[] {
    this.searchWaiting()
    return this.allWatched().flatMap(({ image, live }) =>
      live.map(({ finding: { kind, value, name, places }, evidence }) => ({
        kind,
        value,
        name,
        address: addressText(image.name, places[0]?.offset ?? 0),
        packet: evidence.packets.at(-1) ?? 0,
        atNs: evidence.atNs,
      })),
    )
  }

  // The report.

  findingReports(): FindingReport[] {
    this.searchWaiting()
    return this.allWatched().flatMap((watched) => {
      const found = new FindingList()
      this.search.searchBlock(watched.image, found)
      const reports = found
        .list()
        .map((finding) =>
          reportOf(
            watched.image,
            { finding, evidence: this.evidenceFor(watched, finding), excerpt: excerptOf(watched.image, finding) },
            false,
          ),
        )
      const gone = watched.live.filter(({ finding }) => !found.has(finding.kind, finding.value))
      return [...reports, ...gone.map((record) => reportOf(watched.image, record, true))]
    })
  }

  processReports(): ProcessReport[] {
    return this.watched.flatMap(({ image, evidence }) =>
      findProcesses(image).map(({ offset, name, state, from, to, pc }) => ({
        ...{ name, state, record: addressText(image.name, offset) },
        ...{ from: hexAddress(from), to: hexAddress(to), pc: hexAddress(pc) },
        packets: this.log.evidenceFor(evidence.spans(offset, offset + PROCESS_RECORD_OCTETS)).packets,
      })),
    )
  }

  /** Of the blocks of which a page crossed more than once. */
  changeReports(): ChangeReport[] {
    return this.watched.flatMap(({ image, changes }) => {
      const pagesBySends: number[] = []
      for (let page = 0; page < image.pageCount; page++) {
        const sends = Math.min(image.recordCount(page), SENDS_TOLD_MAX)
        if (sends > 0) pagesBySends[sends - 1] = (pagesBySends[sends - 1] ?? 0) + 1
      }
      if (pagesBySends.length < 2) return []
      const pages = changes.pages()
      const counters = pages.flatMap(({ words }) => words.filter(({ isCounter }) => isCounter))
      return {
        block: image.name,
        pagesBySends: Array.from(pagesBySends, (count: number | undefined) => count ?? 0),
        pagesChanged: pages.length,
        hottest: pages.slice(0, HOTTEST_TOLD).map((changed) => changedPageReport(image, changed)),
        counters: counters.slice(0, COUNTERS_TOLD).map((word) => changedWordReport(image, word)),
      }
    })
  }

  /** What is known of the page at a guest-physical address; null if that was never seen to change. */
  changesAt(address: number): ChangedPageReport | null {
    for (const { image, changes } of this.watched) {
      const base = guestAddress(image.name, 0)
      if (base === null || address < base || address >= base + image.octets) continue
      const changed = changes.page(Math.floor((address - base) / PAGE_OCTETS))
      return changed === null ? null : changedPageReport(image, changed)
    }
    return null
  }

  blockReports(): BlockReport[] {
    return this.allWatched().map(({ image: block }) => ({
      name: block.name,
      octets: block.octets,
      pagesRecovered: block.pagesRecovered,
      sha256: hashOf(block),
    }))
  }

  roundReports(): RoundReport[] {
    return this.rounds.map(({ zero, normal, xbzrle }) => ({ zero, normal, xbzrle, inferred: true }))
  }

  /** Sentences about the stream as it is known now. */
  notes(): string[] {
    const notes = [...this.seen]
    const rounds = this.rounds.length
    if (this.blocks.length > 0)
      notes.unshift(
        `live migration in clear${this.machine === null ? '' : ` of a "${this.machine}" machine`}: ` +
          `${this.blocks.length} RAM ${this.blocks.length === 1 ? 'block' : 'blocks'}, ${rounds} ${rounds === 1 ? 'pass' : 'passes'} over memory`,
      )
    if (this.deviceCount > 0) notes.push(`state of ${this.deviceCount} devices`)
    if (this.deltasWithoutPage > 0)
      notes.push(`${this.deltasWithoutPage} XBZRLE deltas to pages that were not captured: those pages stay unknown`)
    if (this.compressedPages > 0)
      notes.push(`${this.compressedPages} compressed pages: inflated, compression hides nothing`)
    return notes
  }
}

function changedPageReport(image: ImageBlock, { page, changes, wordsChanged, words }: ChangedPage): ChangedPageReport {
  return {
    address: addressText(image.name, page * PAGE_OCTETS),
    copies: image.recordCount(page),
    ...{ changes, wordsChanged, words: words.map((word) => changedWordReport(image, word)) },
  }
}

function changedWordReport(image: ImageBlock, { offset, values, isCounter }: ChangedWord): ChangedWordReport {
  return { address: addressText(image.name, offset), values, isCounter }
}

const hexAddress = (address: number): string => `0x${address.toString(16).padStart(8, '0')}`

function reportOf(
  image: ImageBlock,
  { finding, evidence, excerpt }: LiveRecord,
  isOverwritten: boolean,
): FindingReport {
  const { kind, value, name, confidence, why, places } = finding
  const first = places[0] ?? { offset: 0, octets: 0, encoding: 'ascii' as const }
  const addresses = places.map(({ offset }) => addressText(image.name, offset))
  return {
    kind,
    value,
    name,
    address: addressText(image.name, first.offset),
    addresses,
    block: image.name,
    offset: first.offset,
    encoding: first.encoding,
    packets: evidence.packets,
    atNs: evidence.packets.length === 0 ? null : evidence.atNs,
    confidence,
    why,
    excerpt,
    isOverwritten,
  }
}

function excerptOf(image: ImageBlock, { places }: SecretFinding): string {
  const place = places[0]
  if (place === undefined) return ''
  const from = Math.max(0, place.offset - EXCERPT_OCTETS)
  const to = Math.min(image.octets, place.offset + Math.min(place.octets, 4 * EXCERPT_OCTETS) + EXCERPT_OCTETS)
  let text = ''
  for (let at = from; at < to; at++) {
    const octet = image.page(Math.floor(at / PAGE_OCTETS))?.[at % PAGE_OCTETS] ?? 0
    text += octet >= 0x20 && octet < 0x7f ? String.fromCharCode(octet) : '.'
  }
  return text
}

/** Blocks that are all zero, such as empty flash, are many and alike: their hashes by length. */
const zeroHashes = new Map<number, string>()

/** A stream can claim more memory than it brings: such a block is not hashed, its hash stays empty. */
const UNHASHED_OCTETS_MIN = 256 * 1024 * 1024

function hashOf(block: ImageBlock): string {
  if (block.octets >= UNHASHED_OCTETS_MIN && block.pagesRecovered * 16 < block.pageCount) return ''
  let isZero = true
  for (let page = 0; page < block.pageCount && isZero; page++) isZero = block.page(page) === null
  const known = isZero ? zeroHashes.get(block.octets) : undefined
  if (known !== undefined) return known
  const hash = sha256.create()
  for (let page = 0; page < block.pageCount; page++) hash.update(block.page(page) ?? zeroPage)
  const text = hexOf(hash.digest())
  if (isZero) zeroHashes.set(block.octets, text)
  return text
}
