/**
 * Secrets that say what they are: `password=...`, `"token": "..."`, HTTP cookies and authorization, URLs with a password,
 * tokens with a vendor's prefix, JSON web tokens; and records of a key and a value.
 */
import { isPasswordHash } from './find-password-hashes.js'
import type { FindingList, SecretFinding } from './secret-finding.js'
import {
  classOfKey,
  isSecretValue,
  looksChosen,
  looksRandom,
  looksStrong,
  mayBeSecretKey,
  varietyOf,
} from './secret-words.js'
import {
  fieldAt,
  fieldStartBefore,
  isAlphanumeric,
  isKeyCharacter,
  isWordOctet,
  offsetIn,
  placeOf,
  textOf,
  type TextRun,
} from './text-run.js'

const KEY_MAX = 48
const VALUE_MAX = 512
const SPACE = 0x20
const QUOTE = 0x22
const APOSTROPHE = 0x27
const COLON = 0x3a
const SLASH = 0x2f

function add(
  run: TextRun,
  from: number,
  value: string,
  finding: Omit<SecretFinding, 'places' | 'value'>,
  found: FindingList,
): void {
  found.add({ ...finding, value }, placeOf(run, from, from + value.length))
}

/** The end of the characters from `from` that are not white space and not among `stops`. */
function endOfWord(octets: Uint8Array, from: number, stops: string): number {
  const limit = Math.min(octets.length, from + VALUE_MAX)
  let end = from
  while (end < limit && isWordOctet(octets[end]) && !stops.includes(String.fromCharCode(octets[end]!))) end++
  return end
}

/** An equals sign or a colon stands at `at`: what is before it may be a key, what is after it a value. Returns where the
 *  search goes on: past a long value, which is not read again at each sign in it. */
export function findSetting(run: TextRun, at: number, found: FindingList): number {
  return Math.max(at + 1, settingEnd(run, at, found))
}

/** The end of what was read as a value, if that was long; else 0. */
function settingEnd(run: TextRun, at: number, found: FindingList): number {
  const { octets } = run
  if (octets[at] === COLON && octets[at + 1] === SLASH && octets[at + 2] === SLASH) return findUrl(run, at, found)

  let keyEnd = at
  while (octets[keyEnd - 1] === SPACE && at - keyEnd < 2) keyEnd--
  const quote = octets[keyEnd - 1]
  if (quote === QUOTE || quote === APOSTROPHE) keyEnd--
  let keyStart = keyEnd
  while (keyEnd - keyStart < KEY_MAX && isKeyCharacter(octets[keyStart - 1])) keyStart--
  if (keyEnd - keyStart < 3 || !mayBeSecretKey(octets, keyStart, keyEnd)) return 0
  const key = textOf(run, keyStart, keyEnd)
  if (octets[at] === COLON && /^(?:set-)?cookie$/i.test(key)) return findCookies(run, at + 1, found)
  const keyClass = classOfKey(key)
  if (keyClass === 'none') return 0

  let from = at + 1
  while (octets[from] === SPACE && from - at <= 4) from++
  if (/^(?:proxy-)?authorization$/i.test(key)) return findAuthorization(run, from, found)
  const opening = octets[from]
  const isQuoted = opening === QUOTE || opening === APOSTROPHE
  if (isQuoted) from++
  const end = endOfWord(octets, from, isQuoted ? String.fromCharCode(opening) : '"\';&,<>')
  const past = end - from > KEY_MAX ? end : 0
  const value = textOf(run, from, end)
  if (
    isPasswordHash(value) ||
    !isSecretValue(value, keyClass, isQuoted) ||
    key.toLowerCase().includes(value.toLowerCase())
  )
    return past
  // Spaces around the sign are a configuration's, or a program's, whose names hold letters only.
  if (octets[at] !== COLON && !isQuoted && from > at + 1 && varietyOf(value.replace(/\W+$/, '')) < 2) return past
  // After a bare colon most texts go on with words.
  if (octets[at] === COLON && !isQuoted && (from === at + 1 ? !looksStrong(value) : varietyOf(value) < 2)) return past
  const user = keyClass === 'password' ? userBefore(run, keyStart) : ''
  if (user !== '')
    add(
      run,
      from,
      value,
      { kind: 'credential', name: user, confidence: 'high', why: `"${key}" after a user name` },
      found,
    )
  else addKeyed(run, from, value, key, found)
  return past
}

function addKeyed(run: TextRun, from: number, value: string, key: string, found: FindingList): void {
  const isIssued = isToken(value) || (classOfKey(key) !== 'password' && looksRandom(value))
  const kind = isIssued ? 'token' : 'setting'
  add(run, from, value, { kind, name: key, confidence: 'high', why: `value of "${key}"` }, found)
}

/** The value of a `user=` or `login:` shortly before a password, or ''. */
function userBefore(run: TextRun, keyStart: number): string {
  const before = textOf(run, Math.max(0, keyStart - 120), keyStart)
  const match =
    /(?:user(?:_?name)?|login|account|email)["']?\s*[:=]\s*["']?([A-Za-z_][\w.@-]{1,63})["']?[^\0]{0,40}$/i.exec(before)
  return match?.[1] ?? ''
}

/** RFC 6265 section 4: `name=value` pairs; attributes and cookies that only keep a preference are left out. */
function findCookies(run: TextRun, from: number, found: FindingList): number {
  let at = from
  for (let pairs = 0; pairs < 32; pairs++) {
    while (run.octets[at] === SPACE || run.octets[at] === 0x3b) at++
    const end = endOfWord(run.octets, at, ';')
    if (end === at) break
    const pair = textOf(run, at, end)
    const [, name = '', value = ''] = /^([^=]+)=(.*)$/.exec(pair) ?? []
    const isSession = /sid|sess|auth|token|jwt|csrf|login|remember/i.test(name) && value.length >= 8
    if (isSession || looksRandom(value))
      add(run, at, pair, { kind: 'cookie', name, confidence: 'high', why: 'pair of an HTTP cookie header' }, found)
    at = end
  }
  return at
}

/** RFC 9110 section 11.6.2: a scheme and what it carries. */
function findAuthorization(run: TextRun, from: number, found: FindingList): number {
  const match = /^(Basic|Bearer|Digest|Token) +([\x21-\x7e]{6,})/i.exec(textOf(run, from, from + VALUE_MAX))
  if (match === null) return 0
  const [, scheme = '', value = ''] = match
  const valueAt = from + match[0].length - value.length
  add(
    run,
    valueAt,
    value,
    { kind: 'token', name: scheme, confidence: 'high', why: `HTTP authorization, ${scheme}` },
    found,
  )
  return valueAt + value.length
}

/** RFC 3986 section 3.2.1: `scheme://user:password@host`. The colon stands at `at`. */
function findUrl(run: TextRun, at: number, found: FindingList): number {
  const { octets } = run
  let start = at
  while (at - start < 24 && (isAlphanumeric(octets[start - 1]) || octets[start - 1] === 0x2b)) start--
  const end = endOfWord(octets, at + 3, '"\'<>`|\\')
  const past = end - at > KEY_MAX ? end : 0
  const url = textOf(run, start, end)
  const match = /^[A-Za-z][A-Za-z0-9+]*:\/\/([^\s/?#:@]*):([^\s/?#@]{3,})@[A-Za-z0-9.[\]_-]+/.exec(url)
  if (match === null || /^%s|^[{$<*]/.test(match[2] ?? '')) return past
  const name = match[1] ?? ''
  add(
    run,
    start,
    url,
    { kind: 'credential', name, confidence: 'high', why: 'URL with a password before the host' },
    found,
  )
  return past
}

const DOT = 0x2e
/** Fewest characters after the last prefix of a token. */
const TOKEN_TAIL_MIN = 16
/** What may be an issued token: up to three prefixes, or AWS's, Google's and JWT's own forms. */
const tokenShapes =
  /^(?:(?:[A-Za-z]{2,8}[_-]){1,3}[A-Za-z0-9]{16,}|AKIA[A-Z0-9]{16}|AIza[\w-]{35}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,})$/

/** An issuer's prefix, then anything that long: enough beside a secret's key, too little where it stands alone. */
const prefixedValue = /^[A-Za-z]{2,8}[_-][A-Za-z0-9]{16,}$/

/** Whether a whole word has the shape of an issued token: a prefix that names the issuer, then characters by chance. */
export function isToken(word: string): boolean {
  if (!tokenShapes.test(word)) return false
  const tail = word.slice(Math.max(word.lastIndexOf('_'), word.lastIndexOf('-')) + 1)
  return word.startsWith('eyJ') || looksRandom(tail) || (/^AK|^AI/.test(word) && varietyOf(word) >= 2)
}

/** An underscore or a dot stands at `at`: the word around it may be a token. Returns where the search goes on. */
export function findToken(run: TextRun, at: number, found: FindingList): number {
  const { octets } = run
  let tailEnd = at + 1
  while (tailEnd - at <= TOKEN_TAIL_MIN && isAlphanumeric(octets[tailEnd])) tailEnd++
  if (tailEnd - at <= TOKEN_TAIL_MIN && octets[at] !== DOT) return at + 1
  let start = at
  while (at - start < KEY_MAX && isKeyCharacter(octets[start - 1])) start--
  if (tailEnd - at <= TOKEN_TAIL_MIN && textOf(run, start, start + 3) !== 'eyJ') return at + 1
  let end = at + 1
  while (end - start < VALUE_MAX && isKeyCharacter(octets[end])) end++
  const length = end - start
  if (length < 20 || length >= VALUE_MAX) return length > KEY_MAX ? end : at + 1
  const word = textOf(run, start, end)
  if (isToken(word))
    add(
      run,
      start,
      word,
      { kind: 'token', name: '', confidence: 'high', why: 'issuer prefix, then characters by chance' },
      found,
    )
  // A long word is not read again at each of its dots.
  return length > KEY_MAX ? end : at + 1
}

const FIELD_GAP_MAX = 96

/**
 * The run is one whole field of a record, ended by a zero character. If the field before it is a secret's key, this
 * is its value; of constants that merely follow one another in a program, most have no value's variety.
 */
export function findKeyedField(run: TextRun, image: Uint8Array, found: FindingList): void {
  const valueAt = offsetIn(run, run.start)
  const keyAt = fieldStartBefore(image, valueAt, run.width, FIELD_GAP_MAX)
  if (keyAt < 0) return
  if (!mayBeSecretKey(image, keyAt, valueAt)) return
  const key = fieldAt(image, keyAt, run.width)
  if (key.length < 3 || key.length > KEY_MAX || !/^[A-Za-z][\w.-]*$/.test(key)) return
  const keyClass = classOfKey(key)
  if (keyClass === 'none') return
  const value = textOf(run, run.start, run.end)
  const paddingOctets = valueAt - keyAt - key.length * run.width
  // Compilers align constants to 4 or 8 octets; more zeros than that are the padding of a field of fixed length.
  const isFixedField = paddingOctets > 8 * run.width
  if (/\s/.test(value) || isPasswordHash(value) || !isSecretValue(value, keyClass, true)) return
  const isPlain =
    /^[A-Za-z0-9]+$/.test(value) ||
    looksChosen(value) ||
    looksRandom(value) ||
    isToken(value) ||
    prefixedValue.test(value)
  if (isFixedField && !isPlain) return
  // Constants of a program stand as close: there, only what no program would name or print counts.
  if (!isFixedField && (/^[A-Za-z_]\w*=/.test(value) || !(looksStrong(value) || isToken(value)))) return
  if (classOfKey(value) !== 'none' && !/\d/.test(value)) return
  addKeyed(run, run.start, value, key, found)
}
