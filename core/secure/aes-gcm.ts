/**
 * AES-GCM (NIST SP 800-38D) with nonces of 12 octets and tags of 16, for many short messages under one key.
 *
 * The cipher is noble's. Its own GCM makes the key schedule and GHASH's table anew for every message, which costs several
 * times the sealing of one packet; here both are kept for the keys used last. They follow from the key, so nothing that
 * anybody can observe depends on what is kept but the wall time.
 */
import { unsafe } from '@noble/ciphers/aes.js'
import { assert } from '../base/errors.js'
import { equalOctets, latin1Text, readU32be, readU32le, writeU32be, writeU32le } from '../base/octets.js'

const BLOCK_OCTETS = 16
const NONCE_OCTETS = 12
export const GCM_TAG_OCTETS = 16
const KEYS_MAX = 16
/** x^128 = x^7 + x^2 + x + 1, as GHASH's reflected bits have it. */
const REDUCTION = 0xe100_0000
const WORDS = 4
const BYTE_VALUES = 256

interface PreparedKey {
  readonly roundKeys: Uint32Array
  /** For every place in a block and every value of the octet there: that octet times H, four words. */
  readonly products: Uint32Array
}

/** By key; the oldest first. */
const prepared = new Map<string, PreparedKey>()
/** By the array that the key was given in: keys are not changed where they are. */
const byArray = new WeakMap<Uint8Array, PreparedKey>()

/** What is sealed, then the tag. */
export function sealGcm(key: Uint8Array, nonce: Uint8Array, associated: Uint8Array, plain: Uint8Array): Uint8Array {
  const out = new Uint8Array(plain.length + GCM_TAG_OCTETS)
  sealGcmInto(out, key, nonce, associated, plain)
  return out
}

/** `out` is `GCM_TAG_OCTETS` longer than `plain`. */
export function sealGcmInto(
  out: Uint8Array,
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  plain: Uint8Array,
): void {
  const { roundKeys, products } = prepare(key)
  const sealed = out.subarray(0, plain.length)
  crypt(roundKeys, nonce, plain, sealed)
  out.set(tagOf(roundKeys, products, nonce, associated, sealed), plain.length)
}

/** Null when the tag is wrong. */
export function openGcm(
  key: Uint8Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  sealedAndTag: Uint8Array,
): Uint8Array | null {
  const length = sealedAndTag.length - GCM_TAG_OCTETS
  if (length < 0) return null
  const { roundKeys, products } = prepare(key)
  const sealed = sealedAndTag.subarray(0, length)
  const tag = tagOf(roundKeys, products, nonce, associated, sealed)
  if (!equalOctets(tag, sealedAndTag.subarray(length))) return null
  const plain = new Uint8Array(length)
  crypt(roundKeys, nonce, sealed, plain)
  return plain
}

/** Filled anew for each use. */
const counter = new Uint8Array(BLOCK_OCTETS)
const lengths = new Uint8Array(BLOCK_OCTETS)
const sum = new Uint32Array(WORDS)
const padded = new Uint8Array(BLOCK_OCTETS)
const tag = new Uint8Array(GCM_TAG_OCTETS)

function counterBlock(nonce: Uint8Array, count: number): Uint8Array {
  assert(nonce.length === NONCE_OCTETS, `a GCM nonce of ${nonce.length} octets`)
  counter.set(nonce)
  writeU32be(counter, NONCE_OCTETS, count)
  return counter
}

/** Counter mode from the second block on, a word at a time where both lie so. */
function crypt(roundKeys: Uint32Array, nonce: Uint8Array, from: Uint8Array, to: Uint8Array): void {
  const isAligned = from.byteOffset % 4 === 0 && to.byteOffset % 4 === 0
  counterBlock(nonce, 0)
  const [n0, n1, n2] = [readU32le(counter, 0), readU32le(counter, 4), readU32le(counter, 8)]
  const whole = isAligned ? from.length >>> 4 : 0
  const [these, those] = [wordsOf(from, whole), wordsOf(to, whole)]
  for (let block = 0, word = 0; block < whole; block++, word += WORDS) {
    const { s0, s1, s2, s3 } = unsafe.encrypt(roundKeys, n0, n1, n2, swapped(block + 2))
    those[word] = (these[word] as number) ^ s0
    those[word + 1] = (these[word + 1] as number) ^ s1
    those[word + 2] = (these[word + 2] as number) ^ s2
    those[word + 3] = (these[word + 3] as number) ^ s3
  }
  for (let at = whole * BLOCK_OCTETS; at < from.length; at += BLOCK_OCTETS) {
    const { s0, s1, s2, s3 } = unsafe.encrypt(roundKeys, n0, n1, n2, swapped(at / BLOCK_OCTETS + 2))
    writeU32le(padded, 0, s0)
    writeU32le(padded, 4, s1)
    writeU32le(padded, 8, s2)
    writeU32le(padded, 12, s3)
    const end = Math.min(from.length, at + BLOCK_OCTETS)
    for (let place = at; place < end; place++) to[place] = (from[place] as number) ^ (padded[place - at] as number)
  }
}

function wordsOf(octets: Uint8Array, blocks: number): Uint32Array {
  return blocks === 0 ? noWords : new Uint32Array(octets.buffer, octets.byteOffset, WORDS * blocks)
}

const noWords = new Uint32Array(0)

/** The cipher's words are little-endian, the counter is not (SP 800-38D section 6.2). */
function swapped(count: number): number {
  return (count << 24) | ((count & 0xff00) << 8) | ((count >>> 8) & 0xff00) | (count >>> 24)
}

/** Lent until the next call. */
function tagOf(
  roundKeys: Uint32Array,
  products: Uint32Array,
  nonce: Uint8Array,
  associated: Uint8Array,
  sealed: Uint8Array,
): Uint8Array {
  sum.fill(0)
  ghash(products, associated)
  ghash(products, sealed)
  writeU32be(lengths, 4, associated.length * 8)
  writeU32be(lengths, 12, sealed.length * 8)
  ghash(products, lengths)
  counterBlock(nonce, 1)
  const [n0, n1, n2, n3] = [readU32le(counter, 0), readU32le(counter, 4), readU32le(counter, 8), readU32le(counter, 12)]
  const { s0, s1, s2, s3 } = unsafe.encrypt(roundKeys, n0, n1, n2, n3)
  writeTagWord(0, s0)
  writeTagWord(1, s1)
  writeTagWord(2, s2)
  writeTagWord(3, s3)
  return tag
}

/** The key stream is of little-endian words, GHASH's sum of big-endian ones. */
function writeTagWord(word: number, keyStream: number): void {
  writeU32le(tag, 4 * word, keyStream)
  writeU32be(tag, 4 * word, readU32be(tag, 4 * word) ^ (sum[word] ?? 0))
}

/** Take `octets` into `sum`, filled up with zeros to whole blocks. */
function ghash(products: Uint32Array, octets: Uint8Array): void {
  let [y0, y1, y2, y3] = [sum[0] ?? 0, sum[1] ?? 0, sum[2] ?? 0, sum[3] ?? 0]
  for (let at = 0; at < octets.length; at += BLOCK_OCTETS) {
    const isWhole = at + BLOCK_OCTETS <= octets.length
    if (!isWhole) fillUp(octets, at)
    const block = isWhole ? octets : padded
    const start = isWhole ? at : 0
    let word = y0 ^ readU32be(block, start)
    const x1 = y1 ^ readU32be(block, start + 4)
    const x2 = y2 ^ readU32be(block, start + 8)
    const x3 = y3 ^ readU32be(block, start + 12)
    y0 = y1 = y2 = y3 = 0
    for (let place = 0; place < BLOCK_OCTETS; place++) {
      const entry = WORDS * (BYTE_VALUES * place + (word >>> 24))
      y0 ^= products[entry] as number
      y1 ^= products[entry + 1] as number
      y2 ^= products[entry + 2] as number
      y3 ^= products[entry + 3] as number
      word <<= 8
      if (place === 3) word = x1
      else if (place === 7) word = x2
      else if (place === 11) word = x3
    }
  }
  sum[0] = y0
  sum[1] = y1
  sum[2] = y2
  sum[3] = y3
}

function fillUp(octets: Uint8Array, at: number): void {
  padded.fill(0)
  padded.set(octets.subarray(at))
}

function prepare(key: Uint8Array): PreparedKey {
  let known = byArray.get(key)
  if (known !== undefined) return known
  const name = latin1Text(key)
  known = prepared.get(name) ?? makeReady(name, key)
  byArray.set(key, known)
  return known
}

function makeReady(name: string, key: Uint8Array): PreparedKey {
  const roundKeys = unsafe.expandKeyLE(key)
  const h = unsafe.ctr32(roundKeys, false, new Uint8Array(BLOCK_OCTETS), new Uint8Array(BLOCK_OCTETS))
  const made = { roundKeys, products: productsOf(h) }
  for (const oldest of prepared.keys()) {
    if (prepared.size < KEYS_MAX) break
    prepared.delete(oldest)
  }
  prepared.set(name, made)
  return made
}

function productsOf(h: Uint8Array): Uint32Array {
  const products = new Uint32Array(BLOCK_OCTETS * BYTE_VALUES * WORDS)
  // H times x to the power of the bit's place: the first bit of an octet is its highest.
  const power = Uint32Array.from({ length: WORDS }, (_, word) => readU32be(h, 4 * word))
  for (let place = 0; place < BLOCK_OCTETS; place++)
    for (let bit = 0x80; bit > 0; bit >>>= 1) {
      products.set(power, WORDS * (BYTE_VALUES * place + bit))
      timesX(power)
    }
  for (let place = 0; place < BLOCK_OCTETS; place++)
    for (let value = 1; value < BYTE_VALUES; value++) {
      const [lowest, rest] = [value & -value, value & (value - 1)]
      if (rest === 0) continue
      const base = BYTE_VALUES * place
      for (let word = 0; word < WORDS; word++)
        products[WORDS * (base + value) + word] =
          (products[WORDS * (base + lowest) + word] ?? 0) ^ (products[WORDS * (base + rest) + word] ?? 0)
    }
  return products
}

function timesX(power: Uint32Array): void {
  const [a = 0, b = 0, c = 0, d = 0] = power
  power[0] = (a >>> 1) ^ ((d & 1) === 1 ? REDUCTION : 0)
  power[1] = (b >>> 1) | (a << 31)
  power[2] = (c >>> 1) | (b << 31)
  power[3] = (d >>> 1) | (c << 31)
}
