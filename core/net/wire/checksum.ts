/**
 * The Internet checksum (RFC 1071): the one's complement of the one's complement sum of 16-bit words.
 *
 * The sum does not care for the order of octets within words as long as it is the same everywhere (§2 B), so this adds
 * the machine's own 32-bit words as exact doubles, and folds and swaps once at the end: 2^32 and 2^16 are both 1 modulo
 * 2^16 - 1. The slow twin that it is compared with is test/support/slow-checksum.ts.
 */
import { ipv6Words, type IpAddress } from './addresses.js'
import { isCutFrame, sumFrameMemory } from './frame-memory.js'

const isLittleEndian = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1

/** The one's complement sum (not inverted) of `octets[start, end)`, taken as 16-bit big-endian words, padded with a zero octet. */
export function onesComplementSum(octets: Uint8Array, start: number, end: number): number {
  if (sumFrameMemory !== null && end > start && isCutFrame(octets)) {
    const base = octets.byteOffset
    const sum = sumFrameMemory(base + start, base + end)
    const folded = (sum >>> 16) + (sum & 0xffff)
    return swap((folded & 0xffff) + (folded >>> 16))
  }
  return sumByWords(octets, start, end)
}

/** For octets outside the frames' memory. */
function sumByWords(octets: Uint8Array, start: number, end: number): number {
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
    sum += sumWords(wordsOf(octets.buffer), (base + at) >>> 2, wordCount)
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

/** Buffers larger than this are not remembered: that would keep them in memory. */
const REMEMBERED_OCTETS_MAX = 8 * 1024 * 1024
let lastBuffer: ArrayBufferLike | null = null
let lastWords: Uint32Array = new Uint32Array(0)

/** The buffer as 32-bit words. Frames are cut from few buffers, so the view of the last one is mostly the right one. */
function wordsOf(buffer: ArrayBufferLike): Uint32Array {
  if (buffer === lastBuffer) return lastWords
  const words = new Uint32Array(buffer, 0, buffer.byteLength >>> 2)
  if (buffer.byteLength > REMEMBERED_OCTETS_MAX) return words
  lastBuffer = buffer
  lastWords = words
  return words
}

/** Four sums, so that additions need not wait for one another. Exact for 2^21 words, which is more than any message has. */
function sumWords(words: Uint32Array, start: number, wordCount: number): number {
  let first = 0
  let second = 0
  let third = 0
  let fourth = 0
  let index = start
  const end = start + wordCount
  for (const blockEnd = end - 7; index < blockEnd; index += 8) {
    first += words[index] as number
    second += words[index + 1] as number
    third += words[index + 2] as number
    fourth += words[index + 3] as number
    first += words[index + 4] as number
    second += words[index + 5] as number
    third += words[index + 6] as number
    fourth += words[index + 7] as number
  }
  for (; index < end; index++) first += words[index] as number
  return first + second + third + fourth
}

function fold(sum: number): number {
  const high = Math.floor(sum / 0x1_0000_0000)
  const low = (sum - high * 0x1_0000_0000) >>> 0
  let folded = high + (low >>> 16) + (low & 0xffff)
  while (folded > 0xffff) folded = (folded & 0xffff) + (folded >>> 16)
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

/** The one's complement sum of an address's 16-bit words, not folded. No garbage for IPv4. */
function addressSum(address: IpAddress): number {
  if (typeof address === 'number') return (address >>> 16) + (address & 0xffff)
  const words = ipv6Words(address)
  let sum = 0
  for (let index = 0; index < 4; index++) {
    const word = words[index] ?? 0
    sum += (word >>> 16) + (word & 0xffff)
  }
  return sum
}

/**
 * The checksum of a TCP, UDP or ICMPv6 message at `octets[start, end)` with its pseudo-header (RFC 9293 §3.1, RFC 768,
 * RFC 8200 §8.1). Over a message that holds a right checksum it gives 0.
 */
export function transportChecksum(
  octets: Uint8Array,
  start: number,
  end: number,
  protocol: number,
  source: IpAddress,
  destination: IpAddress,
): number {
  const length = end - start
  const sum =
    onesComplementSum(octets, start, end) +
    addressSum(source) +
    addressSum(destination) +
    protocol +
    (length >>> 16) +
    (length & 0xffff)
  const folded = (sum >>> 16) + (sum & 0xffff)
  return 0xffff - ((folded & 0xffff) + (folded >>> 16))
}

/** The checksum when one 16-bit word that it covers changes (RFC 1624, equation 3). */
export function adjustChecksum(checksum: number, before: number, after: number): number {
  let sum = 0xffff - checksum + (0xffff - before) + after
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return 0xffff - sum
}
