/** A number for what a page holds: equal for equal octets, and by chance alone equal for others. Not for hostile octets. */
import { PAGE_OCTETS } from './units.js'

/** Of a page of zeros, and of nothing else. */
export const ZERO_PAGE_DIGEST = 0

/** 53 bits, from two sums over the page's words with MurmurHash3's constants. */
export function pageDigest(octets: Uint8Array): number {
  // Not `slice`, which is only a view where the octets are a Buffer of Node's.
  const aligned = octets.byteOffset % 4 === 0 ? octets : new Uint8Array(octets)
  const words = new Uint32Array(aligned.buffer, aligned.byteOffset, PAGE_OCTETS / 4)
  let high = 0
  let low = 0x9e37_79b9
  let any = 0
  for (let index = 0; index < words.length; index++) {
    const word = words[index] as number
    any |= word
    high = Math.imul(high ^ word, 0xcc9e_2d51)
    high ^= high >>> 15
    low = Math.imul(low + word, 0x1b87_3593)
    low ^= low >>> 13
  }
  return any === 0 ? ZERO_PAGE_DIGEST : 1 + (high >>> 12) * 2 ** 32 + (low >>> 0)
}
