/** What was written and is not acknowledged yet: references to the writer's chunks, copied only into frames. */
import { assert } from '../../base/errors.js'

export class SendBuffer {
  private chunks: Uint8Array[] = []
  private headIndex = 0
  /** Octets of the head chunk that are acknowledged. */
  private headSkip = 0
  private octetCount = 0
  /** Where reading stopped last: segments are cut one after another, so the next begins here. Offsets count from the first octet held. */
  private cursorIndex = 0
  private cursorOffset = 0

  /** Octets held. */
  get length(): number {
    return this.octetCount
  }

  /** `chunk` must not change any more. */
  append(chunk: Uint8Array): void {
    if (chunk.length === 0) return
    this.chunks.push(chunk)
    this.octetCount += chunk.length
  }

  /** Copy `length` octets, `offset` after the first one held, to `target` at `at`. */
  copyTo(target: Uint8Array, at: number, offset: number, length: number): void {
    assert(offset >= 0 && offset + length <= this.octetCount, 'segment outside the send buffer')
    // Offsets of chunk starts: the head chunk starts `headSkip` octets before offset 0.
    if (offset < this.cursorOffset || this.cursorIndex < this.headIndex) {
      this.cursorIndex = this.headIndex
      this.cursorOffset = -this.headSkip
    }
    let copied = 0
    while (copied < length) {
      const chunk = this.chunks[this.cursorIndex] as Uint8Array
      const from = offset + copied - this.cursorOffset
      if (from >= chunk.length) {
        this.cursorIndex++
        this.cursorOffset += chunk.length
        continue
      }
      const part = Math.min(length - copied, chunk.length - from)
      target.set(from === 0 && part === chunk.length ? chunk : chunk.subarray(from, from + part), at + copied)
      copied += part
    }
  }

  /** Forget the first `octets`: they were acknowledged. */
  release(octets: number): void {
    assert(octets <= this.octetCount, 'more acknowledged than sent')
    this.octetCount -= octets
    this.cursorOffset -= octets
    this.headSkip += octets
    for (;;) {
      const head = this.chunks[this.headIndex]
      if (head === undefined || this.headSkip < head.length) break
      this.headSkip -= head.length
      this.headIndex++
    }
    if (this.headIndex === this.chunks.length || (this.headIndex >= 256 && this.headIndex * 2 >= this.chunks.length)) {
      this.chunks = this.chunks.slice(this.headIndex)
      this.cursorIndex -= this.headIndex
      this.headIndex = 0
    }
  }
}
