/** What the window asks about captured packets: rows of the list, one packet whole, streams, conversations, filters. */
import { CaptureIndex } from '../../core/capture/capture-index.js'
import { conversationsOf } from '../../core/capture/conversations.js'
import { completions } from '../../core/capture/filter/completions.js'
import { DisplayFilter } from '../../core/capture/filter/display-filter.js'
import { FilterError } from '../../core/capture/filter/filter-error.js'
import { followStream } from '../../core/capture/follow-stream.js'
import type { FrameSource } from '../../core/capture/frame-source.js'
import { packetTree } from '../../core/capture/packet-facts.js'
import { summarisePacket } from '../../core/capture/packet-summary.js'
import { protocolHierarchy } from '../../core/capture/protocol-hierarchy.js'
import { TCP_ANALYSIS } from '../../core/capture/tcp-analysis-bits.js'
import type {
  CaptureId,
  PacketAnswer,
  PacketList,
  PacketRow,
  PacketWatch,
  Request,
  StatisticsView,
} from './contract.js'

/** Wall time that indexing and filtering may take before somebody else has a turn. */
const TURN_MS = 10
/** Packets looked at between two looks at the clock. */
const STRIDE_PACKETS = 500
const ROWS_MAX = 500
/** Of a followed stream. */
const FOLLOWED_OCTETS_MAX = 256 * 1024

/** What Wireshark would colour: not acknowledgments that merely open the window, or keep a connection alive. */
const ODD = 0xffff & ~(TCP_ANALYSIS.windowUpdate | TCP_ANALYSIS.keepAlive | TCP_ANALYSIS.keepAliveAck)
/** Their contents can be read by whoever has the packet. */
const clearProtocols: ReadonlySet<string> = new Set(['QEVM', 'QEVM-RP', 'Multifd', 'HTTP', 'RESP'])
const sealedProtocols: ReadonlySet<string> = new Set(['SSH', 'SSHv2', 'TLS', 'TLSv1.2', 'TLSv1.3', 'NaCl', 'ESP'])

const goneRow: PacketRow = {
  packet: 0,
  atNs: 0,
  source: '',
  destination: '',
  protocol: '',
  octets: 0,
  info: 'no longer kept',
  tone: 'plain',
  isOdd: false,
}

/** A segment in the middle of something is as readable as that. */
function toneOf(protocol: string, index: CaptureIndex, packet: number): PacketRow['tone'] {
  const stream = index.streamOf(packet)?.stream
  const carried = [protocol, stream?.toServer.protocol?.columnName ?? '', stream?.toClient.protocol?.columnName ?? '']
  if (carried.some((name) => clearProtocols.has(name))) return 'clear'
  return carried.some((name) => sealedProtocols.has(name)) ? 'sealed' : 'plain'
}

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
    this.filter = null
    this.filterProblem = null
    if (text.trim() === '') return
    try {
      this.filter = new DisplayFilter(this.index, text)
    } catch (error) {
      if (!(error instanceof FilterError)) throw error
      const { message, start, end } = error
      this.filterProblem = { message, start, end }
    }
  }

  /** Index and filter what is new, until `isOver`. */
  advance(isOver: () => boolean): void {
    const { index, filter } = this
    while (index.update(STRIDE_PACKETS) > 0 && !isOver());
    if (filter === null) return
    this.examined = Math.max(this.examined, index.firstPacket - 1)
    while (this.examined < index.lastPacket && !isOver()) {
      const to = Math.min(index.lastPacket, this.examined + STRIDE_PACKETS)
      for (const packet of filter.matchRange(this.examined + 1, to + 1)) this.matches.push(packet)
      this.examined = to
    }
    while ((this.matches[this.head] ?? Infinity) < index.firstPacket) this.head++
  }

  get matching(): number {
    const { index } = this
    return this.filter === null
      ? Math.max(0, index.lastPacket - index.firstPacket + 1)
      : this.matches.length - this.head
  }

  /** Packets that were captured and not looked at yet. */
  get pending(): number {
    return (
      this.source.lastPacket -
      (this.filter === null ? this.index.lastPacket : Math.min(this.examined, this.index.lastPacket))
    )
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
    const { columns } = index
    const summary = summarisePacket(index, packet)
    if (summary === null) return { ...goneRow, packet }
    const { timeNs: atNs, source, destination, protocol, octets, info } = summary
    const isOdd = ((columns.analysis[columns.row(packet)] ?? 0) & ODD) !== 0
    const tone = (columns.payloadLength[columns.row(packet)] ?? 0) === 0 ? 'plain' : toneOf(protocol, index, packet)
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
    else return
    this.told = ''
    this.refresh()
  }

  /** The session is over. */
  closeSession(): void {
    for (const id of this.captures.keys()) if (id === 'mirror' || id.startsWith('cable ')) this.captures.delete(id)
  }

  /** A network is over. */
  closeTaps(): void {
    for (const id of this.captures.keys()) if (id.startsWith('tap ')) this.captures.delete(id)
  }

  request(
    request: Extract<
      Request,
      { kind: 'watch-packets' | 'packet' | 'follow-stream' | 'statistics' | 'complete-filter' }
    >,
  ): void {
    switch (request.kind) {
      case 'watch-packets':
        this.watch = request.watch
        this.told = ''
        return this.refresh()
      case 'packet':
        return this.tellPacket(request.capture, request.packet)
      case 'follow-stream':
        return this.tellStream(request.capture, request.stream)
      case 'statistics':
        return this.tellStatistics(request.capture, request.view)
      case 'complete-filter':
        return this.tellCompletions(request.text, request.cursor)
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
    const followed = capture && followStream(capture.index, stream, { octetsMax: FOLLOWED_OCTETS_MAX })
    if (followed) this.host.answer({ kind: 'stream', capture: id, followed })
  }

  private tellStatistics(id: CaptureId, view: StatisticsView): void {
    const index = this.upToDate(id)?.index
    const conversations = index === undefined || view === 'protocols' ? [] : conversationsOf(index, view)
    const hierarchy = index !== undefined && view === 'protocols' ? protocolHierarchy(index) : null
    this.host.answer({ kind: 'statistics', capture: id, view, conversations, hierarchy })
  }

  private tellCompletions(text: string, cursor: number): void {
    const found = completions(text, cursor)
    this.host.answer({
      kind: 'completions',
      text,
      start: found[0]?.start ?? cursor,
      end: found[0]?.end ?? cursor,
      completions: found.map(({ text: insert, label }) => ({ insert, label })),
    })
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
  const rows = Array.from({ length: Math.max(0, Math.min(count, matching - first)) }, (_, at) =>
    capture.row(first + at),
  )
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
