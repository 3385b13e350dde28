/** The attacker's listening post: keeps what its port brings, reads along, and lets the trace say what it learnt. */
import { CaptureAnalysis } from '../attack/capture-analysis.js'
import type { AnalysisReport, ChangedPageReport } from '../attack/analysis-report.js'
import { guestAddress } from '../migration/wire/guest-address.js'
import { TRANSFER_OCTETS_MIN } from '../attack/traffic/metadata-estimate.js'
import type { Transfer } from '../attack/traffic/transfers.js'
import type { StructureSeen } from '../attack/structure/alike-pages.js'
import { structureOf } from '../attack/structure/block-repeats.js'
import type { FrameSink } from '../base/frame-sink.js'
import { equalOctets } from '../base/octets.js'
import { milliseconds, PAGE_OCTETS } from '../base/units.js'
import type { Kernel, KernelEvent, Process, QueuedEvent } from '../kernel/kernel.js'
import type { RamBlock } from '../migration/guest-memory.js'
import type { Tap } from '../net/tap.js'

/** The trace hears of progress this often while frames come. */
const REPORT_NS = milliseconds(1)
/** For a transfer without conversations: ESP. */
const UNTOLD_STREAM = -1
const REMARK_CHARACTERS = 400
const REPORT: KernelEvent = Object.freeze({ kind: 'report' })

/** What the trace was told of a conversation. */
interface Told {
  isSeen: boolean
  pages: number
  findings: number
}

export class Sniffer implements FrameSink, Process {
  private readonly analysis = new CaptureAnalysis()
  private readonly told: Told[] = []
  private readonly judged = new Set<Transfer>()
  /** Conversations whose structure was told. */
  private readonly structures = new Set<number>()
  private nextReport: QueuedEvent | null = null

  constructor(
    private readonly kernel: Kernel,
    readonly tap: Tap,
    private readonly name: string,
  ) {}

  receiveFrame(frame: Uint8Array): void {
    this.tap.receiveFrame(frame)
    const packet = this.tap.lastPacket
    // The tap's copy: what is rebuilt refers to it for long.
    const kept = this.tap.frame(packet)
    if (kept !== undefined) this.analysis.addFrame(kept, this.kernel.nowNs, packet)
    this.nextReport ??= this.kernel.schedule(REPORT_NS, this, REPORT)
  }

  handleEvent(): void {
    this.nextReport = null
    this.tell()
  }

  /** All there is to say about what was captured so far. */
  report(): AnalysisReport {
    return this.analysis.report()
  }

  /** Octets of the guest's memory as rebuilt last, from a guest-physical address to the end of its page at most. */
  memoryAt(address: number, octetsMax: number): Uint8Array | null {
    const blocks = this.analysis.migrations.toReversed().flatMap((migration) => migration.blocks)
    for (const block of blocks) {
      const base = guestAddress(block.name, 0)
      if (base === null || address < base) continue
      const page = block.page(Math.floor((address - base) / PAGE_OCTETS))
      if (page === null) continue
      const start = (address - base) % PAGE_OCTETS
      return page.subarray(start, start + octetsMax)
    }
    return null
  }

  /** What changed between the copies of the page at a guest-physical address, in the last migration that brought some. */
  changesAt(address: number): ChangedPageReport | null {
    for (const migration of this.analysis.migrations.toReversed()) {
      const changed = migration.changesAt(address)
      if (changed !== null) return changed
    }
    return null
  }

  /** A packet that gave something away says so in the capture. One that gave away much has the first few. */
  private remark(packet: number, text: string): void {
    const before = this.tap.comment(packet)
    if (before !== undefined && before.length > REMARK_CHARACTERS) return
    this.tap.addComment(packet, before === undefined ? `Given away here: ${text}` : `${before}; ${text}`)
  }

  /** A transfer that is over is judged once, by what its lengths and times say. */
  private tellTransfers(): void {
    const { transfers } = this.analysis
    const { trace, nowNs } = this.kernel
    for (const transfer of transfers.all) {
      if (!transfer.isBulk || !transfer.isOver(nowNs) || this.judged.has(transfer)) continue
      this.judged.add(transfer)
      for (const [quantity, { value, low, high }] of Object.entries(transfers.estimate(transfer)))
        trace.add('traffic-estimate', { attacker: this.name, quantity, value, low, high })
      if (transfer.blocks === null) this.tellStructures()
      else this.tellStructure(UNTOLD_STREAM, structureOf(transfer.blocks))
    }
  }

  /** What is alike in the conversations of a transfer that is over. */
  private tellStructures(): void {
    this.analysis.conversations.forEach((conversation, stream) => {
      const isLarge = conversation.octetsToServer >= TRANSFER_OCTETS_MIN || conversation.qevm !== null
      if (!isLarge || this.structures.has(stream)) return
      this.structures.add(stream)
      this.tellStructure(stream, conversation.structure())
    })
  }

  private tellStructure(stream: number, { blocks, repeated, pages }: StructureSeen): void {
    const { trace } = this.kernel
    const attacker = this.name
    for (const { octet, group, isZero } of pages)
      trace.add('page-alike', { attacker, stream, octet, group, isZero: isZero ? 1 : 0 })
    trace.add('structure-seen', { attacker, stream, blocks, repeated })
  }

  /** Octets that a conversation gave away of these blocks of memory, in pages that are exactly as they are there. */
  exactOctets(stream: number, memory: readonly RamBlock[]): number {
    const rebuilt = this.analysis.conversations[stream]?.qevm?.blocks ?? []
    let pages = 0
    for (const { name, memory: truth } of memory) {
      const block = rebuilt.find((each) => each.name === name)
      if (block === undefined) continue
      for (let page = 0; page < Math.min(block.pageCount, truth.pageCount); page++) {
        const kind = block.kind(page)
        if (kind === 'unseen' || kind === 'delta') continue
        const octets = block.page(page)
        if (octets === null ? truth.isZero(page) : equalOctets(octets, truth.page(page))) pages++
      }
    }
    return pages * PAGE_OCTETS
  }

  private tell(): void {
    this.tellTransfers()
    const { trace } = this.kernel
    const attacker = this.name
    this.analysis.conversations.forEach((conversation, stream) => {
      const told = (this.told[stream] ??= { isSeen: false, pages: 0, findings: 0 })
      const { protocol, qevm, client, server } = conversation
      if (protocol === null) return
      if (!told.isSeen) {
        told.isSeen = true
        trace.add('stream-seen', { attacker, stream, protocol, client, server })
      }
      if (qevm === null) return
      // A page that was announced as zero is known as well as one whose octets came.
      const pages = qevm.pagesRecovered
      const octets = pages * PAGE_OCTETS
      if (pages !== told.pages) {
        told.pages = pages
        trace.add('recovered', { attacker, stream, pages, octets })
      }
      if (qevm.findingCount === told.findings) return
      for (const { kind, name, value, address, packet } of qevm.liveFindings().slice(told.findings)) {
        trace.add('finding', { attacker, stream, kind, name, value, address: Number(address), packet })
        this.remark(packet, `${kind} ${name}, at ${address} of the guest's memory`)
      }
      told.findings = qevm.findingCount
    })
  }
}
