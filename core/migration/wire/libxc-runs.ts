/**
 * The lab's use of Xen's TOOLSTACK record: a migration's stream with its pages taken out, as runs of octets between which the
 * pages of the PAGE_DATA record before it stand.
 */
import { WireError } from '../../base/errors.js'
import { concatOctets, readU32le, writeU32le } from '../../base/octets.js'
import { decodePageData, encodeLibxcRecord, LIBXC_RECORD, LibxcReader, PAGE_TYPE, type LibxcPage } from './libxc.js'
import { checkPageTable, decodeP2mFrames } from './pv-page-tables.js'

/** u32 length and octets of each run; a page stands between every two. */
export function encodeLibxcRuns(runs: readonly Uint8Array[]): Uint8Array {
  const body = concatOctets(
    runs.flatMap((run) => {
      const length = new Uint8Array(4)
      writeU32le(length, 0, run.length)
      return [length, run]
    }),
  )
  return encodeLibxcRecord({ type: LIBXC_RECORD.TOOLSTACK, body })
}

function decodeRuns(body: Uint8Array): readonly Uint8Array[] {
  const runs: Uint8Array[] = []
  for (let at = 0; at < body.length;) {
    const end = body.length - at < 4 ? Infinity : at + 4 + readU32le(body, at)
    if (end > body.length) throw new WireError('libxc', at, 'a run longer than its record')
    runs.push(body.subarray(at + 4, end))
    at = end
  }
  return runs
}

/** Takes the frame off again. Everything throws `WireError`. */
export class LibxcUnframer {
  private readonly reader = new LibxcReader()
  private pages: readonly Uint8Array[] = []
  /** Of the guest, once X86_PV_P2M_FRAMES said so. */
  private pageCount = 0

  /** The stream inside, as far as it is there. */
  push(octets: Uint8Array): Uint8Array[] {
    const pieces: Uint8Array[] = []
    for (const { type, body } of this.reader.push(octets)) {
      if (type === LIBXC_RECORD.PAGE_DATA) {
        if (this.pages.length > 0) throw new WireError('libxc', 0, 'pages without a record that places them')
        this.pages = this.guestPages(decodePageData(body))
      } else if (type === LIBXC_RECORD.X86_PV_P2M_FRAMES) this.pageCount = decodeP2mFrames(body)
      else if (type === LIBXC_RECORD.TOOLSTACK) this.place(decodeRuns(body), pieces)
    }
    return pieces
  }

  /** Nothing follows. */
  end(): void {
    if (!this.reader.isDone) throw new WireError('libxc', 0, 'the stream ends without an END record')
  }

  /** Page tables are checked: no processor of this lab would walk them. */
  private guestPages(pages: readonly LibxcPage[]): readonly Uint8Array[] {
    for (const page of pages) if (page.type !== PAGE_TYPE.NOTAB) checkPageTable(page, this.pageCount)
    return pages.filter(({ type }) => type === PAGE_TYPE.NOTAB).map(({ octets }) => octets.slice())
  }

  private place(runs: readonly Uint8Array[], pieces: Uint8Array[]): void {
    const { pages } = this
    this.pages = []
    if (runs.length !== pages.length + 1)
      throw new WireError('libxc', 0, `${runs.length} runs cannot stand around ${pages.length} pages`)
    runs.forEach((run, index) => {
      if (run.length > 0) pieces.push(run.slice())
      const page = pages[index]
      if (page !== undefined) pieces.push(page)
    })
  }
}
