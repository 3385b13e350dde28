/**
 * DER (ITU-T X.690 chapters 8 and 10), as much of it as certificates need: one element after another, and values of
 * the universal types that stand in them.
 *
 *     element: tag (1) ‖ length (1, or 1 + n) ‖ content; high tag numbers and indefinite lengths are not DER of X.509
 */
import { WireError } from '../../base/errors.js'
import { concatOctets, latin1Octets, latin1Text, utf8Octets } from '../../base/octets.js'

export const derTags = {
  boolean: 0x01,
  integer: 0x02,
  bitString: 0x03,
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  set: 0x31,
  utcTime: 0x17,
  generalizedTime: 0x18,
} as const

/** `[number]`, primitive or constructed. */
export function contextTag(number: number, form: 'primitive' | 'constructed'): number {
  return (form === 'constructed' ? 0xa0 : 0x80) | number
}

export interface DerElement {
  readonly tag: number
  readonly content: Uint8Array
  /** Tag and length included. */
  readonly whole: Uint8Array
}

/** Reads elements forward; every length is checked. Slices are views. Throws `WireError` of protocol `x509`. */
export class DerReader {
  private offset = 0

  constructor(private readonly octets: Uint8Array) {}

  get isEmpty(): boolean {
    return this.offset === this.octets.length
  }

  take(tag: number, what: string): DerElement {
    const at = this.offset
    const element = this.takeAny(what)
    if (element.tag !== tag) this.refuse(at, `${what} has tag 0x${element.tag.toString(16)}, not 0x${tag.toString(16)}`)
    return element
  }

  /** Null, and nothing read, when another element or none follows. */
  takeOptional(tag: number, what: string): DerElement | null {
    return this.octets[this.offset] === tag ? this.take(tag, what) : null
  }

  takeAny(what: string): DerElement {
    const start = this.offset
    const tag = this.octet(what)
    if ((tag & 0x1f) === 0x1f) this.refuse(start, `${what} has a tag of more than one octet`)
    const length = this.length(what)
    if (length > this.octets.length - this.offset) this.refuse(start, `${what} needs ${length} octets`)
    const content = this.octets.subarray(this.offset, this.offset + length)
    this.offset += length
    return { tag, content, whole: this.octets.subarray(start, this.offset) }
  }

  sequence(what: string): DerReader {
    return new DerReader(this.take(derTags.sequence, what).content)
  }

  objectIdentifier(what: string): string {
    return objectIdentifierText(this.take(derTags.objectIdentifier, what).content)
  }

  /** The octets of a BIT STRING that is a whole number of them. */
  bitString(what: string): Uint8Array {
    const { content } = this.take(derTags.bitString, what)
    if (content[0] !== 0) this.refuse(this.offset, `${what} is not a whole number of octets`)
    return content.subarray(1)
  }

  boolean(what: string): boolean {
    const { content } = this.take(derTags.boolean, what)
    if (content.length !== 1 || (content[0] !== 0 && content[0] !== 0xff))
      this.refuse(this.offset, `${what} is no BOOLEAN`)
    return content[0] === 0xff
  }

  /** UTCTime or GeneralizedTime (RFC 5280 section 4.1.2.5), in seconds since 1970. */
  time(what: string): number {
    const { tag, content } = this.takeAny(what)
    const text = latin1Text(content)
    const isShort = tag === derTags.utcTime && /^\d{12}Z$/.test(text)
    if (!isShort && !(tag === derTags.generalizedTime && /^\d{14}Z$/.test(text)))
      this.refuse(this.offset, `${what} is no time: ${JSON.stringify(text.slice(0, 20))}`)
    const century = Number(text.slice(0, 2)) < 50 ? '20' : '19'
    const seconds = secondsOfDigits(isShort ? century + text : text)
    if (seconds === null) this.refuse(this.offset, `${what} is no time: ${text}`)
    return seconds
  }

  expectEnd(what: string): void {
    if (!this.isEmpty) this.refuse(this.offset, `octets after ${what}`)
  }

  private octet(what: string): number {
    const value = this.octets[this.offset]
    if (value === undefined) this.refuse(this.offset, `${what} is missing`)
    this.offset++
    return value
  }

  private length(what: string): number {
    const at = this.offset
    const first = this.octet(what)
    if (first < 0x80) return first
    const count = first & 0x7f
    if (count === 0 || count > 3) this.refuse(at, `${what} has a length of ${count} octets`)
    let length = 0
    for (let i = 0; i < count; i++) length = (length << 8) | this.octet(what)
    if (length < 0x80 || length < 2 ** (8 * (count - 1)))
      this.refuse(at, `${what} has a length that is not the shortest`)
    return length
  }

  private refuse(offset: number, reason: string): never {
    throw new WireError('x509', offset, reason)
  }
}

/** One element of the given contents. */
export function der(tag: number, ...contents: Uint8Array[]): Uint8Array {
  const content = concatOctets(contents)
  const { length } = content
  const digits: number[] = []
  for (let rest = length; rest > 0; rest >>>= 8) digits.unshift(rest & 255)
  const head = length < 0x80 ? [tag, length] : [tag, 0x80 | digits.length, ...digits]
  return concatOctets([Uint8Array.from(head), content])
}

export function derSequence(...contents: Uint8Array[]): Uint8Array {
  return der(derTags.sequence, ...contents)
}

/** A positive INTEGER of those big-endian octets, the first of which is not 0. */
export function derInteger(bigEndian: Uint8Array): Uint8Array {
  const sign = (bigEndian[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : new Uint8Array(0)
  return der(derTags.integer, sign, bigEndian)
}

/** `text` as `1.3.101.112`. */
export function derObjectIdentifier(text: string): Uint8Array {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  const octets: number[] = []
  for (const arc of [40 * first + second, ...rest]) {
    const digits = [arc & 127]
    for (let high = arc >>> 7; high > 0; high >>>= 7) digits.unshift(0x80 | (high & 127))
    octets.push(...digits)
  }
  return der(derTags.objectIdentifier, Uint8Array.from(octets))
}

export function derBitString(octets: Uint8Array, unusedBits = 0): Uint8Array {
  return der(derTags.bitString, Uint8Array.of(unusedBits), octets)
}

export function derUtf8String(text: string): Uint8Array {
  return der(derTags.utf8String, utf8Octets(text))
}

/** UTCTime until 2049, GeneralizedTime after (RFC 5280 section 4.1.2.5). */
export function derTime(secondsSince1970: number): Uint8Array {
  const digits = `${digitsOfSeconds(secondsSince1970)}Z`
  return digits < '205'
    ? der(derTags.utcTime, latin1Octets(digits.slice(2)))
    : der(derTags.generalizedTime, latin1Octets(digits))
}

function objectIdentifierText(content: Uint8Array): string {
  const arcs: number[] = []
  let arc = 0
  for (const octet of content) {
    arc = arc * 128 + (octet & 127)
    if (octet >= 0x80) continue
    if (arcs.length > 0) arcs.push(arc)
    else {
      const first = Math.min(2, Math.floor(arc / 40))
      arcs.push(first, arc - 40 * first)
    }
    arc = 0
  }
  return arcs.join('.')
}

const DAY_SECONDS = 86_400

/** Of the Gregorian calendar, counted from 1970-01-01; years begin in March, so that leap days come last. */
function daysOfDate(year: number, month: number, day: number): number {
  const marchYear = month > 2 ? year : year - 1
  const dayOfYear = Math.floor((153 * ((month + 9) % 12) + 2) / 5) + day - 1
  const leapDays = Math.floor(marchYear / 4) - Math.floor(marchYear / 100) + Math.floor(marchYear / 400)
  return 365 * marchYear + leapDays + dayOfYear - 719_468
}

/** `yyyymmddhhmmss`; null if there is no such moment. */
function secondsOfDigits(text: string): number | null {
  const part = (at: number, length = 2): number => Number(text.slice(at, at + length))
  const [hour, minute, second] = [part(8), part(10), part(12)]
  const days = daysOfDate(part(0, 4), part(4), part(6))
  const seconds = days * DAY_SECONDS + hour * 3600 + minute * 60 + second
  return digitsOfSeconds(seconds) === text.slice(0, 14) ? seconds : null
}

function digitsOfSeconds(secondsSince1970: number): string {
  const days = Math.floor(secondsSince1970 / DAY_SECONDS)
  const inDay = secondsSince1970 - days * DAY_SECONDS
  let year = 1970 + Math.floor(days / 365.2425)
  if (daysOfDate(year, 1, 1) > days) year--
  else if (daysOfDate(year + 1, 1, 1) <= days) year++
  let month = 12
  while (daysOfDate(year, month, 1) > days) month--
  const day = days - daysOfDate(year, month, 1) + 1
  const two = (value: number): string => String(value).padStart(2, '0')
  const clock = [Math.floor(inDay / 3600), Math.floor(inDay / 60) % 60, inDay % 60]
  return String(year).padStart(4, '0') + [month, day, ...clock].map(two).join('')
}
