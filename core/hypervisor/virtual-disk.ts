/** A guest's disk as its host keeps it: a sparse image in chunks of 1 MiB, of which those that are all zero take no memory. */
import { assert } from '../base/errors.js'
import type { SelfCopying } from '../base/snapshot.js'
import { DISK_CHUNK_OCTETS, diskChunkOctets, diskChunks, type GuestDisk } from '../migration/guest-disk.js'

export class VirtualDisk implements GuestDisk, SelfCopying {
  /** Each is replaced, never changed: kept states share them. */
  private readonly chunks: (Uint8Array | null)[]
  private readonly dirty = new Set<number>()
  private isLogging = false

  /** All zero. `octets` is a whole number of sectors. */
  constructor(
    readonly name: string,
    readonly octets: number,
  ) {
    this.chunks = Array.from({ length: diskChunks(this) }, () => null)
  }

  chunk(index: number): Uint8Array | null {
    assert(index >= 0 && index < this.chunks.length, `${this.name} has no chunk ${index}`)
    return this.chunks[index] ?? null
  }

  writeChunk(index: number, octets: Uint8Array | null): void {
    assert(index >= 0 && index < this.chunks.length, `${this.name} has no chunk ${index}`)
    assert(octets === null || octets.length === diskChunkOctets(this, index), 'a chunk is written whole')
    this.chunks[index] = octets === null || isZero(octets) ? null : octets.slice()
    this.written(index)
  }

  /** A store of the guest's. */
  write(offset: number, octets: Uint8Array): void {
    assert(offset >= 0 && offset + octets.length <= this.octets, `${this.name} ends before ${offset + octets.length}`)
    for (let at = 0; at < octets.length;) {
      const index = Math.floor((offset + at) / DISK_CHUNK_OCTETS)
      const within = (offset + at) % DISK_CHUNK_OCTETS
      const part = octets.subarray(at, at + DISK_CHUNK_OCTETS - within)
      const chunk = this.chunk(index)?.slice() ?? new Uint8Array(diskChunkOctets(this, index))
      chunk.set(part, within)
      this.chunks[index] = chunk
      this.written(index)
      at += part.length
    }
  }

  copySelf(copy: <T>(value: T) => T, register: (copied: object) => void): VirtualDisk {
    const copied = new VirtualDisk(this.name, this.octets)
    register(copied)
    this.chunks.forEach((chunk, index) => (copied.chunks[index] = chunk))
    for (const index of this.dirty) copied.dirty.add(index)
    copied.isLogging = copy(this.isLogging)
    return copied
  }

  startDirtyLog(): void {
    this.dirty.clear()
    this.isLogging = true
  }

  stopDirtyLog(): void {
    this.dirty.clear()
    this.isLogging = false
  }

  takeDirty(): readonly number[] {
    const chunks = [...this.dirty].sort((a, b) => a - b)
    this.dirty.clear()
    return chunks
  }

  differingOctets(other: GuestDisk): number {
    if (other === this) return 0
    let differences = Math.abs(this.octets - other.octets)
    for (let index = 0; index < Math.min(this.chunks.length, diskChunks(other)); index++) {
      const length = Math.min(diskChunkOctets(this, index), diskChunkOctets(other, index))
      const [mine, theirs] = [this.chunk(index), other.chunk(index)]
      if (mine === null && theirs === null) continue
      for (let at = 0; at < length; at++) if ((mine?.[at] ?? 0) !== (theirs?.[at] ?? 0)) differences++
    }
    return differences
  }

  private written(index: number): void {
    if (this.isLogging) this.dirty.add(index)
  }
}

function isZero(octets: Uint8Array): boolean {
  return octets.every((octet) => octet === 0)
}
