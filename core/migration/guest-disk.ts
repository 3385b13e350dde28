/** What a migration needs of a guest's disk: its octets by chunks, a log of the chunks that were written, and a comparison. */

import { DISK_CHUNK_OCTETS, DISK_SECTOR_OCTETS } from './wire/block-section.js'

export { DISK_CHUNK_OCTETS, DISK_SECTOR_OCTETS }

export interface GuestDisk {
  /** The drive's name at both hypervisors, such as `disk0`. */
  readonly name: string
  readonly octets: number
  /** A view of the chunk as it is now, or null when it is all zero. */
  chunk(index: number): Uint8Array | null
  /** What arrives with a migration: as many octets as the chunk has, or null for zeros. */
  writeChunk(index: number, octets: Uint8Array | null): void
  /** From now on every chunk written is in the log, which starts empty. */
  startDirtyLog(): void
  stopDirtyLog(): void
  /** The chunks in the log, in order; it is empty afterwards. */
  takeDirty(): readonly number[]
  /** How many octets differ from those of the other disk; all that only one of them has. */
  differingOctets(other: GuestDisk): number
}

export function diskChunks({ octets }: Pick<GuestDisk, 'octets'>): number {
  return Math.ceil(octets / DISK_CHUNK_OCTETS)
}

/** Octets of chunk `index`. */
export function diskChunkOctets({ octets }: Pick<GuestDisk, 'octets'>, index: number): number {
  return Math.min(DISK_CHUNK_OCTETS, octets - index * DISK_CHUNK_OCTETS)
}
