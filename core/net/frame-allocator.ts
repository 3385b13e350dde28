/** New frames, cut from larger buffers: an ArrayBuffer for each frame would cost more than filling it. */

/** Small enough that one kept frame does not hold much else in memory. */
const SLAB_OCTETS = 65536

/**
 * Frames start 2 octets after a multiple of 4, so that what follows the 14-octet Ethernet header is aligned for the
 * checksum.
 */
export class FrameAllocator {
  private slab: Uint8Array | null = null
  private used = 0

  /** `length` octets, all zero, used by nobody else. */
  allocate(length: number): Uint8Array {
    const slotOctets = (length + 2 + 3) & ~3
    if (slotOctets > SLAB_OCTETS) return new Uint8Array(length)
    if (this.slab === null || this.used + slotOctets > SLAB_OCTETS) {
      this.slab = new Uint8Array(SLAB_OCTETS)
      this.used = 0
    }
    const start = this.used + 2
    this.used += slotOctets
    return this.slab.subarray(start, start + length)
  }
}
