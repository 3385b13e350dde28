/** Split virtqueues, the device's side (Virtual I/O Device specification 1.1, section 2.6). All little-endian. */
import { readU32le } from '../base/octets.js'
import { RAM_BASE } from '../cpu/memory.js'
import type { Ram } from './ram.js'

export const QUEUE_SIZE_MAX = 256

const DESCRIPTOR_OCTETS = 16
const DESCRIPTOR_NEXT = 1
const DESCRIPTOR_WRITE = 2
const AVAIL_NO_INTERRUPT = 1

/** A stretch of RAM that a descriptor names: offset from the start of RAM, and octets. */
export interface Buffer {
  readonly offset: number
  readonly length: number
  /** For the device to write; otherwise for it to read. */
  readonly isWritable: boolean
}

export interface Chain {
  readonly head: number
  readonly buffers: readonly Buffer[]
}

/** One queue. Ring addresses are guest addresses; the guest may have set them to anything. */
export class Virtqueue {
  size = 0
  isReady = false
  descriptorLow = 0
  descriptorHigh = 0
  driverLow = 0
  driverHigh = 0
  deviceLow = 0
  deviceHigh = 0
  /** Next entry of the available ring to take, modulo 2^16. */
  lastAvailable = 0
  /** Next entry of the used ring to fill; null after a migration, until it is read from that ring. */
  usedIndex: number | null = 0
  /** The page without which the last `take` could not go on, or -1. */
  missingPage = -1

  constructor(private readonly ram: Ram) {}

  reset(): void {
    this.size = 0
    this.isReady = false
    this.descriptorLow = this.descriptorHigh = 0
    this.driverLow = this.driverHigh = 0
    this.deviceLow = this.deviceHigh = 0
    this.lastAvailable = 0
    this.usedIndex = 0
    this.missingPage = -1
  }

  /** Whether the driver has set anything. */
  isUsed(): boolean {
    const places = [
      this.descriptorLow,
      this.descriptorHigh,
      this.driverLow,
      this.driverHigh,
      this.deviceLow,
      this.deviceHigh,
    ]
    return this.isReady || [this.size, this.lastAvailable, ...places].some((value) => value !== 0)
  }

  /**
   * The next chain the driver made available; null when there is none; 'broken' when what the driver wrote cannot be
   * followed: outside RAM, an index past the table, a loop. 'missing' when a page of the rings or of a buffer has not
   * arrived yet: nothing was taken, and it can be asked again.
   */
  take(): Chain | 'broken' | 'missing' | null {
    const available = this.ring(this.driverLow, this.driverHigh, 6 + 2 * this.size, 2)
    const table = this.ring(this.descriptorLow, this.descriptorHigh, DESCRIPTOR_OCTETS * this.size, 16)
    const used = this.ring(this.deviceLow, this.deviceHigh, 6 + 8 * this.size, 4)
    if (available < 0 || table < 0 || used < 0) return 'broken'
    const areas = [
      [available, 6 + 2 * this.size],
      [table, DESCRIPTOR_OCTETS * this.size],
      [used, 6 + 8 * this.size],
    ] as const
    if (areas.some(([offset, length]) => this.isMissing(offset, length))) return 'missing'
    const waiting = (this.u16(available + 2) - this.lastAvailable) & 0xffff
    if (waiting === 0) return null
    if (waiting > this.size) return 'broken'
    const head = this.u16(available + 4 + 2 * (this.lastAvailable & (this.size - 1)))
    const chain = this.follow(head, table)
    if (chain !== 'missing') this.lastAvailable = (this.lastAvailable + 1) & 0xffff
    return chain
  }

  private follow(head: number, table: number): Chain | 'broken' | 'missing' {
    const buffers: Buffer[] = []
    for (let index = head; ;) {
      if (index >= this.size || buffers.length === this.size) return 'broken'
      const at = table + DESCRIPTOR_OCTETS * index
      const length = readU32le(this.ram.octets, at + 8)
      const flags = this.u16(at + 12)
      const offset = this.ring(readU32le(this.ram.octets, at), readU32le(this.ram.octets, at + 4), length, 1)
      if (offset < 0) return 'broken'
      if (this.isMissing(offset, length)) return 'missing'
      buffers.push({ offset, length, isWritable: (flags & DESCRIPTOR_WRITE) !== 0 })
      if ((flags & DESCRIPTOR_NEXT) === 0) return { head, buffers }
      index = this.u16(at + 14)
    }
  }

  /** Give `chain`, just taken, back to the driver: the device wrote `written` octets into it. */
  finish(chain: Chain, written: number): void {
    const used = this.ring(this.deviceLow, this.deviceHigh, 6 + 8 * this.size, 4)
    const element = new Uint8Array(8)
    const view = new DataView(element.buffer)
    view.setUint32(0, chain.head, true)
    view.setUint32(4, written, true)
    const index = this.usedIndex ?? this.u16(used + 2)
    this.ram.write(used + 4 + 8 * (index & (this.size - 1)), element)
    this.usedIndex = (index + 1) & 0xffff
    this.ram.write(used + 2, Uint8Array.of(this.usedIndex, this.usedIndex >>> 8))
  }

  /** Whether the driver asks not to be interrupted for used buffers (section 2.6.7). */
  isQuiet(): boolean {
    return (this.u16(this.ring(this.driverLow, this.driverHigh, 2, 2)) & AVAIL_NO_INTERRUPT) !== 0
  }

  private isMissing(offset: number, length: number): boolean {
    this.missingPage = length === 0 ? -1 : this.ram.firstMissing(offset, length)
    return this.missingPage >= 0
  }

  /** Offset into RAM of a 64-bit guest address, or -1 unless `length` octets there are RAM and it is aligned. */
  private ring(low: number, high: number, length: number, alignment: number): number {
    const offset = low - RAM_BASE
    const isInside = high === 0 && offset >= 0 && offset + length <= this.ram.octets.length
    return isInside && low % alignment === 0 ? offset : -1
  }

  private u16(offset: number): number {
    return this.ram.halves[offset >>> 1] ?? 0
  }
}
