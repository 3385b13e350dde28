/**
 * The Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit words.
 *
 * The sum does not care for the order of octets within words as long as it is the same everywhere (§2 B), so this adds
 * the machine's own 32-bit words, two 16-bit halves at a time, and swaps once at the end. The slow twin that it is compared with
 * is test/support/slow-checksum.ts.
 */
import type { Ipv4Address } from './addresses.js'

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** The one's complement sum (not inverted) of `octets[start, end)`, taken as 16-bit big-endian words, padded with a zero octet. */
export function onesComplementSum(octets: Uint8Array, start: number, end: number): number {
  let sum = 0
  let at = start
  const base = octets.byteOffset
  // Octets before the first aligned 32-bit word. An odd address shifts every later word by one octet: swap the sum.
  const isOdd = ((base + at) & 1) === 1
  if (isOdd && at < end) sum += isLittleEndian ? (octets[at++] ?? 0) << 8 : (octets[at++] ?? 0)
  if (((base + at) & 2) !== 0 && at + 1 < end) {
    sum += isLittleEndian
      ? (octets[at] ?? 0) | ((octets[at + 1] ?? 0) << 8)
      : ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0)
    at += 2
  }
  const wordCount = (end - at) >> 2
  if (wordCount > 0 && ((base + at) & 3) === 0) {
    sum += sumWords(new Int32Array(octets.buffer, base + at, wordCount), wordCount)
    at += wordCount * 4
  }
  for (; at + 1 < end; at += 2)
    sum += isLittleEndian
      ? (octets[at] ?? 0) | ((octets[at + 1] ?? 0) << 8)
      : ((octets[at] ?? 0) << 8) | (octets[at + 1] ?? 0)
  if (at < end) sum += isLittleEndian ? (octets[at] ?? 0) : (octets[at] ?? 0) << 8
  const folded = fold(sum)
  return isLittleEndian !== isOdd ? swap(folded) : folded
}

/** Sums at most 2^37 octets exactly: halves add up in doubles only when they outgrow 31 bits. */
function sumWords(words: Int32Array, wordCount: number): number {
  let total = 0
  for (let block = 0; block < wordCount; block += 16384) {
    const blockEnd = Math.min(wordCount, block + 16384)
    let low = 0
    let high = 0
    let index = block
    for (; index + 4 <= blockEnd; index += 4) {
      const a = words[index] as number
      const b = words[index + 1] as number
      const c = words[index + 2] as number
      const d = words[index + 3] as number
      low = (low + (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff)) | 0
      high = (high + (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16)) | 0
    }
    for (; index < blockEnd; index++) {
      const word = words[index] as number
      low = (low + (word & 0xffff)) | 0
      high = (high + (word >>> 16)) | 0
    }
    total += low + high
  }
  return total
}

function fold(sum: number): number {
  let folded = sum
  while (folded > 0xffff) folded = (folded % 0x10000) + Math.floor(folded / 0x10000)
  return folded
}

function swap(word: number): number {
  return ((word & 0xff) << 8) | (word >>> 8)
}

/** The checksum of `octets[start, end)` to write into a header whose checksum field is zero. 0xffff is never returned for
 * anything but all zero octets. */
export function internetChecksum(octets: Uint8Array, start = 0, end = octets.length): number {
  return 0xffff - onesComplementSum(octets, start, end)
}

/**
 * The checksum of a TCP or UDP message at `octets[start, end)` with its IPv4 pseudo-header (RFC 9293 §3.1, RFC 768).
 * Over a message that holds a right checksum it gives 0.
 */
export function transportChecksum(
  octets: Uint8Array,
  start: number,
  end: number,
  protocol: number,
  source: Ipv4Address,
  destination: Ipv4Address,
): number {
  const sum =
    onesComplementSum(octets, start, end) +
    (source >>> 16) +
    (source & 0xffff) +
    (destination >>> 16) +
    (destination & 0xffff) +
    protocol +
    (end - start)
  return 0xffff - fold(sum)
}
