/**
 * A simple allocator whose bookkeeping lies in the emulated memory, between the blocks, as that of dlmalloc does: whoever writes past a
 * block writes over it. First fit, in the order of addresses.
 *
 * ```
 * chunk: u32 octets of the chunk before · u32 octets of this chunk, lowest bit: in use · payload, a multiple of 8
 * ```
 */
import { hexAddress, type EmulatedMemory } from './emulated-memory.js'

export const CHUNK_HEADER_OCTETS = 8
const CHUNK_OCTETS_MIN = 16
const IN_USE = 1

/** What the C library says before it ends the process. */
export class HeapCorrupted extends Error {
  override readonly name = 'HeapCorrupted'
}

/** Octets of the chunk for a block of so many. */
export const chunkOctets = (octets: number): number =>
  Math.max(CHUNK_OCTETS_MIN, Math.ceil((octets + CHUNK_HEADER_OCTETS) / 8) * 8)

export class Heap {
  private readonly end: number

  constructor(
    private readonly memory: EmulatedMemory,
    private readonly start: number,
    length: number,
  ) {
    this.end = start + length
    memory.store32(start, 0)
    memory.store32(start + 4, length)
    memory.setRed(start, length, true)
  }

  /** `malloc`: the address of a block of `octets` (32 bits), or 0. Throws `HeapCorrupted`. */
  allocate(octets: number): number {
    const wanted = chunkOctets(octets)
    // A chunk has 16 octets at least, so this ends.
    for (let chunk = this.start; chunk < this.end;) {
      const { size, isUsed } = this.chunkAt(chunk)
      if (!isUsed && size >= wanted) {
        this.take(chunk, size, wanted)
        this.memory.setRed(chunk + CHUNK_HEADER_OCTETS, octets, false)
        return chunk + CHUNK_HEADER_OCTETS
      }
      chunk += size
    }
    return 0
  }

  /** `free`. Throws `HeapCorrupted`. */
  release(block: number): void {
    const chunk = block - CHUNK_HEADER_OCTETS
    const { size } = this.chunkAt(chunk)
    this.memory.setRed(chunk, size, true)
    const next = chunk + size < this.end ? this.chunkAt(chunk + size) : null
    this.mark(chunk, next?.isUsed === false ? size + next.size : size, 0)
  }

  private take(chunk: number, size: number, wanted: number): void {
    if (size - wanted < CHUNK_OCTETS_MIN) return this.mark(chunk, size, IN_USE)
    this.mark(chunk + wanted, size - wanted, 0)
    this.mark(chunk, wanted, IN_USE)
  }

  /** Writes its size, and tells it to the chunk behind it. */
  private mark(chunk: number, size: number, use: number): void {
    this.memory.store32(chunk + 4, size | use)
    if (chunk + size < this.end) this.memory.store32(chunk + size, size)
  }

  private chunkAt(chunk: number): { readonly size: number; readonly isUsed: boolean } {
    const word = this.memory.load32(chunk + 4)
    const size = (word & ~7) >>> 0
    if (size < CHUNK_OCTETS_MIN || size > this.end - chunk)
      throw new HeapCorrupted(`the header of the chunk at ${hexAddress(chunk)} cannot be`)
    return { size, isUsed: (word & IN_USE) !== 0 }
  }
}
