/**
 * A migration's stream in Xen's frame: what the engine writes goes out in libxc records (core/migration/wire/libxc.ts) and
 * comes out of them at the other end, octet for octet. Pages that are sent whole are lifted into PAGE_DATA; the rest follows
 * in a TOOLSTACK record, as runs between which the pages stand. The guest's page tables go first. What the destination answers is not framed: Xen has no
 * return path, and this lab's engine needs one.
 */
import { WireError } from '../base/errors.js'
import { concatOctets, readU64be } from '../base/octets.js'
import type { ByteStream } from '../base/byte-stream.js'
import { PAGE_OCTETS } from '../base/units.js'
import type { HostCores } from '../kernel/cores.js'
import type { Kernel } from '../kernel/kernel.js'
import {
  encodeLibxcHeaders,
  encodeLibxcRecord,
  encodePageData,
  LIBXC_PAGES_MAX,
  LIBXC_RECORD,
  PAGE_TYPE,
  type LibxcPage,
} from '../migration/wire/libxc.js'
import { encodeLibxcRuns, LibxcUnframer } from '../migration/wire/libxc-runs.js'
import { encodeP2mFrames, encodePvInfo, pvPageTables } from '../migration/wire/pv-page-tables.js'
import { RAM_SAVE_FLAG, RECORD_HEADER_OCTETS, type RamBlockSize } from '../migration/wire/qevm.js'
import { StreamReader } from '../migration/wire/stream-reader.js'
import { SilentObserver } from '../migration/wire/stream-observer.js'
import { ChannelEffects, SecureChannel, type ChannelProtocol, type ChannelRole } from '../secure/channel.js'
import { costsOf, type CostTable } from '../secure/costs.js'

/** Payload of one piece: fewer pages than one record may hold. */
const PIECE_OCTETS_MAX = (LIBXC_PAGES_MAX / 4) * PAGE_OCTETS
const TABLES_A_RECORD = LIBXC_PAGES_MAX / 4
const UNREAD_OCTETS_MAX = 1024 ** 2
/** What is kept of a page whose rest has not been written. */
const HELD_OCTETS_MAX = 2 * PAGE_OCTETS

interface PlacedPage extends LibxcPage {
  /** In the stream. */
  readonly at: number
}

/** Finds the pages in what is written. */
class PageFinder extends SilentObserver {
  pages: PlacedPage[] = []
  /** Pages of the guest's memory: the largest block. 0 until the stream has said so. */
  pageCount = 0
  private readonly reader = new StreamReader(this, { unknownDevices: 'recover' })
  private held: Uint8Array = new Uint8Array(0)
  private heldAt = 0
  private isLost = false

  /** What of the stream can go, with the pages in it. */
  push(octets: Uint8Array): {
    readonly octets: Uint8Array
    readonly at: number
    readonly pages: readonly PlacedPage[]
  } {
    this.held = this.held.length === 0 ? octets : concatOctets([this.held, octets])
    this.pages = []
    this.read(octets)
    const behind = this.heldAt + this.held.length - this.reader.octetsRead
    return this.take(this.isLost || behind > HELD_OCTETS_MAX ? this.held.length : this.held.length - behind)
  }

  /** All that is left. */
  rest(): { readonly octets: Uint8Array; readonly at: number; readonly pages: readonly PlacedPage[] } {
    this.pages = []
    return this.take(this.held.length)
  }

  override memorySize(blocks: readonly RamBlockSize[]): void {
    this.pageCount = Math.max(0, ...blocks.map(({ octets }) => octets)) / PAGE_OCTETS
  }

  override page(_block: number, offset: number, octets: Uint8Array): void {
    const at = this.reader.recordPosition - this.heldAt
    if (at < 0) return
    const isNamed = (readU64be(this.held, at) & RAM_SAVE_FLAG.CONTINUE) === 0
    const nameOctets = isNamed ? 1 + (this.held[at + RECORD_HEADER_OCTETS] ?? 0) : 0
    const from = this.heldAt + at + RECORD_HEADER_OCTETS + nameOctets
    this.pages.push({ pfn: offset / PAGE_OCTETS, type: PAGE_TYPE.NOTAB, octets: octets.slice(), at: from })
  }

  /** A stream that cannot be read is carried as it is: the destination will say what is wrong with it. */
  private read(octets: Uint8Array): void {
    if (this.isLost) return
    try {
      this.reader.push(octets)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.isLost = true
    }
  }

  private take(length: number): { octets: Uint8Array; at: number; pages: readonly PlacedPage[] } {
    const taken = { octets: this.held.subarray(0, length), at: this.heldAt, pages: this.pages }
    this.held = this.held.subarray(length)
    this.heldAt += length
    return taken
  }
}

abstract class PlainProtocol {
  readonly name = 'libxc'
  effects = new ChannelEffects()
  readonly unreadOctetsMax = UNREAD_OCTETS_MAX

  start(): void {
    this.effects.opened = true
  }
  sendableOctets(): number {
    return PIECE_OCTETS_MAX
  }
  consumed(): void {}

  protected put(octets: Uint8Array): void {
    if (octets.length > 0) this.effects.messages.push({ name: null, octets })
    this.effects.work.octets += octets.length
  }
}

class LibxcSender extends PlainProtocol implements ChannelProtocol {
  private readonly finder = new PageFinder()
  private hasBegun = false
  private hasTables = false

  send(payload: Uint8Array): void {
    if (!this.hasBegun) {
      this.put(encodeLibxcHeaders())
      this.put(encodePvInfo())
    }
    this.hasBegun = true
    const ready = this.finder.push(payload)
    if (!this.hasTables && this.finder.pageCount > 0) this.putTables(this.finder.pageCount)
    this.putFramed(ready)
  }

  end(): void {
    this.putFramed(this.finder.rest())
    if (this.hasBegun) this.put(encodeLibxcRecord({ type: LIBXC_RECORD.END, body: new Uint8Array(0) }))
    this.effects.finished = true
  }

  receive(octets: Uint8Array): void {
    this.effects.payload.push(octets)
  }
  receiveEnd(): void {
    this.effects.peerEnded = true
  }

  private putTables(pageCount: number): void {
    this.hasTables = true
    this.put(encodeP2mFrames(pageCount))
    const tables = pvPageTables(pageCount)
    for (let from = 0; from < tables.length; from += TABLES_A_RECORD)
      this.put(encodePageData(tables.slice(from, from + TABLES_A_RECORD)))
  }

  private putFramed({ octets, at, pages }: ReturnType<PageFinder['push']>): void {
    if (octets.length === 0) return
    const runs: Uint8Array[] = []
    let from = 0
    for (const page of pages) {
      runs.push(octets.subarray(from, page.at - at))
      from = page.at - at + PAGE_OCTETS
    }
    runs.push(octets.subarray(from))
    if (pages.length > 0) this.put(encodePageData(pages))
    this.put(encodeLibxcRuns(runs))
  }
}

class LibxcReceiver extends PlainProtocol implements ChannelProtocol {
  private readonly unframer = new LibxcUnframer()

  send(payload: Uint8Array): void {
    this.put(payload)
  }
  end(): void {
    this.effects.finished = true
  }

  receive(octets: Uint8Array): void {
    this.effects.work.octets += octets.length
    this.effects.payload.push(...this.unframer.push(octets))
  }

  receiveEnd(): void {
    this.unframer.end()
    this.effects.peerEnded = true
  }
}

/** The end of a framed stream: `client` is the source's. The helper process that xl starts copies the stream in and out. */
export function libxcFraming(
  kernel: Kernel,
  role: ChannelRole,
  lower: ByteStream,
  { cores, costTable }: { readonly cores: HostCores; readonly costTable: CostTable },
): ByteStream {
  const { nsPerOctet } = costTable.streamed.loopback
  const costs = { ...costsOf(costTable, 'chacha20-poly1305'), nsPerOctet, nsPerRecord: 0 }
  const place = { kernel, lower, cores, hostName: cores.host, channelName: 'libxc', costs }
  return new SecureChannel(place, role === 'client' ? new LibxcSender() : new LibxcReceiver())
}
