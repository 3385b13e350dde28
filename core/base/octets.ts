/**
 * Reading and writing octets. Network byte order (big-endian) unless a name says `le`.
 *
 * The free functions do not check bounds beyond what JavaScript does (outside reads give 0): callers check the length
 * once. `OctetReader` checks every read and throws `WireError`.
 */
import { WireError } from './errors.js'

export function readU16be(octets: Uint8Array, offset: number): number {
  return ((octets[offset] ?? 0) << 8) | (octets[offset + 1] ?? 0)
}

export function readU32be(octets: Uint8Array, offset: number): number {
  return ((readU16be(octets, offset) << 16) | readU16be(octets, offset + 2)) >>> 0
}

/** Values above 2^53 lose precision: callers that need all 64 bits read two halves. */
export function readU64be(octets: Uint8Array, offset: number): number {
  return readU32be(octets, offset) * 0x1_0000_0000 + readU32be(octets, offset + 4)
}

export function readU32le(octets: Uint8Array, offset: number): number {
  return (
    ((octets[offset] ?? 0) |
      ((octets[offset + 1] ?? 0) << 8) |
      ((octets[offset + 2] ?? 0) << 16) |
      ((octets[offset + 3] ?? 0) << 24)) >>>
    0
  )
}

export function writeU16be(octets: Uint8Array, offset: number, value: number): void {
  octets[offset] = value >>> 8
  octets[offset + 1] = value
}

export function writeU32be(octets: Uint8Array, offset: number, value: number): void {
  octets[offset] = value >>> 24
  octets[offset + 1] = value >>> 16
  octets[offset + 2] = value >>> 8
  octets[offset + 3] = value
}

export function writeU32le(octets: Uint8Array, offset: number, value: number): void {
  octets[offset] = value
  octets[offset + 1] = value >>> 8
  octets[offset + 2] = value >>> 16
  octets[offset + 3] = value >>> 24
}

/** `value` is a non-negative integer below 2^53. */
export function writeU64be(octets: Uint8Array, offset: number, value: number): void {
  writeU32be(octets, offset, Math.floor(value / 0x1_0000_0000))
  writeU32be(octets, offset + 4, value >>> 0)
}

/** A new array holding the parts one after another. */
export function concatOctets(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0
  for (const part of parts) length += part.length
  const whole = new Uint8Array(length)
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.length
  }
  return whole
}

/** Shorter ones are not worth two views. */
const WORDWISE_OCTETS_MIN = 256

export function equalOctets(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false
  let compared = 0
  if (a.length >= WORDWISE_OCTETS_MIN && a.byteOffset % 4 === 0 && b.byteOffset % 4 === 0) {
    const words = a.length >>> 2
    const [these, those] = [
      new Uint32Array(a.buffer, a.byteOffset, words),
      new Uint32Array(b.buffer, b.byteOffset, words),
    ]
    for (let i = 0; i < words; i++) if (these[i] !== those[i]) return false
    compared = 4 * words
  }
  for (let i = compared; i < a.length; i++) if (a[i] !== b[i]) return false
  return true
}

/** Lower-case hexadecimal, two digits an octet, no separators. */
export function hexOf(octets: Uint8Array): string {
  let text = ''
  for (const octet of octets) text += octet.toString(16).padStart(2, '0')
  return text
}

/** The inverse of `hexOf`; white space is ignored. Throws `WireError` on an odd length or another character. */
export function octetsOfHex(hex: string): Uint8Array {
  const digits = hex.replace(/\s+/g, '')
  if (digits.length % 2 !== 0) throw new WireError('hex', digits.length, 'odd number of digits')
  const octets = new Uint8Array(digits.length / 2)
  for (let i = 0; i < octets.length; i++) {
    const pair = digits.slice(2 * i, 2 * i + 2)
    if (!/^[0-9a-fA-F]{2}$/.test(pair)) throw new WireError('hex', 2 * i, `not a pair of digits: ${pair}`)
    octets[i] = parseInt(pair, 16)
  }
  return octets
}

/** One octet a character; a character above U+00FF becomes `?`. */
export function latin1Octets(text: string): Uint8Array {
  const octets = new Uint8Array(text.length)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    octets[i] = code < 256 ? code : 0x3f
  }
  return octets
}

/** One character an octet. */
export function latin1Text(octets: Uint8Array): string {
  let text = ''
  for (let i = 0; i < octets.length; i += 4096) text += String.fromCharCode(...octets.subarray(i, i + 4096))
  return text
}

/** UTF-8 (RFC 3629); a lone surrogate becomes U+FFFD. */
export function utf8Octets(text: string): Uint8Array {
  const out: number[] = []
  for (const character of text) {
    let code = character.codePointAt(0) ?? 0xfffd
    if (code >= 0xd800 && code < 0xe000) code = 0xfffd
    if (code < 0x80) out.push(code)
    else if (code < 0x800) out.push(0xc0 | (code >> 6), 0x80 | (code & 63))
    else if (code < 0x10000) out.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
    else out.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 63), 0x80 | ((code >> 6) & 63), 0x80 | (code & 63))
  }
  return Uint8Array.from(out)
}

/** The inverse of `utf8Octets`; each octet that belongs to no character becomes U+FFFD. */
export function utf8Text(octets: Uint8Array): string {
  let text = ''
  for (let at = 0; at < octets.length;) {
    const first = octets[at] ?? 0
    const length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
    let code = length === 1 ? first : first & (0x7f >> length)
    let isValid = first < 0x80 || (first >= 0xc2 && first < 0xf5 && at + length <= octets.length)
    for (let i = 1; i < length && isValid; i++) {
      const next = octets[at + i] ?? 0
      isValid = (next & 0xc0) === 0x80
      code = (code << 6) | (next & 63)
    }
    isValid &&= code >= ([0, 0, 0x80, 0x800, 0x10000][length] ?? 0) && code < 0x110000 && (code & 0x1ff800) !== 0xd800
    text += isValid ? String.fromCodePoint(code) : '\ufffd'
    at += isValid ? length : 1
  }
  return text
}

/** Reads forward through `octets`, checking every length. Slices are views, not copies. */
export class OctetReader {
  offset = 0
  constructor(
    readonly octets: Uint8Array,
    readonly protocol: string,
  ) {}

  get remaining(): number {
    return this.octets.length - this.offset
  }

  private take(length: number, what: string): number {
    if (length < 0 || this.remaining < length)
      throw new WireError(this.protocol, this.offset, `${what} needs ${length} octets, ${this.remaining} are left`)
    const at = this.offset
    this.offset += length
    return at
  }

  u8(what = 'u8'): number {
    return this.octets[this.take(1, what)] ?? 0
  }
  u16(what = 'u16'): number {
    return readU16be(this.octets, this.take(2, what))
  }
  u32(what = 'u32'): number {
    return readU32be(this.octets, this.take(4, what))
  }
  /** Exact up to 2^53. */
  u64(what = 'u64'): number {
    return readU64be(this.octets, this.take(8, what))
  }
  view(length: number, what = 'octets'): Uint8Array {
    const at = this.take(length, what)
    return this.octets.subarray(at, at + length)
  }
  latin1(length: number, what = 'text'): string {
    return latin1Text(this.view(length, what))
  }
}

const scratch = new DataView(new ArrayBuffer(8))

/** A growing buffer. `take()` hands over a view of what was written and starts afresh. */
export class OctetWriter {
  private buffer: Uint8Array
  private used = 0
  constructor(capacity = 256) {
    this.buffer = new Uint8Array(capacity)
  }

  get length(): number {
    return this.used
  }

  private reserve(length: number): number {
    const needed = this.used + length
    if (needed > this.buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2))
      grown.set(this.buffer.subarray(0, this.used))
      this.buffer = grown
    }
    const at = this.used
    this.used = needed
    return at
  }

  u8(value: number): this {
    // Reserve first: it may put another buffer in place of this one.
    const at = this.reserve(1)
    this.buffer[at] = value
    return this
  }
  u16(value: number): this {
    const at = this.reserve(2)
    writeU16be(this.buffer, at, value)
    return this
  }
  u32(value: number): this {
    const at = this.reserve(4)
    writeU32be(this.buffer, at, value)
    return this
  }
  /** `value` is a non-negative integer below 2^53. */
  u64(value: number): this {
    const at = this.reserve(8)
    writeU64be(this.buffer, at, value)
    return this
  }
  /** IEEE 754 binary64. */
  f64(value: number): this {
    const at = this.reserve(8)
    scratch.setFloat64(0, value)
    writeU32be(this.buffer, at, scratch.getUint32(0))
    writeU32be(this.buffer, at + 4, scratch.getUint32(4))
    return this
  }
  octets(value: Uint8Array): this {
    const at = this.reserve(value.length)
    this.buffer.set(value, at)
    return this
  }
  latin1(text: string): this {
    return this.octets(latin1Octets(text))
  }

  /** The octets written so far; valid until the next write. */
  written(): Uint8Array {
    return this.buffer.subarray(0, this.used)
  }

  /** Start again, in the same buffer. */
  clear(): void {
    this.used = 0
  }

  /** Hand the octets over: the caller owns them, this writer starts empty with a new buffer. */
  take(): Uint8Array {
    const whole = this.buffer.subarray(0, this.used)
    this.buffer = new Uint8Array(256)
    this.used = 0
    return whole
  }
}
