import { WireError } from '../../base/errors.js'
import { PAGE_OCTETS } from '../../base/units.js'
import { StreamCursor, WAIT } from './stream-cursor.js'

const KEPT_OCTETS_MAX = 32 * 1024 * 1024

/** Reads a stream step by step, in whatever pieces it arrives: the beginning of a thing is kept until its rest comes. */
export abstract class PiecewiseReader {
  protected readonly cursor = new StreamCursor()
  private carry = new Uint8Array(2 * PAGE_OCTETS)
  private carried = 0
  /** What is being pushed, and where in the stream it begins. */
  private chunk: Uint8Array | null = null
  private chunkPosition = 0

  /** Read one thing from `start`. Returns the octets it took, or WAIT when those it needs are not there yet. */
  protected abstract step(octets: Uint8Array, start: number, end: number): number

  /** Nothing more is to be read in the present call of `push`. */
  protected abstract readonly isHeld: boolean

  /** Whatever comes is kept, for the end of the stream. */
  protected abstract readonly keepsAll: boolean

  /** Octets read and understood (or kept) so far: inside a call to the observer, where the thing it is told of begins. */
  get octetsRead(): number {
    return this.cursor.position
  }

  /** Inside a call to the observer about a page: where its record begins in the stream. */
  get recordPosition(): number {
    return this.cursor.position + this.cursor.recordAt
  }

  /** Inside a call to the observer: where in the stream a view that it was given begins. */
  positionOf(view: Uint8Array): number {
    const { chunk, cursor } = this
    if (chunk !== null && view.buffer === chunk.buffer) return this.chunkPosition + view.byteOffset - chunk.byteOffset
    return cursor.position + view.byteOffset // what was carried over is moved to the front, step by step
  }

  /** Read on. Returns how many octets were read or kept. Throws `WireError`, now and later, when the stream is refused. */
  push(octets: Uint8Array): number {
    const { cursor } = this
    if (cursor.refusal !== null) throw cursor.refusal
    this.chunk = octets
    this.chunkPosition = cursor.position + this.carried
    try {
      return this.consume(octets)
    } catch (error) {
      if (!(error instanceof WireError)) throw error
      // What the observer refuses counts from the thing it was told of.
      if (error !== cursor.refusal) cursor.refused(cursor.recordAt + error.offset, error.reason, error.protocol)
      throw cursor.refusal ?? error
    } finally {
      this.chunk = null
    }
  }

  /** What was kept and not read: a view. */
  protected kept(): Uint8Array {
    return this.carry.subarray(0, this.carried)
  }

  /** Begin anew at the next octet. */
  protected forget(): void {
    this.carried = 0
    this.cursor.refusal = null
  }

  private consume(octets: Uint8Array): number {
    const { cursor } = this
    let at = 0
    while (this.carried > 0 && !this.keepsAll) {
      if (this.isHeld) return at
      cursor.recordAt = 0
      const used = this.step(this.carry, 0, this.carried)
      if (used !== WAIT) {
        cursor.position += used
        this.carry.copyWithin(0, used, this.carried)
        this.carried -= used
        continue
      }
      // Finish the thing that was cut with just as many octets as it needs, then go on without copying.
      const length = Math.min(cursor.needed - this.carried, octets.length - at)
      if (length === 0) return at
      this.keep(octets, at, at + length)
      at += length
    }
    while (at < octets.length) {
      if (this.isHeld) return at
      cursor.recordAt = 0
      const used = this.step(octets, at, octets.length)
      if (used === WAIT) break
      cursor.position += used
      at += used
    }
    this.keep(octets, at, octets.length)
    return octets.length
  }

  private keep(octets: Uint8Array, start: number, end: number): void {
    const carried = this.carried + end - start
    if (this.keepsAll && carried > KEPT_OCTETS_MAX) throw this.cursor.refused(0, 'device sections over 32 MiB')
    if (carried > this.carry.length) {
      const grown = new Uint8Array(Math.max(carried, 2 * this.carry.length))
      grown.set(this.carry.subarray(0, this.carried))
      this.carry = grown
    }
    this.carry.set(octets.subarray(start, end), this.carried)
    this.carried = carried
  }
}
