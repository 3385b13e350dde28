/**
 * Edits a QEMU migration while it passes. Nothing in the stream tells the destination: it has no checksum of its own, and TCP's
 * are made anew by whoever sends.
 *
 * A record is held until it is whole, so that what spans two segments is found too; then it goes on, as long as it was. Of
 * pages only those are edited that are sent as they are: not as XBZRLE differences, compressed, or on multifd's channels.
 */
import { WireError } from '../../base/errors.js'
import { concatOctets, writeU64be } from '../../base/octets.js'
import { PAGE_OCTETS } from '../../base/units.js'
import { addressText, guestAddress } from '../../migration/wire/guest-address.js'
import { findDescription } from '../../migration/wire/device-sections.js'
import { encodeReturnPath } from '../../migration/wire/return-path.js'
import { RAM_SAVE_FLAG, type RamBlockSize } from '../../migration/wire/qevm.js'
import { SilentObserver } from '../../migration/wire/stream-observer.js'
import { StreamReader } from '../../migration/wire/stream-reader.js'
import type { MigrationEdit } from './stream-edits.js'
import { beginningAt, findPattern, replaced, type OctetPattern } from './octet-pattern.js'
import type { EditWitness, StreamEditor } from './stream-editor.js'

interface Change {
  /** In the stream. */
  readonly at: number
  readonly octets: Uint8Array
}

const NEXT_PAGE_HEADER_OCTETS = 8
const nothing = new Uint8Array(0)

export class MigrationEditor extends SilentObserver implements StreamEditor {
  private readonly reader = new StreamReader(this, { unknownDevices: 'recover' })
  private held: Uint8Array = nothing
  /** Where in the stream what is held begins. */
  private heldAt = 0
  private changes: Change[] = []
  private blocks: readonly string[] = []
  private ramIsOver = false
  private endsRam = false
  private isReadable = true
  /** By block and offset: the first copy. */
  private readonly firstCopies = new Map<string, Uint8Array>()
  cuts = false
  /** What came after memory, where its end is waited for. */
  private tail: Uint8Array = nothing

  constructor(
    private readonly edits: readonly MigrationEdit[],
    private readonly witness: EditWitness,
  ) {
    super()
  }

  push(octets: Uint8Array): Uint8Array {
    this.held = concatOctets([this.held, octets])
    if (this.isReadable && !this.ramIsOver) this.read(octets)
    if (this.ramIsOver && this.confirms) this.tail = concatOctets([this.tail, octets])
    const isAll = !this.isReadable || this.ramIsOver
    const out = this.release(isAll ? this.heldAt + this.held.length : this.reader.octetsRead)
    return this.swallowed(this.truncated(isAll && this.isReadable ? this.editDevices(out) : out))
  }

  end(): Uint8Array {
    return this.release(this.heldAt + this.held.length)
  }

  // What the reader tells.

  override memorySize(blocks: readonly RamBlockSize[]): void {
    this.blocks = blocks.map(({ name }) => name)
  }

  override sectionEnd(): void {
    this.endsRam = true
  }

  /** Of the return path: the destination has everything (QEMU's `MIG_RP_MSG_SHUT` with 0). */
  takeReply(): Uint8Array | null {
    if (this.tail.length === 0 || findDescription(this.tail) < 0) return null
    this.tail = nothing
    this.witness.edited('confirm', 'the end, in the destination’s name')
    return encodeReturnPath({ kind: 'SHUT', value: 0 })
  }

  private get confirms(): boolean {
    return this.edits.some(({ kind }) => kind === 'confirm')
  }

  override endOfRecords(): void {
    this.ramIsOver ||= this.endsRam
  }

  override page(block: number, offset: number, octets: Uint8Array): void {
    const at = this.reader.positionOf(octets)
    const address = guestAddress(this.blocks[block] ?? '', offset)
    for (const edit of this.edits) {
      if (edit.kind === 'replace') this.replace(edit, at, octets, block, offset)
      if (edit.kind === 'swap-pages' && (address === edit.a || address === edit.b))
        this.moveTo(address === edit.a ? edit.b : edit.a, at, octets, block, offset)
      if (edit.kind === 'roll-back') this.rollBack(at, octets, block, offset)
    }
  }

  private read(octets: Uint8Array): void {
    try {
      this.reader.push(octets)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      this.isReadable = false
    }
  }

  private replace(
    edit: { readonly find: OctetPattern; readonly by: OctetPattern },
    at: number,
    page: Uint8Array,
    block: number,
    offset: number,
  ): void {
    for (let found = findPattern(edit.find, page); found >= 0; found = findPattern(edit.find, page, found + 1)) {
      const there = page.subarray(found, found + edit.find.octets.length)
      this.changes.push({ at: at + found, octets: replaced(edit.by, there) })
      this.witness.edited('replace', addressText(this.blocks[block] ?? '', offset + found))
    }
  }

  /** Its record says where a page belongs: 8 octets before it, if the block is the one of the page before. */
  private moveTo(address: number, at: number, page: Uint8Array, block: number, offset: number): void {
    const base = guestAddress(this.blocks[block] ?? '', 0)
    const isPlain = at - this.reader.recordPosition === NEXT_PAGE_HEADER_OCTETS
    if (base === null || !isPlain || page.length !== PAGE_OCTETS) return
    const header = new Uint8Array(NEXT_PAGE_HEADER_OCTETS)
    writeU64be(header, 0, address - base + RAM_SAVE_FLAG.PAGE + RAM_SAVE_FLAG.CONTINUE)
    this.changes.push({ at: at - NEXT_PAGE_HEADER_OCTETS, octets: header })
    this.witness.edited('swap-pages', addressText(this.blocks[block] ?? '', offset))
  }

  private rollBack(at: number, page: Uint8Array, block: number, offset: number): void {
    const key = `${block} ${offset}`
    const first = this.firstCopies.get(key)
    if (first === undefined) {
      this.firstCopies.set(key, page.slice())
      return
    }
    this.changes.push({ at, octets: first })
    this.witness.edited('roll-back', addressText(this.blocks[block] ?? '', offset))
  }

  private release(to: number): Uint8Array {
    const out = this.held.slice(0, to - this.heldAt)
    this.changes = this.changes.filter(({ at, octets }) => {
      if (at >= to) return true
      out.set(octets, at - this.heldAt)
      return false
    })
    this.held = this.held.slice(out.length)
    this.heldAt += out.length
    return out
  }

  /** What begins to look like something to change is held until it is whole. */
  private editDevices(out: Uint8Array): Uint8Array {
    let whole = out.length
    for (const edit of this.edits) {
      if (edit.kind !== 'replace-device-state') continue
      for (let found = findPattern(edit.find, out); found >= 0; found = findPattern(edit.find, out, found + 1)) {
        out.set(replaced(edit.by, out.subarray(found, found + edit.find.octets.length)), found)
        this.witness.edited('replace-device-state', 'device state')
      }
      whole = Math.min(whole, beginningAt(edit.find, out))
    }
    this.held = out.slice(whole)
    this.heldAt -= this.held.length
    return out.subarray(0, whole)
  }

  private swallowed(out: Uint8Array): Uint8Array {
    for (const edit of this.edits) {
      const over = edit.kind === 'confirm' ? this.heldAt - edit.afterOctets : 0
      if (over > 0) return out.subarray(0, Math.max(0, out.length - over))
    }
    return out
  }

  private truncated(out: Uint8Array): Uint8Array {
    for (const edit of this.edits) {
      if (edit.kind !== 'truncate' || this.heldAt <= edit.afterOctets) continue
      this.cuts = true
      this.witness.edited('truncate', `octet ${edit.afterOctets}`)
      return out.subarray(0, Math.max(0, out.length - (this.heldAt - edit.afterOctets)))
    }
    return out
  }
}
