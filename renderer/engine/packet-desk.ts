/** What the window asks about captured packets: rows of the list, one packet whole, streams, conversations, filters. */
import { CaptureIndex } from '../../core/capture/capture-index.js'
import { conversationsOf } from '../../core/capture/conversations.js'
import { compileFilter, filterCompletions, type DisplayFilter } from '../../core/capture/filter/display-filter.js'
import { followStream } from '../../core/capture/follow-stream.js'
import type { FrameSource } from '../../core/capture/frame-source.js'
import { packetTree } from '../../core/capture/packet-facts.js'
import { packetTone, summarisePacket } from '../../core/capture/packet-summary.js'
import type { CaptureId, PacketAnswer, PacketList, PacketRow, PacketWatch, Request } from './contract.js'

/** Wall time that indexing and filtering may take before somebody else has a turn. */
const TURN_MS = 10
/** Packets looked at between two looks at the clock. */
const STRIDE_PACKETS = 500
const ROWS_MAX = 500
/** Of a followed stream. */
const FOLLOWED_OCTETS_MAX = 256 * 1024

export interface PacketDeskHost {
  answer(answer: PacketAnswer): void
  wallMs(): number
  later(turn: () => void, delayMs: number): void
}

/** Packets of one capture that match one filter, as far as they were looked at. */
class OpenCapture {
  readonly index: CaptureIndex
  private filterText = ''
  private filter: DisplayFilter | null = null
  filterProblem: PacketList['filterProblem'] = null
  /** Packets that match, in order; those of dropped packets stand before `head`. */
  private matches: number[] = []
  private head = 0
  private examined = 0

  constructor(readonly source: FrameSource) {
    this.index = new CaptureIndex(source)
  }

  choose(text: string): void {
    if (text === this.filterText) return
    this.filterText = text
    this.matches = []
    this.head = 0
    this.examined = 0
    const compiled = text.trim() === '' ? null : compileFilter(text)
    this.filter = compiled !== null && 'matchRange' in compiled ? compiled : null
    this.filterProblem = compiled !== null && 'message' in compiled ? compiled : null
  }

  /** Index and filter what is new, until `isOver`. */
  advance(isOver: () => boolean): void {
    const { index, filter } = this
    while (index.update(STRIDE_PACKETS) > 0 && !isOver());
    if (filter === null) return
    this.examined = Math.max(this.examined, index.firstPacket - 1)
    while (this.examined < index.lastPacket && !isOver()) {
      const to = Math.min(index.lastPacket, this.examined + STRIDE_PACKETS)
      filter.matchRange(index, this.examined + 1, to, this.matches)
      this.examined = to
    }
    while ((this.matches[this.head] ?? Infinity) < index.firstPacket) this.head++
  }

  get matching(): number {
    const { index } = this
    return this.filter === null ? Math.max(0, index.lastPacket - index.firstPacket + 1) : this.matches.length - this.head
  }

  /** Packets that were captured and not looked at yet. */
  get pending(): number {
    return this.source.lastPacket - (this.filter === null ? this.index.lastPacket : Math.min(this.examined, this.index.lastPacket))
  }

  /** The packet at that place among those that match. */
  packetAt(place: number): number {
    return this.filter === null ? this.index.firstPacket + place : (this.matches[this.head + place] ?? 0)
  }

  /** Where a packet is among those that match; -1 when it is not there. */
  placeOf(packet: number): number {
    let low = 0
    let high = this.matching
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.packetAt(middle) < packet) low = middle + 1
      else high = middle
    }
    return low < this.matching && this.packetAt(low) === packet ? low : -1
  }

  row(place: number): PacketRow {
    const packet = this.packetAt(place)
    const { index } = this
    const summary = summarisePacket(index, packet)
    const { tone, isOdd } = packetTone(index, packet)
    if (summary === null)
      return { packet, atNs: 0, source: '', destination: '', protocol: '', octets: 0, info: 'no longer kept', tone, isOdd }
    const { timeNs: atNs, source, destination, protocol, octets, info } = summary
    return { packet, atNs, source, destination, protocol, octets, info, tone, isOdd }
  }
}

export class PacketDesk {
  private readonly captures = new Map<CaptureId, OpenCapture>()
  private watch: PacketWatch | null = null
  private isTurnDue = false
  /** What the last list said, so that nothing is said twice. */
  private told = ''

  constructor(private readonly host: PacketDeskHost) {}

  /** Null: that capture is closed. */
  open(id: CaptureId, source: FrameSource | null): void {
    if (source === null) this.captures.delete(id)
    else if (this.captures.get(id)?.source !== source) this.captures.set(id, new OpenCapture(source))
    this.told = ''
    this.refresh()
  }

  request(request: Extract<Request, { kind: 'watch-packets' | 'packet' | 'follow-stream' | 'conversations' | 'complete-filter' }>): void {
    switch (request.kind) {
      case 'watch-packets':
        this.watch = request.watch
        this.told = ''
        return this.refresh()
      case 'packet':
        return this.tellPacket(request.capture, request.packet)
      case 'follow-stream':
        return this.tellStream(request.capture, request.stream)
      case 'conversations': {
        const capture = this.upToDate(request.capture)
        const rows = capture === undefined ? [] : conversationsOf(capture.index, request.layer)
        return this.host.answer({ kind: 'conversations', capture: request.capture, layer: request.layer, rows })
      }
      case 'complete-filter':
        return this.host.answer({ kind: 'completions', text: request.text, ...filterCompletions(request.text, request.cursor) })
    }
  }

  /** Something may have been captured: say what changed of what is in sight. */
  refresh(): void {
    const { watch } = this
    if (watch === null) return
    const capture = this.captures.get(watch.capture)
    if (capture === undefined) return this.tell(nothing(watch))
    const stopMs = this.host.wallMs() + TURN_MS
    capture.choose(watch.filter)
    capture.advance(() => this.host.wallMs() >= stopMs)
    this.tell(listOf(capture, watch))
    if (capture.pending === 0 || this.isTurnDue) return
    this.isTurnDue = true
    this.host.later(() => {
      this.isTurnDue = false
      this.refresh()
    }, 0)
  }

  private tell(list: PacketList): void {
    const said = `${list.first} ${list.rows.length} ${list.matching} ${list.captured} ${list.dropped} ${list.pending} ${String(list.revealed)}`
    if (said === this.told) return
    this.told = said
    this.host.answer(list)
  }

  private tellPacket(id: CaptureId, packet: number): void {
    const capture = this.upToDate(id)
    const tree = capture === undefined ? null : packetTree(capture.index, packet)
    const stream = capture?.index.streamOf(packet)?.stream.number ?? null
    this.host.answer({ kind: 'packet', capture: id, packet, tree, stream })
  }

  private tellStream(id: CaptureId, stream: number): void {
    const capture = this.upToDate(id)
    const followed = capture === undefined ? null : followStream(capture.index, stream, { octetsMax: FOLLOWED_OCTETS_MAX })
    if (followed !== null) this.host.answer({ kind: 'stream', capture: id, ...followed })
  }

  private upToDate(id: CaptureId): OpenCapture | undefined {
    const capture = this.captures.get(id)
    capture?.index.update()
    return capture
  }
}

function listOf(capture: OpenCapture, watch: PacketWatch): PacketList {
  const { matching } = capture
  const count = Math.min(watch.count, ROWS_MAX)
  const first = Math.max(0, watch.first < 0 ? matching - count : Math.min(watch.first, matching - 1))
  const rows = Array.from({ length: Math.max(0, Math.min(count, matching - first)) }, (_, at) => capture.row(first + at))
  // A packet that was not looked at yet may still match.
  const place = watch.reveal === null ? null : capture.placeOf(watch.reveal)
  const revealed = place === -1 && capture.pending > 0 ? null : place
  const { firstPacket, lastPacket } = capture.source
  return {
    kind: 'packets',
    watch,
    filterProblem: capture.filterProblem,
    matching,
    pending: capture.pending,
    captured: lastPacket,
    dropped: firstPacket - 1,
    first,
    rows,
    revealed,
  }
}

function nothing(watch: PacketWatch): PacketList {
  return {
    kind: 'packets',
    watch,
    filterProblem: null,
    matching: 0,
    pending: 0,
    captured: 0,
    dropped: 0,
    first: 0,
    rows: [],
    revealed: null,
  }
}
