/**
 * Short arrays of octets, cut one after another from larger buffers: a buffer for each would cost ten times as much as
 * filling it. Nothing is ever used again, so each belongs to who took it; its `byteOffset` is rarely 0.
 */

/** Small enough that one short array that is kept does not hold much else in memory. */
const SLAB_OCTETS = 65536
/** Longer arrays get a buffer of their own. */
const CUT_OCTETS_MAX = 8192

let slab = new Uint8Array(0)
let used = 0

/** `length` octets, all zero, that nobody else has. They begin at a multiple of 4. */
export function newOctets(length: number): Uint8Array {
  if (length > CUT_OCTETS_MAX) return new Uint8Array(length)
  if (used + length > slab.length) {
    slab = new Uint8Array(SLAB_OCTETS)
    used = 0
  }
  const start = used
  used += (length + 3) & ~3
  return slab.subarray(start, start + length)
}
