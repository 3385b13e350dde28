import type { RamBlockSize, SectionHeader } from './qevm.js'
import type { DeviceDescription } from './vmdesc.js'

/**
 * Told what a `StreamReader` reads, in the order of the stream. Views (`octets`, `encoded`, `body`, `data`) are good
 * only during the call. A method may throw `WireError` or `AuthenticationError` to refuse what it was given.
 */
export interface StreamObserver {
  configuration(machineType: string): void
  sectionStart(header: SectionHeader): void
  sectionPart(sectionId: number): void
  sectionEnd(sectionId: number): void
  /** The blocks of RAM; page records name them by their index here. */
  memorySize(blocks: readonly RamBlockSize[]): void
  page(block: number, offset: number, octets: Uint8Array): void
  /** A page of that octet throughout: QEMU only sends 0. */
  filledPage(block: number, offset: number, fill: number): void
  xbzrlePage(block: number, offset: number, encoded: Uint8Array): void
  /** A page compressed by zlib (removed in QEMU 9.1). */
  compressedPage(block: number, offset: number, compressed: Uint8Array): void
  multifdFlush(): void
  /** 1 MiB of a disk from `sector` (of 512 octets) on, of which what lies behind the disk's end does not count; null for zeros. */
  diskChunk(device: string, sector: number, octets: Uint8Array | null): void
  /** The records of one START, PART or END are over. */
  endOfRecords(): void
  deviceSection(header: SectionHeader, body: Uint8Array, description: DeviceDescription): void
  command(command: number, data: Uint8Array): void
  /** A package: items for a `StreamReader` that begins at 'items'. */
  packaged(items: Uint8Array): void
  endOfState(): void
  description(json: string): void
  /** Device sections that could not be told apart, and why. */
  unreadDevices(octets: Uint8Array, reason: string): void
}

/** Does nothing with anything: for observers that care about part of a stream. */
export class SilentObserver implements StreamObserver {
  configuration(_machineType: string): void {}
  sectionStart(_header: SectionHeader): void {}
  sectionPart(_sectionId: number): void {}
  sectionEnd(_sectionId: number): void {}
  memorySize(_blocks: readonly RamBlockSize[]): void {}
  page(_block: number, _offset: number, _octets: Uint8Array): void {}
  filledPage(_block: number, _offset: number, _fill: number): void {}
  xbzrlePage(_block: number, _offset: number, _encoded: Uint8Array): void {}
  compressedPage(_block: number, _offset: number, _compressed: Uint8Array): void {}
  multifdFlush(): void {}
  diskChunk(_device: string, _sector: number, _octets: Uint8Array | null): void {}
  endOfRecords(): void {}
  deviceSection(_header: SectionHeader, _body: Uint8Array, _description: DeviceDescription): void {}
  command(_command: number, _data: Uint8Array): void {}
  packaged(_items: Uint8Array): void {}
  endOfState(): void {}
  description(_json: string): void {}
  unreadDevices(_octets: Uint8Array, _reason: string): void {}
}
