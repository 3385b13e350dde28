/**
 * The address space of a 32-bit program: regions with nothing between them, little-endian. What a C program would do to its own
 * memory happens here, on arrays with bounds: an access to where nothing is, or a store to what is read-only, is a `MemoryFault` and
 * the end of the emulated process.
 *
 * Red zones are octets that belong to no object: between buffers, in headers of the heap, in what was freed. The first access of the
 * program to one is kept; a program that was built to check them (AddressSanitizer) ends there.
 */
export type Access = 'read' | 'write'

export class MemoryFault extends Error {
  override readonly name = 'MemoryFault'
  constructor(
    readonly access: Access,
    /** 32 bits. */
    readonly address: number,
    readonly where: 'red zone' | 'nothing mapped' | 'read-only memory',
  ) {
    super(`${access} at ${hexAddress(address)}: ${where}`)
  }
}

export interface RegionOptions {
  readonly start: number
  readonly octets: Uint8Array
  readonly isWritable: boolean
}

interface Region extends RegionOptions {
  /** 1 for an octet of a red zone; made when the first one is set. */
  red: Uint8Array | null
}

/** C's product of two 32-bit operands. */
export const multiply32 = (a: number, b: number): number => Math.imul(a, b) >>> 0

export const hexAddress = (address: number): string => `0x${(address >>> 0).toString(16).padStart(8, '0')}`

export class EmulatedMemory {
  /** The first access to a red zone. */
  firstRed: MemoryFault | null = null
  private readonly regions: readonly Region[]
  private last: Region | null = null

  /** Regions do not overlap, and none goes beyond 2^32. */
  constructor(
    regions: readonly RegionOptions[],
    private readonly checksRedZones: boolean,
  ) {
    this.regions = regions.map((region) => ({ ...region, red: null }))
  }

  /** As it is when a process starts: what can be written is zeros, and there are no red zones. */
  clear(): void {
    this.firstRed = null
    for (const { isWritable, octets, red } of this.regions) {
      if (isWritable) octets.fill(0)
      red?.fill(0)
    }
  }

  setRed(address: number, length: number, isRed: boolean): void {
    const region = this.find(address >>> 0)
    if (region === null) return
    region.red ??= new Uint8Array(region.octets.length)
    region.red.fill(isRed ? 1 : 0, address - region.start, address - region.start + length)
  }

  /** An access of the program itself, which red zones are for; the allocator has access to all of its heap. */
  touch(access: Access, address: number, length: number): void {
    if (this.firstRed !== null && !this.checksRedZones) return
    const at = address >>> 0
    const region = this.find(at)
    const red = region?.red ?? null
    if (region === null || red === null) return
    const first = red.subarray(at - region.start, at - region.start + length).indexOf(1)
    if (first < 0) return
    const fault = new MemoryFault(access, at + first, 'red zone')
    this.firstRed ??= fault
    if (this.checksRedZones) throw fault
  }

  load8(address: number): number {
    const at = address >>> 0
    const region = this.expect('read', at)
    return region.octets[at - region.start] ?? 0
  }

  load32(address: number): number {
    const at = address >>> 0
    const region = this.expect('read', at)
    const offset = at - region.start
    if (offset + 4 > region.octets.length)
      throw new MemoryFault('read', region.start + region.octets.length, 'nothing mapped')
    const { octets } = region
    return (
      ((octets[offset] ?? 0) |
        ((octets[offset + 1] ?? 0) << 8) |
        ((octets[offset + 2] ?? 0) << 16) |
        ((octets[offset + 3] ?? 0) << 24)) >>>
      0
    )
  }

  store32(address: number, value: number): void {
    this.store(address, Uint8Array.of(value, value >>> 8, value >>> 16, value >>> 24))
  }

  /** As `memcpy`: what comes before the place of a fault has been written. */
  store(address: number, octets: Uint8Array): void {
    if (octets.length === 0) return
    const at = address >>> 0
    const region = this.expect('write', at)
    const room = region.start + region.octets.length - at
    region.octets.set(octets.subarray(0, room), at - region.start)
    if (octets.length > room) throw new MemoryFault('write', region.start + region.octets.length, 'nothing mapped')
  }

  private expect(access: Access, at: number): Region {
    const region = this.find(at)
    if (region === null) throw new MemoryFault(access, at, 'nothing mapped')
    if (access === 'write' && !region.isWritable) throw new MemoryFault(access, at, 'read-only memory')
    return region
  }

  private find(at: number): Region | null {
    const { last } = this
    if (last !== null && at >= last.start && at - last.start < last.octets.length) return last
    this.last = this.regions.find(({ start, octets }) => at >= start && at - start < octets.length) ?? null
    return this.last
  }
}
