/** What a stream does to the disk of the VM it arrives in (QEMU 7.2 migration/block.c `block_load`): chunks in their places, all of them. */
import { WireError } from '../base/errors.js'
import { DISK_CHUNK_OCTETS, DISK_SECTOR_OCTETS, diskChunkOctets, diskChunks, type GuestDisk } from './guest-disk.js'

const CHUNK_SECTORS = DISK_CHUNK_OCTETS / DISK_SECTOR_OCTETS

export class IncomingDisk {
  /** Of the disk's chunks, those that came at least once. */
  private readonly received = new Set<number>()
  /** Records that came. */
  chunks = 0

  /** `disk`: the one to be filled, or null where none is expected. */
  constructor(private readonly disk: GuestDisk | null) {}

  /** Throws `WireError` for a chunk that is not this disk's. */
  chunk(device: string, sector: number, octets: Uint8Array | null): void {
    const { disk } = this
    if (disk === null) throw refused(`a chunk of disk ${JSON.stringify(device)}: no disk is expected here`)
    if (device !== disk.name) throw refused(`unknown disk ${JSON.stringify(device)}: this one is ${disk.name}`)
    const index = sector / CHUNK_SECTORS
    if (!Number.isInteger(index)) throw refused(`sector ${sector} of ${device} does not begin a chunk of 1 MiB`)
    if (index >= diskChunks(disk))
      throw refused(`sector ${sector} of ${device}, which has ${disk.octets / DISK_SECTOR_OCTETS} here`)
    disk.writeChunk(index, octets?.subarray(0, diskChunkOctets(disk, index)) ?? null)
    this.received.add(index)
    this.chunks++
  }

  /** The guest is to run: throws `WireError` when part of its disk never came. */
  checkWhole(): void {
    const missing = this.disk === null ? 0 : diskChunks(this.disk) - this.received.size
    if (missing > 0) throw refused(`the state ended, ${missing} chunks of disk ${this.disk?.name ?? ''} never came`)
  }
}

function refused(reason: string): WireError {
  return new WireError('qevm', 0, reason)
}
